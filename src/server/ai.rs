//! What answers: providers behind one trait, found by name.
//!
//! Only this module knows what providers speak. To add a provider: a file here that implements [`Provider`], a line where
//! `serve` connects them, its settings in `config`, and tests against a scripted one. Most providers need none of that: they
//! are OpenAI-compatible, and those who run the site add them on a page (`server::providers`).

pub mod address;
pub mod embedded;
pub mod meaning_worker;
mod piece;
pub mod remote;
pub mod tokens;
mod window;
#[cfg_attr(not(feature = "embedded-model"), path = "ai/worker_absent.rs")]
pub mod worker;

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use futures::future::join_all;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::domain::{
    ids::UserId,
    limits,
    message::ReplyFailure,
    model::{EMBEDDED_PROVIDER, ModelList, ModelName, Prompt, TextPiece},
};

pub use self::{
    piece::{Piece, PieceStream},
    window::Window,
};

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

    /// Whether a model goes on from a beginning of its reply. What has to be found out is, once.
    async fn can_continue(&self, model: &str) -> bool;

    /// Whether a model may be shown a user's pictures: as long as it refused none of theirs lately.
    fn sees(&self, _model: &str, _user_id: UserId) -> bool {
        false
    }

    /// A model refused what had a user's pictures in it. It may have been these: nobody else's are kept from it.
    fn note_blind(&self, _model: &str, _user_id: UserId) {}

    /// How much a model can have of a conversation, as far as is known: it may become less when something was refused
    /// ([`ReplyFailure::ContextTooLong`]).
    fn window(&self, model: &str) -> Window;

    /// Begins a reply, or goes on with it ([`Prompt::begun`]). Every wait in it is bounded.
    async fn generate(&self, model: &str, prompt: &Prompt) -> Result<PieceStream, ReplyFailure>;

    /// Whether it may be asked what texts mean.
    fn can_embed(&self) -> bool {
        false
    }

    /// What texts mean: a vector for each, all of one length. Not every provider has a model for that.
    async fn embed(&self, _model: &str, _texts: &[String]) -> Result<Vec<Vec<f32>>, ReplyFailure> {
        Err(ReplyFailure::ModelNotFound)
    }

    /// What pieces of files mean: for each the vector of the whole and, from a model that gives these along, of its parts.
    async fn embed_pieces(&self, model: &str, pieces: &[TextPiece]) -> Result<Vec<Vec<Vec<f32>>>, ReplyFailure> {
        let texts: Vec<String> = pieces.iter().map(TextPiece::whole).collect();
        let vectors = self.embed(model, &texts).await?;
        Ok(vectors.into_iter().map(|vector| vec![vector]).collect())
    }
}

/// What something was found out about: a model, or without a name its provider's server.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub provider: &'a str,
    /// Where the provider is. What was found out at another place says nothing.
    pub address: &'a str,
    pub model: &'a str,
}

