//! A model server that plays a script: it answers by itself, or does what the test says, step by step.

use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};
use tokio_util::sync::CancellationToken;

use super::{app::MODEL, soon};

/// The server.
pub struct Upstream {
    url: String,
    shared: Arc<Shared>,
    calls: tokio::sync::Mutex<mpsc::UnboundedReceiver<Call>>,
}

struct Shared {
    /// What it answers by itself; nothing when the test does it.
    answer: Mutex<Option<String>>,
    /// What it answers before that, one after the other.
    script: Mutex<VecDeque<Response>>,
    /// From now on every question, and every list, fails with this.
    outage: Mutex<Option<StatusCode>>,
    embeds: Mutex<Embeds>,
    /// How long it thinks about every few letters; none for not at all.
    pace: Mutex<Option<Duration>>,
    models: Mutex<Vec<String>>,
    /// What its list says of each model besides the name.
    entry: Mutex<Value>,
    /// Words, and what a question with them in it is answered with.
    answers: Mutex<Vec<(String, String)>>,
    /// The texts of the conversation, question by question.
    questions: Mutex<Vec<Vec<(String, String)>>>,
    calls: mpsc::UnboundedSender<Call>,
    asked: AtomicUsize,
    said: Said,
    /// Whether it goes on from the beginning of a reply, and how often that was tried.
    continues: AtomicBool,
    trials: AtomicUsize,
    /// Instead of the list of models: a status, with what was shown in the body.
    list_refusal: Mutex<Option<StatusCode>>,
    /// The `Authorization` header of every request.
    shown: Mutex<Vec<String>>,
}

/// What it says of what texts mean.
#[derive(Clone, Copy, PartialEq)]
pub enum Embeds {
    Well,
    /// It fails.
    Not,
    /// It never answers.
    Never,
    /// It refuses longer texts.
    UpTo {
        chars: usize,
    },
    /// It refuses texts with this in them.
    AllBut {
        word: &'static str,
    },
}

/// Everything that it ever said.
type Said = Arc<Mutex<Vec<String>>>;

/// A question that waits for what the test says to it.
pub struct Call {
    pub headers: HeaderMap,
    /// What was posted.
    pub body: Value,
    head: Option<oneshot::Sender<Response>>,
    pieces: Option<mpsc::UnboundedSender<io::Result<Bytes>>>,
    stream: Option<Body>,
    gone: CancellationToken,
    said: Said,
}

impl Upstream {
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (sender, receiver) = mpsc::unbounded_channel();
        let answer = Mutex::new(Some("Hello there.".to_owned()));
        let models = Mutex::new(vec![MODEL.to_owned(), "other-model".to_owned()]);
        let shared = Arc::new(Shared {
            answer,
            script: Mutex::default(),
            outage: Mutex::default(),
            embeds: Mutex::new(Embeds::Well),
            pace: Mutex::default(),
            models,
            entry: Mutex::new(json!({})),
            answers: Mutex::default(),
            questions: Mutex::default(),
            calls: sender,
            asked: AtomicUsize::new(0),
            continues: AtomicBool::new(false),
            trials: AtomicUsize::new(0),
            list_refusal: Mutex::default(),
            shown: Mutex::default(),
            said: Said::default(),
        });
        let router = Router::new()
            .route("/v1/models", get(list))
            .route("/v1/chat/completions", post(complete))
            .route("/v1/embeddings", post(embed))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared, calls: tokio::sync::Mutex::new(receiver) }
    }

    /// The address that a server is given.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on everything is answered with this.
    pub fn answer_with(&self, text: &str) {
        self.shared.said.lock().unwrap().push(text.to_owned());
        *self.shared.answer.lock().unwrap() = Some(text.to_owned());
    }

    /// The next question is answered with this, and those after it with what was said so before and after.
    pub fn next(&self, response: impl IntoResponse) {
        self.shared.script.lock().unwrap().push_back(response.into_response());
    }

    /// The next question is answered with these events.
    pub fn next_events(&self, events: &[String]) {
        let body = format!("{}{DONE}", events.concat());
        self.next(([(header::CONTENT_TYPE, "text/event-stream")], body));
    }

    /// From now on it fails, or does not any more.
    pub fn fail(&self, status: Option<StatusCode>) {
        *self.shared.outage.lock().unwrap() = status;
    }

    /// From now on it says this of what texts mean.
    pub fn embed(&self, embeds: Embeds) {
        *self.shared.embeds.lock().unwrap() = embeds;
    }

    /// From now on it writes a few letters at a time, after this pause each.
    pub fn take_time(&self, pause: Duration) {
        *self.shared.pace.lock().unwrap() = Some(pause);
    }

    /// From now on it has these models.
    pub fn offer(&self, models: &[&str]) {
        *self.shared.models.lock().unwrap() = models.iter().map(|&model| model.to_owned()).collect();
    }

    /// From now on its list says this of each model.
    pub fn describe(&self, entry: Value) {
        *self.shared.entry.lock().unwrap() = entry;
    }

    /// From now on a question with these words in it is answered with this.
    pub fn answer_to(&self, words: &str, text: &str) {
        self.shared.said.lock().unwrap().push(text.to_owned());
        self.shared.answers.lock().unwrap().push((words.to_owned(), text.to_owned()));
    }

    /// The texts of the conversation, question by question.
    pub fn questions(&self) -> Vec<Vec<(String, String)>> {
        self.shared.questions.lock().unwrap().clone()
    }

    /// From now on it answers with this instead of its list, and repeats what it was shown.
    pub fn refuse_list(&self, status: StatusCode) {
        *self.shared.list_refusal.lock().unwrap() = Some(status);
    }

    /// What it was shown in the `Authorization` header, request by request; empty for nothing.
    pub fn shown(&self) -> Vec<String> {
        self.shared.shown.lock().unwrap().clone()
    }

    /// From now on it goes on from the beginning of a reply, or does not.
    pub fn continue_replies(&self, continues: bool) {
        self.shared.continues.store(continues, Ordering::SeqCst);
    }

    /// How often it was tried whether it does.
    pub fn trials(&self) -> usize {
        self.shared.trials.load(Ordering::SeqCst)
    }

    /// From now on the test answers.
    pub fn by_hand(&self) {
        *self.shared.answer.lock().unwrap() = None;
    }

    /// The next question, when the test answers.
    pub async fn call(&self) -> Call {
        soon("a question to the model", async { self.calls.lock().await.recv().await.unwrap() }).await
    }

    /// Everything that it said, in pieces.
    pub fn said(&self) -> Vec<String> {
        self.shared.said.lock().unwrap().clone()
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }
}

