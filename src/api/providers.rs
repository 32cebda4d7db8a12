//! Providers of models, for those who run the site.

use leptos::prelude::*;

use crate::{
    domain::provider::{ProviderTest, ProviderView, SearchModelView},
    error::Error,
};

/// Every provider with its models. Of keys there is the end at most.
///
/// # Errors
/// [`Error::Forbidden`].
#[server(name = ListProviders, prefix = "/api", endpoint = "list_providers")]
pub async fn list_providers() -> Result<Vec<ProviderView>, Error> {
    use crate::server::{providers, request};
    let (state, known) = (request::state()?, request::known()?);
    request::page(providers::list(&state, &known).await)
}

/// The model that tells what the text of files means, and how it does.
///
/// # Errors
/// [`Error::Forbidden`].
#[server(name = FindSearchModel, prefix = "/api", endpoint = "find_search_model")]
pub async fn find_search_model() -> Result<SearchModelView, Error> {
    use crate::{domain::admin::Permission, server::request};
    let (state, db) = (request::state()?, request::user()?);
    db.admin(Permission::ManageModels)?;
    let name = state.meanings.model().cloned();
    let is_connected = name.as_ref().is_some_and(|name| state.models.can_embed(name));
    Ok(SearchModelView { name, is_at_work: is_connected && state.meanings.is_at_work() })
}

/// Connects a provider, or gives one that is there (`provider_id`) another address or key. Without a key, the one that is
/// there stays, if the address is on the same server; `forgets_key` removes it. The name of one that is there stays.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`], [`Error::KeyNeeded`], or what is wrong with a field.
#[server(name = SaveProvider, prefix = "/api", endpoint = "save_provider")]
pub async fn save_provider(
    provider_id: Option<String>,
    name: Option<String>,
    base_url: String,
    key: String,
    forgets_key: Option<String>,
) -> Result<(), Error> {
    use crate::{
        domain::{
            admin::Permission,
            next::MODELS_PATH,
            provider::{ProviderKey, ProviderName},
        },
        server::{
            ai::address,
            providers::{self, Place},
            request,
        },
    };
    let (state, known, client) = (request::state()?, request::known()?, request::client()?);
    known.db.admin(Permission::ManageModels)?;
    let (base_url, key) = (address::parse(&base_url)?, ProviderKey::parse(&key)?);
    let place = Place { base_url, key, forgets_key: forgets_key.is_some() };
    match provider_id.filter(|id| !id.is_empty()) {
        Some(id) => providers::replace(&state, &known, &client, id.parse()?, place).await?,
        None => {
            let name = ProviderName::parse(name.as_deref().unwrap_or_default())?;
            providers::add(&state, &known, &client, &name, place, true).await?;
        }
    }
    request::show(MODELS_PATH);
    Ok(())
}

/// Asks a provider for its models: one that is there as it is kept, or, with an address, as it was typed. `name` is what
/// another one is to be called; a page without a script has it, and the address, in its form again afterwards.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`], [`Error::KeyNeeded`], or what is wrong with a field.
#[server(name = TestProvider, prefix = "/api", endpoint = "test_provider")]
pub async fn test_provider(
    provider_id: Option<String>,
    name: Option<String>,
    base_url: Option<String>,
    key: Option<String>,
    forgets_key: Option<String>,
) -> Result<ProviderTest, Error> {
    use crate::{
        domain::{admin::Permission, next::MODELS_PATH, provider::ProviderKey},
        server::{
            ai::address,
            providers::{self, Place},
            request,
        },
        ui::paths::query,
    };
    let (state, known) = (request::state()?, request::known()?);
    known.db.admin(Permission::ManageModels)?;
    let key = ProviderKey::parse(key.as_deref().unwrap_or_default())?;
    let place = match &base_url {
        Some(text) => Some(Place { base_url: address::parse(text)?, key, forgets_key: forgets_key.is_some() }),
        None => None,
    };
    let id = provider_id.filter(|id| !id.is_empty()).map(|id| id.parse()).transpose()?;
    let tested = providers::test(&state, &known, id, place).await?;
    let code = tested.code();
    let mut fields = vec![("tested", code.as_str())];
    if id.is_none() {
        fields.extend(name.as_deref().map(|name| ("name", name)));
        fields.extend(base_url.as_deref().map(|base_url| ("base_url", base_url)));
    }
    request::show(&format!("{MODELS_PATH}?{}", query(&fields)));
    Ok(tested)
}

/// Changes a provider: `enable`, `disable` or `remove`.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`].
#[server(name = ChangeProvider, prefix = "/api", endpoint = "change_provider")]
pub async fn change_provider(provider_id: String, change: String) -> Result<(), Error> {
    use crate::{
        domain::{admin::Permission, next::MODELS_PATH},
        error::InvalidInput,
        server::{db::ProviderChange, providers, request},
    };
    let (state, known) = (request::state()?, request::known()?);
    known.db.admin(Permission::ManageModels)?;
    let change = match change.as_str() {
        "enable" => ProviderChange::Enable,
        "disable" => ProviderChange::Disable,
        "remove" => ProviderChange::Remove,
        _ => return Err(InvalidInput::Choice.into()),
    };
    providers::change(&state, &known, &request::client()?, provider_id.parse()?, change).await?;
    request::show(MODELS_PATH);
    Ok(())
}

/// Says whether people are offered a model; not, when `is_offered` is left out.
///
/// # Errors
/// [`Error::Forbidden`].
#[server(name = OfferModel, prefix = "/api", endpoint = "offer_model")]
pub async fn offer_model(model: String, is_offered: Option<String>) -> Result<(), Error> {
    use crate::{
        domain::{admin::Permission, model::ModelName, next::MODELS_PATH},
        server::{providers, request},
    };
    let (state, known) = (request::state()?, request::known()?);
    known.db.admin(Permission::ManageModels)?;
    let model = ModelName::parse(&model)?;
    let is_offered = is_offered.is_some_and(|value| !value.is_empty());
    providers::offer(&state, &known, &request::client()?, model, is_offered).await?;
    request::show(MODELS_PATH);
    Ok(())
}
