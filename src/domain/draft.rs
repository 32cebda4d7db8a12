//! What is typed in a chat and not yet sent, as the server keeps it for all of its user's devices.

use serde::{Deserialize, Serialize};

use super::{file::FileName, ids::FileId, limits};
use crate::error::{Error, InvalidInput};

/// A chat's draft; one that was never saved is empty and from 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatDraft {
    pub text: String,
    /// When it was saved or cleared last, in milliseconds since 1970 (UTC). Grows with each change: the newest wins.
    pub updated_at_ms: i64,
}

/// A file that was uploaded, or is being, for a message which is not sent yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsentFile {
    pub id: FileId,
    pub name: FileName,
    /// Whether all of it is here.
    pub is_whole: bool,
}

/// A draft that has taken the place of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftChange {
    pub draft: ChatDraft,
    /// The moment of the newest draft that was seen where this one was typed. What came after it was typed elsewhere at the
    /// same time, and is not to be thrown away for this one.
    pub replaces_ms: i64,
}

impl From<ChatDraft> for DraftChange {
    /// For whoever asks how it stands: in the place of everything before it.
    fn from(draft: ChatDraft) -> Self {
        Self { replaces_ms: draft.updated_at_ms, draft }
    }
}

/// A text that can be kept as a draft, as it was typed; empty when there is none any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftText(String);

impl DraftText {
    /// Takes a text as typed; line ends become `\n`.
    ///
    /// # Errors
    /// [`InvalidInput::MessageTooLong`], [`InvalidInput::ControlCharacter`] (NUL, which not every database can keep).
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.contains('\0') {
            return Err(InvalidInput::ControlCharacter.into());
        }
        let text = text.replace("\r\n", "\n");
        if text.chars().count() > limits::MESSAGE_CHARS_MAX {
            return Err(InvalidInput::MessageTooLong.into());
        }
        Ok(Self(text))
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
    fn a_draft_is_kept_as_typed_within_the_bounds_of_a_message() {
        assert_eq!(DraftText::parse(" a\r\nb ").unwrap().as_str(), " a\nb ");
        assert_eq!(DraftText::parse("").unwrap().as_str(), "");
        assert!(DraftText::parse("a\0b").is_err());
        assert!(DraftText::parse(&"😀".repeat(limits::MESSAGE_CHARS_MAX)).is_ok());
        assert!(DraftText::parse(&"😀".repeat(limits::MESSAGE_CHARS_MAX + 1)).is_err());
    }
}