impl Call {
    /// The texts of the conversation.
    pub fn lines(&self) -> Vec<(String, String)> {
        lines_of(&self.body)
    }

    /// Begins a stream of events.
    pub fn begin(&mut self) {
        self.begin_as(StatusCode::OK, "text/event-stream");
    }

    pub fn begin_as(&mut self, status: StatusCode, content_type: &str) {
        let stream = self.stream.take().unwrap();
        let response = (status, [(header::CONTENT_TYPE, content_type)], stream).into_response();
        let _ = self.head.take().unwrap().send(response);
    }

    /// A piece of the reply.
    pub fn piece(&self, text: &str) {
        self.said.lock().unwrap().push(text.to_owned());
        self.raw(delta(text));
    }

    /// Any bytes.
    pub fn raw(&self, bytes: impl Into<Bytes>) {
        let _ = self.pieces.as_ref().unwrap().send(Ok(bytes.into()));
    }

    /// Says that the reply is complete.
    pub fn done(mut self) {
        self.raw(DONE);
        self.pieces = None;
    }

    /// Ends the stream without another word.
    pub fn end(mut self) {
        self.pieces = None;
    }

    /// Breaks the connection.
    pub fn cut(mut self) {
        let _ = self.pieces.take().unwrap().send(Err(io::Error::other("cut")));
    }

    /// Answers with something that is no stream.
    pub fn answer(mut self, response: impl IntoResponse) {
        let _ = self.head.take().unwrap().send(response.into_response());
    }

    /// Waits until whoever asked has gone.
    pub async fn gone(&self) {
        soon("the end of the connection to the model", self.gone.cancelled()).await;
    }

    pub fn is_gone(&self) -> bool {
        self.gone.is_cancelled()
    }
}

fn lines_of(body: &Value) -> Vec<(String, String)> {
    // With pictures, a line has parts.
    let text = |value: &Value| match value.as_array() {
        Some(parts) => {
            parts.iter().filter_map(|part| part["text"].as_str().or(part["image_url"]["url"].as_str())).collect()
        }
        None => value.as_str().unwrap().to_owned(),
    };
    let lines = body["messages"].as_array().unwrap();
    lines.iter().map(|line| (text(&line["role"]), text(&line["content"]))).collect()
}

/// What it writes between two pauses.
const LETTERS_AT_A_TIME: usize = 6;

/// What ends a stream.
pub const DONE: &str = "data: [DONE]\n\n";

/// A piece of what it thinks as an event.
pub fn thought(text: &str) -> String {
    format!("data: {}\n\n", json!({ "choices": [{ "delta": { "reasoning_content": text } }] }))
}

