//! What a server sends for one reply: pieces out of a stream of events, or all at once. Bytes are bounded, every wait is, and
//! what is not understood is passed over.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use eventsource_stream::EventStreamError;
use futures::{Stream, StreamExt, stream};
use reqwest::Response;
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    domain::{limits, message::ReplyFailure},
    server::ai::{Piece, PieceStream, window::refused_for_length},
};

/// How far a stream of events has come.
struct Progress<S> {
    events: S,
    wait: Duration,
    idle: Duration,
    has_chunk: bool,
    is_finished: bool,
    is_cut_for_length: bool,
    is_over: bool,
    /// Understood, and not yet passed on.
    heard: VecDeque<Piece>,
}

/// The pieces in a stream of events, ending with a failure unless the server said that it is done.
pub fn pieces<S, E>(events: S, first_byte: Duration, idle: Duration) -> impl Stream<Item = Result<Piece, ReplyFailure>>
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
        heard: VecDeque::new(),
    };
    stream::unfold(progress, |mut progress| async move {
        let piece = next_piece(&mut progress).await;
        piece.map(|piece| (piece, progress))
    })
}

async fn next_piece<S, E>(progress: &mut Progress<S>) -> Option<Result<Piece, ReplyFailure>>
where
    S: Stream<Item = Result<eventsource_stream::Event, EventStreamError<E>>> + Unpin,
    E: Into<ReplyFailure>,
{
    loop {
        if let Some(piece) = progress.heard.pop_front() {
            return Some(Ok(piece));
        }
        if progress.is_over {
            break;
        }
        let failure = match timeout(progress.wait, progress.events.next()).await {
            Err(_) if progress.has_chunk => ReplyFailure::Stalled,
            Err(_) => ReplyFailure::NoAnswer,
            Ok(Some(Ok(event))) => match read_event(progress, &event.data) {
                Ok(()) => continue,
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

/// Takes what is in one event. What is not understood is passed over.
fn read_event<S>(progress: &mut Progress<S>, data: &str) -> Result<(), ReplyFailure> {
    if data.trim() == "[DONE]" {
        progress.is_over = true;
        return if progress.has_chunk { Ok(()) } else { Err(ReplyFailure::Empty) };
    }
    let Ok(chunk) = serde_json::from_str::<Value>(data) else { return Ok(()) };
    if let Some(failure) = error_in(&chunk) {
        return Err(failure);
    }
    progress.heard.extend(counted(&chunk));
    let Some(choice) = chunk.get("choices").and_then(|choices| choices.get(0)) else { return Ok(()) };
    progress.has_chunk = true;
    progress.wait = progress.idle;
    if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
        progress.is_finished = true;
        progress.is_cut_for_length = reason == "length";
    }
    if let Some(delta) = choice.get("delta") {
        progress.heard.extend(said(delta));
    }
    Ok(())
}

/// What a server means that speaks of an error after having said that all is well.
fn error_in(value: &Value) -> Option<ReplyFailure> {
    let error = value.get("error").filter(|error| !error.is_null())?;
    let is_length = refused_for_length(error.to_string().as_bytes()).is_some();
    Some(if is_length { ReplyFailure::ContextTooLong } else { ReplyFailure::ProviderError })
}

/// What a message, or a part of one, says: what the model thinks, under either of two names, and its answer.
fn said(message: &Value) -> impl Iterator<Item = Piece> {
    let text = |name| message.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let reasoning = text("reasoning_content").or_else(|| text("reasoning")).map(Piece::Reasoning);
    reasoning.into_iter().chain(text("content").map(Piece::Text))
}

/// How many tokens a server counted, if it said so and it can be.
fn counted(value: &Value) -> Option<Piece> {
    let count = |name| {
        let tokens = value.get("usage")?.get(name)?.as_u64();
        tokens.filter(|tokens| *tokens <= limits::REPLY_TOKENS_COUNTED_MAX)
    };
    let (prompt_tokens, completion_tokens) = (count("prompt_tokens")?, count("completion_tokens")?);
    Some(Piece::Counted { prompt_tokens, completion_tokens })
}

/// A server that does not stream gives its reply in one piece, or an error.
pub fn whole_reply(body: &[u8]) -> Result<PieceStream, ReplyFailure> {
    let value: Value = serde_json::from_slice(body).map_err(|_| ReplyFailure::Garbled)?;
    if let Some(failure) = error_in(&value) {
        return Err(failure);
    }
    let message =
        value.pointer("/choices/0/message").filter(|message| message.get("content").is_some_and(Value::is_string));
    let pieces: Vec<_> = said(message.ok_or(ReplyFailure::Garbled)?).chain(counted(&value)).map(Ok).collect();
    Ok(Box::pin(stream::iter(pieces)))
}

/// Passes bytes on until a line, or all of them, are too many.
pub fn bounded<S>(bytes: S) -> impl Stream<Item = Result<Bytes, ReplyFailure>>
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

pub async fn read_body(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, ReplyFailure> {
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await.map_err(|_| ReplyFailure::Cut)? {
        body.extend_from_slice(&bytes);
        if body.len() > bytes_max {
            return Err(ReplyFailure::Garbled);
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use eventsource_stream::Eventsource;
    use serde_json::json;

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
                Ok(Piece::Text(piece)) => text.push_str(&piece),
                Ok(Piece::Reasoning(piece)) => text.push_str(&format!("({piece})")),
                Ok(Piece::Counted { prompt_tokens, completion_tokens }) => {
                    text.push_str(&format!("[{prompt_tokens}+{completion_tokens}]"));
                }
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
    async fn reasoning_and_counts_are_told_from_the_answer() {
        let thought =
            |name: &str| format!("data: {}\n\n", json!({ "choices": [{ "delta": { name: "hm", "content": null } }] }));
        let count = |prompt: Value, completion: Value| {
            let usage = json!({ "prompt_tokens": prompt, "completion_tokens": completion });
            format!("data: {}\n\n", json!({ "choices": [], "usage": usage }))
        };
        let raw = format!("{}{}{}", thought("reasoning_content"), thought("reasoning"), delta("ok"));
        let ends = [
            (count(json!(7), json!(2)), "[7+2]"),
            // D33: what cannot be is not believed.
            (count(json!(-7), json!(2)), ""),
            (count(json!(1_000_000_000_000_000_000_u64), json!(2)), ""),
            (count(json!(1e300), json!("2")), ""),
            (count(json!(null), json!([])), ""),
        ];
        for (end, counted) in ends {
            let raw = format!("{raw}{end}data: [DONE]\n\n");
            assert_eq!(read(raw.as_bytes(), 9).await, (format!("(hm)(hm)ok{counted}"), None));
        }
    }

    #[tokio::test]
    async fn a_line_without_end_is_given_up() {
        let raw = vec![b'x'; limits::PROVIDER_LINE_BYTES_MAX * 2];
        assert_eq!(read(&raw, 64 * 1024).await.1, Some(ReplyFailure::Garbled));
    }
}
