//! A reply through the bare relay.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use reqwest::{Client, header};
use serde_json::{Value, json};

use super::figures::Seen;
use crate::upstream;

/// Asks for a reply at its time, and reads it to its end.
pub async fn reply(http: Client, origin: String, number: u64, tokens: usize, at: tokio::time::Instant) -> Result<Seen> {
    let content = upstream::question(number, tokens);
    let body =
        json!({ "model": upstream::MODEL, "messages": [{ "role": "user", "content": content }], "stream": true });
    let request =
        http.post(format!("{origin}/relay")).header(header::CONTENT_TYPE, "application/json").body(body.to_string());
    tokio::time::sleep_until(at).await;
    let sent = Instant::now();
    let mut response = request.send().await?.error_for_status()?;
    let mut chunks: Vec<Bytes> = Vec::new();
    let (mut first, mut longest_pause) = (None, Duration::ZERO);
    let mut last = sent;
    while let Some(chunk) = response.chunk().await? {
        let now = Instant::now();
        if first.is_some() {
            longest_pause = longest_pause.max(now - last);
        }
        first.get_or_insert(now);
        last = now;
        chunks.push(chunk);
    }
    let end = Instant::now();
    ensure!(read_text(&chunks.concat()) == upstream::script(tokens), "a reply through the relay is not what was said");
    Ok(Seen { sent, first: first.context("a reply through the relay was empty")?, end, longest_pause })
}

/// The text in a stream of events.
fn read_text(events: &[u8]) -> String {
    let lines = events.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data: "));
    lines
        .filter_map(|data| serde_json::from_slice::<Value>(data).ok())
        .filter_map(|chunk| Some(chunk.pointer("/choices/0/delta/content")?.as_str()?.to_owned()))
        .collect()
}
