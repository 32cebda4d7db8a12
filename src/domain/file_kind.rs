//! Sorts of files.

use serde::{Deserialize, Serialize};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::file::FileName;

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        for kind in FileKind::ALL {
            assert_eq!(FileKind::from_name(kind.name()), kind);
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
}
