//! Books in the format EPUB 2 and 3: chapters in their order.

use std::io::Cursor;

use rbook::Epub;

use super::{Outcome, cut, findings::Findings, markup, packed};
use crate::domain::{file_state::FileFailure, limits};

/// Reads a book, part by part under its headings.
pub fn read(bytes: Vec<u8>, findings: &mut Findings) -> Outcome {
    packed::check(&bytes)?;
    if packed::unpack(&bytes, "META-INF/encryption.xml").is_ok_and(|list| is_locked(&list)) {
        return Err(FileFailure::Encrypted);
    }
    let book = Epub::options().strict(false).read(Cursor::new(bytes)).map_err(|_| FileFailure::NotWhatItSays)?;
    let mut chapters = 0;
    for chapter in book.reader() {
        chapters += 1;
        if chapters > limits::FILE_PAGES_MAX {
            return Err(FileFailure::TooLargeUnpacked);
        }
        // One that is not there is left out, as readers do.
        let Ok(chapter) = chapter else { continue };
        let text = markup::to_text(chapter.content())?;
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let title = cut(first.trim_start_matches('#').trim(), limits::CHUNK_HEADING_CHARS_MAX);
        markup::add_parts(&text, title, findings)?;
    }
    Ok(())
}

/// Fonts alone are often made unreadable for other programs; that locks nothing that is read here.
fn is_locked(list: &[u8]) -> bool {
    let list = String::from_utf8_lossy(list);
    list.contains("xhtml") || list.contains(".html") || list.contains("http://www.w3.org/2001/04/xmlenc#aes")
}
