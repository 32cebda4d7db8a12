//! What answers: providers behind one trait, found by name.
//!
//! Only this module knows what providers speak. To add a provider: a file here that implements [`Provider`], a line in
//! [`Models::new`], its settings in `config`, and tests against a scripted one. Most providers need none of that: they are
//! OpenAI-compatible, and a base address is enough.

pub mod embedded;
pub mod remote;
#[cfg_attr(not(feature = "embedded-model"), path = "ai/worker_absent.rs")]
pub mod worker;

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
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

/// Every provider that is connected.
pub struct Models {
    providers: Vec<Known>,
    /// The configured default.
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
}

impl Models {
    /// The providers in the order in which they are offered; `preferred` is `provider/model`, or the name of one of the
    /// first provider's models.
    pub fn new(providers: Vec<Arc<dyn Provider>>, preferred: Option<&str>) -> Self {
        let has_provider = |name: &str| providers.iter().any(|provider| provider.name() == name);
        let preferred = preferred.and_then(|text| match text.split_once('/') {
            Some((provider, _)) if has_provider(provider) => ModelName::parse(text).ok(),
            _ => providers.first().and_then(|first| ModelName::new(first.name(), text).ok()),
        });
        let providers = providers.into_iter().map(|provider| Known { provider, list: Arc::default() }).collect();
        Self { providers, preferred }
    }

    /// Whether a model's provider is connected. Whether it has that model, it says itself when asked.
    pub fn knows_provider_of(&self, model: &ModelName) -> bool {
        self.providers.iter().any(|known| known.provider.name() == model.provider())
    }

    /// The models to choose from. Lists are kept for a while, and renewed without anybody waiting for it.
    pub async fn list(&self) -> ModelList {
        let lists = join_all(self.providers.iter().map(Known::models)).await;
        let mut models: Vec<ModelName> = lists.into_iter().flatten().collect();
        if let Some(preferred) = &self.preferred
            && !models.contains(preferred)
        {
            models.insert(0, preferred.clone());
        }
        let default = self.preferred.clone().or_else(|| models.first().cloned());
        ModelList { models, default }
    }

    /// What a chat uses when nothing was chosen.
    pub async fn default_model(&self) -> ModelName {
        let fallback = || ModelName::new(EMBEDDED_PROVIDER, EMBEDDED_MODEL);
        match &self.preferred {
            Some(preferred) => preferred.clone(),
            None => match self.list().await.default {
                Some(default) => default,
                None => fallback().unwrap_or_else(|_| unreachable!("the fallback's name is well formed")),
            },
        }
    }

    /// Begins a reply.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn generate(&self, model: &ModelName, prompt: &Prompt) -> Result<PieceStream, ReplyFailure> {
        let known = self.providers.iter().find(|known| known.provider.name() == model.provider());
        match known {
            Some(known) => known.provider.generate(model.model(), prompt).await,
            None if model.is_embedded() => Err(ReplyFailure::EmbeddedMissing),
            None => Err(ReplyFailure::ModelNotFound),
        }
    }
}

impl Known {
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
    match provider.list().await {
        Ok(names) => {
            let names = names.iter().filter_map(|name| ModelName::new(provider.name(), name).ok());
            lock(&list).models = names.take(limits::MODELS_PER_PROVIDER_MAX).collect();
        }
        Err(failure) => {
            tracing::warn!(provider = provider.name(), ?failure, "a provider's list of models cannot be had");
        }
    }
}

fn lock(list: &Mutex<Listed>) -> std::sync::MutexGuard<'_, Listed> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}
