//! What those do who manage models: providers are connected, tested, changed and removed, models offered or not. Written,
//! then felt at once on every server.
//!
//! A key goes in and never comes out: it is sealed for its provider and the server that it was typed for. With another
//! address it has to be typed again, also for a test.

use std::{collections::HashMap, sync::Arc};

use reqwest::Url;
use uuid::Uuid;

use super::{
    ai::{Heard, Provider, address, named, remote::Remote},
    auth::{client::Client, guard::Known},
    db::{AdminDb, ProviderChange, SealedKey, StoredProvider},
    site,
    state::AppState,
};
use crate::{
    domain::{
        admin::Permission,
        ids::ProviderId,
        model::{EMBEDDED_PROVIDER, ModelName},
        provider::{OfferedModel, ProviderKey, ProviderName, ProviderState, ProviderTest, ProviderView, StoredView},
    },
    error::{Error, InvalidInput, Result},
};

/// What was typed about a provider's place.
pub struct Place {
    pub base_url: Url,
    /// None when no key was typed.
    pub key: Option<ProviderKey>,
    /// Whether the key that is there is to be forgotten.
    pub forgets_key: bool,
}

/// Every provider: those that the server was started with, and those that were added.
///
/// # Errors
/// [`Error::Forbidden`].
pub async fn list(state: &AppState, known: &Known) -> Result<Vec<ProviderView>> {
    let admin = known.db.admin(Permission::ManageModels)?;
    let stored = admin.list_providers().await?;
    let mut hidden: HashMap<String, Vec<ModelName>> = HashMap::new();
    for model in state.models.hidden() {
        hidden.entry(model.provider().to_owned()).or_default().push(model);
    }
    let (mut views, mut heard_of_stored) = (Vec::new(), HashMap::new());
    for (name, heard) in state.models.heard().await {
        if state.models.is_configured(&name) {
            let base_url = match &state.config.models.openai_base_url {
                Some(url) if name != EMBEDDED_PROVIDER => url.to_string(),
                _ => String::new(),
            };
            let models = offered(&heard.models, hidden.remove(&name));
            views.push(ProviderView { name, base_url, state: state_of(&heard), stored: None, models });
        } else {
            heard_of_stored.insert(name, heard);
        }
    }
    for provider in stored {
        let heard = heard_of_stored.remove(&provider.name).filter(|_| provider.is_enabled);
        let is_connected = heard.is_some() && !state.models.is_configured(&provider.name);
        let shown = match (&heard, provider.is_enabled) {
            (_, false) => ProviderState::Disabled,
            (Some(heard), true) if is_connected => state_of(heard),
            _ => site::connect(state, &provider).err().unwrap_or(ProviderState::Asked),
        };
        let models = heard.map(|heard| heard.models).unwrap_or_default();
        let models = offered(&models, hidden.remove(&provider.name));
        let StoredProvider { id, name, base_url, is_enabled, key } = provider;
        let stored = StoredView {
            id,
            has_key: key.is_some(),
            key_hint: key.map(|key| key.hint).unwrap_or_default(),
            is_enabled,
        };
        views.push(ProviderView { name, base_url, state: shown, stored: Some(stored), models });
    }
    Ok(views)
}

/// Connects another provider.
///
/// # Errors
/// [`Error::Forbidden`]; [`InvalidInput::ProviderName`] when the name is taken.
pub async fn add(
    state: &AppState,
    known: &Known,
    client: &Client,
    name: &ProviderName,
    place: Place,
    is_enabled: bool,
) -> Result<()> {
    let admin = known.db.admin(Permission::ManageModels)?;
    if state.models.is_configured(name.as_str()) {
        return Err(InvalidInput::ProviderName.into());
    }
    let id = ProviderId(Uuid::now_v7());
    let key = place.key.as_ref().map(|key| seal(state, id, &place.base_url, key)).transpose()?;
    let base_url = place.base_url.to_string();
    let new = StoredProvider { id, name: name.as_str().to_owned(), base_url, is_enabled, key };
    admin.add_provider(name, new, client.address.to_string()).await?;
    tracing::info!(by = %known.db.user_id(), provider = name.as_str(), "a provider was added");
    site::changed(state).await;
    Ok(())
}

/// Gives a provider another address, another key, or both.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`]; [`Error::KeyNeeded`] when the address leads to another server and nothing is
/// said about the key.
pub async fn replace(state: &AppState, known: &Known, client: &Client, id: ProviderId, place: Place) -> Result<()> {
    let admin = known.db.admin(Permission::ManageModels)?;
    let stored = admin.find_provider(id).await?;
    let key = match &place.key {
        Some(key) => Some(seal(state, id, &place.base_url, key)?),
        None if place.forgets_key => None,
        None => kept_key(&stored, &place.base_url)?.cloned(),
    };
    let change = ProviderChange::Replace { base_url: place.base_url.to_string(), key, before: stored.key };
    apply(state, known, client, &admin, id, change).await
}

