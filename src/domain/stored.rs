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
    Files,
    /// What was read in files: pieces of text.
    FileTexts,
    /// What those pieces mean, for searching.
    FileVectors,
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
            Self::Files => "Files",
            Self::FileTexts => "Pieces of text read in files",
            Self::FileVectors => "Their meanings, for searching",
            Self::FilePictures => "Small pictures of images",
            Self::Notifications => "Notifications",
            Self::Sessions => "Sessions",
            Self::AccessTokens => "Access tokens",
        }
    }
}
