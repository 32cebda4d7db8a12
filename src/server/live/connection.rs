//! One live connection, however it is carried: by a WebSocket (`socket`) or by server-sent events (`stream`).
//!
//! Before it begins the origin layer and the guard have had their say. Two halves run side by side, so that a browser
//! that reads slowly does not keep us from hearing it. Every command is authorised anew against the database, and so is
//! a silent connection, now and then. To add a way to carry it: a [`Voice`], a stream of what is [`Heard`], and a route.

use std::{sync::Arc, time::Duration};

use futures::{Stream, StreamExt};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tower_sessions::{Session, session};

use super::{
    Registration,
    hub::{Mailbox, Outgoing},
};
use crate::{
    domain::{
        limits,
        live::{CloseReason, LiveCommand, LiveEvent},
        session::SessionEnd,
    },
    error::{Error, Result},
    server::{
        auth::{
            guard::{self, Caller},
            session::{Login, find_login},
            store::Store,
        },
        clock,
        db::UserDb,
        drafts, replies,
        state::AppState,
    },
};

/// A silent connection's session is looked at this often.
const REVALIDATE_SECONDS: u64 = 30;

/// The way to the browser.
pub trait Voice: Send {
    /// Sends an event as it is written. False when the browser is gone or does not read.
    fn say(&mut self, json: String) -> impl Future<Output = bool> + Send;

    /// Has the other end show that it is there, where the way can do that. False when it is gone.
    fn ping(&mut self) -> impl Future<Output = bool> + Send;

    /// Says the last word. The event that tells why has gone before.
    fn close(&mut self, reason: CloseReason) -> impl Future<Output = ()> + Send;
}

/// What comes from the browser; that it went away is the end of what comes.
pub enum Heard {
    /// A command as it was written.
    Command(String),
    /// Something that can be no command.
    Nonsense,
    /// More than is taken.
    TooMuch,
    /// Nothing, for too long.
    Silence,
}

/// A connection that may begin.
pub struct Connection {
    pub state: AppState,
    pub login: Login,
    store: Arc<Store>,
    /// The secret in the cookie.
    cookie_id: session::Id,
    expires_at_ms: i64,
    registration: Registration,
}

impl Connection {
    /// Lets a caller have one more.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`], [`Error::SessionEnded`]; [`Error::TooMany`]; [`Error::Unavailable`] when Redis does not
    /// answer.
    pub async fn admit(state: AppState, store: Store, caller: &Caller, session: &Session) -> Result<Self> {
        let known = caller.known()?;
        let cookie_id = session.id().ok_or(Error::SessionEnded(SessionEnd::Expired))?;
        let per_user_max = state.config.limits.sockets_per_user;
        let registration = state.live.register(known.db.user_id(), known.session_id, per_user_max).await?;
        let login = Login { user_id: known.db.user_id(), session_id: known.session_id };
        let expires_at_ms = known.session_expires_at_ms;
        Ok(Self { state, login, store: Arc::new(store), cookie_id, expires_at_ms, registration })
    }

    fn mailbox(&self) -> &Mailbox {
        &self.registration.mailbox
    }

    /// Carries it to its end.
    pub async fn run(self, voice: impl Voice, heard: impl Stream<Item = Heard> + Send) {
        let writer = write(&self, voice);
        let reader = read(&self, heard);
        let watchdog = watch_session(&self);
        tokio::pin!(writer);
        // Whatever ends first, the writer has the last word: it says why and closes.
        tokio::select! {
            () = &mut writer => return,
            reason = reader => {
                let Some(reason) = reason else { return };
                self.mailbox().close(reason);
            }
            reason = watchdog => self.mailbox().close(reason),
        }
        writer.await;
    }
}

/// Sends what waits, until it is told to close.
async fn write(connection: &Connection, mut voice: impl Voice) {
    let mut pings = interval(Duration::from_secs(connection.state.config.limits.ping_seconds));
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        while let Some(outgoing) = connection.mailbox().take(&connection.state.live.hub) {
            match outgoing {
                Outgoing::Event(event) => {
                    if !say(&mut voice, &event).await {
                        return;
                    }
                }
                Outgoing::Close(reason) => {
                    // The way's own last word cannot be read by every client; the event can.
                    say(&mut voice, &LiveEvent::Closing { reason }).await;
                    return voice.close(reason).await;
                }
            }
        }
        tokio::select! {
            () = connection.mailbox().changed() => {}
            _ = pings.tick() => {
                // A page's script sees no ping.
                if !voice.ping().await || !say(&mut voice, &LiveEvent::Alive).await {
                    return;
                }
            }
        }
    }
}

async fn say(voice: &mut impl Voice, event: &LiveEvent) -> bool {
    match serde_json::to_string(event) {
        Ok(json) => voice.say(json).await,
        Err(error) => {
            tracing::error!(%error, "a live event cannot be written");
            false
        }
    }
}

/// Hears commands until the browser goes away (none) or must go (why).
async fn read(connection: &Connection, heard: impl Stream<Item = Heard>) -> Option<CloseReason> {
    let mut budget = CommandBudget::new();
    tokio::pin!(heard);
    loop {
        match heard.next().await? {
            Heard::Silence => return Some(CloseReason::TooSlow),
            Heard::TooMuch => return Some(CloseReason::TooMuch),
            Heard::Command(_) | Heard::Nonsense if !budget.take() => return Some(CloseReason::TooMuch),
            Heard::Nonsense => refuse(connection, Error::Malformed),
            Heard::Command(text) => {
                if let Some(reason) = obey(connection, &text).await {
                    return Some(reason);
                }
            }
        }
    }
}

/// Does what one command asks. Gives a reason when the connection must end.
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
        LiveCommand::Unwatch => connection.mailbox().watch(None),
        LiveCommand::Watch { chat_id, after_seq, last_id } => {
            let (state, mailbox) = (&connection.state, connection.mailbox());
            if let Err(error) = replies::watch(state, &db, mailbox, chat_id, after_seq, last_id).await {
                connection.mailbox().watch(None);
                guard::note_if_denied(Some(db.user_id()), error.status());
                refuse(connection, error);
            }
        }
        LiveCommand::Visibility { is_visible } => {
            let was_behind = connection.mailbox().set_visible(is_visible);
            if let Err(error) = replies::looked(&connection.state, &db, connection.mailbox(), was_behind).await {
                refuse(connection, error);
            }
        }
        LiveCommand::Typing { chat_id } => {
            if let Err(error) = drafts::say_typing(&connection.state, &db, connection.mailbox(), chat_id).await {
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
    connection.mailbox().push(LiveEvent::Refused { code: error.code().to_owned() });
}

/// Ends when the session does.
async fn watch_session(connection: &Connection) -> CloseReason {
    let left_ms = u64::try_from(connection.expires_at_ms - clock::now_ms()).unwrap_or_default();
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
