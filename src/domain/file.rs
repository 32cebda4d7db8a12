//! What people upload.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{
    file_kind::FileKind,
    file_state::FileState,
    ids::{ChatId, FileId},
    limits,
    place::Place,
};
use crate::error::{Error, InvalidInput};

/// A file of a user, table `user_file`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    pub id: FileId,
    pub name: FileName,
    pub kind: FileKind,
    /// What was announced; of an upload whose size nobody said, what came so far.
    pub size_bytes: u64,
    /// So much of it is here.
    pub received_bytes: u64,
    pub state: FileState,
    /// Of its text; 0 until it was read.
    pub text_chars: u64,
    /// Width and height of an image, in pixels, once it was read.
    pub pixels: Option<(u32, u32)>,
    /// What the uploading browser said of the file on its disk, to know it again; milliseconds since 1970.
    pub modified_at_ms: Option<i64>,
    /// Whether it stays though no chat has it; else it came for a message.
    pub is_kept: bool,
    /// The chat that it was uploaded for: as a whole, or for a message in it.
    pub for_chat_id: Option<ChatId>,
    /// Milliseconds since 1970 (UTC).
    pub created_at_ms: i64,
}

/// A piece of a file's text. All of them, one after the other, are the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Its place among them, from 0 on.
    pub seq: u32,
    /// Where it begins.
    pub place: Place,
    /// What stands above it: a heading, the names of a table's columns; may be empty.
    pub heading: String,
    pub text: String,
}

/// What a file is called. Data, never a path: nothing on the disk has this name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileName(String);

impl FileName {
    /// Takes a name as a browser or a program sends it. What would be a path elsewhere, cannot be seen, or turns the text
    /// around becomes `_`; outer blank space and dots at the end go.
    ///
    /// # Errors
    /// [`InvalidInput::FileName`] when nothing is left of it, or when it is too long.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.chars().count() > limits::FILE_NAME_CHARS_MAX {
            return Err(InvalidInput::FileName.into());
        }
        let letters: Vec<char> = text.chars().collect();
        let is_fit = |at: usize| !is_unfit(letters[at]) || is_joiner_in_script(&letters, at);
        let name: String = (0..letters.len()).map(|at| if is_fit(at) { letters[at] } else { '_' }).collect();
        let name = name.trim().trim_end_matches(['.', ' ']);
        if name.is_empty() { Err(InvalidInput::FileName.into()) } else { Ok(Self(name.to_owned())) }
    }

    /// Reads what was kept.
    pub fn kept(text: String) -> Self {
        Self(text)
    }

    /// As people see it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows the last dot, in lower case; empty without one.
    pub fn extension(&self) -> String {
        match self.0.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => extension.to_ascii_lowercase(),
            _ => String::new(),
        }
    }
}

impl std::fmt::Display for FileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Separators of paths and what looks like them, what cannot be seen, and what changes the direction of writing.
fn is_unfit(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '/' | '\\' | '\u{2044}' | '\u{2215}' | '\u{29F8}' | '\u{FF0F}' | '\u{FF3C}')
        || matches!(letter, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// Whether it joins or parts two letters, as several scripts need to be read right, and pictures of several people.
fn is_joiner_in_script(letters: &[char], at: usize) -> bool {
    let is_of_script = |at: usize| letters.get(at).is_some_and(|letter| !letter.is_ascii() && !is_unfit(*letter));
    matches!(letters[at], '\u{200C}' | '\u{200D}') && at > 0 && is_of_script(at - 1) && is_of_script(at + 1)
}

/// What a list of files is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileOrder {
    /// The newest first.
    #[default]
    Newest,
    Name,
    /// The largest first.
    Size,
}

impl FileOrder {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Newest, Self::Name, Self::Size];

    /// The word for it in addresses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Name => "name",
            Self::Size => "size",
        }
    }

    /// What people read.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Newest => "Newest first",
            Self::Name => "Name",
            Self::Size => "Largest first",
        }
    }

    /// Reads [`FileOrder::name`].
    ///
    /// # Errors
    /// [`InvalidInput::Choice`].
    pub fn parse(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|order| order.name() == name).ok_or(InvalidInput::Choice.into())
    }
}

/// A page of the list of files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePage {
    pub files: Vec<File>,
    /// The next page comes after this file; none at the end.
    pub next_after: Option<FileId>,
    /// Where they are used, of those that are, if that was asked.
    pub chats: HashMap<FileId, FileChats>,
    /// All uploads that are not complete, whatever the page shows, if that was asked.
    pub unfinished: Vec<File>,
    /// Whether the model for searching does not answer: what is being indexed waits for it.
    pub waits_for_model: bool,
    pub storage: Storage,
}

/// The chats that have a file, or in which a reply was given something of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChats {
    /// The newest ones.
    pub shown: Vec<ChatLink>,
    /// How many there are besides.
    pub more: usize,
}

/// What leads to a chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatLink {
    pub chat_id: ChatId,
    pub title: String,
}

/// How much of their storage a user has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storage {
    pub files: u64,
    pub used_bytes: u64,
    pub bytes_max: u64,
    /// Of one file.
    pub file_bytes_max: u64,
}

/// A size as people read it: powers of 1,000, as disks and browsers count.
pub fn size_text(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes == 1 {
        return "1 byte".to_owned();
    }
    if bytes < 1_000 {
        return format!("{bytes} bytes");
    }
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let (mut size, mut unit) = (bytes as f64 / 1_000.0, 0);
    while size >= 999.5 && unit + 1 < UNITS.len() {
        size /= 1_000.0;
        unit += 1;
    }
    if size < 9.95 { format!("{size:.1} {}", UNITS[unit]) } else { format!("{size:.0} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f1_f2_a_name_is_never_a_path() {
        let name = |text| FileName::parse(text).unwrap().as_str().to_owned();
        assert_eq!(name("../../x"), ".._.._x");
        assert_eq!(name("..\\..\\x"), ".._.._x");
        assert_eq!(name("/etc/passwd"), "_etc_passwd");
        assert_eq!(name("a\u{FF0F}b\u{2215}c"), "a_b_c");
        assert_eq!(name("a\r\nSet-Cookie: x\0"), "a__Set-Cookie: x_");
        assert_eq!(name("invoice\u{202E}fdp.exe"), "invoice_fdp.exe");
        // Parts of a word in Persian, and of a family; but nothing that hides between Latin letters.
        assert_eq!(name("می\u{200C}خواهم.pdf"), "می\u{200C}خواهم.pdf");
        assert_eq!(name("👨\u{200D}👩.png"), "👨\u{200D}👩.png");
        assert_eq!(name("pay\u{200D}pal\u{200C}.pdf"), "pay_pal_.pdf");
        assert_eq!(name(" Übersicht 2026.pdf "), "Übersicht 2026.pdf");
        assert_eq!(name("name. . ."), "name");
        for nothing in ["", "  ", ".", "..", " ...", &"x".repeat(256)] {
            assert_eq!(FileName::parse(nothing), Err(InvalidInput::FileName.into()), "{nothing}");
        }
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1_000, "1.0 kB"),
            (12_345, "12 kB"),
            (999_600, "1.0 MB"),
        ] {
            assert_eq!(size_text(bytes), text);
        }
        assert_eq!(size_text(2_147_483_648), "2.1 GB");
    }
}
