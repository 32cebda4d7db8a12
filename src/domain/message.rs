//! A message, the reply to it, and the states a reply goes through.

use serde::{Deserialize, Serialize};

use super::{
    ids::{ChatId, MessageId},
    limits,
    model::ModelName,
    reply::{Context, ReplyDetails},
};
use crate::error::{Error, InvalidInput};

/// One entry of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub id: MessageId,
    pub chat_id: ChatId,
    /// Its place in the chat, from 1, without gaps among all that was ever said there.
    pub seq: i64,
    /// The message that this one follows; none for the first. Messages are a tree: those that follow the same one are
    /// versions of each other, and one path through the tree is shown.
    pub parent_id: Option<MessageId>,
    /// Whether it is on that path.
    pub is_shown: bool,
    /// Its place among its versions; none when it is the only one, or where nobody counted.
    pub versions: Option<Versions>,
    pub author: Author,
    pub body: MessageBody,
    /// The files that came with it, or the sources that a reply was given: ready to show.
    #[serde(default, skip_serializing_if = "SafeHtml::is_empty")]
    pub files: SafeHtml,
    pub state: MessageState,
    /// What there is to know of a reply besides its text.
    pub details: ReplyDetails,
    /// Milliseconds since 1970 (UTC).
    pub created_at_ms: i64,
}

/// Who wrote a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    You,
    Model(ModelName),
}

impl Author {
    /// The accessible name of a message: "You", or the model's.
    pub fn label(&self) -> &str {
        match self {
            Self::You => "You",
            Self::Model(name) => name.label(),
        }
    }
}

/// The place of a message among its versions, the oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// From 1.
    pub place: u32,
    pub count: u32,
    pub previous: Option<MessageId>,
    pub next: Option<MessageId>,
}

/// What a message says, ready to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageBody {
    /// What a person typed, shown as typed.
    Text(String),
    /// A reply's markdown as HTML: the finished blocks, then the one still being written (empty when all are finished).
    Html { blocks: Vec<SafeHtml>, tail: SafeHtml },
}

/// HTML from the server's sanitizer, the only text that may become markup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SafeHtml(String);

impl SafeHtml {
    /// Marks the sanitizer's output as safe. Only `server::markdown` may call this; clippy refuses it elsewhere.
    pub fn from_sanitizer(html: String) -> Self {
        Self(html)
    }

    /// The markup.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The life of a message. What a person wrote is `Complete` from the start; a reply starts as `Generating`, or as `Queued`
/// and later becomes that, and ends, once, in one of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// Nobody is at it yet: it starts when the reply before it in its chat has ended, or else when a place is free for it;
    /// `ahead` are the replies that get one sooner.
    Queued { ahead: Option<u32> },
    /// A server is at it.
    Generating,
    /// Said to its end.
    Complete,
    /// The user had enough.
    Stopped,
    /// The model could not.
    Failed(ReplyFailure),
    /// One server after another went away in the middle.
    Interrupted,
}

impl MessageState {
    /// Whether this is the last state.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued { .. } | Self::Generating)
    }

    /// Whether this may come after that: a reply is never further back than it was.
    pub const fn may_follow(self, before: Self) -> bool {
        match before {
            Self::Queued { .. } => true,
            Self::Generating => !matches!(self, Self::Queued { .. }),
            _ => self.is_final(),
        }
    }

    /// Whether there may be more to come after what is there.
    pub const fn can_continue(self) -> bool {
        use ReplyFailure::{Cut, Stalled, TooLong};
        matches!(self, Self::Interrupted | Self::Stopped | Self::Failed(Cut | Stalled | TooLong))
    }

    /// Whether this is not all that there should be.
    pub const fn is_incomplete(self) -> bool {
        matches!(self, Self::Failed(_) | Self::Interrupted | Self::Stopped)
    }
}

/// Why a model gave no complete reply, in terms of what a person can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyFailure {
    /// No connection: refused, unknown host, TLS.
    Unreachable,
    /// It failed again and again and is left alone for a while.
    Outage,
    /// 401 or 403.
    KeyRefused,
    /// 404: no such model or address.
    ModelNotFound,
    /// 429.
    RateLimited,
    /// 400 or 422: what was asked does not suit the model.
    RequestRefused,
    /// The conversation is too long for the model, however little of it goes along.
    ContextTooLong,
    /// 5xx, a redirect, or an error in the stream.
    ProviderError,
    /// Nothing came in time.
    NoAnswer,
    /// It began, then nothing more came in time.
    Stalled,
    /// It began and the connection ended early.
    Cut,
    /// What came was no reply.
    Garbled,
    /// It ended without a word.
    Empty,
    /// The reply reached the size or time limit.
    TooLong,
    /// The embedded model's files are not there, or this build has none.
    EmbeddedMissing,
    /// The embedded model's process died.
    EmbeddedDied,
    /// Too many are waiting for the embedded model.
    EmbeddedBusy,
    /// A fault of our own.
    Internal,
}

