//! Any OpenAI-compatible server: `GET /models` and `POST /chat/completions` with `stream: true`
//! (<https://platform.openai.com/docs/api-reference/chat-streaming>).
//!
//! What such a server sends is taken for what it is: anything. Time and bytes are bounded, redirects are not followed (the
//! key would go along), unknown fields and events are ignored, and nothing of it is logged.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use eventsource_stream::{EventStreamError, Eventsource};
use futures::{Stream, StreamExt, stream};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, header};
use serde_json::{Value, json};
use tokio::{sync::Mutex, time::timeout};

use super::{PieceStream, Provider, address};
use crate::{
    domain::{
        limits,
        message::ReplyFailure,
        model::{Prompt, PromptRole},
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
    /// How each model was found to go on from a beginning; none for one that does not.
    dialects: Mutex<HashMap<String, Option<Dialect>>>,
}

/// How a server is told to go on from the beginning of a reply, which is the last message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// By nothing else: llama.cpp, Anthropic, OpenRouter and others.
    Bare,
    /// By `prefix` in that message: Mistral, DeepSeek.
    Prefix,
    /// By two fields of vLLM and SGLang.
    ContinueFinal,
}

impl Dialect {
    const ALL: [Self; 3] = [Self::Bare, Self::Prefix, Self::ContinueFinal];

    /// Says it in the body of a request, which ends with the user's message.
    fn apply(self, body: &mut Value, begun: &str) {
        let mut message = json!({ "role": "assistant", "content": begun });
        match self {
            Self::Bare => {}
            Self::Prefix => message["prefix"] = json!(true),
            Self::ContinueFinal => {
                body["continue_final_message"] = json!(true);
                body["add_generation_prompt"] = json!(false);
            }
        }
        if let Some(messages) = body["messages"].as_array_mut() {
            messages.push(message);
        }
    }
}

/// A task whose solution shows whether a model goes on from its beginning: it cannot be anything else.
const TRIAL_QUESTION: &str = "Write these words in this order and nothing else: river, candle, marble, thunder";
const TRIAL_BEGUN: &str = "river, candle, mar";
const TRIAL_REST: &str = "ble";
const TRIAL_TOKENS: u32 = 8;

