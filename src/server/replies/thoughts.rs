//! What a model thinks before it answers, as its reply's writer gathers it.
//!
//! A reply that goes on after its server was lost keeps what was thought before; one that is written anew keeps it until
//! there is as much again, or until its new text takes the place of the old one.

use crate::domain::{limits, reply::ReasoningPiece};

/// The reasoning of one reply.
#[derive(Debug, Default)]
pub struct Thoughts {
    text: String,
    /// Another one, from a reply that began anew.
    other: Option<String>,
    /// Bytes that are shown, and kept; none when all of it has changed.
    shown_bytes: usize,
    kept_bytes: Option<usize>,
}

impl Thoughts {
    /// What there is before the model says anything.
    pub fn new(before: &str) -> Self {
        let other = (!before.is_empty()).then(String::new);
        Self { text: before.to_owned(), other, shown_bytes: 0, kept_bytes: Some(before.len()) }
    }

    /// Adds a piece. `is_first` when there is no answer yet, so that all that is there is older reasoning.
    pub fn add(&mut self, piece: &str, is_first: bool) {
        let text = self.other.as_mut().unwrap_or(&mut self.text);
        let room = limits::REASONING_BYTES_MAX.saturating_sub(text.len());
        text.push_str(&piece[..piece.floor_char_boundary(room)]);
        if is_first && self.other.as_ref().is_some_and(|other| other.len() >= self.text.len()) {
            self.replace();
        }
    }

    /// A new answer takes the place of the old one, or the first word of it comes: what was thought for it counts, if there
    /// is any.
    pub fn replace(&mut self) {
        if let Some(other) = self.other.take().filter(|other| !other.is_empty()) {
            (self.text, self.shown_bytes, self.kept_bytes) = (other, 0, None);
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is not yet shown.
    pub fn take_news(&mut self) -> Option<ReasoningPiece> {
        let from = self.shown_bytes;
        self.shown_bytes = self.text.len();
        (from < self.text.len()).then(|| ReasoningPiece { from, text: self.text[from..].to_owned() })
    }

    pub fn has_news(&self) -> bool {
        self.shown_bytes < self.text.len()
    }

    /// All of it, if some was not kept yet, and how much that is.
    pub fn to_keep(&self) -> (Option<String>, usize) {
        let bytes = self.text.len();
        ((self.kept_bytes != Some(bytes)).then(|| self.text.clone()), bytes)
    }

    pub fn note_kept(&mut self, bytes: usize) {
        self.kept_bytes = Some(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasoning_grows_and_is_shown_and_kept_once() {
        let mut thoughts = Thoughts::new("");
        assert!(!thoughts.has_news() && thoughts.to_keep().0.is_none());
        thoughts.add("One", true);
        thoughts.add(", two", true);
        assert_eq!(thoughts.take_news(), Some(ReasoningPiece { from: 0, text: "One, two".to_owned() }));
        assert_eq!(thoughts.take_news(), None);
        let (kept, bytes) = thoughts.to_keep();
        assert_eq!(kept.as_deref(), Some("One, two"));
        thoughts.note_kept(bytes);
        assert!(thoughts.to_keep().0.is_none());
        thoughts.add(&"ü".repeat(limits::REASONING_BYTES_MAX), true);
        assert!(thoughts.text().len() <= limits::REASONING_BYTES_MAX);
    }

    #[test]
    fn what_was_thought_before_stays_until_there_is_as_much_again() {
        let mut thoughts = Thoughts::new("Before");
        assert_eq!(thoughts.take_news().unwrap().text, "Before");
        thoughts.add("New", true);
        assert_eq!(thoughts.text(), "Before");
        thoughts.add(", new", true);
        assert_eq!(thoughts.text(), "New, new");
        assert_eq!(thoughts.take_news(), Some(ReasoningPiece { from: 0, text: "New, new".to_owned() }));
    }

    #[test]
    fn what_continues_keeps_it_and_what_begins_anew_does_not() {
        let mut thoughts = Thoughts::new("Before");
        thoughts.add("Something much longer", false);
        assert_eq!(thoughts.text(), "Before");
        thoughts.replace();
        assert_eq!(thoughts.text(), "Something much longer");
        let mut thoughts = Thoughts::new("Before");
        thoughts.replace();
        assert_eq!(thoughts.text(), "Before");
    }
}
