//! What people upload.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{
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
        let name: String = text.chars().map(|letter| if is_unfit(letter) { '_' } else { letter }).collect();
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

/// What sort of file it is. By its name until it was read, then by its content, never by what a sender claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    Text,
    Markdown,
    Code,
    Html,
    Csv,
    Tsv,
    Json,
    Xlsx,
    Xls,
    Ods,
    Docx,
    Pptx,
    Odt,
    Pdf,
    Epub,
    Eml,
    Png,
    Jpeg,
    Webp,
    /// Kept and given back, but not read.
    Other,
}

impl FileKind {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::Text,
        Self::Markdown,
        Self::Code,
        Self::Html,
        Self::Csv,
        Self::Tsv,
        Self::Json,
        Self::Xlsx,
        Self::Xls,
        Self::Ods,
        Self::Docx,
        Self::Pptx,
        Self::Odt,
        Self::Pdf,
        Self::Epub,
        Self::Eml,
        Self::Png,
        Self::Jpeg,
        Self::Webp,
        Self::Other,
    ];

    /// The word for it in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Code => "code",
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Json => "json",
            Self::Xlsx => "xlsx",
            Self::Xls => "xls",
            Self::Ods => "ods",
            Self::Docx => "docx",
            Self::Pptx => "pptx",
            Self::Odt => "odt",
            Self::Pdf => "pdf",
            Self::Epub => "epub",
            Self::Eml => "eml",
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Webp => "webp",
            Self::Other => "other",
        }
    }

    /// Reads [`FileKind::name`].
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.name() == name).unwrap_or(Self::Other)
    }

    /// What people call it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Markdown => "Markdown",
            Self::Code => "Code",
            Self::Html => "Web page",
            Self::Csv | Self::Tsv => "Table",
            Self::Json => "JSON",
            Self::Xlsx | Self::Xls | Self::Ods => "Spreadsheet",
            Self::Docx | Self::Odt => "Document",
            Self::Pptx => "Slides",
            Self::Pdf => "PDF",
            Self::Epub => "Book",
            Self::Eml => "E-mail",
            Self::Png | Self::Jpeg | Self::Webp => "Image",
            Self::Other => "File",
        }
    }

    /// What a name's end says.
    pub fn of_extension(extension: &str) -> Self {
        match extension {
            "txt" | "text" | "log" => Self::Text,
            "md" | "markdown" => Self::Markdown,
            "html" | "htm" | "xhtml" => Self::Html,
            "csv" => Self::Csv,
            "tsv" | "tab" => Self::Tsv,
            "json" => Self::Json,
            "xlsx" => Self::Xlsx,
            "xls" => Self::Xls,
            "ods" => Self::Ods,
            "docx" => Self::Docx,
            "pptx" => Self::Pptx,
            "odt" => Self::Odt,
            "pdf" => Self::Pdf,
            "epub" => Self::Epub,
            "eml" => Self::Eml,
            "png" => Self::Png,
            "jpg" | "jpeg" => Self::Jpeg,
            "webp" => Self::Webp,
            _ if CODE_EXTENSIONS.contains(&extension) => Self::Code,
            _ => Self::Other,
        }
    }

    /// The media type that it is sent with. What a browser could run or render as a page of ours is bytes, or plain text.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Text | Self::Markdown | Self::Code | Self::Csv | Self::Tsv => "text/plain; charset=utf-8",
            Self::Json => "application/json",
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            _ => "application/octet-stream",
        }
    }

    /// Whether it is a picture.
    pub const fn is_image(self) -> bool {
        matches!(self, Self::Png | Self::Jpeg | Self::Webp)
    }

    /// Whether it is read as rows and columns.
    pub const fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv | Self::Xlsx | Self::Xls | Self::Ods)
    }
}

/// Ends of names of source code, settings and the like: text all the same.
const CODE_EXTENSIONS: [&str; 44] = [
    "bash", "bat", "c", "cc", "cfg", "clj", "cpp", "cs", "css", "dart", "ex", "go", "gradle", "h", "hpp", "hs", "ini",
    "java", "jl", "js", "jsx", "kt", "lua", "php", "pl", "ps1", "py", "r", "rb", "rs", "scala", "sh", "sql", "svg",
    "swift", "tex", "toml", "ts", "tsx", "vue", "xml", "yaml", "yml", "zig",
];

/// How far a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "state", content = "reason", rename_all = "snake_case")]
pub enum FileState {
    /// Not all of it is here yet.
    Uploading,
    /// It waits to be read.
    Waiting,
    /// Its text is being taken out.
    Reading,
    /// Its text is being made findable.
    Indexing,
    Ready,
    Failed(FileFailure),
}