impl Remote {
    /// Ready to ask the server at `base_url`, which need not be there.
    ///
    /// # Errors
    /// What is wrong with the address, after the setting's name.
    pub fn new(name: &str, base_url: &Url, api_key: Option<String>, config: &ModelConfig) -> Result<Self, String> {
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
            dialects: Mutex::default(),
        })
    }

    /// How a model goes on from a beginning, found out by asking it to. What is not known because the server does not
    /// answer is asked again the next time.
    async fn find_dialect(&self, model: &str) -> Option<Dialect> {
        // Held meanwhile, so that many replies that go on at once ask once.
        let mut dialects = self.dialects.lock().await;
        if let Some(known) = dialects.get(model) {
            return *known;
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
        dialects.insert(model.to_owned(), found);
        found
    }

    async fn try_dialect(&self, model: &str, dialect: Dialect) -> Result<bool, ReplyFailure> {
        let messages = json!([{ "role": "user", "content": TRIAL_QUESTION }]);
        let mut body = json!({ "model": model, "messages": messages, "stream": false, "temperature": 0, "max_tokens": TRIAL_TOKENS });
        dialect.apply(&mut body, TRIAL_BEGUN);
        let answer = async {
            let request = self.with_key(self.client.post(self.url("chat/completions"))).json(&body);
            let response = check_status(request.send().await.map_err(|error| send_failure(&error))?)?;
            read_body(response, limits::PROVIDER_LIST_BYTES_MAX).await
        };
        let limit = self.first_byte.min(Duration::from_secs(LIST_SECONDS_MAX));
        let body = timeout(limit, answer).await.map_err(|_| ReplyFailure::NoAnswer)??;
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        let text = value.pointer("/choices/0/message/content").and_then(Value::as_str).unwrap_or_default();
        Ok(text.starts_with(TRIAL_REST))
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
            let response = check_status(request.send().await.map_err(|error| send_failure(&error))?)?;
            let body = read_body(response, limits::PROVIDER_LIST_BYTES_MAX).await?;
            let value: Value = serde_json::from_slice(&body).map_err(|_| ReplyFailure::Garbled)?;
            let models = value.get("data").and_then(Value::as_array).ok_or(ReplyFailure::Garbled)?;
            Ok(models.iter().filter_map(|model| model.get("id")?.as_str().map(str::to_owned)).collect())
        };
        timeout(self.first_byte.min(Duration::from_secs(LIST_SECONDS_MAX)), list)
            .await
            .map_err(|_| ReplyFailure::NoAnswer)?
    }

    async fn can_continue(&self, model: &str) -> bool {
        self.find_dialect(model).await.is_some()
    }

    async fn generate(&self, model: &str, prompt: &Prompt) -> Result<PieceStream, ReplyFailure> {
        let messages: Vec<Value> = prompt
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
        let mut body = json!({ "model": model, "messages": messages, "stream": true });
        if !prompt.begun.is_empty() {
            self.find_dialect(model).await.unwrap_or(Dialect::Bare).apply(&mut body, &prompt.begun);
        }
        let request = self
            .with_key(self.client.post(self.url("chat/completions")))
            .header(header::ACCEPT, "text/event-stream")
            .json(&body);
        let response = timeout(self.first_byte, request.send())
            .await
            .map_err(|_| ReplyFailure::NoAnswer)?
            .map_err(|error| send_failure(&error))?;
        let response = check_status(response)?;
        let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if content_type.is_some_and(|kind| kind.starts_with("application/json")) {
            let body = timeout(self.idle, read_body(response, limits::PROVIDER_LIST_BYTES_MAX));
            return whole_reply(&body.await.map_err(|_| ReplyFailure::Stalled)??);
        }
        let events = Box::pin(bounded(response.bytes_stream()).eventsource());
        Ok(Box::pin(pieces(events, self.first_byte, self.idle)))
    }
}

/// How far a stream of events has come.
struct Progress<S> {
    events: S,
    wait: Duration,
    idle: Duration,
    has_chunk: bool,
    is_finished: bool,
    is_cut_for_length: bool,
    is_over: bool,
}

/// The pieces in a stream of events, ending with a failure unless the server said that it is done.
fn pieces<S, E>(events: S, first_byte: Duration, idle: Duration) -> impl Stream<Item = Result<String, ReplyFailure>>
where
    S: Stream<Item = Result<eventsource_stream::Event, EventStreamError<E>>> + Unpin,
    E: Into<ReplyFailure>,
{
    let progress = Progress {
        events,
        wait: first_byte,
        idle,
        has_chunk: false,
        is_finished: false,
        is_cut_for_length: false,
        is_over: false,
    };
    stream::unfold(progress, |mut progress| async move {
        let piece = next_piece(&mut progress).await;
        piece.map(|piece| (piece, progress))
    })
}

async fn next_piece<S, E>(progress: &mut Progress<S>) -> Option<Result<String, ReplyFailure>>
where
    S: Stream<Item = Result<eventsource_stream::Event, EventStreamError<E>>> + Unpin,
    E: Into<ReplyFailure>,
{
    while !progress.is_over {
        let failure = match timeout(progress.wait, progress.events.next()).await {
            Err(_) if progress.has_chunk => ReplyFailure::Stalled,
            Err(_) => ReplyFailure::NoAnswer,
            Ok(Some(Ok(event))) => match read_event(progress, &event.data) {
                Ok(Some(piece)) => return Some(Ok(piece)),
                Ok(None) => continue,
                Err(failure) => failure,
            },
            Ok(Some(Err(EventStreamError::Transport(error)))) => error.into(),
            Ok(Some(Err(_))) => ReplyFailure::Garbled,
            // Some servers say why they finish and leave out the `[DONE]`.
            Ok(None) if progress.is_finished => break,
            Ok(None) if progress.has_chunk => ReplyFailure::Cut,
            Ok(None) => ReplyFailure::Garbled,
        };
        progress.is_over = true;
        return Some(Err(failure));
    }
    if std::mem::take(&mut progress.is_cut_for_length) {
        progress.is_over = true;
        return Some(Err(ReplyFailure::TooLong));
    }
    None
}

