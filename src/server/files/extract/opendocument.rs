//! Text documents and spreadsheets in the format OpenDocument (ISO/IEC 26300).

use quick_xml::{escape::unescape, events::BytesStart};

use super::{
    Outcome,
    findings::Findings,
    packed,
    table::Rows,
    xml::{Elements, walk},
};
use crate::domain::{file_state::FileFailure, place::Place};

/// Spaces that one mark may stand for.
const SPACES_MAX: usize = 100;
/// Where headers and footers stand.
pub const AROUND: &str = "Header and footer";
/// Columns that one cell may stand for, and rows that one row may; past this it is only filling.
const COLUMNS_MAX: usize = 200;
const ROWS_MAX: usize = 1_000;
/// Bytes of text that a cell or a row may have together with those that it stands for.
const REPEATED_BYTES_MAX: usize = 200_000;

/// Reads a document, part by part under its headings.
pub fn read(bytes: &[u8], findings: &mut Findings) -> Outcome {
    let content = unpack(bytes)?;
    let mut document =
        Document { findings: &mut *findings, text: String::new(), heading: String::new(), title: None, cells: 0 };
    walk(&content, &mut document)?;
    document.hand_on()?;
    // The same on every page, so it is said once.
    let mut around = Around::default();
    if let Ok(styles) = packed::unpack(bytes, "styles.xml") {
        // What can be read of them: the text is there.
        let _ = walk(&styles, &mut around);
    }
    findings.add(Place::Part { name: AROUND.to_owned() }, AROUND, &around.lines.join("\n"))
}

/// Reads a spreadsheet, sheet by sheet.
pub fn read_sheets(bytes: &[u8], findings: &mut Findings) -> Outcome {
    let content = unpack(bytes)?;
    let mut sheets = Sheets { findings, rows: None, row: (1, 1), cells: Vec::new(), columns: 1, is_in_cell: false };
    walk(&content, &mut sheets)?;
    sheets.end_sheet()
}

fn unpack(bytes: &[u8]) -> Result<Vec<u8>, FileFailure> {
    packed::check(bytes)?;
    // The list of files says which of them are encrypted.
    let is_locked = packed::unpack(bytes, "META-INF/manifest.xml")
        .is_ok_and(|manifest| manifest.windows(15).any(|window| window == b"encryption-data"));
    if is_locked { Err(FileFailure::Encrypted) } else { packed::unpack(bytes, "content.xml") }
}

/// What is no part of a text: what was deleted and is still remembered, for example.
fn is_skipped(name: &str) -> bool {
    matches!(
        name,
        "text:tracked-changes"
            | "text:note-citation"
            | "office:scripts"
            | "office:automatic-styles"
            | "table:tracked-changes"
    )
}

/// The number in an attribute; 1 without it.
fn number_of(tag: &BytesStart<'_>, name: &str) -> usize {
    tag.try_get_attribute(name).ok().flatten().and_then(|count| count.value.parse().ok()).unwrap_or(1)
}

fn spaces_of(tag: &BytesStart<'_>) -> String {
    " ".repeat(number_of(tag, "text:c").clamp(1, SPACES_MAX))
}

/// A text on its way.
struct Document<'a> {
    findings: &'a mut Findings,
    text: String,
    /// Above the text that is gathered.
    heading: String,
    /// Where in the text a heading began that is not yet at its end.
    title: Option<usize>,
    /// So deep in cells of tables, where a paragraph does not end a line.
    cells: usize,
}

impl Elements for Document<'_> {
    fn skips(&self, name: &str) -> bool {
        is_skipped(name)
    }

    fn open(&mut self, tag: &BytesStart<'_>) -> Outcome {
        match tag.name().as_ref() {
            "text:h" if self.cells == 0 => {
                self.hand_on()?;
                self.title = Some(self.text.len());
            }
            "text:list-item" => self.text.push_str("- "),
            "text:tab" => self.text.push('\t'),
            "text:line-break" => self.text.push('\n'),
            "text:s" => self.text.push_str(&spaces_of(tag)),
            "table:table-cell" => self.cells += 1,
            "text:note" => self.text.push_str(" ["),
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Outcome {
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
        Ok(())
    }

    fn add(&mut self, text: &str) {
        self.text.push_str(text);
    }
}

impl Document<'_> {
    fn hand_on(&mut self) -> Outcome {
        let text = std::mem::take(&mut self.text);
        let place = if self.heading.is_empty() { Place::Whole } else { Place::Part { name: self.heading.clone() } };
        self.findings.add(place, &self.heading, &text)
    }
}

/// Sheets on their way. Of cells and rows that are equal to those before them a program writes only how many there are; and so
/// it fills a sheet up to its last row and column.
struct Sheets<'a> {
    findings: &'a mut Findings,
    rows: Option<Rows>,
    /// The number of the row that is open, and how often it is there.
    row: (usize, usize),
    cells: Vec<String>,
    /// How many columns the cell that is open stands for.
    columns: usize,
    /// Whether a cell is open: only there is text a value.
    is_in_cell: bool,
}

