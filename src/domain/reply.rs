//! What there is to know of a reply besides its text: what the model thought before, how far it is, how much it was.

use serde::{Deserialize, Serialize};

use super::ids::MessageId;

/// Besides the text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyDetails {
    /// What the model thought before it answered, as plain text; empty when it did not say. Never shown to a model again.
    pub reasoning: String,
    /// How far a running reply is.
    pub phase: ReplyPhase,
    /// Known when it has ended.
    pub usage: Option<Usage>,
    /// Where what the model read begins. Told with the chat's newest reply only; of others it concerns nobody any more.
    pub context: Option<Context>,
}

/// Where what a model was given to read of its conversation begins, when that is not the very beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// The first message of it.
    pub from_id: MessageId,
    pub cut: ContextCut,
    /// The summary of what is before; empty where there is none, or as long as nobody looked it up.
    pub summary: String,
}

/// What became of what is before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContextCut {
    /// It was left out.
    Unread,
    /// The model was given a summary of it.
    Summarised,
    /// It was left out, and so was the middle of this message, which is too long by itself.
    Shortened,
}

impl ContextCut {
    const ALL: [(Self, &str); 3] =
        [(Self::Unread, "unread"), (Self::Summarised, "summarised"), (Self::Shortened, "shortened")];

    /// The stable word that the database keeps.
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(cut, _)| *cut == self).map_or("unread", |(_, code)| code)
    }

    /// Reads [`ContextCut::code`].
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == code).map(|(cut, _)| *cut)
    }

    /// What the person reads there.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Unread => "The model no longer reads what is above",
            Self::Summarised => "The model has a summary of what is above",
            Self::Shortened => "Too long for the model: it reads only the beginning and the end of this message",
        }
    }
}

/// What the model is at, as long as its reply is running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyPhase {
    /// Files that belong to the question are still being read.
    ReadingFiles,
    /// Files are searched for what answers the question.
    Searching,
    /// It was asked and has said nothing yet.
    #[default]
    Reading,
    /// It says what it thinks.
    Thinking,
    /// It writes its answer.
    Writing,
}

impl ReplyPhase {
    /// What the person reads; nothing where the growing text says it.
    pub const fn text(self) -> Option<&'static str> {
        match self {
            Self::ReadingFiles => Some("Reading files…"),
            Self::Searching => Some("Searching files…"),
            Self::Reading => Some("Reading…"),
            Self::Thinking => Some("Thinking…"),
            Self::Writing => None,
        }
    }
}

/// How many tokens a reply was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Of the conversation that the model read.
    pub prompt_tokens: u64,
    /// Of what it wrote, its reasoning included.
    pub completion_tokens: u64,
    /// Whether the model's server did not say, so that they are estimated.
    pub is_estimated: bool,
}

/// More of the reasoning: what follows its first `from` bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasoningPiece {
    pub from: usize,
    pub text: String,
}

impl ReasoningPiece {
    /// Puts it to what is there. False when something before it is missing.
    pub fn put_to(&self, reasoning: &mut String) -> bool {
        if !reasoning.is_char_boundary(self.from) {
            return false;
        }
        reasoning.truncate(self.from);
        reasoning.push_str(&self.text);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasoning_grows_is_replaced_and_misses_nothing() {
        let mut reasoning = "Grüße".to_owned();
        let put = |from, text: &str, to: &mut String| ReasoningPiece { from, text: text.to_owned() }.put_to(to);
        assert!(put(7, " an", &mut reasoning));
        assert!(!put(11, "!", &mut reasoning) && !put(3, "!", &mut reasoning));
        assert_eq!(reasoning, "Grüße an");
        assert!(put(0, "Anew", &mut reasoning));
        assert_eq!(reasoning, "Anew");
    }
}