/// The text in one event. What is not understood is passed over.
fn read_event<S>(progress: &mut Progress<S>, data: &str) -> Result<Option<String>, ReplyFailure> {
    if data.trim() == "[DONE]" {
        progress.is_over = true;
        return if progress.has_chunk { Ok(None) } else { Err(ReplyFailure::Empty) };
    }
    let Ok(chunk) = serde_json::from_str::<Value>(data) else { return Ok(None) };
    if chunk.get("error").is_some_and(|error| !error.is_null()) {
        return Err(ReplyFailure::ProviderError);
    }
    let Some(choice) = chunk.get("choices").and_then(|choices| choices.get(0)) else { return Ok(None) };
    progress.has_chunk = true;
    progress.wait = progress.idle;
    if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
        progress.is_finished = true;
        progress.is_cut_for_length = reason == "length";
    }
    let text = choice.get("delta").and_then(|delta| delta.get("content")).and_then(Value::as_str);
    Ok(text.filter(|text| !text.is_empty()).map(str::to_owned))
}

/// A server that does not stream gives its reply in one piece, or an error.
fn whole_reply(body: &[u8]) -> Result<PieceStream, ReplyFailure> {
    let value: Value = serde_json::from_slice(body).map_err(|_| ReplyFailure::Garbled)?;
    if value.get("error").is_some_and(|error| !error.is_null()) {
        return Err(ReplyFailure::ProviderError);
    }
    let text = value.pointer("/choices/0/message/content").and_then(Value::as_str).ok_or(ReplyFailure::Garbled)?;
    let text = text.to_owned();
    Ok(Box::pin(stream::once(async move { Ok(text) })))
}

/// Passes bytes on until a line, or all of them, are too many.
fn bounded<S>(bytes: S) -> impl Stream<Item = Result<Bytes, ReplyFailure>>
where
    S: Stream<Item = reqwest::Result<Bytes>>,
{
    // The event parser panics at a byte order mark, but only at the very beginning; an empty line means nothing.
    let bytes = stream::once(async { Ok(Bytes::from_static(b"\n")) }).chain(bytes);
    bytes.scan((0_usize, 0_usize), |(total, line), bytes| {
        let bytes = bytes.map_err(|_| ReplyFailure::Cut).and_then(|bytes| {
            *total += bytes.len();
            *line = match bytes.iter().rposition(|byte| *byte == b'\n') {
                Some(at) => bytes.len() - at,
                None => *line + bytes.len(),
            };
            if *line > limits::PROVIDER_LINE_BYTES_MAX {
                Err(ReplyFailure::Garbled)
            } else if *total > limits::PROVIDER_STREAM_BYTES_MAX {
                Err(ReplyFailure::TooLong)
            } else {
                Ok(bytes)
            }
        });
        std::future::ready(Some(bytes))
    })
}

async fn read_body(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, ReplyFailure> {
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await.map_err(|_| ReplyFailure::Cut)? {
        body.extend_from_slice(&bytes);
        if body.len() > bytes_max {
            return Err(ReplyFailure::Garbled);
        }
    }
    Ok(body)
}

fn check_status(response: Response) -> Result<Response, ReplyFailure> {
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(response);
    }
    tracing::warn!(status = status.as_u16(), "a model's server refused");
    Err(match status.as_u16() {
        401 | 403 => ReplyFailure::KeyRefused,
        404 => ReplyFailure::ModelNotFound,
        429 => ReplyFailure::RateLimited,
        400 | 413 | 422 => ReplyFailure::RequestRefused,
        201..=299 => ReplyFailure::Garbled,
        _ => ReplyFailure::ProviderError,
    })
}

