//! A live connection over server-sent events, for networks that let no WebSocket through: `GET /live` carries the events,
//! and commands come as requests of their own (`api::live`), with the id that the browser gave to its stream.
//!
//! Requests may meet another server than the one that has the stream; it is told over the bus. A stream belongs to the
//! session that opened it: its id is worth nothing to anybody else.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Extension,
    extract::{Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use futures::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};
use tower_sessions::Session;

use super::connection::{Connection, Heard, Voice};
use crate::{
    domain::{
        ids::{SessionId, StreamId, UserId},
        limits,
        live::CloseReason,
    },
    error::{Error, Result},
    server::{
        auth::{guard::Caller, store::Store},
        refusal,
        state::AppState,
    },
};

/// Where a command goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Address {
    pub user_id: UserId,
    pub session_id: SessionId,
    pub stream_id: StreamId,
}

/// The streams of this server, by where commands for them go.
#[derive(Clone, Default)]
pub struct Streams(Arc<Mutex<HashMap<Address, mpsc::Sender<String>>>>);

/// A stream's place among them, taken away with the stream.
struct Place {
    streams: Streams,
    address: Address,
}

impl Streams {
    /// Hands a command to its stream. False when that is not here.
    ///
    /// # Errors
    /// [`Error::TooMany`] when the stream has not obeyed many others yet.
    pub fn deliver(&self, address: Address, command: String) -> Result<bool> {
        let Some(inbox) = self.lock().get(&address).cloned() else { return Ok(false) };
        match inbox.try_send(command) {
            Ok(()) => Ok(true),
            Err(mpsc::error::TrySendError::Full(_)) => Err(Error::TooMany),
            Err(mpsc::error::TrySendError::Closed(_)) => Ok(false),
        }
    }

    fn add(&self, address: Address) -> Result<(Place, mpsc::Receiver<String>)> {
        let (sender, inbox) = mpsc::channel(limits::STREAM_COMMANDS_QUEUED_MAX);
        let mut streams = self.lock();
        if streams.contains_key(&address) {
            return Err(Error::Conflict);
        }
        streams.insert(address, sender);
        drop(streams);
        Ok((Place { streams: self.clone(), address }, inbox))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Address, mpsc::Sender<String>>> {
        // Every change is a single insertion or removal.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.streams.lock().remove(&self.address);
    }
}

/// What a browser calls its new stream.
#[derive(Deserialize)]
pub struct Opening {
    id: String,
}

/// The route.
pub async fn open(
    State(state): State<AppState>,
    Extension(store): Extension<Store>,
    Extension(caller): Extension<Caller>,
    session: Session,
    opening: Result<Query<Opening>, axum::extract::rejection::QueryRejection>,
) -> Response {
    match begin(state, store, &caller, &session, opening.ok().map(|Query(opening)| opening)).await {
        Ok(events) => (headers(), Sse::new(events)).into_response(),
        Err(error) => refusal::json(error),
    }
}

async fn begin(
    state: AppState,
    store: Store,
    caller: &Caller,
    session: &Session,
    opening: Option<Opening>,
) -> Result<impl Stream<Item = Result<Event, Infallible>> + Send + use<>> {
    let stream_id = opening.and_then(|opening| opening.id.parse().ok()).ok_or(Error::Malformed)?;
    let connection = Connection::admit(state, store, caller, session).await?;
    let login = connection.login;
    let address = Address { user_id: login.user_id, session_id: login.session_id, stream_id };
    let (place, inbox) = connection.state.live.streams.add(address)?;
    // One event is on its way, and no other waits behind it: what a slow reader misses is worked out when it can read.
    let (sender, mut events) = mpsc::channel(1);
    let heard = heard(place, inbox, sender.clone());
    let tasks = connection.state.tasks.clone();
    tasks.spawn(connection.run(Events(sender), heard));
    Ok(stream::poll_fn(move |context| events.poll_recv(context)).map(Ok))
}

/// What keeps proxies from gathering, changing or keeping the events.
fn headers() -> HeaderMap {
    HeaderMap::from_iter([
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ])
}

struct Events(mpsc::Sender<Event>);

impl Voice for Events {
    async fn say(&mut self, json: String) -> bool {
        // JSON has no line end of its own.
        self.send(Event::default().data(json)).await
    }

    async fn ping(&mut self) -> bool {
        // Nobody answers here; that the browser is gone, the connection tells.
        true
    }

    async fn close(&mut self, _: CloseReason) {}
}

impl Events {
    async fn send(&self, event: Event) -> bool {
        let patience = Duration::from_secs(limits::SOCKET_SEND_SECONDS_MAX);
        matches!(timeout(patience, self.0.send(event)).await, Ok(Ok(())))
    }
}

/// What comes for a stream, until the browser lets go of it, or until it is time for the browser to try a socket again.
fn heard(place: Place, inbox: mpsc::Receiver<String>, body: mpsc::Sender<Event>) -> impl Stream<Item = Heard> + Send {
    let end = Instant::now() + Duration::from_secs(limits::STREAM_SECONDS_MAX);
    stream::unfold((place, inbox, body, end), async |(place, mut inbox, body, end)| {
        let command = tokio::select! {
            command = inbox.recv() => command,
            () = body.closed() => None,
            () = sleep_until(end) => None,
        };
        command.map(|command| (Heard::Command(command), (place, inbox, body, end)))
    })
}
