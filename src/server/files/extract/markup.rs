//! Web pages: what a reader would read. Scripts and styles are nothing, nothing is loaded.

use html2text::{config, render::TextDecorator};

use super::{Outcome, findings::Findings, text};
use crate::domain::{file_state::FileFailure, place::Place};

/// Lines are as long as they are.
const WIDTH: usize = 100_000;

/// Reads a page, part by part under its headings.
pub fn read(bytes: &[u8], findings: &mut Findings) -> Outcome {
    let text = to_text(&text::decode(bytes))?;
    add_parts(&text, "", findings)
}

/// Adds a text with headings such as `## Title`; what stands above the first one belongs to `title`.
pub fn add_parts(text: &str, title: &str, findings: &mut Findings) -> Outcome {
    let (mut start, mut at, mut heading) = (0, 0, title);
    for line in text.split_inclusive('\n') {
        if let Some(found) = text::heading_of(line).filter(|found| !found.is_empty()) {
            add_part(&text[start..at], heading, findings)?;
            (start, heading) = (at, found);
        }
        at += line.len();
    }
    add_part(&text[start..], heading, findings)
}

fn add_part(text: &str, heading: &str, findings: &mut Findings) -> Outcome {
    let place = if heading.is_empty() { Place::Whole } else { Place::Part { name: heading.to_owned() } };
    findings.add(place, heading, text)
}

/// A page as text, with headings as markdown has them.
///
/// # Errors
/// [`FileFailure::Damaged`].
pub fn to_text(html: &str) -> Result<String, FileFailure> {
    config::with_decorator(Plain)
        .raw_mode(true)
        .no_link_wrapping()
        .allow_width_overflow()
        .link_footnotes(false)
        .string_from_read(html.as_bytes(), WIDTH)
        .map_err(|_| FileFailure::Damaged)
}

/// Words, headings and lists, and nothing else.
#[derive(Clone, Debug)]
struct Plain;

impl TextDecorator for Plain {
    type Annotation = ();

    fn decorate_link_start(&mut self, _: &str) -> (String, ()) {
        Default::default()
    }

    fn decorate_link_end(&mut self) -> String {
        String::new()
    }

    fn decorate_em_start(&self) -> (String, ()) {
        Default::default()
    }

    fn decorate_em_end(&self) -> String {
        String::new()
    }

    fn decorate_strong_start(&self) -> (String, ()) {
        Default::default()
    }

    fn decorate_strong_end(&self) -> String {
        String::new()
    }

    fn decorate_strikeout_start(&self) -> (String, ()) {
        Default::default()
    }

    fn decorate_strikeout_end(&self) -> String {
        String::new()
    }

    fn decorate_code_start(&self) -> (String, ()) {
        Default::default()
    }

    fn decorate_code_end(&self) -> String {
        String::new()
    }

    fn decorate_preformat_first(&self) {}

    fn decorate_preformat_cont(&self) {}

    fn decorate_image(&mut self, _: &str, title: &str) -> (String, ()) {
        (title.to_owned(), ())
    }

    fn decorate_superscript_start(&self) -> (String, ()) {
        Default::default()
    }

    fn decorate_superscript_end(&self) -> String {
        String::new()
    }

    fn header_prefix(&self, level: usize) -> String {
        "#".repeat(level) + " "
    }

    fn quote_prefix(&self) -> String {
        "> ".to_owned()
    }

    fn unordered_item_prefix(&self) -> String {
        "- ".to_owned()
    }

    fn ordered_item_prefix(&self, number: i64) -> String {
        format!("{number}. ")
    }

    fn make_subblock_decorator(&self) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_its_words() {
        let html = "<html><head><title>T</title><style>p{}</style><script>alert(1)</script></head><body>\
                    <h1>Big <em>one</em></h1><p>Some <b>bold</b> and <a href='https://x.example'>linked</a> words &amp; more.</p>\
                    <ul><li>first<li>second</ul><table><tr><th>Name<th>Age<tr><td>Ann<td>7</table></body></html>";
        let text = to_text(html).unwrap();
        for words in ["# Big one", "Some bold and linked words & more.", "- first", "Name", "Ann"] {
            assert!(text.contains(words), "{text}");
        }
        assert!(!text.contains("alert") && !text.contains("p{}"), "{text}");
    }
}
