//! What answers: providers behind one trait, found by name.
//!
//! Only this module knows what providers speak. To add a provider: a file here that implements [`Provider`], a line where
//! `serve` connects them, its settings in `config`, and tests against a scripted one. Most providers need none of that: they
//! are OpenAI-compatible, and those who run the site add them on a page (`server::providers`).

pub mod address;
pub mod embedded;
pub mod remote;
#[cfg_attr(not(feature = "embedded-model"), path = "ai/worker_absent.rs")]
pub mod worker;

use std::{
    collections::HashSet,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use futures::{Stream, future::join_all};
use tokio::time::Instant;

use crate::domain::{
    limits,
    message::ReplyFailure,
    model::{EMBEDDED_PROVIDER, ModelList, ModelName, Prompt},
};

/// The pieces of a reply as they come. Its end means that the reply is complete; dropping it ends the work on it.
pub type PieceStream = Pin<Box<dyn Stream<Item = Result<String, ReplyFailure>> + Send>>;

/// What the embedded model is called before its file was looked at.
const EMBEDDED_MODEL: &str = "smollm2-135m-instruct";
/// A list of models is asked for again after this.
const LIST_SECONDS: u64 = 30;
/// A page waits this long for a list that was never had.
const LIST_WAIT_SECONDS_MAX: u64 = 2;

/// Something that has models and lets them reply. Must not retry by itself, log a prompt, or follow a redirect.
#[async_trait]
pub trait Provider: Send + Sync {
    /// The first part of its models' names.
    fn name(&self) -> &str;

    /// What it calls its models.
    async fn list(&self) -> Result<Vec<String>, ReplyFailure>;

    /// Begins a reply. Every wait in it is bounded.
    async fn generate(&self, model: &str, prompt: &Prompt) -> Result<PieceStream, ReplyFailure>;
}

/// Every provider that is connected, and what is offered of it. Changes while the server runs; whoever asks takes what is
/// there at that moment and keeps nobody waiting.
pub struct Models {
    /// From the settings that the server was started with.
    configured: Vec<Arc<Known>>,
    /// The default model of those settings.
    fixed: Option<ModelName>,
    offer: RwLock<Arc<Offer>>,
}

/// What is connected and offered at one moment.
#[derive(Default)]
struct Offer {
    providers: Vec<Arc<Known>>,
    hidden: HashSet<ModelName>,
    /// The site's default model.
    preferred: Option<ModelName>,
}

struct Known {
    provider: Arc<dyn Provider>,
    list: Arc<Mutex<Listed>>,
}

#[derive(Default)]
struct Listed {
    /// The last good list.
    models: Vec<ModelName>,
    asked_at: Option<Instant>,
    /// What became of the last question.
    answer: Option<Result<(), ReplyFailure>>,
}

/// What a provider was last heard to have.
pub struct Heard {
    pub models: Vec<ModelName>,
    /// None while it has not answered.
    pub answer: Option<Result<(), ReplyFailure>>,
}

impl Models {
    /// The providers of the settings, in the order in which they are offered; `fixed` is `provider/model`, or the name of
    /// one of the first provider's models.
    pub fn new(configured: Vec<Arc<dyn Provider>>, fixed: Option<&str>) -> Self {
        let first = configured.first().map(|provider| provider.name().to_owned());
        let has_provider = |name: &str| configured.iter().any(|provider| provider.name() == name);
        let fixed = fixed.and_then(|text| match (text.split_once('/'), first) {
            (Some((provider, _)), _) if has_provider(provider) => ModelName::parse(text).ok(),
            (_, Some(first)) => ModelName::new(&first, text).ok(),
            (_, None) => None,
        });
        let configured: Vec<_> = configured.into_iter().map(Known::new).collect();
        let offer = Offer { providers: configured.clone(), ..Offer::default() };
        Self { configured, fixed, offer: RwLock::new(Arc::new(offer)) }
    }

    /// Takes another set of providers beside those of the settings. One that is there already keeps its list; replies that
    /// run keep the provider that they began with.
    pub fn offer(&self, added: Vec<Arc<dyn Provider>>, hidden: HashSet<ModelName>, preferred: Option<ModelName>) {
        let before = self.now();
        let same = |provider: &Arc<dyn Provider>| {
            before.providers.iter().find(|known| Arc::ptr_eq(&known.provider, provider)).cloned()
        };
        let added = added.into_iter().map(|provider| same(&provider).unwrap_or_else(|| Known::new(provider)));
        // The embedded model comes last: it is the one that there is for want of another.
        let (last, first): (Vec<_>, Vec<_>) =
            self.configured.iter().cloned().partition(|known| known.provider.name() == EMBEDDED_PROVIDER);
        let providers = first.into_iter().chain(added).chain(last).collect();
        *self.offer.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Offer { providers, hidden, preferred });
    }

    /// Whether the settings have a provider of this name.
    pub fn is_configured(&self, provider: &str) -> bool {
        self.configured.iter().any(|known| known.provider.name() == provider)
    }

    /// The default model of the settings.
    pub fn fixed(&self) -> Option<&ModelName> {
        self.fixed.as_ref()
    }

    /// Whether people may ask a model: its provider is connected, and it was not kept from them. Whether the provider has
    /// it, that says itself when asked.
    pub fn is_offered(&self, model: &ModelName) -> bool {
        self.now().allows(model)
    }

    /// Every model that was kept from people.
    pub fn hidden(&self) -> Vec<ModelName> {
        self.now().hidden.iter().cloned().collect()
    }

    /// The models to choose from. Lists are kept for a while, and renewed without anybody waiting for it.
    pub async fn list(&self) -> ModelList {
        let offer = self.now();
        let lists = join_all(offer.providers.iter().map(|known| known.models())).await;
        let mut models: Vec<ModelName> =
            lists.into_iter().flatten().filter(|model| !offer.hidden.contains(model)).collect();
        let preferred = self.preferred(&offer);
        if let Some(preferred) = &preferred
            && !models.contains(preferred)
        {
            models.insert(0, preferred.clone());
        }
        let default = preferred.or_else(|| models.first().cloned());
        ModelList { models, default }
    }

    /// What a chat uses when nothing was chosen; none when all that could be was kept from people.
    pub async fn default_model(&self) -> Option<ModelName> {
        let offer = self.now();
        let preferred = match self.preferred(&offer) {
            Some(preferred) => Some(preferred),
            None => self.list().await.default,
        };
        let fallback = || ModelName::new(EMBEDDED_PROVIDER, EMBEDDED_MODEL).ok();
        preferred.or_else(fallback).filter(|model| !offer.hidden.contains(model))
    }

    /// Begins a reply.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn generate(&self, model: &ModelName, prompt: &Prompt) -> Result<PieceStream, ReplyFailure> {
        let offer = self.now();
        match offer.find(model.provider()) {
            // It may have been kept from people since it was chosen.
            Some(_) if offer.hidden.contains(model) => Err(ReplyFailure::ModelNotFound),
            Some(known) => known.provider.generate(model.model(), prompt).await,
            None if model.is_embedded() => Err(ReplyFailure::EmbeddedMissing),
            None => Err(ReplyFailure::ModelNotFound),
        }
    }

    /// What each connected provider was last heard to have, by its name; one that was never asked is asked now.
    pub async fn heard(&self) -> Vec<(String, Heard)> {
        let offer = self.now();
        join_all(offer.providers.iter().map(async |known| (known.provider.name().to_owned(), known.heard().await)))
            .await
    }

    /// Asks a provider for its list anew, the next time that somebody wants it.
    pub fn forget_list(&self, provider: &str) {
        if let Some(known) = self.now().find(provider) {
            lock(&known.list).asked_at = None;
        }
    }

    /// The settings' default counts before the site's.
    fn preferred(&self, offer: &Offer) -> Option<ModelName> {
        [&self.fixed, &offer.preferred].into_iter().flatten().find(|model| offer.allows(model)).cloned()
    }

    fn now(&self) -> Arc<Offer> {
        Arc::clone(&self.offer.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Offer {
    fn find(&self, provider: &str) -> Option<&Arc<Known>> {
        self.providers.iter().find(|known| known.provider.name() == provider)
    }

    fn allows(&self, model: &ModelName) -> bool {
        self.find(model.provider()).is_some() && !self.hidden.contains(model)
    }
}

impl Known {
    fn new(provider: Arc<dyn Provider>) -> Arc<Self> {
        Arc::new(Self { provider, list: Arc::default() })
    }

    async fn heard(&self) -> Heard {
        let models = self.models().await;
        Heard { models, answer: lock(&self.list).answer }
    }

    async fn models(&self) -> Vec<ModelName> {
        let (models, is_fresh, is_first) = {
            let mut listed = lock(&self.list);
            let is_fresh = listed.asked_at.is_some_and(|at| at.elapsed() < Duration::from_secs(LIST_SECONDS));
            let is_first = listed.asked_at.is_none();
            if !is_fresh {
                // Set before asking, so that many pages at once ask once.
                listed.asked_at = Some(Instant::now());
            }
            (listed.models.clone(), is_fresh, is_first)
        };
        if is_fresh {
            return models;
        }
        let renewal = tokio::spawn(renew(Arc::clone(&self.provider), Arc::clone(&self.list)));
        if !is_first {
            return models;
        }
        let _ = tokio::time::timeout(Duration::from_secs(LIST_WAIT_SECONDS_MAX), renewal).await;
        lock(&self.list).models.clone()
    }
}

async fn renew(provider: Arc<dyn Provider>, list: Arc<Mutex<Listed>>) {
    let answer = provider.list().await;
    let mut listed = lock(&list);
    listed.answer = Some(answer.as_ref().map(|_| ()).map_err(|failure| *failure));
    match answer {
        Ok(names) => listed.models = named(provider.name(), &names),
        Err(failure) => {
            tracing::warn!(provider = provider.name(), ?failure, "a provider's list of models cannot be had");
        }
    }
}

/// What a provider calls its models, as names across providers; what cannot be a name is left out.
pub fn named(provider: &str, models: &[String]) -> Vec<ModelName> {
    let names = models.iter().filter_map(|model| ModelName::new(provider, model).ok());
    names.take(limits::MODELS_PER_PROVIDER_MAX).collect()
}

fn lock(list: &Mutex<Listed>) -> std::sync::MutexGuard<'_, Listed> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}
