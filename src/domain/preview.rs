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
    /// Of a document that has pages, once it was read.
    pub pages: Option<Pages>,
    /// Where it is used, the newest chat first.
    pub chats: FileChats,
    /// In their order; none of an image, or of what was not read.
    pub chunks: Vec<ShownChunk>,
    /// Where the stretch before this one begins; none at the beginning.
    pub earlier_from: Option<u32>,
    /// Where the next one begins; none at the end.
    pub later_from: Option<u32>,
}

/// How many pages a document has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pages {
    pub all: u32,
    /// Those that show something, but no text that could be read: scanned ones, most likely.
    pub unread: u32,
}

impl Pages {
    /// What people read of those without text; nothing when there are none.
    pub fn unread_text(self) -> Option<String> {
        let Self { all, unread } = self;
        let have = if unread == 1 { "has" } else { "have" };
        (unread > 0).then(|| format!("{unread} of {all} pages {have} no text that could be read (scanned?)"))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_without_text_are_told_if_there_are_any() {
        let text = |unread| Pages { all: 100, unread }.unread_text();
        assert_eq!(text(0), None);
        assert_eq!(text(1).unwrap(), "1 of 100 pages has no text that could be read (scanned?)");
        assert_eq!(text(99).unwrap(), "99 of 100 pages have no text that could be read (scanned?)");
    }
}
