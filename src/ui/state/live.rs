//! The browser end of the live connection: says what is on the screen, works in what is announced. How it stays connected is
//! `connection`'s.
//!
//! It only announces. After every connect and whenever something was missed, the browser says what it knows
//! ([`LiveCommand::Watch`]) and fetches the chat list, so that no event is ever needed for being right in the end. Without
//! a connection everything still works; a running reply is then fetched every
//! [`POLL_SECONDS`], and what is shown of files now and then (`followed`).

use std::mem;

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};

use super::{
    chat_list::ChatList, connection::Connection, conversation::Conversation, effect::effect, news::News,
    session::Session, socket::Way,
};
use crate::{
    domain::{
        ids::{ChatId, MessageId},
        live::{CloseReason, LiveCommand, LiveEvent},
        message::{Author, Message},
    },
    ui::paths::CHATS_PATH,
};

/// Time between two looks at a running reply while there is no connection.
pub const POLL_SECONDS: u64 = 2;
/// Shortest time between two requests to be told again what was missed.
const WATCH_AGAIN_MS_MIN: f64 = 1_000.0;
/// Shortest time between two words that somebody is typing.
const TYPED_AGAIN_MS_MIN: f64 = 2_000.0;

/// The live connection as components see it.
#[derive(Clone, Copy)]
pub struct Live {
    pub is_connected: RwSignal<bool>,
    /// Whether the connection has been missing for long enough to say so.
    pub is_missed: RwSignal<bool>,
    /// Whether the browser says that it has no network.
    pub is_offline: RwSignal<bool>,
    /// What carries the connection, or did last.
    pub way: RwSignal<Way>,
    /// The conversation on the screen.
    pub(super) screen: RwSignal<Option<Conversation>>,
    /// Raised when what the person is told changed.
    pub notifications_changed: News,
    /// Raised when the list of active sessions is another one.
    pub sessions_changed: News,
    /// Raised when a file is new, went on, or is gone.
    pub files_changed: News,
    /// Raised when the chat on the screen is gone.
    gone: Trigger,
    /// Raised to say again what is on the screen.
    pub(super) watch_again: Trigger,
    last_watch_again_ms: StoredValue<f64>,
    /// Raised to say that somebody is typing.
    pub(super) typed: Trigger,
    last_typed_ms: StoredValue<f64>,
    pub(super) session: Session,
    pub(super) chats: ChatList,
}

/// Makes the live connection known to everything below.
pub fn provide_live(session: Session, chats: ChatList) -> Live {
    let live = Live {
        is_connected: RwSignal::new(false),
        is_missed: RwSignal::new(false),
        is_offline: RwSignal::new(false),
        way: RwSignal::new(Way::Socket),
        screen: RwSignal::new(None),
        notifications_changed: News::new(),
        sessions_changed: News::new(),
        files_changed: News::new(),
        gone: Trigger::new(),
        watch_again: Trigger::new(),
        last_watch_again_ms: StoredValue::new(0.0),
        typed: Trigger::new(),
        last_typed_ms: StoredValue::new(0.0),
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
        let (navigate, mut is_later) = (use_navigate(), false);
        // Nothing of the chat is left to show; but uploads go on, as they would not on a page that is loaded.
        effect(move || {
            self.gone.track();
            if mem::replace(&mut is_later, true) {
                navigate(CHATS_PATH, NavigateOptions { replace: true, ..NavigateOptions::default() });
            }
        });
        effect(move || {
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

    /// Whether this chat is on the screen.
    pub fn shows(self, id: ChatId) -> bool {
        self.screen.with(|screen| screen.as_ref().is_some_and(|shown| shown.chat_id() == id))
    }

    /// Whether this tells how a reply of the chat on the screen ended.
    pub(super) fn is_end(self, event: &LiveEvent) -> bool {
        let LiveEvent::Messages { chat_id, messages } = event else { return false };
        let is_end = |message: &Message| message.author != Author::You && message.state.is_final();
        messages.iter().any(is_end)
            && self.screen.with_untracked(|screen| screen.as_ref().is_some_and(|shown| shown.chat_id() == *chat_id))
    }

    /// Makes sure that a reply which the server has begun is shown, however its announcement fares.
    pub fn catch_up(self, conversation: &Conversation, reply_id: MessageId) {
        if !self.is_connected.get_untracked() {
            conversation.refresh(self.session, || {});
        } else if !conversation.has(reply_id) {
            self.watch_again.notify();
        }
    }

    /// Tells this person's other tabs that they are typing here, but not with each letter.
    pub fn say_typing(self) {
        let now_ms = js_sys::Date::now();
        let is_due = now_ms - self.last_typed_ms.get_value() >= TYPED_AGAIN_MS_MIN;
        if is_due && self.is_connected.get_untracked() {
            self.last_typed_ms.set_value(now_ms);
            self.typed.notify();
        }
    }

    pub(super) fn watch_command(self) -> LiveCommand {
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

    pub(super) fn apply(self, event: LiveEvent) {
        let screen = self.screen.get_untracked();
        match event {
            LiveEvent::ChatChanged { chat } => {
                if let Some(shown) = screen.filter(|shown| shown.chat_id() == chat.id) {
                    // Told so by a server that does not know what is on this screen.
                    if chat.is_unread && !document().hidden() {
                        self.watch_again.notify();
                    }
                    shown.apply_chat(chat.clone());
                }
                self.chats.upsert(chat);
            }
            LiveEvent::ChatDeleted { chat_id } => {
                self.chats.remove(chat_id);
                if screen.is_some_and(|shown| shown.chat_id() == chat_id) {
                    self.gone.notify();
                }
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
                // To fetch it is to look at it; a tab behind watches again when it comes to the front.
                if let Some(screen) = screen.filter(|screen| screen.chat_id() == chat_id && !document().hidden()) {
                    // Other news may have come in the meantime.
                    screen.refresh(self.session, move || self.watch_again.notify());
                }
            }
            LiveEvent::ReplyQueued { chat_id, message_id, ahead } => {
                if let Some(screen) = screen.filter(|screen| screen.chat_id() == chat_id) {
                    screen.apply_place(message_id, ahead);
                }
            }
            LiveEvent::DraftChanged { chat_id, change } => self.session.drafts.hear(chat_id, change),
            LiveEvent::Typing { chat_id, .. } => {
                if let Some(screen) = screen.filter(|screen| screen.chat_id() == chat_id) {
                    screen.apply_typing();
                }
            }
            LiveEvent::Resync => {
                self.ask_again();
                self.chats.refresh(self.session);
                self.session.refresh();
                self.notifications_changed.notify();
                self.files_changed.notify();
            }
            LiveEvent::AccountChanged => self.session.refresh(),
            LiveEvent::SiteChanged => {
                self.session.refresh();
                self.notifications_changed.notify();
            }
            LiveEvent::NotificationsChanged => self.notifications_changed.hear(),
            LiveEvent::FilesChanged => self.files_changed.hear(),
            LiveEvent::SessionsChanged => self.sessions_changed.hear(),
            LiveEvent::Closing { reason: CloseReason::SessionEnded(end) } => self.session.end(end),
            // The close that follows is answered by connecting again.
            LiveEvent::Closing { .. } | LiveEvent::Refused { .. } | LiveEvent::Alive => {}
        }
    }
}
