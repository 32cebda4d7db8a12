//! A live connection over a WebSocket: `/ws`.

use std::time::Duration;

use axum::{
    Extension,
    extract::{
        State,
        ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade},
    },
    response::Response,
};
use futures::{
    SinkExt, Stream, StreamExt,
    stream::{self, SplitSink, SplitStream},
};
use tokio::time::timeout;
use tower_sessions::Session;

use super::connection::{Connection, Heard, Voice};
use crate::{
    domain::{limits, live::CloseReason},
    server::{
        auth::{guard::Caller, store::Store},
        refusal,
        state::AppState,
    },
};

/// Read buffer of a connection; the library's default would be 128 KiB for each.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// The route: refuses before the upgrade what may not connect.
pub async fn upgrade(
    State(state): State<AppState>,
    Extension(store): Extension<Store>,
    Extension(caller): Extension<Caller>,
    session: Session,
    upgrade: WebSocketUpgrade,
) -> Response {
    let connection = match Connection::admit(state, store, &caller, &session).await {
        Ok(connection) => connection,
        Err(error) => return refusal::json(error),
    };
    upgrade
        .max_message_size(limits::SOCKET_MESSAGE_BYTES_MAX)
        .max_frame_size(limits::SOCKET_MESSAGE_BYTES_MAX)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(limits::SOCKET_WRITE_BUFFER_BYTES_MAX)
        .on_upgrade(async move |socket| {
            let (tasks, silence) = (connection.state.tasks.clone(), connection.state.config.limits.silence());
            let (sink, frames) = socket.split();
            let _ = tasks.spawn(connection.run(Sink(sink), heard(frames, silence))).await;
        })
}

struct Sink(SplitSink<WebSocket, Frame>);

impl Voice for Sink {
    async fn say(&mut self, json: String) -> bool {
        self.send(Frame::Text(json.into())).await
    }

    async fn ping(&mut self) -> bool {
        self.send(Frame::Ping(bytes::Bytes::new())).await
    }

    async fn close(&mut self, reason: CloseReason) {
        self.send(Frame::Close(Some(CloseFrame { code: reason.code(), reason: reason.name().into() }))).await;
    }
}

impl Sink {
    async fn send(&mut self, frame: Frame) -> bool {
        let patience = Duration::from_secs(limits::SOCKET_SEND_SECONDS_MAX);
        matches!(timeout(patience, self.0.send(frame)).await, Ok(Ok(())))
    }
}

/// What comes over a socket, until it is closed.
fn heard(frames: SplitStream<WebSocket>, silence: Duration) -> impl Stream<Item = Heard> + Send {
    stream::unfold(frames, move |mut frames| async move {
        loop {
            let heard = match timeout(silence, frames.next()).await {
                Err(_) => Heard::Silence,
                Ok(Some(Ok(Frame::Text(text)))) => Heard::Command(text.as_str().to_owned()),
                Ok(Some(Ok(Frame::Binary(_)))) => Heard::Nonsense,
                Ok(Some(Ok(Frame::Ping(_) | Frame::Pong(_)))) => continue,
                // A frame that is too large, or no frame at all.
                Ok(Some(Err(_))) => Heard::TooMuch,
                Ok(Some(Ok(Frame::Close(_))) | None) => return None,
            };
            return Some((heard, frames));
        }
    })
}