/// How many tokens it counted, as the last event.
pub fn counted(prompt_tokens: i64, completion_tokens: i64) -> String {
    let usage = json!({ "prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens });
    format!("data: {}\n\n", json!({ "choices": [], "usage": usage }))
}

/// A piece of a reply as an event.
pub fn delta(text: &str) -> String {
    format!("data: {}\n\n", json!({ "choices": [{ "delta": { "content": text } }] }))
}

/// A vector for each text, in which each word has a place: texts with the same words are near each other.
async fn embed(State(shared): State<Arc<Shared>>, Json(question): Json<Value>) -> Response {
    if let Some(status) = *shared.outage.lock().unwrap() {
        return status.into_response();
    }
    let embeds = *shared.embeds.lock().unwrap();
    let texts = question["input"].as_array().unwrap();
    let is_refused = texts.iter().map(|text| text.as_str().unwrap()).any(|text| match embeds {
        Embeds::UpTo { chars } => text.chars().count() > chars,
        Embeds::AllBut { word } => text.contains(word),
        Embeds::Well | Embeds::Not | Embeds::Never => false,
    });
    match embeds {
        Embeds::Not => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Embeds::Never => std::future::pending().await,
        _ if is_refused => return StatusCode::BAD_REQUEST.into_response(),
        Embeds::Well | Embeds::UpTo { .. } | Embeds::AllBut { .. } => {}
    }
    let vector = |text: &str| {
        let mut vector = [0.0_f32; 128];
        for word in text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
            let place = word.to_lowercase().bytes().fold(7_usize, |hash, byte| hash * 31 % 8191 + usize::from(byte));
            vector[place % 128] += 1.0;
        }
        vector.to_vec()
    };
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| json!({ "index": index, "embedding": vector(text.as_str().unwrap()) }))
        .collect();
    Json(json!({ "data": data })).into_response()
}

async fn list(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let shown = shared.note(&headers);
    if let Some(status) = *shared.outage.lock().unwrap() {
        return status.into_response();
    }
    if let Some(status) = *shared.list_refusal.lock().unwrap() {
        let error =
            json!({ "error": { "message": format!("{shown} is not a key that we know"), "canary": "upstream" } });
        return (status, [("x-canary", "upstream"), ("location", "/v1/elsewhere")], Json(error)).into_response();
    }
    let named = |id: &String| {
        let mut entry = shared.entry.lock().unwrap().clone();
        entry["id"] = json!(id);
        entry
    };
    let models: Vec<Value> = shared.models.lock().unwrap().iter().map(named).collect();
    Json(json!({ "data": models })).into_response()
}

impl Shared {
    fn note(&self, headers: &HeaderMap) -> String {
        let shown = headers.get(header::AUTHORIZATION).map_or("", |value| value.to_str().unwrap()).to_owned();
        self.shown.lock().unwrap().push(shown.clone());
        shown
    }
}

async fn complete(State(shared): State<Arc<Shared>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    if body["stream"] == json!(false) {
        shared.trials.fetch_add(1, Ordering::SeqCst);
        let text = if shared.continues.load(Ordering::SeqCst) { "ble, thunder" } else { "river, candle, marble" };
        return Json(json!({ "choices": [{ "message": { "content": text } }] })).into_response();
    }
    shared.asked.fetch_add(1, Ordering::SeqCst);
    shared.note(&headers);
    let lines = lines_of(&body);
    shared.questions.lock().unwrap().push(lines.clone());
    if let Some(status) = *shared.outage.lock().unwrap() {
        return status.into_response();
    }
    let scripted = shared.script.lock().unwrap().pop_front();
    if let Some(response) = scripted {
        return response;
    }
    let has_words = |(words, _): &&(String, String)| lines.iter().any(|(_, text)| text.contains(words));
    let special = shared.answers.lock().unwrap().iter().find(has_words).map(|(_, text)| text.clone());
    let answer = special.or_else(|| shared.answer.lock().unwrap().clone());
    if let (Some(text), Some(pause)) = (&answer, *shared.pace.lock().unwrap()) {
        let begun =
            body["messages"].as_array().and_then(|lines| lines.last()).filter(|line| line["role"] == "assistant");
        let begun = begun.and_then(|line| line["content"].as_str()).unwrap_or_default();
        let rest: Vec<char> = text.strip_prefix(begun).unwrap_or(text).chars().collect();
        let mut events: Vec<String> =
            rest.chunks(LETTERS_AT_A_TIME).map(|piece| delta(&piece.iter().collect::<String>())).collect();
        events.push(DONE.to_owned());
        let paced = stream::iter(events).then(move |event| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, Infallible>(event)
        });
        return ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(paced)).into_response();
    }
    if let Some(text) = answer {
        // In two pieces, as a stream would have it.
        let middle = text.floor_char_boundary(text.len() / 2);
        let events = [delta(&text[..middle]), delta(&text[middle..]), DONE.to_owned()].map(Ok::<_, Infallible>);
        return ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(stream::iter(events)))
            .into_response();
    }
    let gone = CancellationToken::new();
    // One goes with the body, the other with this function: whoever asked may go away before there is a body.
    let (of_body, waiting) = (gone.clone().drop_guard(), gone.clone().drop_guard());
    let (pieces, receiver) = mpsc::unbounded_channel();
    let (head, response) = oneshot::channel();
    let stream = Body::from_stream(stream::unfold((receiver, of_body), |(mut receiver, guard)| async move {
        receiver.recv().await.map(|piece| (piece, (receiver, guard)))
    }));
    let _ = shared.calls.send(Call {
        headers,
        body,
        head: Some(head),
        pieces: Some(pieces),
        stream: Some(stream),
        gone,
        said: Arc::clone(&shared.said),
    });
    let response = response.await;
    waiting.disarm();
    response.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
