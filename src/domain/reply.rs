//! What there is to know of a reply besides its text: what the model thought before, how far it is, how much it was.

use serde::{Deserialize, Serialize};

/// Besides the text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyDetails {
    /// What the model thought before it answered, as plain text; empty when it did not say. Never shown to a model again.
    pub reasoning: String,
    /// How far a running reply is.
    pub phase: ReplyPhase,
    /// Known when it has ended.
    pub usage: Option<Usage>,
}

/// What the model is at, as long as its reply is running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyPhase {
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
