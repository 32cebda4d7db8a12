//! XML in office documents, element by element.

use quick_xml::{
    Reader,
    escape::resolve_predefined_entity,
    events::{BytesStart, Event},
};

use super::Outcome;
use crate::domain::file_state::FileFailure;

/// What is made of a document's elements.
pub trait Elements {
    /// Whether an element of this name is passed by with all that is in it.
    fn skips(&self, name: &str) -> bool;
    /// An element begins.
    fn open(&mut self, tag: &BytesStart<'_>) -> Outcome;
    /// An element ends.
    fn close(&mut self, name: &str) -> Outcome;
    /// A text stands in it.
    fn add(&mut self, text: &str);
}

/// Goes through a document's elements.
pub fn walk(content: &[u8], elements: &mut impl Elements) -> Outcome {
    let mut reader = Reader::from_reader(content);
    let mut skipped = 0_usize;
    loop {
        let event = reader.read_event().map_err(|_| FileFailure::Damaged)?;
        match &event {
            Event::Start(tag) if skipped > 0 || elements.skips(tag.name().as_ref()) => skipped += 1,
            Event::End(_) if skipped > 0 => skipped -= 1,
            Event::Eof => return Ok(()),
            _ if skipped > 0 => {}
            Event::Start(tag) => elements.open(tag)?,
            Event::Empty(tag) => {
                elements.open(tag)?;
                elements.close(tag.name().as_ref())?;
            }
            Event::End(tag) => elements.close(tag.name().as_ref())?,
            // Lines and indents of the XML are nothing.
            Event::Text(text) => elements.add(&text.replace(['\n', '\r', '\t'], "")),
            Event::CData(text) => elements.add(text),
            Event::GeneralRef(name) => {
                let letter = name.resolve_char_ref().ok().flatten().map(String::from);
                let known = resolve_predefined_entity(name).map(str::to_owned);
                // What a document defines for itself is not looked up.
                elements.add(&letter.or(known).unwrap_or_default());
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}
