//! The browser end of the live connection: stays connected, says what is on the screen, works in what is announced.
//!
//! It only announces. After every connect and whenever something was missed, the browser says what it knows
//! ([`LiveCommand::Watch`]) and fetches the chat list, so that no event is ever needed for being right in the end. Without
//! a connection everything still works; a running reply is then fetched every [`POLL_SECONDS`].

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    time::Duration,
};

use leptos::{ev, leptos_dom::helpers::TimeoutHandle, prelude::*};

use super::{chat_list::ChatList, conversation::Conversation, session::Session, socket::Socket};
use crate::domain::{
    ids::MessageId,
    limits,
    live::{CloseReason, LiveCommand, LiveEvent},
};

/// Time between two looks at a running reply while there is no connection.
pub const POLL_SECONDS: u64 = 2;
/// First wait before connecting again; each failure doubles it.
const RETRY_MS_MIN: f64 = 500.0;
/// Longest wait before connecting again.
const RETRY_MS_MAX: f64 = 30_000.0;
/// A connection that lasted less than this was a failure like one that was refused.
const STABLE_MS_MIN: f64 = 10_000.0;
/// A connection that is missing for longer than this is said to be.
const PATIENCE_MS: u64 = 1_000;
/// Shortest time between two requests to be told again what was missed.
const WATCH_AGAIN_MS_MIN: f64 = 1_000.0;

/// The live connection as components see it.
#[derive(Clone, Copy)]
pub struct Live {
    pub is_connected: RwSignal<bool>,
    /// Whether the connection has been missing for long enough to say so.
    pub is_missed: RwSignal<bool>,
    /// The conversation on the screen.
    screen: RwSignal<Option<Conversation>>,
    /// Raised when what the person is told changed.
    pub notifications_changed: Trigger,
    /// Raised when the list of active sessions is another one.
    pub sessions_changed: Trigger,
    /// Raised to say again what is on the screen.
    watch_again: Trigger,
    last_watch_again_ms: StoredValue<f64>,
    session: Session,
    chats: ChatList,
}

/// Makes the live connection known to everything below.
pub fn provide_live(session: Session, chats: ChatList) -> Live {
    let live = Live {
        is_connected: RwSignal::new(false),
        is_missed: RwSignal::new(false),
        screen: RwSignal::new(None),
        notifications_changed: Trigger::new(),
        sessions_changed: Trigger::new(),
        watch_again: Trigger::new(),
        last_watch_again_ms: StoredValue::new(0.0),
        session,
        chats,
    };
    provide_context(live);
    live
}

/// The live connection that the app provides.
pub fn use_live() -> Live {
    expect_context()
}

impl Live {
    /// Connects, and stays connected as long as the calling component is there.
    pub fn run(self) {
        Effect::new(move || {
            let connection = Connection::new(self);
            connection.connect();
            let listeners = connection.listen();
            let kept = StoredValue::new_local(connection);
            on_cleanup(move || {
                listeners.into_iter().for_each(WindowListenerHandle::remove);
                kept.with_value(|connection| connection.end());
            });
        });
    }

    /// Says that a conversation is on the screen.
    pub fn show(self, conversation: Conversation) {
        self.screen.set(Some(conversation));
    }

    /// Says that a conversation is no longer on the screen.
    pub fn hide(self, conversation: &Conversation) {
        self.screen.update(|screen| {
            if screen.as_ref().is_some_and(|shown| shown.chat_id() == conversation.chat_id()) {
                *screen = None;
            }
        });
    }

    /// Makes sure that a reply which the server has begun is shown, however its announcement fares.
    pub fn catch_up(self, conversation: &Conversation, reply_id: MessageId) {
        if !self.is_connected.get_untracked() {
            conversation.refresh(self.session, || {});
        } else if !conversation.has(reply_id) {
            self.watch_again.notify();
        }
    }

    fn watch_command(self) -> LiveCommand {
        match self.screen.get() {
            Some(chat) => {
                LiveCommand::Watch { chat_id: chat.chat_id(), after_seq: chat.known_up_to(), last_id: chat.last_id() }
            }
            None => LiveCommand::Unwatch,
        }
    }

