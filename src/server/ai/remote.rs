//! Any OpenAI-compatible server: `GET /models` and `POST /chat/completions` with `stream: true`
//! (<https://platform.openai.com/docs/api-reference/chat-streaming>).
//!
//! What such a server sends is taken for what it is: anything. Time and bytes are bounded, redirects are not followed (the
//! key would go along), unknown fields and events are ignored, and nothing of it is logged. Before the first word of a reply
//! a question that failed is asked again a few times, where that may help (`faults`); after it never.

mod dialect;
mod faults;
mod known;
mod stream;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use eventsource_stream::Eventsource;
use futures::StreamExt;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use self::{
    dialect::Dialect,
    faults::{Breaker, Fault},
    known::Known,
    stream::{bounded, pieces, read_body, whole_reply},
};
use super::{
    Memory, PieceStream, Provider, Window, address, tokens,
    window::{Windows, refused_for_length},
};
use crate::{
    domain::{
        ids::UserId,
        limits,
        message::ReplyFailure,
        model::{Prompt, PromptImage, PromptRole},
    },
    server::config::ModelConfig,
};

/// For the whole list of models, unless the beginning of a reply has less.
const LIST_SECONDS_MAX: u64 = 10;
/// A connection waits this long for its next request. Many servers close theirs after five seconds, and a request that
/// meets the closing is lost.
const CONNECTION_IDLE_SECONDS_MAX: u64 = 3;

/// One OpenAI-compatible server.
pub struct Remote {
    /// What people see before the slash.
    name: String,
    client: Client,
    base_url: Url,
    api_key: Option<String>,
    first_byte: Duration,
    idle: Duration,
    known: Known,
    /// How often a question is asked again.
    retries: u32,
    breaker: Breaker,
    windows: Windows,
    /// Models that refused somebody's pictures, and when.
    blind: Mutex<HashMap<(String, UserId), Instant>>,
}