impl Elements for Sheets<'_> {
    fn skips(&self, name: &str) -> bool {
        is_skipped(name)
    }

    fn open(&mut self, tag: &BytesStart<'_>) -> Outcome {
        match tag.name().as_ref() {
            "table:table" => {
                self.end_sheet()?;
                let name = tag.try_get_attribute("table:name").ok().flatten();
                let name = name.and_then(|name| Some(unescape(&name.value).ok()?.into_owned()));
                (self.rows, self.row) = (Some(Rows::new(&name.unwrap_or_default())), (1, 1));
            }
            "table:table-row" => {
                self.row.1 = number_of(tag, "table:number-rows-repeated");
                self.cells.clear();
            }
            "table:table-cell" | "table:covered-table-cell" => {
                self.columns = number_of(tag, "table:number-columns-repeated");
                self.is_in_cell = true;
                self.cells.push(String::new());
            }
            "text:s" => self.add(&spaces_of(tag)),
            "text:line-break" | "text:tab" => self.add(" "),
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Outcome {
        match name {
            "text:p" => self.add(" "),
            "table:table-cell" | "table:covered-table-cell" => {
                self.is_in_cell = false;
                // One is there already.
                let text = self.cells.last().cloned().unwrap_or_default();
                let most = REPEATED_BYTES_MAX.checked_div(text.len()).unwrap_or(COLUMNS_MAX).min(COLUMNS_MAX);
                let more = self.columns.min(most).saturating_sub(1);
                self.cells.extend(std::iter::repeat_n(text, more));
            }
            "table:table-row" => {
                let (number, count) = self.row;
                if let Some(rows) = &mut self.rows {
                    let bytes: usize = self.cells.iter().map(String::len).sum();
                    // One without text is none.
                    let most = REPEATED_BYTES_MAX.checked_div(bytes).map(|most| most.clamp(1, ROWS_MAX));
                    let count = count.min(most.unwrap_or_default());
                    for number in (number..).take(count) {
                        let number = u32::try_from(number).unwrap_or(u32::MAX);
                        rows.add(self.findings, number, self.cells.iter().map(String::as_str))?;
                    }
                }
                self.row.0 = number.saturating_add(count);
            }
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, text: &str) {
        if let Some(cell) = self.cells.last_mut().filter(|_| self.is_in_cell) {
            cell.push_str(text);
        }
    }
}

impl Sheets<'_> {
    fn end_sheet(&mut self) -> Outcome {
        self.rows.take().map_or(Ok(()), |rows| rows.end(self.findings))
    }
}

/// What stands above and below the pages.
#[derive(Default)]
struct Around {
    lines: Vec<String>,
    line: String,
    /// So deep in headers and footers.
    depth: usize,
}

fn is_around(name: &str) -> bool {
    let name = name.trim_end_matches("-left").trim_end_matches("-first");
    matches!(name, "style:header" | "style:footer")
}

impl Elements for Around {
    fn skips(&self, name: &str) -> bool {
        is_skipped(name)
    }

    fn open(&mut self, tag: &BytesStart<'_>) -> Outcome {
        match tag.name().as_ref() {
            name if is_around(name) => self.depth += 1,
            "text:tab" => self.line.push('\t'),
            "text:s" => self.line.push_str(&spaces_of(tag)),
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Outcome {
        if is_around(name) {
            self.depth = self.depth.saturating_sub(1);
        } else if name == "text:p" {
            let line = std::mem::take(&mut self.line);
            if !line.trim().is_empty() && !self.lines.contains(&line) {
                self.lines.push(line);
            }
        }
        Ok(())
    }

    fn add(&mut self, text: &str) {
        if self.depth > 0 {
            self.line.push_str(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::server::files::extract::protocol::Said;

    thread_local! {
        static TEXT: RefCell<String> = const { RefCell::new(String::new()) };
    }

    fn rows_of(table: &str) -> String {
        let mut findings = Findings::new(|said| {
            if let Said::Chunk(chunk) = said {
                TEXT.with_borrow_mut(|text| text.push_str(&chunk.text));
            }
            Ok(())
        });
        let mut sheets = Sheets {
            findings: &mut findings,
            rows: None,
            row: (1, 1),
            cells: Vec::new(),
            columns: 1,
            is_in_cell: false,
        };
        let content = format!("<table:table table:name=\"Rota\">{table}</table:table>");
        walk(content.as_bytes(), &mut sheets).unwrap();
        sheets.end_sheet().unwrap();
        TEXT.take()
    }

    #[test]
    fn equal_cells_and_rows_are_each_there() {
        let cell = |times: usize, text: &str| {
            let text = if text.is_empty() { String::new() } else { format!("<text:p>{text}</text:p>") };
            format!("<table:table-cell table:number-columns-repeated=\"{times}\">{text}</table:table-cell>")
        };
        let row = |times: usize, cells: String| {
            format!("<table:table-row table:number-rows-repeated=\"{times}\">{cells}</table:table-row>")
        };
        let table = [
            row(1, cell(2, "Anna") + &cell(1, "Bob") + &cell(16_000, "")),
            row(3, cell(1, "free") + &cell(1, "") + &cell(1, "Bob")),
            row(1_048_000, cell(16_384, "")),
        ];
        assert_eq!(rows_of(&table.concat()), "Anna\tAnna\tBob\nfree\t\tBob\nfree\t\tBob\nfree\t\tBob\n");
        // What fills a whole sheet is not read as often.
        assert_eq!(rows_of(&row(1_048_576, cell(1, "x"))).lines().count(), ROWS_MAX);
        assert_eq!(rows_of(&row(1, cell(16_384, "x"))).split('\t').count(), COLUMNS_MAX);
        let long = "x".repeat(1_000);
        assert!(rows_of(&row(1_048_576, cell(16_384, &long))).len() < 2 * REPEATED_BYTES_MAX);
    }
}