    /// Asks to be told what was missed, but not in a loop.
    fn ask_again(self) {
        let now_ms = js_sys::Date::now();
        if now_ms - self.last_watch_again_ms.get_value() >= WATCH_AGAIN_MS_MIN {
            self.last_watch_again_ms.set_value(now_ms);
            self.watch_again.notify();
        }
    }

    fn apply(self, event: LiveEvent) {
        let screen = self.screen.get_untracked();
        match event {
            LiveEvent::ChatChanged { chat } => {
                if let Some(shown) = screen.filter(|shown| shown.chat_id() == chat.id) {
                    shown.apply_chat(chat.clone());
                }
                self.chats.upsert(chat);
            }
            LiveEvent::Messages { chat_id, messages } => {
                if let Some(shown) = screen.filter(|shown| shown.chat_id() == chat_id) {
                    shown.apply_messages(messages);
                }
            }
            LiveEvent::ReplyProgress { chat_id, message_id, first_block, blocks, tail, phase, reasoning } => {
                let shown = screen.filter(|shown| shown.chat_id() == chat_id);
                if shown
                    .is_some_and(|shown| !shown.apply_progress(message_id, first_block, blocks, tail, phase, reasoning))
                {
                    self.ask_again();
                }
            }
            LiveEvent::ChatOutdated { chat_id } => {
                if let Some(screen) = screen.filter(|screen| screen.chat_id() == chat_id) {
                    // Other news may have come in the meantime.
                    screen.refresh(self.session, move || self.watch_again.notify());
                }
            }
            LiveEvent::ReplyQueued { chat_id, message_id, ahead } => {
                if let Some(screen) = screen.filter(|screen| screen.chat_id() == chat_id) {
                    screen.apply_place(message_id, ahead);
                }
            }
            LiveEvent::Resync => {
                self.ask_again();
                self.chats.refresh(self.session);
                self.session.refresh();
            }
            LiveEvent::AccountChanged | LiveEvent::SiteChanged => self.session.refresh(),
            LiveEvent::NotificationsChanged => self.notifications_changed.notify(),
            LiveEvent::SessionsChanged => self.sessions_changed.notify(),
            LiveEvent::Closing { reason: CloseReason::SessionEnded(end) } => self.session.end(end),
            // Drafts are this tab's own so far.
            LiveEvent::DraftChanged { .. } | LiveEvent::Typing { .. } => {}
            // The close that follows is answered by connecting again.
            LiveEvent::Closing { .. } | LiveEvent::Refused { .. } => {}
        }
    }
}

/// The connection itself, over however many sockets it takes.
struct Connection {
    live: Live,
    this: Weak<Self>,
    socket: RefCell<Option<Socket>>,
    failures: Cell<i32>,
    open_since_ms: Cell<Option<f64>>,
    retry: Cell<Option<TimeoutHandle>>,
    hidden_since_ms: Cell<Option<f64>>,
    is_over: Cell<bool>,
}

impl Connection {
    fn new(live: Live) -> Rc<Self> {
        let connection = Rc::new_cyclic(|this| Self {
            live,
            this: this.clone(),
            socket: RefCell::new(None),
            failures: Cell::new(0),
            open_since_ms: Cell::new(None),
            retry: Cell::new(None),
            hidden_since_ms: Cell::new(None),
            is_over: Cell::new(false),
        });
        let connecting = connection.this.clone();
        Effect::new(move |was_ended: Option<bool>| {
            let is_ended = live.session.ended.get().is_some();
            if let Some(connection) = connecting.upgrade().filter(|_| was_ended == Some(true) && !is_ended) {
                connection.connect();
            }
            is_ended
        });
        let watching = connection.this.clone();
        Effect::new(move || {
            live.watch_again.track();
            let is_connected = live.is_connected.get();
            let command = live.watch_command();
            if let Some(connection) = watching.upgrade().filter(|_| is_connected) {
                connection.send(&command);
            }
        });
        connection
    }

