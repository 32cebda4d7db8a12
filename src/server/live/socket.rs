//! One live connection: `/ws`.
//!
//! Before the upgrade the origin layer and the guard have had their say. Two halves run side by side, so that a browser
//! that reads slowly does not keep us from hearing it. Every command is authorised anew against the database, and so is
//! a silent connection, now and then.

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
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use std::sync::Arc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tower_sessions::{Session, session};

use super::hub::{Mailbox, Outgoing};
use crate::{
    domain::{
        limits,
        live::{CloseReason, LiveCommand, LiveEvent},
        session::SessionEnd,
    },
    error::Error,
    server::{
        auth::{
            guard::{self, Caller, Known},
            session::{Login, find_login},
            store::Store,
        },
        clock,
        db::UserDb,
        drafts, refusal, replies,
        state::AppState,
    },
};

/// Read buffer of a connection; the library's default would be 128 KiB for each.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// A silent connection's session is looked at this often.
const REVALIDATE_SECONDS: u64 = 30;
/// A browser has this long to take one frame.
const SEND_SECONDS_MAX: u64 = 60;

/// The route: refuses before the upgrade what may not connect.
pub async fn upgrade(
    State(state): State<AppState>,
    Extension(store): Extension<Store>,
    Extension(caller): Extension<Caller>,
    session: Session,
    upgrade: WebSocketUpgrade,
) -> Response {
    let known = match caller.known() {
        Ok(known) => known.clone(),
        Err(error) => return refusal::json(error),
    };
    let Some(cookie_id) = session.id() else { return refusal::json(Error::SessionEnded(SessionEnd::Expired)) };
    let per_user_max = state.config.limits.sockets_per_user;
    let mailbox = match state.live.register(known.db.user_id(), known.session_id, per_user_max).await {
        Ok(mailbox) => mailbox,
        Err(error) => return refusal::json(error),
    };
    let login = Login { user_id: known.db.user_id(), session_id: known.session_id };
    let connection = Connection { state: state.clone(), store: Arc::new(store), cookie_id, login, mailbox };
    // Dropped with the connection, also when the upgrade never completes.
    let registration = Registration(connection.clone());
    upgrade
        .max_message_size(limits::SOCKET_MESSAGE_BYTES_MAX)
        .max_frame_size(limits::SOCKET_MESSAGE_BYTES_MAX)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(limits::SOCKET_WRITE_BUFFER_BYTES_MAX)
        .on_upgrade(move |socket| async move {
            let task = connection.state.tasks.clone();
            let _ = task.spawn(run(connection, registration, known, socket)).await;
        })
}

#[derive(Clone)]
struct Connection {
    state: AppState,
    store: Arc<Store>,
    /// The secret in the cookie.
    cookie_id: session::Id,
    login: Login,
    mailbox: Arc<Mailbox>,
}

struct Registration(Connection);

impl Drop for Registration {
    fn drop(&mut self) {
        self.0.state.live.unregister(&self.0.mailbox);
    }
}

async fn run(connection: Connection, _registration: Registration, known: Known, socket: WebSocket) {
    let (sink, stream) = socket.split();
    let writer = write(&connection, sink);
    let reader = read(&connection, stream);
    let watchdog = watch_session(&connection, known.session_expires_at_ms);
    tokio::pin!(writer);
    // Whatever ends first, the writer has the last word: it says why and closes.
    tokio::select! {
        () = &mut writer => return,
        reason = reader => {
            let Some(reason) = reason else { return };
            connection.mailbox.close(reason);
        }
        reason = watchdog => connection.mailbox.close(reason),
    }
    writer.await;
}

/// Sends what waits, until it is told to close.
async fn write(connection: &Connection, mut sink: SplitSink<WebSocket, Frame>) {
    let mut pings = interval(Duration::from_secs(limits::SOCKET_PING_SECONDS));
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        while let Some(outgoing) = connection.mailbox.take(&connection.state.live.hub) {
            match outgoing {
                Outgoing::Event(event) => {
                    if !send_event(&mut sink, &event).await {
                        return;
                    }
                }
                Outgoing::Close(reason) => return close(&mut sink, reason).await,
            }
        }
        tokio::select! {
            () = connection.mailbox.changed() => {}
            _ = pings.tick() => {
                if !send(&mut sink, Frame::Ping(bytes::Bytes::new())).await {
                    return;
                }
            }
        }
    }
}

async fn send_event(sink: &mut SplitSink<WebSocket, Frame>, event: &LiveEvent) -> bool {
    match serde_json::to_string(event) {
        Ok(text) => send(sink, Frame::Text(text.into())).await,
        Err(error) => {
            tracing::error!(%error, "a live event cannot be written");
            false
        }
    }
}

/// False when the browser is gone or does not read.
async fn send(sink: &mut SplitSink<WebSocket, Frame>, frame: Frame) -> bool {
    matches!(timeout(Duration::from_secs(SEND_SECONDS_MAX), sink.send(frame)).await, Ok(Ok(())))
}