impl ReplyFailure {
    const ALL: [(Self, &str); 18] = [
        (Self::Unreachable, "unreachable"),
        (Self::Outage, "outage"),
        (Self::KeyRefused, "key_refused"),
        (Self::ModelNotFound, "model_not_found"),
        (Self::RateLimited, "rate_limited"),
        (Self::RequestRefused, "request_refused"),
        (Self::ContextTooLong, "context_too_long"),
        (Self::ProviderError, "provider_error"),
        (Self::NoAnswer, "no_answer"),
        (Self::Stalled, "stalled"),
        (Self::Cut, "cut"),
        (Self::Garbled, "garbled"),
        (Self::Empty, "empty"),
        (Self::TooLong, "too_long"),
        (Self::EmbeddedMissing, "embedded_missing"),
        (Self::EmbeddedDied, "embedded_died"),
        (Self::EmbeddedBusy, "embedded_busy"),
        (Self::Internal, "internal"),
    ];

    /// The stable word that the database keeps.
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(failure, _)| *failure == self).map_or("internal", |(_, code)| code)
    }

    /// Reads [`ReplyFailure::code`].
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == code).map(|(failure, _)| *failure)
    }

    /// What the user reads in the reply's place.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Unreachable => {
                "The model's server could not be reached. Check that it is running and that its address is right, then retry."
            }
            Self::Outage => {
                "The model's server is not answering. It is tried again by itself every few seconds: retry in half a minute, or choose another model."
            }
            Self::KeyRefused => "The model's server refused the access key. Ask whoever runs this site to check it.",
            Self::ModelNotFound => "The model's server does not know this model. Choose another one and retry.",
            Self::RateLimited => "The model's server is receiving too many requests. Wait a moment, then retry.",
            Self::RequestRefused => {
                "The model's server refused this request. Choose another model, or ask in other words."
            }
            Self::ContextTooLong => {
                "This is too long for the model, even without what was said before. Shorten it, or choose another model."
            }
            Self::ProviderError => "The model's server reported an error. Retry in a moment.",
            Self::NoAnswer => "The model did not answer in time. Retry in a moment.",
            Self::Stalled => "The model stopped answering before its reply was complete. What it wrote is kept.",
            Self::Cut => "The connection to the model broke before its reply was complete. What it wrote is kept.",
            Self::Garbled => "The model's server sent something that is not a reply. Check its address, then retry.",
            Self::Empty => "The model ended its reply without writing anything. Retry, or ask in other words.",
            Self::TooLong => "The reply reached its limit and was cut. What the model wrote is kept.",
            Self::EmbeddedMissing => {
                "The built-in model is not installed on this server. Run “cargo xtask run”, or connect a model server (see the README), then retry."
            }
            Self::EmbeddedDied => "The built-in model crashed. It has been started anew; retry.",
            Self::EmbeddedBusy => "Too many replies are waiting for the built-in model. Retry in a moment.",
            Self::Internal => "Something went wrong on this server. Your message is saved; retry.",
        }
    }
}

/// A page of a chat, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagePage {
    pub messages: Vec<Message>,
    /// Whether there are older ones before the first.
    pub has_older: bool,
    /// Where what the model of the chat's newest reply read begins.
    pub context: Option<Context>,
}

/// What sending gave: the ids that any repetition of it gives, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    pub message_id: MessageId,
    pub reply_id: MessageId,
}

/// What a person wrote, within its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageText(String);

impl MessageText {
    /// Takes a text as typed; line ends become `\n` (browsers send `\r\n` from forms), outer blank space goes.
    ///
    /// # Errors
    /// [`InvalidInput::MessageEmpty`], [`InvalidInput::MessageTooLong`], [`InvalidInput::ControlCharacter`] (NUL, which
    /// not every database can keep).
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.replace("\r\n", "\n");
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidInput::MessageEmpty.into());
        }
        if text.contains('\0') {
            return Err(InvalidInput::ControlCharacter.into());
        }
        if text.chars().count() > limits::MESSAGE_CHARS_MAX {
            return Err(InvalidInput::MessageTooLong.into());
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_keeps_its_inner_shape_and_loses_outer_blank_space() {
        assert_eq!(MessageText::parse("  a\r\n\r\n  b \n").unwrap().as_str(), "a\n\n  b");
    }

    #[test]
    fn a_message_out_of_bounds_is_refused() {
        assert!(MessageText::parse(" \n\t").is_err());
        assert!(MessageText::parse("a\0b").is_err());
        assert!(MessageText::parse(&"😀".repeat(limits::MESSAGE_CHARS_MAX)).is_ok());
        assert!(MessageText::parse(&"😀".repeat(limits::MESSAGE_CHARS_MAX + 1)).is_err());
    }

    #[test]
    fn every_failure_has_its_own_code() {
        for (failure, code) in ReplyFailure::ALL {
            assert_eq!(failure.code(), code);
            assert_eq!(ReplyFailure::from_code(code), Some(failure));
        }
    }
}