    /// A callback that does nothing once the connection is gone.
    fn with(&self, act: impl Fn(&Self) + 'static) -> impl Fn() + 'static {
        let this = self.this.clone();
        move || {
            if let Some(connection) = this.upgrade().filter(|connection| !connection.is_over.get()) {
                act(&connection);
            }
        }
    }

    fn connect(&self) {
        if let Some(retry) = self.retry.take() {
            retry.clear();
        }
        // Nobody to connect as; the log-in will.
        if self.live.session.ended.get_untracked().is_some() {
            return;
        }
        self.live.is_connected.set(false);
        let this = self.this.clone();
        let on_text = move |text: String| {
            // What this version does not know is left to the next page load.
            if let (Some(connection), Ok(event)) = (this.upgrade(), serde_json::from_str(&text)) {
                connection.live.apply(event);
            }
        };
        let opened = Socket::open("/ws", self.with(Self::on_open), on_text, self.with(Self::on_close));
        let is_opening = opened.is_ok();
        *self.socket.borrow_mut() = opened.ok();
        if !is_opening {
            self.on_close();
        }
        self.say_when_missed();
    }

    fn on_open(&self) {
        self.open_since_ms.set(Some(js_sys::Date::now()));
        self.live.is_connected.set(true);
        self.live.is_missed.set(false);
        self.live.chats.refresh(self.live.session);
        self.live.session.refresh();
    }

    fn on_close(&self) {
        self.live.is_connected.set(false);
        let open_since_ms = self.open_since_ms.take();
        if open_since_ms.is_none() {
            // A refusal does not say why. If it is because the session is over, this finds out, and leaves.
            self.live.chats.refresh(self.live.session);
        }
        let lasted_ms = open_since_ms.map_or(0.0, |since_ms| js_sys::Date::now() - since_ms);
        let failures = if lasted_ms >= STABLE_MS_MIN { 0 } else { self.failures.get() };
        self.failures.set(failures + 1);
        let wait_ms = (RETRY_MS_MIN * 2_f64.powi(failures.min(10))).min(RETRY_MS_MAX);
        // Spread out, so that a restarted server is not asked by everybody at once.
        let wait_ms = wait_ms * (0.5 + js_sys::Math::random() / 2.0);
        let retry = set_timeout_with_handle(self.with(Self::connect), Duration::from_millis(wait_ms as u64));
        self.retry.set(retry.ok());
        self.say_when_missed();
    }

    fn say_when_missed(&self) {
        let say = self.with(|connection| {
            let live = connection.live;
            live.is_missed.set(!live.is_connected.get_untracked());
        });
        set_timeout(say, Duration::from_millis(PATIENCE_MS));
    }

    /// Connects at once when the network comes back or the tab is looked at again.
    fn listen(&self) -> [WindowListenerHandle; 2] {
        let on_online = self.with(Self::connect);
        let on_visibility = self.with(Self::on_visibility);
        [
            window_event_listener(ev::online, move |_| on_online()),
            window_event_listener_untyped("visibilitychange", move |_| on_visibility()),
        ]
    }

    fn on_visibility(&self) {
        if document().hidden() {
            self.hidden_since_ms.set(Some(js_sys::Date::now()));
            return;
        }
        // After a long sleep a connection may be dead without knowing it.
        let asleep_ms = self.hidden_since_ms.take().map_or(0.0, |since_ms| js_sys::Date::now() - since_ms);
        let is_stale = asleep_ms > limits::SOCKET_SILENCE_SECONDS_MAX as f64 * 1_000.0;
        if is_stale || !self.live.is_connected.get_untracked() {
            self.connect();
        }
    }

    fn send(&self, command: &LiveCommand) {
        if let (Some(socket), Ok(json)) = (self.socket.borrow().as_ref(), serde_json::to_string(command)) {
            socket.send(&json);
        }
    }

    fn end(&self) {
        self.is_over.set(true);
        if let Some(retry) = self.retry.take() {
            retry.clear();
        }
        self.socket.take();
        self.live.is_connected.set(false);
    }
}