async fn close(sink: &mut SplitSink<WebSocket, Frame>, reason: CloseReason) {
    // The close frame's reason cannot be read by every client; the event can.
    send_event(sink, &LiveEvent::Closing { reason }).await;
    let text =
        serde_json::to_value(reason).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
    send(sink, Frame::Close(Some(CloseFrame { code: reason.code(), reason: text.into() }))).await;
}

/// Hears commands until the browser goes away (none) or must go (why).
async fn read(connection: &Connection, mut stream: SplitStream<WebSocket>) -> Option<CloseReason> {
    let mut budget = CommandBudget::new();
    loop {
        let frame = timeout(Duration::from_secs(limits::SOCKET_SILENCE_SECONDS_MAX), stream.next()).await;
        match frame {
            Err(_) => return Some(CloseReason::TooSlow),
            Ok(Some(Ok(Frame::Text(text)))) => {
                if !budget.take() {
                    return Some(CloseReason::TooMuch);
                }
                if let Some(reason) = obey(connection, text.as_str()).await {
                    return Some(reason);
                }
            }
            Ok(Some(Ok(Frame::Binary(_)))) => {
                if !budget.take() {
                    return Some(CloseReason::TooMuch);
                }
                refuse(connection, Error::Malformed);
            }
            Ok(Some(Ok(Frame::Ping(_) | Frame::Pong(_)))) => {}
            // A frame that is too large, or no frame at all.
            Ok(Some(Err(_))) => return Some(CloseReason::TooMuch),
            Ok(Some(Ok(Frame::Close(_))) | None) => return None,
        }
    }
}

/// Does what one frame asks. Gives a reason when the connection must end.
async fn obey(connection: &Connection, text: &str) -> Option<CloseReason> {
    let db = match authorise(connection).await {
        Ok(db) => db,
        Err(Error::SessionEnded(end)) => return Some(CloseReason::SessionEnded(end)),
        Err(error) => {
            refuse(connection, error);
            return None;
        }
    };
    let command = match serde_json::from_str::<LiveCommand>(text) {
        Ok(command) => command,
        Err(_) => {
            refuse(connection, Error::Malformed);
            return None;
        }
    };
    match command {
        LiveCommand::Unwatch => connection.mailbox.watch(None),
        LiveCommand::Watch { chat_id, after_seq, last_id } => {
            let Connection { state, mailbox, .. } = connection;
            if let Err(error) = replies::watch(state, &db, mailbox, chat_id, after_seq, last_id).await {
                connection.mailbox.watch(None);
                guard::note_if_denied(Some(db.user_id()), error.status());
                refuse(connection, error);
            }
        }
        LiveCommand::Typing { chat_id } => {
            if let Err(error) = drafts::say_typing(&connection.state, &db, &connection.mailbox, chat_id).await {
                guard::note_if_denied(Some(db.user_id()), error.status());
                refuse(connection, error);
            }
        }
    }
    None
}

/// Whose connection this still is, by the database.
async fn authorise(connection: &Connection) -> Result<UserDb, Error> {
    match guard::open(&connection.state, connection.login).await? {
        Ok(open) => Ok(open.db),
        Err(end) => Err(Error::SessionEnded(end)),
    }
}

/// Whether the store still knows the connection's cookie. One that it does not know was renewed, or the store lost it;
/// a browser that connects again finds out which.
async fn is_cookie_known(connection: &Connection) -> bool {
    let session = Session::new(Some(connection.cookie_id), Arc::clone(&connection.store), None);
    // A store that does not answer says nothing about the session.
    !matches!(find_login(&session).await, Ok(None))
}

fn refuse(connection: &Connection, error: Error) {
    connection.mailbox.push(LiveEvent::Refused { code: error.code().to_owned() });
}

/// Ends when the session does.
async fn watch_session(connection: &Connection, expires_at_ms: i64) -> CloseReason {
    let left_ms = u64::try_from(expires_at_ms - clock::now_ms()).unwrap_or_default();
    let expiry = sleep_until(Instant::now() + Duration::from_millis(left_ms));
    let mut looks = interval(Duration::from_secs(REVALIDATE_SECONDS));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    looks.tick().await;
    tokio::pin!(expiry);
    loop {
        tokio::select! {
            () = &mut expiry => return CloseReason::SessionEnded(SessionEnd::Expired),
            _ = looks.tick() => {
                // A store that does not answer says nothing about the session.
                if let Err(Error::SessionEnded(end)) = authorise(connection).await {
                    return CloseReason::SessionEnded(end);
                }
                if !is_cookie_known(connection).await {
                    return CloseReason::SessionRenewed;
                }
            }
        }
    }
}

/// Commands that may still come in this minute.
struct CommandBudget {
    left: u32,
    since: Instant,
}

impl CommandBudget {
    fn new() -> Self {
        Self { left: limits::SOCKET_COMMANDS_PER_MINUTE_MAX, since: Instant::now() }
    }

    fn take(&mut self) -> bool {
        if self.since.elapsed() >= Duration::from_secs(60) {
            *self = Self::new();
        }
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }
}
