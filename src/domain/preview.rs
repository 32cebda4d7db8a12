//! What a file's page shows of what was read in it.

use serde::{Deserialize, Serialize};

use super::{
    file::{File, FileChats},
    message::SafeHtml,
    place::Place,
};

/// A file, and a stretch of its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileView {
    pub file: File,
    /// Where it is used, the newest chat first.
    pub chats: FileChats,
    /// In their order; none of an image, or of what was not read.
    pub chunks: Vec<ShownChunk>,
    /// Where the stretch before this one begins; none at the beginning.
    pub earlier_from: Option<u32>,
    /// Where the next one begins; none at the end.
    pub later_from: Option<u32>,
}

/// A piece of a file's text, to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownChunk {
    pub seq: u32,
    pub place: Place,
    pub content: ShownContent,
    /// Whether it is what somebody came for.
    pub is_wanted: bool,
}

/// The text itself, as it suits its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShownContent {
    Text(String),
    /// A line of cells each.
    Rows(Vec<Vec<String>>),
    Markdown(Vec<SafeHtml>),
}
