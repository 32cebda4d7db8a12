//! Stays connected, over however many sockets and streams it takes.
//!
//! A connection that is lost is made again after a wait that grows and differs from tab to tab, and at once when the network
//! or the reader comes back. One over which nothing comes any more, not even that it is alive, is taken for lost. Where
//! sockets are refused twice, a stream of events takes their place, and now and then a socket is tried beside it.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    time::Duration,
};

use leptos::{
    ev,
    leptos_dom::helpers::{IntervalHandle, TimeoutHandle},
    prelude::*,
};

use super::{
    effect::{after, effect, every},
    live::Live,
    socket::{Socket, Way},
};
use crate::domain::{limits, live::LiveCommand};

/// First wait before connecting again; each failure doubles it.
const RETRY_MS_MIN: f64 = 500.0;
/// Longest wait before connecting again.
const RETRY_MS_MAX: f64 = 30_000.0;
/// A connection that lasted less than this was a failure like one that was refused.
const STABLE_MS_MIN: f64 = 10_000.0;
/// A connection that is missing for longer than this is said to be.
const PATIENCE_MS: u64 = 1_000;
/// Sockets that are refused one after the other before a stream is tried, and then both in turn.
const REFUSED_SOCKETS_MAX: u32 = 2;
/// A socket is tried again beside a stream this often.
const SOCKET_AGAIN_MS: f64 = 300_000.0;
/// Time between two looks at how the connection is.
const LOOK_MS: u64 = 5_000;
/// Looks that lie further apart than this tell that the machine slept.
const SLEPT_MS_MIN: f64 = 30_000.0;
/// A connection takes no longer than this to open, or never will.
const OPENING_MS_MAX: f64 = 15_000.0;
/// A connection that says nothing for this long, not even that it is alive, is dead.
const SILENCE_MS_MAX: f64 = limits::SOCKET_SILENCE_SECONDS_MAX as f64 * 1_000.0;
/// The same after a sleep, when it has most likely died.
const SILENCE_AFTER_SLEEP_MS_MAX: f64 = limits::SOCKET_PING_SECONDS as f64 * 1_000.0;

/// The connection itself.
pub struct Connection {
    live: Live,
    this: Weak<Self>,
    socket: RefCell<Option<Socket>>,
    /// A socket that is tried beside a stream.
    probe: RefCell<Option<Socket>>,
    failures: Cell<i32>,
    refused_sockets: Cell<u32>,
    is_stream_refused: Cell<bool>,
    opening_since_ms: Cell<Option<f64>>,
    open_since_ms: Cell<Option<f64>>,
    heard_at_ms: Cell<f64>,
    looked_at_ms: Cell<f64>,
    probed_at_ms: Cell<f64>,
    retry: Cell<Option<TimeoutHandle>>,
    looks: Cell<Option<IntervalHandle>>,
    is_over: Cell<bool>,
}

impl Connection {
    pub fn new(live: Live) -> Rc<Self> {
        let connection = Rc::new_cyclic(|this| Self {
            live,
            this: this.clone(),
            socket: RefCell::default(),
            probe: RefCell::default(),
            failures: Cell::new(0),
            refused_sockets: Cell::new(0),
            is_stream_refused: Cell::new(false),
            opening_since_ms: Cell::new(None),
            open_since_ms: Cell::new(None),
            heard_at_ms: Cell::new(0.0),
            looked_at_ms: Cell::new(now_ms()),
            probed_at_ms: Cell::new(0.0),
            retry: Cell::new(None),
            looks: Cell::new(None),
            is_over: Cell::new(false),
        });
        connection.follow_session();
        connection.follow_screen();
        connection.follow_typing();
        let looks = every(LOOK_MS, connection.with(Self::look));
        connection.looks.set(looks);
        connection
    }

    /// Connects when somebody has logged in again.
    fn follow_session(&self) {
        let (live, this) = (self.live, self.this.clone());
        Effect::new(move |was_ended: Option<bool>| {
            let is_ended = live.session.ended.get().is_some();
            if let Some(connection) = this.upgrade().filter(|_| was_ended == Some(true) && !is_ended) {
                connection.connect();
            }
            is_ended
        });
    }

    /// Says what is on the screen, whenever that is another thing.
    fn follow_screen(&self) {
        let (live, this) = (self.live, self.this.clone());
        effect(move || {
            live.watch_again.track();
            let is_connected = live.is_connected.get();
            let command = live.watch_command();
            if let Some(connection) = this.upgrade().filter(|_| is_connected) {
                connection.send(&command);
            }
        });
    }

