//! What a file's first bytes say of it: a name can claim anything.

use super::text;
use crate::domain::{file_kind::FileKind, file_state::FileFailure};

/// So far into the file a PDF may begin, as its readers have it.
const PDF_WITHIN_BYTES: usize = 1_024;

/// A format that can be told by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Magic {
    Pdf,
    /// Also office documents, books and many more.
    Zip,
    /// What office documents were before, and what those with a password are today.
    Ole,
    Png,
    Jpeg,
    Webp,
    /// Anything that nobody would want read as text: programs, other images, sound, archives.
    Foreign,
}

/// Beginnings of what is never read.
const FOREIGN: [&[u8]; 14] = [
    b"MZ",
    b"\x7FELF",
    b"\xCF\xFA\xED\xFE",
    b"\xCA\xFE\xBA\xBE",
    b"GIF87a",
    b"GIF89a",
    b"\x1F\x8B\x08",
    b"BZh",
    b"\xFD7zXZ\0",
    b"7z\xBC\xAF\x27\x1C",
    b"Rar!\x1A",
    b"\x28\xB5\x2F\xFD",
    b"OggS",
    b"SQLite format 3\0",
];

/// Tells a format by its first bytes.
pub fn of(bytes: &[u8]) -> Option<Magic> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") {
        Some(Magic::Zip)
    } else if starts(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        Some(Magic::Ole)
    } else if starts(b"\x89PNG\r\n\x1A\n") {
        Some(Magic::Png)
    } else if starts(b"\xFF\xD8\xFF") {
        Some(Magic::Jpeg)
    } else if starts(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some(Magic::Webp)
    } else if FOREIGN.iter().any(|magic| starts(magic)) && !is_words(bytes) {
        Some(Magic::Foreign)
    } else if bytes[..bytes.len().min(PDF_WITHIN_BYTES)].windows(5).any(|five| five == b"%PDF-") {
        Some(Magic::Pdf)
    } else {
        None
    }
}

/// Whether a short beginning such as `MZ` or `BZh` is just the first word of a text.
fn is_words(bytes: &[u8]) -> bool {
    bytes.iter().take(512).all(|byte| *byte >= b' ' || matches!(byte, b'\n' | b'\r' | b'\t'))
}

/// What a file is that seems to be of this kind.
///
/// # Errors
/// [`FileFailure::NotWhatItSays`], [`FileFailure::Encrypted`], [`FileFailure::Unsupported`].
pub fn true_kind(kind: FileKind, bytes: &[u8]) -> Result<FileKind, FileFailure> {
    let magic = of(bytes);
    let expected = match kind {
        FileKind::Pdf => Magic::Pdf,
        FileKind::Png => Magic::Png,
        FileKind::Jpeg => Magic::Jpeg,
        FileKind::Webp => Magic::Webp,
        FileKind::Xls => Magic::Ole,
        FileKind::Docx | FileKind::Pptx | FileKind::Xlsx | FileKind::Ods | FileKind::Odt | FileKind::Epub => Magic::Zip,
        FileKind::Other => return unnamed_kind(magic, bytes),
        _ => return if is_text(magic, bytes) { Ok(kind) } else { Err(FileFailure::NotWhatItSays) },
    };
    match magic {
        Some(magic) if magic == expected => Ok(kind),
        // With a password, a document lies encrypted in the older format.
        Some(Magic::Ole) if matches!(kind, FileKind::Docx | FileKind::Pptx | FileKind::Xlsx) => {
            if has_encrypted_package(bytes) { Err(FileFailure::Encrypted) } else { Err(FileFailure::NotWhatItSays) }
        }
        // Programs that give a spreadsheet the older name.
        Some(Magic::Zip) if kind == FileKind::Xls => Ok(FileKind::Xlsx),
        _ => Err(FileFailure::NotWhatItSays),
    }
}

/// A file whose name says nothing.
fn unnamed_kind(magic: Option<Magic>, bytes: &[u8]) -> Result<FileKind, FileFailure> {
    match magic {
        Some(Magic::Pdf) => Ok(FileKind::Pdf),
        Some(Magic::Png) => Ok(FileKind::Png),
        Some(Magic::Jpeg) => Ok(FileKind::Jpeg),
        Some(Magic::Webp) => Ok(FileKind::Webp),
        Some(Magic::Zip | Magic::Ole | Magic::Foreign) => Err(FileFailure::Unsupported),
        None if is_text(None, bytes) => Ok(FileKind::Text),
        None => Err(FileFailure::Unsupported),
    }
}

fn is_text(magic: Option<Magic>, bytes: &[u8]) -> bool {
    // A text may speak of PDF in its first lines.
    let is_pdf = magic == Some(Magic::Pdf) && bytes.starts_with(b"%PDF-");
    matches!(magic, None | Some(Magic::Pdf)) && !is_pdf && text::is_text(bytes)
}

fn has_encrypted_package(bytes: &[u8]) -> bool {
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    bytes.windows(name.len()).any(|window| window == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f4_a_name_that_lies_is_told() {
        let told = |kind, bytes: &[u8]| true_kind(kind, bytes);
        assert_eq!(told(FileKind::Png, b"<html>"), Err(FileFailure::NotWhatItSays));
        assert_eq!(told(FileKind::Docx, b"MZ\x90\0\x03"), Err(FileFailure::NotWhatItSays));
        assert_eq!(told(FileKind::Text, b"%PDF-1.7\n"), Err(FileFailure::NotWhatItSays));
        assert_eq!(told(FileKind::Text, b"PK\x03\x04"), Err(FileFailure::NotWhatItSays));
        assert_eq!(told(FileKind::Text, b"MZ is how programs begin"), Ok(FileKind::Text));
        assert_eq!(told(FileKind::Other, b"all: build\n\ttouch x\n"), Ok(FileKind::Text));
        assert_eq!(told(FileKind::Other, b"\0\x01\x02\x03\xFF\xFE\0\0"), Err(FileFailure::Unsupported));
        assert_eq!(told(FileKind::Other, b"%PDF-1.4"), Ok(FileKind::Pdf));
    }
}