impl Remote {
    /// Ready to ask the server at `base_url`, which need not be there.
    ///
    /// # Errors
    /// What is wrong with the address, after the setting's name.
    pub fn new(
        name: &str,
        base_url: &Url,
        api_key: Option<String>,
        config: &ModelConfig,
        memory: Arc<dyn Memory>,
    ) -> Result<Self, String> {
        address::check(base_url)?;
        let client = Client::builder()
            .connect_timeout(Duration::from_secs(config.connect_seconds))
            .pool_idle_timeout(Duration::from_secs(CONNECTION_IDLE_SECONDS_MAX))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(address::Resolver))
            .user_agent(concat!("sardonyx/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("no client for it can be made: {error}"))?;
        Ok(Self {
            name: name.to_owned(),
            client,
            base_url: base_url.clone(),
            api_key,
            first_byte: Duration::from_secs(config.first_byte_seconds),
            idle: Duration::from_secs(config.idle_seconds),
            known: Known::new(name, format!("{}{}", address::origin(base_url), base_url.path()), memory),
            retries: config.retries,
            breaker: Breaker::new(Duration::from_secs(config.rest_seconds)),
            windows: Windows::new(config.context_tokens),
            blind: Mutex::default(),
        })
    }

    /// How a model goes on from a beginning, found out by asking it to. What is not known because the server does not
    /// answer is asked again the next time.
    async fn find_dialect(&self, model: &str) -> Option<Dialect> {
        // Held meanwhile, so that many replies that go on at once ask once.
        let mut dialects = self.known.dialects().await;
        if let Some(known) = self.known.dialect(&mut dialects, model).await {
            return known;
        }
        let mut found = None;
        for dialect in Dialect::ALL {
            match self.try_dialect(model, dialect).await {
                Ok(true) => {
                    found = Some(dialect);
                    break;
                }
                Ok(false) | Err(ReplyFailure::RequestRefused) => {}
                Err(_) => return None,
            }
        }
        tracing::info!(provider = self.name, ?found, "found out how a model goes on from a beginning");
        self.known.keep_dialect(&mut dialects, model, found).await;
        found
    }

    async fn try_dialect(&self, model: &str, dialect: Dialect) -> Result<bool, ReplyFailure> {
        let answer = async {
            let request = self.with_key(self.client.post(self.url("chat/completions"))).json(&dialect.trial(model));
            let response = self.send(request).await.map_err(|fault| fault.failure)?;
            read_body(response, limits::PROVIDER_LIST_BYTES_MAX).await
        };
        let limit = self.first_byte.min(Duration::from_secs(LIST_SECONDS_MAX));
        let body = timeout(limit, answer).await.map_err(|_| ReplyFailure::NoAnswer)??;
        Ok(Dialect::is_continued(&body))
    }

    /// Asks, and learns how much the model can have of a conversation when this was too much. Not from pictures: what a
    /// server between here and there finds too large of these says nothing of the model.
    async fn ask_at_most(&self, model: &str, mut body: Value, prompt: &Prompt) -> Result<PieceStream, ReplyFailure> {
        self.ask(model, &mut body).await.map_err(|fault| {
            let is_of_text = prompt.images.is_empty() || fault.named_tokens.is_some();
            if fault.failure == ReplyFailure::ContextTooLong && is_of_text {
                self.windows.narrow(model, fault.named_tokens, tokens::of_prompt(prompt));
            }
            fault.failure
        })
    }

    /// Asks until there is an answer, or no sense in asking. Given up at any moment, it leaves nothing behind.
    async fn ask(&self, model: &str, body: &mut Value) -> Result<PieceStream, Fault> {
        let mut earlier = 0;
        loop {
            if let Some(until) = self.breaker.held_until(model, Instant::now()) {
                sleep_until(until).await;
            }
            let passage = self.breaker.enter(Instant::now()).ok_or(Fault::lasting(ReplyFailure::Outage))?;
            let fault = match self.ask_for_count(body).await {
                Ok(pieces) => {
                    passage.answered();
                    return Ok(pieces);
                }
                Err(fault) => fault,
            };
            if fault.is_outage {
                passage.failed(Instant::now());
            } else {
                passage.answered();
            }
            if let Some(asked) = fault.retry_after {
                self.breaker.hold(model, asked, Instant::now());
            }
            match fault.pause(earlier, self.breaker.rest()).filter(|_| fault.is_passing && earlier < self.retries) {
                Some(pause) => sleep(pause).await,
                None => return Err(fault),
            }
            earlier += 1;
        }
    }

    /// Asks, also for the number of tokens: a server that does not know the field and refuses it is asked without, from then
    /// on. In the same body, which may have pictures in it.
    async fn ask_for_count(&self, body: &mut Value) -> Result<PieceStream, Fault> {
        let known = self.known.counts().await;
        if known == Some(false) {
            return self.ask_once(body).await;
        }
        body["stream_options"] = json!({ "include_usage": true });
        let mut answer = self.ask_once(body).await;
        let mut counts = true;
        if let Some(fields) = body.as_object_mut() {
            fields.remove("stream_options");
        }
        if known.is_none() && answer.as_ref().is_err_and(|fault| fault.failure == ReplyFailure::RequestRefused) {
            answer = self.ask_once(body).await;
            counts = false;
        }
        if answer.is_ok() && known.is_none() {
            self.known.keep_counts(counts).await;
        }
        answer
    }

    /// Asks, and waits for the first piece: what fails before it has shown nothing to anybody.
    async fn ask_once(&self, body: &Value) -> Result<PieceStream, Fault> {
        let request = self
            .with_key(self.client.post(self.url("chat/completions")))
            .header(header::ACCEPT, "text/event-stream")
            .json(body);
        let response = timeout(self.first_byte, self.send(request))
            .await
            .map_err(|_| Fault::of_beginning(ReplyFailure::NoAnswer))??;
        let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if content_type.is_some_and(|kind| kind.starts_with("application/json")) {
            let body = timeout(self.idle, read_body(response, limits::PROVIDER_LIST_BYTES_MAX));
            let body = body.await.map_err(|_| ReplyFailure::Stalled).flatten().map_err(Fault::lasting)?;
            return whole_reply(&body).map_err(Fault::lasting);
        }
        let events = Box::pin(bounded(response.bytes_stream()).eventsource());
        let mut pieces = Box::pin(pieces(events, self.first_byte, self.idle).fuse());
        let first = match pieces.next().await {
            Some(Err(failure)) => return Err(Fault::of_beginning(failure)),
            first => first,
        };
        Ok(Box::pin(futures::stream::iter(first).chain(pieces)))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Fault> {
        let response = request.send().await.map_err(|error| Fault::of_sending(&error))?;
        match response.status() {
            StatusCode::OK => Ok(response),
            status @ (StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY) => {
                // What it says is looked through for one thing, and goes nowhere.
                let body = timeout(self.idle, read_body(response, limits::PROVIDER_REFUSAL_BYTES_MAX)).await;
                let length = refused_for_length(&body.map(Result::unwrap_or_default).unwrap_or_default());
                Err(Fault::of_refusal(status, length))
            }
            status => Err(Fault::of_status(status, response.headers())),
        }
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base_url.clone();
        url.set_path(&format!("{}/{path}", self.base_url.path().trim_end_matches('/')));
        url
    }

    fn with_key(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.api_key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }
}

#[async_trait]
impl Provider for Remote {
    fn name(&self) -> &str {
        &self.name
    }

    async fn list(&self) -> Result<Vec<String>, ReplyFailure> {
        let request = self.with_key(self.client.get(self.url("models")));
        let list = async {
            let response = self.send(request).await.map_err(|fault| fault.failure)?;
            let body = read_body(response, limits::PROVIDER_LIST_BYTES_MAX).await?;
            let value: Value = serde_json::from_slice(&body).map_err(|_| ReplyFailure::Garbled)?;
            let models = value.get("data").and_then(Value::as_array).ok_or(ReplyFailure::Garbled)?;
            self.windows.hear(models);
            Ok(models.iter().filter_map(|model| model.get("id")?.as_str().map(str::to_owned)).collect())
        };
        timeout(self.first_byte.min(Duration::from_secs(LIST_SECONDS_MAX)), list)
            .await
            .map_err(|_| ReplyFailure::NoAnswer)?
    }

    async fn can_continue(&self, model: &str) -> bool {
        self.find_dialect(model).await.is_some()
    }

    fn sees(&self, model: &str, user_id: UserId) -> bool {
        let blind = self.blind.lock().unwrap_or_else(PoisonError::into_inner);
        blind.get(&(model.to_owned(), user_id)).is_none_or(is_long_ago)
    }

    fn note_blind(&self, model: &str, user_id: UserId) {
        tracing::info!(provider = self.name, model, "a model refused pictures");
        let mut blind = self.blind.lock().unwrap_or_else(PoisonError::into_inner);
        blind.retain(|_, at| !is_long_ago(at));
        blind.insert((model.to_owned(), user_id), Instant::now());
    }

    fn window(&self, model: &str) -> Window {
        self.windows.of(model)
    }

    async fn generate(&self, model: &str, prompt: &Prompt) -> Result<PieceStream, ReplyFailure> {
        let mut messages: Vec<Value> = prompt
            .lines
            .iter()
            .map(|line| {
                let role = match line.role {
                    PromptRole::User => "user",
                    PromptRole::Assistant => "assistant",
                };
                json!({ "role": role, "content": line.text })
            })
            .collect();
        if let Some(question) = messages.last_mut().filter(|_| !prompt.images.is_empty()) {
            question["content"] = with_images(question["content"].take(), &prompt.images);
        }
        // Moved, not copied: pictures are large.
        let mut body = json!({ "model": model, "stream": true });
        body["messages"] = Value::Array(messages);
        if prompt.begun.is_empty() {
            return self.ask_at_most(model, body, prompt).await;
        }
        self.find_dialect(model).await.unwrap_or(Dialect::Bare).apply(&mut body, &prompt.begun);
        let answer = self.ask_at_most(model, body, prompt).await;
        if answer.as_ref().is_err_and(|failure| *failure == ReplyFailure::RequestRefused) {
            // The server may be another one by now.
            self.known.forget_dialect(model).await;
        }
        answer
    }

    fn can_embed(&self) -> bool {
        true
    }

    async fn embed(&self, model: &str, texts: &[String]) -> Result<Vec<Vec<f32>>, ReplyFailure> {
        let body = json!({ "model": model, "input": texts, "encoding_format": "float" });
        let request = self.with_key(self.client.post(self.url("embeddings"))).json(&body);
        let answer = async {
            let response = self.send(request).await.map_err(|fault| fault.failure)?;
            let body = read_body(response, limits::PROVIDER_VECTORS_BYTES_MAX).await?;
            let vectors: Vectors = serde_json::from_slice(&body).map_err(|_| ReplyFailure::Garbled)?;
            let mut data = vectors.data;
            data.sort_by_key(|vector| vector.index);
            Ok(data.into_iter().map(|vector| vector.embedding).collect())
        };
        timeout(self.first_byte, answer).await.map_err(|_| ReplyFailure::NoAnswer)?
    }
}

/// A text and pictures, as parts of one message
/// (<https://platform.openai.com/docs/guides/images-vision>).
fn with_images(text: Value, images: &[PromptImage]) -> Value {
    let mut parts = vec![json!({ "type": "text", "text": text })];
    parts.extend(images.iter().map(|image| {
        let mut part = json!({ "type": "image_url", "image_url": {} });
        part["image_url"]["url"] = Value::String(format!("data:{};base64,{}", image.media_type, image.base64));
        part
    }));
    Value::Array(parts)
}

/// Whether a model that refused pictures then may be shown some again.
fn is_long_ago(at: &Instant) -> bool {
    at.elapsed() >= Duration::from_secs(limits::BLIND_SECONDS)
}

/// What `POST /embeddings` answers.
#[derive(Deserialize)]
struct Vectors {
    data: Vec<IndexedVector>,
}

#[derive(Deserialize)]
struct IndexedVector {
    index: usize,
    embedding: Vec<f32>,
}
