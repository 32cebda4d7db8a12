//! Text documents in the format OpenDocument (ISO/IEC 26300).

use quick_xml::{
    Reader,
    escape::resolve_predefined_entity,
    events::{BytesStart, Event},
};

use super::{Outcome, findings::Findings, packed, sheets::is_locked};
use crate::domain::{file::FileFailure, place::Place};

/// Spaces that one mark may stand for.
const SPACES_MAX: usize = 100;

/// Reads a document, part by part under its headings.
pub fn read(bytes: &[u8], findings: &mut Findings) -> Outcome {
    packed::check(bytes)?;
    if is_locked(bytes) {
        return Err(FileFailure::Encrypted);
    }
    let content = packed::unpack(bytes, "content.xml")?;
    let mut reader = Reader::from_reader(content.as_slice());
    let mut walk = Walk { findings, text: String::new(), heading: String::new(), title: None, skipped: 0, cells: 0 };
    loop {
        match reader.read_event().map_err(|_| FileFailure::Damaged)? {
            Event::Start(tag) => walk.open(&tag)?,
            Event::Empty(tag) => {
                walk.open(&tag)?;
                walk.close(tag.name().as_ref());
            }
            Event::End(tag) => walk.close(tag.name().as_ref()),
            Event::Text(text) => walk.add(&text),
            Event::CData(text) => walk.add(&text),
            Event::GeneralRef(name) => {
                let letter = name.resolve_char_ref().ok().flatten().map(String::from);
                let known = resolve_predefined_entity(&name).map(str::to_owned);
                // What a document defines for itself is not looked up.
                walk.add(&letter.or(known).unwrap_or_default());
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    walk.hand_on()
}

struct Walk<'a> {
    findings: &'a mut Findings,
    text: String,
    /// Above the text that is gathered.
    heading: String,
    /// Where in the text a heading began that is not yet at its end.
    title: Option<usize>,
    /// So deep in something that is no part of the text: what was deleted and is still remembered.
    skipped: usize,
    /// So deep in cells of tables, where a paragraph does not end a line.
    cells: usize,
}

impl Walk<'_> {
    fn open(&mut self, tag: &BytesStart<'_>) -> Outcome {
        let name = tag.name();
        if self.skipped > 0 || is_skipped(name.as_ref()) {
            self.skipped += 1;
            return Ok(());
        }
        match name.as_ref() {
            "text:h" if self.cells == 0 => {
                self.hand_on()?;
                self.title = Some(self.text.len());
            }
            "text:list-item" => self.text.push_str("- "),
            "text:tab" => self.text.push('\t'),
            "text:line-break" => self.text.push('\n'),
            "text:s" => self.text.push_str(&" ".repeat(count_of(tag).clamp(1, SPACES_MAX))),
            "table:table-cell" => self.cells += 1,
            "text:note" => self.text.push_str(" ["),
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) {
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        match name {
            "text:h" => {
                if let Some(start) = self.title.take() {
                    self.heading = self.text[start..].trim().to_owned();
                }
                self.text.push_str("\n\n");
            }
            "text:p" => self.text.push_str(if self.cells > 0 { " " } else { "\n" }),
            "table:table-cell" => {
                self.cells = self.cells.saturating_sub(1);
                self.text.push('\t');
            }
            "table:table-row" | "table:table" => self.text.push('\n'),
            "text:note" => self.text.push(']'),
            _ => {}
        }
    }

    fn add(&mut self, text: &str) {
        if self.skipped == 0 {
            // Lines and indents of the XML are nothing.
            self.text.extend(text.chars().filter(|letter| !matches!(letter, '\n' | '\r' | '\t')));
        }
    }

    fn hand_on(&mut self) -> Outcome {
        let text = std::mem::take(&mut self.text);
        let place = if self.heading.is_empty() { Place::Whole } else { Place::Part { name: self.heading.clone() } };
        self.findings.add(place, &self.heading, &text)
    }
}

fn is_skipped(name: &str) -> bool {
    matches!(name, "text:tracked-changes" | "text:note-citation" | "office:scripts" | "office:automatic-styles")
}

/// How often a space is there.
fn count_of(tag: &BytesStart<'_>) -> usize {
    tag.try_get_attribute("text:c").ok().flatten().and_then(|count| count.value.parse().ok()).unwrap_or(1)
}
