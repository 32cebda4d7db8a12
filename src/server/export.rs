//! All that is somebody's as one JSON file, written while it is read: it is never whole in memory, however much there is.

use std::io;

use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use serde_json::Value;
use tokio::sync::mpsc;

use super::{auth::guard::Caller, db::UserDb, refusal, state::AppState};
use crate::{domain::ids::ChatId, error::Result};

/// Pieces that wait for a reader; the database is read no faster than the file is taken.
const PIECES_QUEUED_MAX: usize = 4;

type Pieces = mpsc::Sender<io::Result<Bytes>>;

/// The route `/settings/data.json`.
pub async fn download(State(state): State<AppState>, Extension(caller): Extension<Caller>) -> Response {
    let db = match caller.known() {
        Ok(known) => known.db.clone(),
        Err(error) => return refusal::json(error),
    };
    let (pieces, queue) = mpsc::channel(PIECES_QUEUED_MAX);
    state.tasks.spawn(async move {
        if let Err(error) = write(&db, &pieces).await {
            // Breaks the download off: half a file must not look like a whole one.
            let _ = pieces.send(Err(io::Error::other(error.code()))).await;
        }
    });
    let body = stream::unfold(queue, |mut queue| async move { queue.recv().await.map(|piece| (piece, queue)) });
    let mut response = Body::from_stream(body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
        .insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"sardonyx-data.json\""));
    response
}

/// Writes `{"account": …, "sessions": …, "notifications": …, "access_tokens": …, "chats": [{…, "messages": […]}, …], "files": […]}`.
async fn write(db: &UserDb, pieces: &Pieces) -> Result<()> {
    send(pieces, opened(&db.export_account().await?, "chats")).await;
    let mut after = None;
    loop {
        let chats = db.export_chats(after).await?;
        let Some((last, _)) = chats.last() else { break };
        let is_first_page = after.replace(*last).is_none();
        for (place, (chat_id, chat)) in chats.into_iter().enumerate() {
            send(pieces, comma(is_first_page && place == 0) + &opened(&chat, "messages")).await;
            write_messages(db, chat_id, pieces).await?;
            send(pieces, "]}".to_owned()).await;
        }
    }
    send(pieces, "],\"files\":[".to_owned()).await;
    write_files(db, pieces).await?;
    send(pieces, "]}\n".to_owned()).await;
    Ok(())
}

/// What is kept about each file. Its content is downloaded by itself, under its id.
async fn write_files(db: &UserDb, pieces: &Pieces) -> Result<()> {
    let mut after = None;
    loop {
        let files = db.export_files(after).await?;
        let Some((last, _)) = files.last() else { return Ok(()) };
        let is_first_page = after.replace(*last).is_none();
        for (place, (_, file)) in files.into_iter().enumerate() {
            send(pieces, comma(is_first_page && place == 0) + &file.to_string()).await;
        }
    }
}

async fn write_messages(db: &UserDb, chat_id: ChatId, pieces: &Pieces) -> Result<()> {
    let mut after_seq = 0;
    loop {
        let messages = db.export_messages(chat_id, after_seq).await?;
        let Some((last_seq, _)) = messages.last() else { return Ok(()) };
        let is_first_page = after_seq == 0;
        after_seq = *last_seq;
        for (place, (_, message)) in messages.into_iter().enumerate() {
            send(pieces, comma(is_first_page && place == 0) + &message.to_string()).await;
        }
    }
}

/// An object with one more field, a list that is still open.
fn opened(object: &Value, list: &str) -> String {
    let mut text = object.to_string();
    // Its closing brace.
    text.pop();
    text + ",\"" + list + "\":["
}

fn comma(is_first: bool) -> String {
    if is_first { String::new() } else { ",".to_owned() }
}

/// A reader that went away wants nothing more; the channel says so to all that follow, too.
async fn send(pieces: &Pieces, text: String) {
    let _ = pieces.send(Ok(text.into())).await;
}