impl FileState {
    /// The word for it in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Waiting => "waiting",
            Self::Reading => "reading",
            Self::Indexing => "indexing",
            Self::Ready => "ready",
            Self::Failed(_) => "failed",
        }
    }

    /// Reads [`FileState::name`] and [`FileFailure::name`].
    pub fn from_names(name: &str, failure: Option<&str>) -> Self {
        match name {
            "uploading" => Self::Uploading,
            "waiting" => Self::Waiting,
            "reading" => Self::Reading,
            "indexing" => Self::Indexing,
            "ready" => Self::Ready,
            _ => Self::Failed(failure.map_or(FileFailure::Damaged, FileFailure::from_name)),
        }
    }

    /// What people read.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Uploading => "Not complete",
            Self::Waiting => "Waiting",
            Self::Reading => "Reading",
            Self::Indexing => "Indexing",
            Self::Ready => "Ready",
            Self::Failed(failure) => failure.text(),
        }
    }

    /// Whether something is still being done about it.
    pub const fn is_busy(self) -> bool {
        matches!(self, Self::Waiting | Self::Reading | Self::Indexing)
    }
}

/// Why a file could not be read. It is kept and given back all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFailure {
    /// It needs a password.
    Encrypted,
    /// There is no text in it: pages that were scanned, say.
    NoText,
    Damaged,
    /// It unpacks to more than is read.
    TooLargeUnpacked,
    /// Larger than what is read.
    TooLarge,
    /// Its content is not what its name says.
    NotWhatItSays,
    /// A kind that is not read.
    Unsupported,
    /// Reading it took too long, or too much memory, too often.
    TooHard,
    /// Its content is gone from the storage.
    Missing,
}

impl FileFailure {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Encrypted,
        Self::NoText,
        Self::Damaged,
        Self::TooLargeUnpacked,
        Self::TooLarge,
        Self::NotWhatItSays,
        Self::Unsupported,
        Self::TooHard,
        Self::Missing,
    ];

    /// The word for it in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::NoText => "no_text",
            Self::Damaged => "damaged",
            Self::TooLargeUnpacked => "too_large_unpacked",
            Self::TooLarge => "too_large",
            Self::NotWhatItSays => "not_what_it_says",
            Self::Unsupported => "unsupported",
            Self::TooHard => "too_hard",
            Self::Missing => "missing",
        }
    }

    /// Reads [`FileFailure::name`].
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|failure| failure.name() == name).unwrap_or(Self::Damaged)
    }

    /// What people read.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Encrypted => "It is locked with a password. Remove the password and upload it again.",
            Self::NoText => {
                "No text was found in it. If its pages were scanned, run a text recognition (OCR) on it first."
            }
            Self::Damaged => "It is damaged and could not be read.",
            Self::TooLargeUnpacked => "It is too large when unpacked.",
            Self::TooLarge => "It is too large to be read; it is only kept.",
            Self::NotWhatItSays => "Its content is not what its name says.",
            Self::Unsupported => "This kind of file is kept, but not read.",
            Self::TooHard => "Reading it took too long or too much memory.",
            Self::Missing => "Its content is missing from the storage.",
        }
    }

    /// Whether trying again can help.
    pub const fn can_pass(self) -> bool {
        matches!(self, Self::TooHard | Self::Missing | Self::Damaged)
    }
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
    /// Where they are used, of those that are.
    pub chats: HashMap<FileId, FileChats>,
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
    fn every_kind_and_failure_has_a_name_of_its_own() {
        for kind in FileKind::ALL {
            assert_eq!(FileKind::from_name(kind.name()), kind);
        }
        for failure in FileFailure::ALL {
            let state = FileState::Failed(failure);
            assert_eq!(FileState::from_names(state.name(), Some(failure.name())), state);
        }
    }

    #[test]
    fn f1_f2_a_name_is_never_a_path() {
        let name = |text| FileName::parse(text).unwrap().as_str().to_owned();
        assert_eq!(name("../../x"), ".._.._x");
        assert_eq!(name("..\\..\\x"), ".._.._x");
        assert_eq!(name("/etc/passwd"), "_etc_passwd");
        assert_eq!(name("a\u{FF0F}b\u{2215}c"), "a_b_c");
        assert_eq!(name("a\r\nSet-Cookie: x\0"), "a__Set-Cookie: x_");
        assert_eq!(name("invoice\u{202E}fdp.exe"), "invoice_fdp.exe");
        assert_eq!(name(" Übersicht 2026.pdf "), "Übersicht 2026.pdf");
        assert_eq!(name("name. . ."), "name");
        for nothing in ["", "  ", ".", "..", " ...", &"x".repeat(256)] {
            assert_eq!(FileName::parse(nothing), Err(InvalidInput::FileName.into()), "{nothing}");
        }
    }

    #[test]
    fn the_end_of_a_name_says_what_it_seems_to_be() {
        let kind = |name| FileKind::of_extension(&FileName::parse(name).unwrap().extension());
        assert_eq!(kind("Report.PDF"), FileKind::Pdf);
        assert_eq!(kind("a.tar.md"), FileKind::Markdown);
        assert_eq!(kind("main.rs"), FileKind::Code);
        assert_eq!(kind(".pdf"), FileKind::Other);
        assert_eq!(kind("README"), FileKind::Other);
        assert!(CODE_EXTENSIONS.is_sorted());
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in
            [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (12_345, "12 kB"), (999_600, "1.0 MB")]
        {
            assert_eq!(size_text(bytes), text);
        }
        assert_eq!(size_text(2_147_483_648), "2.1 GB");
    }
}
