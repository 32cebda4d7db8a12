//! What is found in a file, on its way out: cleaned, counted, and cut into pieces.

use std::io;

use super::{
    Outcome, cut,
    protocol::{Picture, Said},
};
use crate::domain::{file::Chunk, file_state::FileFailure, limits, place::Place, preview::Pages};

/// A piece is not cut before this, if there is a better place than any.
const CHUNK_CHARS_MIN: usize = limits::CHUNK_CHARS_MAX / 2;

/// Takes what is found in a file.
pub struct Findings {
    say: fn(&Said) -> io::Result<()>,
    chars: usize,
    chunks: u32,
    /// Whether there was anything but blank space, or a picture.
    is_something: bool,
    pages: Pages,
}

impl Findings {
    pub fn new(say: fn(&Said) -> io::Result<()>) -> Self {
        Self { say, chars: 0, chunks: 0, is_something: false, pages: Pages::default() }
    }

    /// The next part of the text, and where it begins. The heading is what stands above it.
    pub fn add(&mut self, place: Place, heading: &str, text: &str) -> Outcome {
        let mut text = clean(text);
        if text.trim().is_empty() {
            return Ok(());
        }
        // What follows is not part of its last line.
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let in_one_line = |text: &str| cut(clean(text).trim(), limits::CHUNK_HEADING_CHARS_MAX).replace('\n', " ");
        let heading = in_one_line(heading);
        let mut place = place.map_name(in_one_line);
        for piece in pieces(&text) {
            let lines = piece.matches('\n').count();
            let next = place.clone().down(u32::try_from(lines).unwrap_or(u32::MAX));
            self.chars += piece.chars().count();
            if self.chars > limits::FILE_TEXT_CHARS_MAX {
                return Err(FileFailure::TooMuchText);
            }
            self.is_something |= !piece.trim().is_empty();
            let chunk = Chunk { seq: self.chunks, place, heading: heading.clone(), text: piece.to_owned() };
            (self.say)(&Said::Chunk(chunk)).map_err(|_| FileFailure::TooHard)?;
            (place, self.chunks) = (next, self.chunks + 1);
        }
        Ok(())
    }

    /// The text of the next page, and whether that page shows something more, which may be text.
    pub fn add_page(&mut self, text: &str, shows_more: bool) -> Outcome {
        let before = self.chunks;
        self.pages.all += 1;
        self.add(Place::Page { page: self.pages.all }, "", text)?;
        self.pages.unread += u32::from(shows_more && self.chunks == before);
        Ok(())
    }

    /// A picture made of the file.
    pub fn add_picture(&mut self, picture: Picture) -> Outcome {
        self.is_something = true;
        (self.say)(&Said::Picture(picture)).map_err(|_| FileFailure::TooHard)
    }

    /// There is nothing more.
    pub fn end(&self) -> Outcome {
        if !self.is_something {
            return Err(FileFailure::NoText);
        }
        if self.pages.all > 0 {
            (self.say)(&Said::Pages(self.pages)).map_err(|_| FileFailure::TooHard)?;
        }
        Ok(())
    }
}

/// A text as it is kept: lines end with `\n`, and what is neither a character nor blank space is gone. No database stores
/// something else for it than the other.
fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' if letters.peek() == Some(&'\n') => {}
            '\r' | '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => clean.push('\n'),
            '\u{A0}' => clean.push(' '),
            '\u{AD}' | '\u{FEFF}' => {}
            '\n' | '\t' => clean.push(letter),
            _ if letter.is_control() || is_no_character(letter) => {}
            _ => clean.push(letter),
        }
    }
    clean
}

fn is_no_character(letter: char) -> bool {
    matches!(letter, '\u{FDD0}'..='\u{FDEF}') || u32::from(letter) & 0xFFFE == 0xFFFE
}

/// Cuts a text into pieces that together are the text: after an empty line if that can be, else after a line, a sentence or
/// a word.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = rest.split_at(piece_end(rest));
        rest = after;
        Some(piece)
    })
}

fn piece_end(text: &str) -> usize {
    let Some((most, _)) = text.char_indices().nth(limits::CHUNK_CHARS_MAX) else { return text.len() };
    let least = text.char_indices().nth(CHUNK_CHARS_MIN).map_or(0, |(at, _)| at);
    let window = &text[least..most];
    for end in ["\n\n", "\n", ". ", "! ", "? ", "。", " ", "\t"] {
        if let Some(at) = window.rfind(end) {
            return least + at + end.len();
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_short_end_well_and_are_the_text_together() {
        let text = format!("{}\n\n{}. {}", "a ".repeat(200), "b".repeat(350), "c".repeat(2_500));
        let found: Vec<&str> = pieces(&text).collect();
        assert_eq!(found.concat(), text);
        assert!(found.iter().all(|piece| piece.chars().count() <= limits::CHUNK_CHARS_MAX));
        assert!(found[0].ends_with("a \n\n") && found[1].ends_with(". "), "{found:?}");
        assert_eq!(pieces("short").collect::<Vec<_>>(), ["short"]);
        let most = limits::CHUNK_CHARS_MAX;
        assert_eq!(pieces(&"ü".repeat(most + 1)).map(|piece| piece.chars().count()).collect::<Vec<_>>(), [most, 1]);
    }

    #[test]
    fn f14_what_is_no_text_is_gone() {
        assert_eq!(clean("a\0b\r\nc\rd\u{FFFF}e\u{FEFF}\u{7}\u{C}f\u{A0}g\u{AD}h\ti"), "ab\nc\nde\nf gh\ti");
        assert_eq!(clean("שלום \u{1F600}"), "שלום \u{1F600}");
    }
}
