//! The wire format of the live connection: JSON, [`LiveCommand`] from the browser, [`LiveEvent`] to it. Text frames over
//! `/ws`; where WebSockets are blocked, events over `/live` and each command as a request.
//!
//! The connection only announces; the database is the truth. Any event can be lost without losing data: after every
//! (re)connect, and when told to [`LiveEvent::Resync`], the browser sends [`LiveCommand::Watch`] and is given what it misses.

use serde::{Deserialize, Serialize};

use super::{
    chat::Chat,
    draft::DraftChange,
    ids::{ChatId, MessageId, UserId},
    message::{Message, SafeHtml},
    reply::{ReasoningPiece, ReplyPhase},
    session::SessionEnd,
};

/// What a browser asks of its live connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum LiveCommand {
    /// This chat is on the screen; `after_seq` is the last place up to which every message is known in its final state, and
    /// `last_id` the last message that is shown. Answered with [`LiveEvent::Messages`], then with the running reply's text
    /// and its further course; or, when that last message is not shown any more, with [`LiveEvent::ChatOutdated`].
    Watch {
        chat_id: ChatId,
        after_seq: i64,
        #[serde(default)]
        last_id: Option<MessageId>,
    },
    /// No chat is on the screen.
    Unwatch,
    /// The tab came to the front or went behind ("hidden", Page Visibility, HTML §6.2). Until it says so, a connection's tab
    /// is in front; one that is not looks at no chat, though it is told of the one that it watches. One in front says so again
    /// when it shows how a reply ended.
    Visibility { is_visible: bool },
    /// Somebody is typing in this chat. Told to their other tabs that watch it, and kept nowhere.
    Typing { chat_id: ChatId },
}

/// What a server tells a browser. On the wire the name is around what it says, not in it: for the other way serde keeps a
/// second reader of everything, a thirtieth of the browser half.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveEvent {
    /// A chat is new, or its title, model or place changed.
    ChatChanged { chat: Chat },
    /// A chat is deleted.
    ChatDeleted { chat_id: ChatId },
    /// Messages are new or have changed; each replaces what the browser has under its id, and, with all that follows, an
    /// older version of it. One that is not shown is not to be.
    Messages { chat_id: ChatId, messages: Vec<Message> },
    /// Another version of the conversation is shown now, or there is more that is new than is sent here: fetch it afresh.
    ChatOutdated { chat_id: ChatId },
    /// A running reply's text from block `first_block` on: later blocks are dropped, `blocks` added, the tail replaced; how
    /// far the reply is, and what is new of its reasoning. Sent for the watched chat only.
    ReplyProgress {
        chat_id: ChatId,
        message_id: MessageId,
        first_block: usize,
        blocks: Vec<SafeHtml>,
        tail: SafeHtml,
        phase: ReplyPhase,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reasoning: Option<ReasoningPiece>,
    },
    /// A queued reply's place in the line is another one.
    ReplyQueued { chat_id: ChatId, message_id: MessageId, ahead: Option<u32> },
    /// What is typed in a chat and not yet sent is another text. Sent for the watched chat only, and after each `Watch`.
    DraftChanged { chat_id: ChatId, change: DraftChange },
    /// Somebody is typing in the watched chat, in another tab than this one.
    Typing { chat_id: ChatId, user_id: UserId, name: String },
    /// Files of the user are new, went on, or are gone.
    FilesChanged,
    /// The user's account changed: name, role, or what they like.
    AccountChanged,
    /// What the user is told changed.
    NotificationsChanged,
    /// The list of the user's active sessions changed.
    SessionsChanged,
    /// What holds for everybody changed: the site's name, its notice.
    SiteChanged,
    /// The connection is alive: said now and then, for a page's script sees no ping.
    Alive,
    /// Events were dropped: watch again and fetch the chat list.
    Resync,
    /// A command was not understood or not allowed; the connection stays.
    Refused { code: String },
    /// The connection ends now.
    Closing { reason: CloseReason },
}

impl LiveEvent {
    /// Whether it says nothing but that something is to be fetched.
    pub const fn is_bare(&self) -> bool {
        matches!(
            self,
            Self::FilesChanged
                | Self::AccountChanged
                | Self::NotificationsChanged
                | Self::SessionsChanged
                | Self::SiteChanged
        )
    }

    /// The chat that one must watch to be told; none when every tab is.
    pub const fn watched_chat(&self) -> Option<ChatId> {
        match self {
            Self::DraftChanged { chat_id, .. } | Self::Typing { chat_id, .. } => Some(*chat_id),
            _ => None,
        }
    }
}

/// Why a live connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum CloseReason {
    /// The session is over.
    SessionEnded(SessionEnd),
    /// The person stays logged in, in a session that took this one's place; connect again.
    SessionRenewed,
    /// The server restarts; connect again.
    Restarting,
    /// Too many commands, or one too large.
    TooMuch,
    /// The browser did not answer, or reads too slowly; connect again.
    TooSlow,
    /// Another of this user's live connections would be one too many.
    TooManyConnections,
}

impl CloseReason {
    /// The WebSocket close code (RFC 6455 §7.4.1 and its registry).
    pub const fn code(self) -> u16 {
        match self {
            Self::SessionEnded(_) | Self::TooMuch => 1008,
            Self::Restarting | Self::SessionRenewed => 1012,
            Self::TooSlow | Self::TooManyConnections => 1013,
        }
    }

    /// The word for it on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SessionEnded(end) => end.name(),
            Self::SessionRenewed => "session_renewed",
            Self::Restarting => "restarting",
            Self::TooMuch => "too_much",
            Self::TooSlow => "too_slow",
            Self::TooManyConnections => "too_many_connections",
        }
    }
}

impl From<CloseReason> for String {
    fn from(reason: CloseReason) -> Self {
        reason.name().to_owned()
    }
}

impl TryFrom<String> for CloseReason {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let others = [Self::SessionRenewed, Self::Restarting, Self::TooMuch, Self::TooSlow, Self::TooManyConnections];
        SessionEnd::from_name(&name)
            .map(Self::SessionEnded)
            .or_else(|| others.into_iter().find(|reason| reason.name() == name))
            .ok_or(name)
    }
}
