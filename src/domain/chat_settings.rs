//! What belongs to a chat besides what is said in it.

use serde::{Deserialize, Serialize};

use super::{
    chat::Chat,
    file::{File, Storage},
};

/// A chat's files, and those that it could have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatSettings {
    pub chat: Chat,
    pub files: Vec<File>,
    /// The newest of its user's other files.
    pub others: Vec<File>,
    /// Whether there are more of these.
    pub has_more: bool,
    /// All uploads that are not complete.
    pub unfinished: Vec<File>,
    pub storage: Storage,
}
