//! What holds for everybody, as this server knows it: the settings of the site, its providers and their models.
//!
//! The database is the truth. Whatever changes it here is read back at once and announced to the other servers, which
//! then read it, too; one that missed the announcement reads it a little later by itself ([`run`]). Nothing is decided by
//! what an announcement says.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::{
    sync::{Mutex, Notify},
    time::{MissedTickBehavior, interval},
};

use super::{
    ai::{Provider, address, remote::Remote},
    auth::{client::Client, guard::Known, keys::Keys, secret},
    db::StoredProvider,
    state::AppState,
};
use crate::{
    domain::{
        admin::Permission,
        ids::ProviderId,
        provider::ProviderState,
        site::{SiteForm, SiteNotice, SiteSettings, SiteView},
        user::Role,
    },
    error::{Error, InvalidInput, Result},
};

/// The settings as they were read last.
#[derive(Default)]
pub struct Site {
    settings: RwLock<Arc<SiteSettings>>,
    /// What is connected, to be kept as long as nothing about it changes. Held while reading, so that what was read
    /// earlier never takes the place of what was read later.
    connected: Mutex<Vec<Connected>>,
    is_due: Notify,
}

struct Connected {
    stored: StoredProvider,
    provider: Arc<dyn Provider>,
}

impl Site {
    /// The settings.
    pub fn settings(&self) -> Arc<SiteSettings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Says that another server has changed something.
    pub fn changed_elsewhere(&self) {
        self.is_due.notify_one();
    }

    /// What somebody sees of the site who has dismissed the notice with this id.
    pub fn view(&self, dismissed: Option<&str>) -> SiteView {
        let settings = self.settings();
        let notice = notice_of(&settings).filter(|notice| Some(notice.id.as_str()) != dismissed);
        SiteView { name: settings.name.clone(), notice }
    }

    /// Whether somebody may make tokens for programs.
    ///
    /// # Errors
    /// [`Error::TokensOff`].
    pub fn check_may_make_tokens(&self, role: Role) -> Result<()> {
        let may = role == Role::Admin || self.settings().members_make_tokens;
        if may { Ok(()) } else { Err(Error::TokensOff) }
    }
}

/// Reads everything anew and goes by it from now on. Tabs of this server are told of what they show.
///
/// # Errors
/// When the database fails; then everything stays as it was.
pub async fn reload(state: &AppState) -> Result<()> {
    let mut connected = state.site.connected.lock().await;
    let stored = state.db.load_site().await?;
    let mut now = Vec::new();
    for provider in stored.providers.into_iter().filter(|provider| provider.is_enabled) {
        match connected.iter().position(|known| known.stored == provider) {
            Some(at) => now.push(connected.swap_remove(at)),
            None => match connect(state, &provider) {
                Ok(remote) => now.push(Connected { stored: provider, provider: Arc::new(remote) }),
                Err(reason) => tracing::warn!(provider = provider.name, ?reason, "a provider cannot be used"),
            },
        }
    }
    *connected = now;
    let providers = connected.iter().map(|known| Arc::clone(&known.provider)).collect();
    let hidden: HashSet<_> = stored.hidden.into_iter().collect();
    state.models.offer(providers, hidden, stored.settings.default_model.clone());
    let new = Arc::new(stored.settings);
    let before =
        std::mem::replace(&mut *state.site.settings.write().unwrap_or_else(PoisonError::into_inner), Arc::clone(&new));
    if (&before.name, &before.notice) != (&new.name, &new.notice) {
        state.live.tell_site_changed();
    }
    Ok(())
}

/// Goes by what was just changed here, and has the other servers do so.
pub async fn changed(state: &AppState) {
    if reload(state).await.is_err() {
        // Written it is; the task below will read it.
        state.site.changed_elsewhere();
    }
    state.live.site_changed();
}

/// Reads everything again when another server says so, and after each `pause` whatever was said. Runs until the server is
/// told to stop.
pub async fn run(state: AppState, pause: Duration) {
    let mut looks = interval(pause);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    looks.tick().await;
    loop {
        tokio::select! {
            () = state.stopping.cancelled() => return,
            () = state.site.is_due.notified() => {}
            _ = looks.tick() => {}
        }
        // A failure is logged where it happens; the next look tries again.
        let _ = reload(&state).await;
    }
}

/// A provider as it is to be asked.
///
/// # Errors
/// Why it cannot be used.
pub fn connect(state: &AppState, stored: &StoredProvider) -> std::result::Result<Remote, ProviderState> {
    if state.models.is_configured(&stored.name) {
        return Err(ProviderState::NameTaken);
    }
    // Checked again, for what is kept may have been written by somebody else.
    let base_url = address::parse(&stored.base_url).map_err(|_| ProviderState::AddressRefused)?;
    let key = open_key(&state.keys, stored, &address::origin(&base_url)).map_err(|()| ProviderState::KeyLocked)?;
    let memory = Arc::new(state.db.clone());
    Remote::new(&stored.name, &base_url, key, &state.config.models, memory).map_err(|_| ProviderState::AddressRefused)
}

/// What a provider's key is sealed for: this provider at this server. Anywhere else it does not open.
pub fn key_purpose(id: ProviderId, origin: &str) -> String {
    format!("key of provider {id} at {origin}")
}

fn open_key(keys: &Keys, stored: &StoredProvider, origin: &str) -> std::result::Result<Option<String>, ()> {
    match &stored.key {
        Some(key) => keys.unseal(&key_purpose(stored.id, origin), &key.sealed).map(Some).ok_or(()),
        None => Ok(None),
    }
}

/// The settings for those who may change them.
///
/// # Errors
/// [`Error::Forbidden`].
pub async fn find_form(state: &AppState, known: &Known) -> Result<SiteForm> {
    let settings = known.db.admin(Permission::ManageSite)?.find_site_settings().await?;
    let mut models = state.models.list().await.models;
    // The one that is set is among the choices, whatever its provider says just now.
    if let Some(model) = settings.default_model.clone().filter(|model| !models.contains(model)) {
        models.push(model);
    }
    Ok(SiteForm { settings, fixed_model: state.models.fixed().cloned(), models })
}

/// Replaces the settings.
///
/// # Errors
/// [`Error::Forbidden`]; [`InvalidInput::Model`] when the default model is another one that is not offered.
pub async fn save(state: &AppState, known: &Known, client: &Client, new: SiteSettings) -> Result<()> {
    let admin = known.db.admin(Permission::ManageSite)?;
    let before = admin.find_site_settings().await?;
    if let Some(model) = new.default_model.as_ref().filter(|model| Some(*model) != before.default_model.as_ref())
        && !state.models.is_offered(model)
    {
        return Err(InvalidInput::Model.into());
    }
    admin.save_site_settings(new, client.address.to_string()).await?;
    tracing::info!(by = %known.db.user_id(), "the site's settings were changed");
    changed(state).await;
    Ok(())
}

fn notice_of(settings: &SiteSettings) -> Option<SiteNotice> {
    let text = Some(&settings.notice).filter(|text| !text.is_empty())?;
    Some(SiteNotice { id: secret::hash(text)[..16].to_owned(), text: text.clone() })
}
