//! The scripted model server: OpenAI-compatible, the same words each time, at a steady pace. It remembers when it was asked
//! and when it said what, so that its own time can be taken off.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::ListenerExt,
};
use bytes::Bytes;
use futures::stream;
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::sleep_until};

/// What it calls its one model.
pub const MODEL: &str = "scripted";
/// Time until its first word.
const FIRST_TOKEN_MS: u64 = 50;
const TOKENS_PER_SECOND: u32 = 50;
/// What one token says.
const TOKEN_CHARS: usize = 4;

/// A reply as models write them: prose, a list, code.
const PASSAGE: &str = "## Reading a file, line by line\n\nA buffered reader gives one line at a time, so that even a *very* large \
file needs little memory. Three things are worth knowing:\n\n1. `lines()` gives a `Result` for each line: reading may fail \
half-way.\n2. A line that is not valid UTF-8 is such a failure — „Grüße“ in Latin-1, for example.\n3. For bytes as they \
are, use `read_until`.\n\n```rust\nuse std::{fs::File, io::{BufRead, BufReader}};\n\nfn main() -> std::io::Result<()> {\n    \
let file = File::open(\"notes.txt\")?;\n    for line in BufReader::new(file).lines() {\n        println!(\"{}\", \
line?);\n    }\n    Ok(())\n}\n```\n\nSee the [documentation](https://doc.rust-lang.org/std/io/) for more; **measure** \
before you make it faster. 😀\n\n";

/// A model server, as long as the benchmark runs.
pub struct Upstream {
    pub base_url: String,
    spoken: Arc<Mutex<HashMap<u64, Spoken>>>,
}

/// When a reply was asked for and written.
#[derive(Clone, Copy)]
pub struct Spoken {
    pub asked: Instant,
    pub first: Instant,
    pub last: Instant,
}

impl Upstream {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base_url = format!("http://{}/v1", listener.local_addr()?);
        let spoken = Arc::default();
        let app = Router::new()
            .route("/v1/models", get(async || Json(json!({ "data": [{ "id": MODEL }] }))))
            .route("/v1/chat/completions", post(complete))
            .route("/v1/embeddings", post(async || Json(embedding())))
            .with_state(Arc::clone(&spoken));
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { base_url, spoken })
    }

    /// What it knows of a reply.
    pub fn spoken(&self, number: u64) -> Result<Spoken> {
        lock(&self.spoken).get(&number).copied().context("the model server was not asked")
    }
}

/// A message that asks for a reply of so many tokens under a number.
pub fn question(number: u64, tokens: usize) -> String {
    format!("Reply {number} in {tokens} tokens")
}

/// The reply's text.
pub fn script(tokens: usize) -> String {
    PASSAGE.chars().cycle().take(tokens * TOKEN_CHARS).collect()
}

/// The numbers in a [`question`].
fn read_question(body: &[u8]) -> Option<(u64, usize)> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = body.get("messages")?.as_array()?.last()?.get("content")?.as_str()?;
    let mut words = text.split(' ').skip(1).step_by(2);
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// Every token of the passage as it goes over the wire; after the last one comes the first again.
static CHUNKS: LazyLock<Vec<Bytes>> = LazyLock::new(|| {
    let chars: Vec<char> = PASSAGE.chars().collect();
    // As many as it takes until a token begins where the passage does.
    let chars: Vec<char> = chars.repeat(TOKEN_CHARS);
    chars.chunks(TOKEN_CHARS).map(|token| event(&json!({ "content": String::from_iter(token) }), None)).collect()
});

/// The same vector for each text, as long as the built-in model's.
fn embedding() -> Value {
    let vector: Vec<f32> = (0..384).map(|place| (place as f32).sin() / 20.0).collect();
    json!({ "data": [{ "index": 0, "embedding": vector }] })
}

fn event(delta: &Value, finish_reason: Option<&str>) -> Bytes {
    let chunk = json!({
        "id": "chatcmpl-0", "object": "chat.completion.chunk", "created": 0, "model": MODEL,
        "choices": [{ "index": 0, "delta": delta, "finish_reason": finish_reason }],
    });
    format!("data: {chunk}\n\n").into()
}

async fn complete(State(spoken): State<Arc<Mutex<HashMap<u64, Spoken>>>>, body: Bytes) -> Response {
    let asked = Instant::now();
    let Some((number, tokens)) = read_question(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let begin = asked + Duration::from_millis(FIRST_TOKEN_MS);
    let chunks = stream::unfold(0, move |place| {
        let spoken = Arc::clone(&spoken);
        async move {
            if place > tokens {
                return None;
            }
            let pace = Duration::from_secs(1) / TOKENS_PER_SECOND;
            let waited = pace * u32::try_from(place.min(tokens - 1)).unwrap_or(u32::MAX);
            sleep_until((begin + waited).into()).await;
            let chunk = if place == tokens {
                [event(&json!({}), Some("stop")), Bytes::from_static(b"data: [DONE]\n\n")].concat().into()
            } else {
                CHUNKS[place % CHUNKS.len()].clone()
            };
            note(&spoken, number, asked);
            Some((Ok::<_, std::io::Error>(chunk), place + 1))
        }
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(chunks)).into_response()
}

fn note(spoken: &Mutex<HashMap<u64, Spoken>>, number: u64, asked: Instant) {
    let now = Instant::now();
    lock(spoken).entry(number).or_insert(Spoken { asked, first: now, last: now }).last = now;
}

fn lock(spoken: &Mutex<HashMap<u64, Spoken>>) -> MutexGuard<'_, HashMap<u64, Spoken>> {
    spoken.lock().unwrap_or_else(PoisonError::into_inner)
}