    /// Says that somebody types into what is on the screen.
    fn follow_typing(&self) {
        let (live, this) = (self.live, self.this.clone());
        Effect::new(move |is_later: Option<bool>| {
            live.typed.track();
            let screen = live.screen.get_untracked().filter(|_| is_later == Some(true));
            if let (Some(connection), Some(screen)) = (this.upgrade(), screen)
                && live.is_connected.get_untracked()
            {
                connection.send(&LiveCommand::Typing { chat_id: screen.chat_id() });
            }
            true
        });
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

    pub fn connect(&self) {
        if let Some(retry) = self.retry.take() {
            retry.clear();
        }
        self.probe.take();
        // Nobody to connect as; the log-in will.
        if self.live.session.ended.get_untracked().is_some() {
            return;
        }
        // Most likely nobody any more; the page may stay after all.
        if self.live.session.is_leaving() {
            return self.connect_in(RETRY_MS_MIN);
        }
        let way = self.next_way();
        if way == Way::Stream && document().hidden() {
            return;
        }
        self.live.is_connected.set(false);
        self.live.way.set(way);
        self.opening_since_ms.set(Some(now_ms()));
        let opened = self.open(way, self.with(Self::on_open), self.with(Self::on_close));
        let is_opening = opened.is_some();
        self.socket.replace(opened);
        if !is_opening {
            self.on_close();
        }
        self.say_when_missed();
    }

    /// A stream where sockets have been refused, and a socket where the stream was, too.
    fn next_way(&self) -> Way {
        let is_refused = self.refused_sockets.get() >= REFUSED_SOCKETS_MAX;
        if is_refused && !self.is_stream_refused.get() { Way::Stream } else { Way::Socket }
    }

    fn open(&self, way: Way, on_open: impl Fn() + 'static, on_close: impl Fn() + 'static) -> Option<Socket> {
        let this = self.this.clone();
        let on_text = move |text: String| {
            let Some(connection) = this.upgrade() else { return };
            connection.heard_at_ms.set(now_ms());
            // What this version does not know is left to the next page load.
            let Ok(event) = serde_json::from_str(&text) else { return };
            let is_end = connection.live.is_end(&event);
            connection.live.apply(event);
            // Until this is said, the server does not know that anybody has seen it.
            if is_end && !document().hidden() {
                connection.send(&LiveCommand::Visibility { is_visible: true });
            }
        };
        Socket::open(way, on_open, on_text, on_close).ok()
    }

    fn on_open(&self) {
        self.opening_since_ms.set(None);
        self.open_since_ms.set(Some(now_ms()));
        self.heard_at_ms.set(now_ms());
        self.probed_at_ms.set(now_ms());
        match self.live.way.get_untracked() {
            Way::Socket => self.refused_sockets.set(0),
            Way::Stream => self.is_stream_refused.set(false),
        }
        self.say_hidden();
        self.live.is_connected.set(true);
        self.live.is_missed.set(false);
        self.live.chats.refresh(self.live.session);
        self.live.session.refresh();
        self.live.notifications_changed.notify();
        self.live.files_changed.notify();
    }

    fn on_close(&self) {
        // A stream that was left to itself would connect again on its own.
        self.socket.take();
        self.live.is_connected.set(false);
        self.opening_since_ms.set(None);
        let open_since_ms = self.open_since_ms.take();
        if open_since_ms.is_none() {
            // A refusal does not say why. If it is because the session is over, this finds out, and leaves.
            self.live.chats.refresh(self.live.session);
            let is_stream = self.live.way.get_untracked() == Way::Stream;
            self.is_stream_refused.set(is_stream);
            if !is_stream {
                self.refused_sockets.set(self.refused_sockets.get() + 1);
            }
        }
        let lasted_ms = open_since_ms.map_or(0.0, |since_ms| now_ms() - since_ms);
        let failures = if lasted_ms >= STABLE_MS_MIN { 0 } else { self.failures.get() };
        self.failures.set(failures + 1);
        let wait_ms = (RETRY_MS_MIN * 2_f64.powi(failures.min(10))).min(RETRY_MS_MAX);
        // Spread out, so that a restarted server is not asked by everybody at once.
        let wait_ms = wait_ms * (0.5 + js_sys::Math::random() / 2.0);
        self.connect_in(wait_ms);
        self.say_when_missed();
    }

    fn connect_in(&self, wait_ms: f64) {
        let retry = set_timeout_with_handle(self.with(Self::connect), Duration::from_millis(wait_ms as u64));
        if let Some(before) = self.retry.replace(retry.ok()) {
            before.clear();
        }
    }

    fn say_when_missed(&self) {
        let say = self.with(|connection| {
            let live = connection.live;
            live.is_missed.set(!live.is_connected.get_untracked());
        });
        after(PATIENCE_MS, say);
    }

    /// Sees to it that a connection which died without a word is made again.
    fn look(&self) {
        let now_ms = now_ms();
        let has_slept = now_ms - self.looked_at_ms.replace(now_ms) >= SLEPT_MS_MIN;
        if self.opening_since_ms.get().is_some_and(|since_ms| now_ms - since_ms >= OPENING_MS_MAX) {
            return self.on_close();
        }
        let silence_ms_max = if has_slept { SILENCE_AFTER_SLEEP_MS_MAX } else { SILENCE_MS_MAX };
        if self.live.is_connected.get_untracked() {
            if now_ms - self.heard_at_ms.get() >= silence_ms_max {
                self.connect();
            } else if self.live.way.get_untracked() == Way::Stream
                && now_ms - self.probed_at_ms.get() >= SOCKET_AGAIN_MS
            {
                self.probe();
            }
        } else if has_slept {
            self.connect();
        }
    }

    /// Tries a socket beside the stream, which stays until there is one.
    fn probe(&self) {
        self.probed_at_ms.set(now_ms());
        let on_open = self.with(|connection| {
            if let Some(socket) = connection.probe.take() {
                connection.socket.replace(Some(socket));
                connection.refused_sockets.set(0);
                connection.live.way.set(Way::Socket);
                connection.say_hidden();
                connection.live.watch_again.notify();
            }
        });
        let on_close = self.with(|connection| match connection.live.way.get_untracked() {
            Way::Socket => connection.on_close(),
            Way::Stream => _ = connection.probe.take(),
        });
        self.probe.replace(self.open(Way::Socket, on_open, on_close));
    }

    /// Connects at once when the network comes back or the tab is looked at again.
    pub fn listen(&self) -> [WindowListenerHandle; 3] {
        let live = self.live;
        let on_online = self.with(|connection| {
            connection.live.is_offline.set(false);
            connection.connect();
        });
        let on_visibility = self.with(Self::on_visibility);
        [
            window_event_listener(ev::online, move |_| on_online()),
            window_event_listener(ev::offline, move |_| live.is_offline.set(true)),
            window_event_listener_untyped("visibilitychange", move |_| on_visibility()),
        ]
    }

    fn on_visibility(&self) {
        let is_stream = self.live.way.get_untracked() == Way::Stream;
        if document().hidden() {
            if is_stream {
                // A browser has few connections to one site without HTTP/2; those that nobody looks at must not use them up.
                self.socket.take();
                self.open_since_ms.set(None);
                self.live.is_connected.set(false);
            }
            return self.say_hidden();
        }
        // After a long sleep a connection may be dead without knowing it.
        let is_stale = now_ms() - self.heard_at_ms.get() >= SILENCE_MS_MAX;
        if is_stale || !self.live.is_connected.get_untracked() {
            self.connect();
        } else {
            self.send(&LiveCommand::Visibility { is_visible: true });
            // A chat that was outdated meanwhile was not fetched.
            self.live.watch_again.notify();
        }
    }

    /// Says that nobody sees what is on the screen, if that is so. A new connection is taken for one in front.
    fn say_hidden(&self) {
        if document().hidden() {
            self.send(&LiveCommand::Visibility { is_visible: false });
        }
    }

    fn send(&self, command: &LiveCommand) {
        if let (Some(socket), Ok(json)) = (self.socket.borrow().as_ref(), serde_json::to_string(command)) {
            socket.send(&json);
        }
    }

    pub fn end(&self) {
        self.is_over.set(true);
        if let Some(retry) = self.retry.take() {
            retry.clear();
        }
        if let Some(looks) = self.looks.take() {
            looks.clear();
        }
        self.probe.take();
        self.socket.take();
        self.live.is_connected.set(false);
    }
}

fn now_ms() -> f64 {
    js_sys::Date::now()
}
