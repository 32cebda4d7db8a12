//! Rows and columns: a row is a line, its cells are parted by tabs.

use super::{Outcome, cut, findings::Findings, text};
use crate::domain::{file_kind::FileKind, file_state::FileFailure, limits, place::Place};

/// Rows are handed on when they are about so long together.
const ROWS_CHARS: usize = limits::CHUNK_CHARS_MAX * 3 / 4;
/// What may part the cells of a row.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// So much is looked at to tell which one it is.
const LOOKED_AT_BYTES: usize = 16 * 1024;

/// Gathers rows into pieces of text.
pub struct Rows {
    sheet: String,
    /// The first row, which names the columns.
    heading: Option<String>,
    text: String,
    /// The number of the first row that is gathered, and of the one that would follow.
    first: u32,
    next: u32,
}

impl Rows {
    /// The rows of a sheet; a file that is one table has no name for it.
    pub fn new(sheet: &str) -> Self {
        Self { sheet: sheet.to_owned(), heading: None, text: String::new(), first: 1, next: 1 }
    }

    /// A row; `number` begins with 1.
    pub fn add<'c>(&mut self, findings: &mut Findings, number: u32, cells: impl Iterator<Item = &'c str>) -> Outcome {
        let row = cells.map(one_line).collect::<Vec<_>>().join("\t");
        let row = row.trim_end();
        if row.is_empty() {
            return Ok(());
        }
        if number != self.next || self.text.chars().count() + row.chars().count() > ROWS_CHARS {
            self.hand_on(findings)?;
            self.first = number;
        }
        self.text.push_str(row);
        self.text.push('\n');
        self.next = number.saturating_add(1);
        if self.heading.is_none() {
            self.heading = Some(cut(&row.replace('\t', " | "), limits::CHUNK_HEADING_CHARS_MAX).to_owned());
        }
        Ok(())
    }

    /// There are no more rows.
    pub fn end(mut self, findings: &mut Findings) -> Outcome {
        self.hand_on(findings)
    }

    fn hand_on(&mut self, findings: &mut Findings) -> Outcome {
        let text = std::mem::take(&mut self.text);
        let place = Place::Row { sheet: self.sheet.clone(), row: self.first };
        findings.add(place, self.heading.as_deref().unwrap_or_default(), &text)
    }
}

/// A cell in one line.
fn one_line(cell: &str) -> String {
    cell.trim().replace(['\t', '\n', '\r'], " ")
}

/// Reads CSV (RFC 4180, with any of the usual delimiters) or tab-separated values.
pub fn read(kind: FileKind, bytes: &[u8], findings: &mut Findings) -> Outcome {
    let text = text::decode(bytes);
    let delimiter = if kind == FileKind::Tsv { b'\t' } else { delimiter_of(&text) };
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows = Rows::new("");
    // The line in which a row begins: the cells before may go over several.
    let (mut line, mut counted) = (1, 0);
    for record in reader.records() {
        let record = record.map_err(|_| FileFailure::Damaged)?;
        let start = record.position().and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(counted);
        // A position may be that of the end of the line before.
        let start = start + text[start..].len() - text[start..].trim_start_matches(['\r', '\n']).len();
        line += text[counted..start].matches('\n').count();
        counted = start;
        rows.add(findings, u32::try_from(line).unwrap_or(u32::MAX), record.iter())?;
    }
    rows.end(findings)
}

/// The one that stands in the lines most evenly.
fn delimiter_of(text: &str) -> u8 {
    let lines: Vec<&str> = cut(text, LOOKED_AT_BYTES).lines().filter(|line| !line.is_empty()).take(20).collect();
    let fewest = |delimiter: u8| {
        lines.iter().map(|line| line.bytes().filter(|byte| *byte == delimiter).count()).min().unwrap_or_default()
    };
    // Of several that do as well, the first.
    DELIMITERS.into_iter().rev().max_by_key(|delimiter| fewest(*delimiter)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_what_every_line_has() {
        assert_eq!(delimiter_of("a;b;c\n1,5;2;3\n"), b';');
        assert_eq!(delimiter_of("a,b\n1,2\n"), b',');
        assert_eq!(delimiter_of("a\tb\n1\t2\n"), b'\t');
        assert_eq!(delimiter_of("one column\n"), b',');
    }
}