/// Where what was found out by trying outlives this server.
#[async_trait]
pub trait Memory: Send + Sync {
    /// What was found out, and when.
    async fn recall(&self, subject: Subject<'_>) -> Option<(String, i64)>;

    /// Keeps it, in place of what was known.
    async fn keep(&self, subject: Subject<'_>, found: &str, found_at_ms: i64);

    /// Lets go of it.
    async fn forget(&self, subject: Subject<'_>);
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
    list: watch::Sender<Listed>,
}

#[derive(Default)]
struct Listed {
    /// The last good list.
    models: Vec<ModelName>,
    asked_at: Option<Instant>,
    /// What became of the last question; none before the first, and after somebody wanted another.
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

    /// Whether a model is there to say what texts mean, as far as that is known without asking it.
    pub fn can_embed(&self, model: &ModelName) -> bool {
        let offer = self.now();
        offer.providers.iter().any(|known| known.provider.name() == model.provider() && known.provider.can_embed())
    }

    /// What texts mean, to a model of a provider that is connected.
    ///
    /// # Errors
    /// What the provider answers; [`ReplyFailure::ModelNotFound`] when it is not connected.
    pub async fn embed(&self, model: &ModelName, texts: &[String]) -> Result<Vec<Vec<f32>>, ReplyFailure> {
        let offer = self.now();
        let known = offer.providers.iter().find(|known| known.provider.name() == model.provider());
        known.ok_or(ReplyFailure::ModelNotFound)?.provider.embed(model.model(), texts).await
    }

    /// What pieces of files mean ([`Provider::embed_pieces`]).
    ///
    /// # Errors
    /// As [`Models::embed`].
    pub async fn embed_pieces(
        &self,
        model: &ModelName,
        pieces: &[TextPiece],
    ) -> Result<Vec<Vec<Vec<f32>>>, ReplyFailure> {
        let offer = self.now();
        let known = offer.providers.iter().find(|known| known.provider.name() == model.provider());
        known.ok_or(ReplyFailure::ModelNotFound)?.provider.embed_pieces(model.model(), pieces).await
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
            Some(known) => {
                let pieces = known.provider.generate(model.model(), prompt).await?;
                Ok(piece::apart(pieces, !prompt.begun.is_empty()))
            }
            None if model.is_embedded() => Err(ReplyFailure::EmbeddedMissing),
            None => Err(ReplyFailure::ModelNotFound),
        }
    }

    /// Whether a model may be shown a user's pictures.
    pub fn sees(&self, model: &ModelName, user_id: UserId) -> bool {
        self.now().find(model.provider()).is_some_and(|known| known.provider.sees(model.model(), user_id))
    }

    /// A model refused what had a user's pictures in it.
    pub fn note_blind(&self, model: &ModelName, user_id: UserId) {
        if let Some(known) = self.now().find(model.provider()) {
            known.provider.note_blind(model.model(), user_id);
        }
    }

    /// Whether a model goes on from a beginning of its reply.
    pub async fn can_continue(&self, model: &ModelName) -> bool {
        match self.now().find(model.provider()) {
            Some(known) => known.provider.can_continue(model.model()).await,
            None => false,
        }
    }

    /// How much a model can have of a conversation. What its provider says of it comes with its list, which is waited for
    /// a moment when it was never had.
    pub async fn window(&self, model: &ModelName) -> Window {
        let Some(known) = self.now().find(model.provider()).cloned() else {
            return Window::new(limits::CONTEXT_TOKENS);
        };
        if known.list.borrow().answer.is_none() {
            known.models().await;
        }
        known.provider.window(model.model())
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
            known.list.send_modify(|listed| (listed.asked_at, listed.answer) = (None, None));
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
        Arc::new(Self { provider, list: watch::Sender::default() })
    }

    async fn heard(self: &Arc<Self>) -> Heard {
        let models = self.models().await;
        Heard { models, answer: self.list.borrow().answer }
    }

    async fn models(self: &Arc<Self>) -> Vec<ModelName> {
        let now = Instant::now();
        // Said before asking, so that many pages at once ask once.
        let is_due = self.list.send_if_modified(|listed| {
            let is_due = listed.asked_at.is_none_or(|at| now.duration_since(at) >= Duration::from_secs(LIST_SECONDS));
            if is_due {
                listed.asked_at = Some(now);
            }
            is_due
        });
        if is_due {
            tokio::spawn(Arc::clone(self).renew());
        }
        let asked_at = self.list.borrow().asked_at.unwrap_or(now);
        let mut list = self.list.subscribe();
        let answered = list.wait_for(|listed| listed.answer.is_some());
        let _ = timeout_at(asked_at + Duration::from_secs(LIST_WAIT_SECONDS_MAX), answered).await;
        self.list.borrow().models.clone()
    }

    async fn renew(self: Arc<Self>) {
        let answer = self.provider.list().await;
        let name = self.provider.name();
        if let Err(failure) = &answer {
            tracing::warn!(provider = name, ?failure, "a provider's list of models cannot be had");
        }
        self.list.send_modify(|listed| {
            listed.answer = Some(answer.as_ref().map(|_| ()).map_err(|failure| *failure));
            if let Ok(names) = answer {
                listed.models = named(name, &names);
            }
        });
    }
}

/// What a provider calls its models, as names across providers; what cannot be a name is left out.
pub fn named(provider: &str, models: &[String]) -> Vec<ModelName> {
    let names = models.iter().filter_map(|model| ModelName::new(provider, model).ok());
    names.take(limits::MODELS_PER_PROVIDER_MAX).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::poll;
    use tokio::sync::Semaphore;

    use super::*;

    struct Slow {
        asked: AtomicUsize,
        may_answer: Semaphore,
    }

    #[async_trait]
    impl Provider for Slow {
        fn name(&self) -> &'static str {
            "slow"
        }

        async fn list(&self) -> Result<Vec<String>, ReplyFailure> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.may_answer.acquire().await.unwrap().forget();
            Ok(vec!["one".to_owned()])
        }

        async fn can_continue(&self, _: &str) -> bool {
            false
        }

        fn window(&self, _: &str) -> Window {
            Window::new(limits::CONTEXT_TOKENS)
        }

        async fn generate(&self, _: &str, _: &Prompt) -> Result<PieceStream, ReplyFailure> {
            Err(ReplyFailure::ModelNotFound)
        }
    }

    #[tokio::test]
    async fn all_who_come_before_the_first_answer_wait_for_it_and_ask_once() {
        let slow = Arc::new(Slow { asked: AtomicUsize::new(0), may_answer: Semaphore::new(0) });
        let models = Models::new(vec![slow.clone()], None);
        let (mut first, mut second) = (Box::pin(models.list()), Box::pin(models.list()));
        assert!(poll!(&mut first).is_pending());
        assert!(poll!(&mut second).is_pending());
        slow.may_answer.add_permits(1);
        let lists = [first.await, second.await];
        assert!(lists.iter().all(|list| list.models.len() == 1));
        assert_eq!(slow.asked.load(Ordering::SeqCst), 1);
        // Asked anew: nobody is told what held before.
        models.forget_list("slow");
        let mut heard = Box::pin(models.heard());
        assert!(poll!(&mut heard).is_pending());
        slow.may_answer.add_permits(1);
        assert!(heard.await[0].1.answer.is_some());
        assert_eq!(slow.asked.load(Ordering::SeqCst), 2);
    }
}