/// Switches a provider on or off, or removes it.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`].
pub async fn change(
    state: &AppState,
    known: &Known,
    client: &Client,
    id: ProviderId,
    change: ProviderChange,
) -> Result<()> {
    let admin = known.db.admin(Permission::ManageModels)?;
    apply(state, known, client, &admin, id, change).await
}

/// Asks a provider for its models: one that is there, with what was typed in the place of what is kept, or one that is
/// not there yet. Gives a class of failure and nothing of what was answered.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`], [`Error::KeyNeeded`].
pub async fn test(
    state: &AppState,
    known: &Known,
    id: Option<ProviderId>,
    place: Option<Place>,
) -> Result<ProviderTest> {
    let admin = known.db.admin(Permission::ManageModels)?;
    let stored = match id {
        Some(id) => Some(admin.find_provider(id).await?),
        None => None,
    };
    let (base_url, key) = match (&stored, place) {
        (None, None) => return Err(InvalidInput::ProviderUrl.into()),
        (None, Some(place)) => (place.base_url, place.key.map(|key| key.expose().to_owned())),
        (Some(stored), place) => {
            let place = place.map_or_else(|| kept_place(stored), Ok)?;
            let key = match &place.key {
                Some(key) => Some(key.expose().to_owned()),
                None if place.forgets_key => None,
                None => open(state, stored, &place.base_url)?,
            };
            (place.base_url, key)
        }
    };
    let name = stored.as_ref().map_or("test", |stored| &stored.name);
    let memory = Arc::new(state.db.clone());
    let remote =
        Remote::new(name, &base_url, key, &state.config.models, memory).map_err(|_| InvalidInput::ProviderUrl)?;
    let answer = remote.list().await;
    state.models.forget_list(name);
    Ok(match answer {
        Ok(models) => ProviderTest::Works { models: named(name, &models).len() },
        Err(failure) => ProviderTest::Failed(failure.into()),
    })
}

/// Says whether people are offered a model.
///
/// # Errors
/// [`Error::Forbidden`].
pub async fn offer(state: &AppState, known: &Known, client: &Client, model: ModelName, is_offered: bool) -> Result<()> {
    let admin = known.db.admin(Permission::ManageModels)?;
    admin.offer_model(model, is_offered, client.address.to_string()).await?;
    site::changed(state).await;
    Ok(())
}

async fn apply(
    state: &AppState,
    known: &Known,
    client: &Client,
    admin: &AdminDb,
    id: ProviderId,
    change: ProviderChange,
) -> Result<()> {
    admin.change_provider(id, change, client.address.to_string()).await?;
    tracing::info!(by = %known.db.user_id(), provider = %id, "a provider was changed");
    site::changed(state).await;
    Ok(())
}

fn seal(state: &AppState, id: ProviderId, base_url: &Url, key: &ProviderKey) -> Result<SealedKey> {
    let purpose = site::key_purpose(id, &address::origin(base_url));
    Ok(SealedKey::new(state.keys.seal(&purpose, key.expose())?, key))
}

/// The key that is kept, if it was given for the server that this address leads to.
fn kept_key<'a>(stored: &'a StoredProvider, base_url: &Url) -> Result<Option<&'a SealedKey>> {
    let is_same =
        address::parse(&stored.base_url).is_ok_and(|kept| address::origin(&kept) == address::origin(base_url));
    if is_same || stored.key.is_none() { Ok(stored.key.as_ref()) } else { Err(Error::KeyNeeded) }
}

fn open(state: &AppState, stored: &StoredProvider, base_url: &Url) -> Result<Option<String>> {
    let Some(key) = kept_key(stored, base_url)? else { return Ok(None) };
    let purpose = site::key_purpose(stored.id, &address::origin(base_url));
    state.keys.unseal(&purpose, &key.sealed).map(Some).ok_or(Error::KeyNeeded)
}

fn kept_place(stored: &StoredProvider) -> Result<Place> {
    Ok(Place { base_url: address::parse(&stored.base_url)?, key: None, forgets_key: false })
}

fn state_of(heard: &Heard) -> ProviderState {
    match heard.answer {
        Some(Ok(())) => ProviderState::Reachable,
        Some(Err(failure)) => ProviderState::Failed(failure.into()),
        None => ProviderState::Asked,
    }
}

/// What a provider has, and what was kept from people and it does not have just now.
fn offered(models: &[ModelName], hidden: Option<Vec<ModelName>>) -> Vec<OfferedModel> {
    let hidden = hidden.unwrap_or_default();
    let mut missing: Vec<ModelName> = hidden.iter().filter(|model| !models.contains(model)).cloned().collect();
    missing.sort();
    let all = models.iter().cloned().map(|name| OfferedModel { is_offered: !hidden.contains(&name), name });
    all.chain(missing.into_iter().map(|name| OfferedModel { is_offered: false, name })).collect()
}