fn send_failure(error: &reqwest::Error) -> ReplyFailure {
    // `without_url` is not needed: only what kind of failure it is goes into the log.
    let failure = if error.is_connect() || error.is_timeout() { ReplyFailure::Unreachable } else { ReplyFailure::Cut };
    tracing::warn!(?failure, "a model's server cannot be asked");
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out of a stream of raw bytes, cut into `size` at a time.
    async fn read(raw: &[u8], size: usize) -> (String, Option<ReplyFailure>) {
        let chunks: Vec<reqwest::Result<Bytes>> =
            raw.chunks(size).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let events = Box::pin(bounded(stream::iter(chunks)).eventsource());
        let second = Duration::from_secs(1);
        let mut pieces = Box::pin(pieces(events, second, second));
        let (mut text, mut failure) = (String::new(), None);
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(piece) => text.push_str(&piece),
                Err(error) => failure = Some(error),
            }
        }
        (text, failure)
    }

    fn delta(text: &str) -> String {
        format!("data: {}\n\n", json!({ "choices": [{ "delta": { "content": text } }] }))
    }

    #[tokio::test]
    async fn a_reply_is_the_same_however_its_bytes_are_cut() {
        let raw = format!(": hello\r\n\r\n{}event: x\n{}data: [DONE]\n\n", delta("Grüße 😀 "), delta("日本"));
        for size in 1..raw.len() {
            assert_eq!(read(raw.as_bytes(), size).await, ("Grüße 😀 日本".to_owned(), None), "{size}");
        }
    }

    #[tokio::test]
    async fn a_stream_that_just_ends_is_cut() {
        assert_eq!(read(delta("half").as_bytes(), 7).await, ("half".to_owned(), Some(ReplyFailure::Cut)));
        let finished =
            format!("{}data: {{\"choices\":[{{\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n", delta("all"));
        assert_eq!(read(finished.as_bytes(), 7).await, ("all".to_owned(), None));
        let too_long = finished.replace("stop", "length");
        assert_eq!(read(too_long.as_bytes(), 7).await, ("all".to_owned(), Some(ReplyFailure::TooLong)));
    }

    #[tokio::test]
    async fn garbage_is_passed_over_or_fails_cleanly() {
        let odd = "data: {\"choices\":[]}\n\ndata: {\"choices\":[{\"delta\":null}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":7}}]}\n\ndata: nonsense\n\nevent: execute\ndata: {\"type\":\"execute\"}\n\nretry: 5\n\n";
        let raw = format!("{odd}{}{odd}data: [DONE]\n\n{}", delta("ok"), delta("late"));
        assert_eq!(read(raw.as_bytes(), 11).await, ("ok".to_owned(), None));
        assert_eq!(read(b"<html>nope</html>\n\n", 5).await.1, Some(ReplyFailure::Garbled));
        assert_eq!(read(b"data: {\"error\":{\"message\":\"x\"}}\n\n", 5).await.1, Some(ReplyFailure::ProviderError));
        assert_eq!(read(b"data: [DONE]\n\n", 5).await.1, Some(ReplyFailure::Empty));
        assert_eq!(read(b"", 5).await.1, Some(ReplyFailure::Garbled));
        let marked = format!("\u{feff}\n{}data: [DONE]\n\n", delta("ok"));
        for size in 1..8 {
            assert_eq!(read(marked.as_bytes(), size).await, ("ok".to_owned(), None));
        }
    }

    #[tokio::test]
    async fn a_line_without_end_is_given_up() {
        let raw = vec![b'x'; limits::PROVIDER_LINE_BYTES_MAX * 2];
        assert_eq!(read(&raw, 64 * 1024).await.1, Some(ReplyFailure::Garbled));
    }
}
