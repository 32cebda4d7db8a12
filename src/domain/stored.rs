//! How much is stored about a person.

use serde::{Deserialize, Serialize};

/// How much there is of one sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    pub what: StoredSort,
    pub count: u64,
    /// Of text and contents; none where that says nothing.
    pub bytes: Option<u64>,
}

/// A sort of what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredSort {
    Chats,
    Messages,
    /// What is typed and not yet sent.
    Drafts,
    /// What models are given of long chats instead of their beginnings.
    Summaries,
    Files,
    /// What was read in files: pieces of text. The index of their words is one for everybody, and in no count.
    FileTexts,
    /// What those pieces mean, for searching.
    FileVectors,
    /// What is shown of images: a small picture of each and a larger one.
    FilePictures,
    Notifications,
    Sessions,
    AccessTokens,
}

impl StoredSort {
    /// What people read.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Chats => "Chats",
            Self::Messages => "Messages and replies",
            Self::Drafts => "Drafts, typed and not yet sent",
            Self::Summaries => "Summaries of long chats",
            Self::Files => "Files",
            Self::FileTexts => "Pieces of text read in files (not counted: the index of their words)",
            Self::FileVectors => "Their meanings, for searching",
            Self::FilePictures => "Pictures made of images, small and larger",
            Self::Notifications => "Notifications",
            Self::Sessions => "Sessions",
            Self::AccessTokens => "Access tokens",
        }
    }
}
