//! Spreadsheets.

use std::io::Cursor;

use calamine::{Data, DataRef, DataType, ExcelDateTime, Reader, Xls, XlsError, Xlsx};

use super::{Outcome, findings::Findings, opendocument, packed, table::Rows};
use crate::domain::{file_kind::FileKind, file_state::FileFailure};

/// Cells of all sheets together.
const CELLS_MAX: usize = 4_000_000;
/// Columns that may be empty before a cell; past this it follows the one before.
const EMPTY_CELLS_MAX: u32 = 200;

/// Reads a spreadsheet, sheet by sheet.
pub fn read(kind: FileKind, bytes: Vec<u8>, findings: &mut Findings) -> Outcome {
    match kind {
        FileKind::Xlsx => read_xlsx(&bytes, findings),
        FileKind::Xls => {
            let book = Xls::new(Cursor::new(bytes)).map_err(|error| match error {
                XlsError::Password => FileFailure::Encrypted,
                _ => FileFailure::Damaged,
            })?;
            read_xls(book, findings)
        }
        _ => opendocument::read_sheets(&bytes, findings),
    }
}

/// Cell by cell: a sheet says that it has any number of rows.
fn read_xlsx(bytes: &[u8], findings: &mut Findings) -> Outcome {
    packed::check(bytes)?;
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(|_| FileFailure::NotWhatItSays)?;
    let mut cells_left = CELLS_MAX;
    for name in book.sheet_names() {
        // A sheet of diagrams alone has no cells.
        let Ok(mut reader) = book.worksheet_cells_reader(&name) else { continue };
        let mut sheet = Sheet::new(Rows::new(&name));
        while let Some(cell) = reader.next_cell().map_err(|_| FileFailure::Damaged)? {
            cells_left = cells_left.checked_sub(1).ok_or(FileFailure::TooLargeUnpacked)?;
            let (row, column) = cell.get_position();
            if let Some(text) = cell_text(&to_data(cell.get_value())) {
                sheet.add(findings, row, column, text)?;
            }
        }
        sheet.end(findings)?;
    }
    Ok(())
}

fn read_xls(mut book: Xls<Cursor<Vec<u8>>>, findings: &mut Findings) -> Outcome {
    for name in book.sheet_names() {
        let Ok(range) = book.worksheet_range(&name) else { continue };
        let mut sheet = Sheet::new(Rows::new(&name));
        let (first_row, first_column) = range.start().unwrap_or_default();
        for (row, column, value) in range.used_cells() {
            if let Some(text) = cell_text(value) {
                let (row, column) = (u32::try_from(row).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX));
                sheet.add(findings, first_row.saturating_add(row), first_column.saturating_add(column), text)?;
            }
        }
        sheet.end(findings)?;
    }
    Ok(())
}

/// Cells on their way into rows; positions begin with 0.
struct Sheet {
    rows: Rows,
    row: u32,
    cells: Vec<String>,
}

impl Sheet {
    fn new(rows: Rows) -> Self {
        Self { rows, row: 0, cells: Vec::new() }
    }

    fn add(&mut self, findings: &mut Findings, row: u32, column: u32, text: String) -> Outcome {
        if row != self.row {
            self.hand_on(findings)?;
            self.row = row;
        }
        let have = u32::try_from(self.cells.len()).unwrap_or(u32::MAX);
        let empty = column.saturating_sub(have);
        if empty <= EMPTY_CELLS_MAX {
            self.cells.resize(self.cells.len() + empty as usize, String::new());
        }
        self.cells.push(text);
        Ok(())
    }

    fn end(mut self, findings: &mut Findings) -> Outcome {
        self.hand_on(findings)?;
        self.rows.end(findings)
    }

    fn hand_on(&mut self, findings: &mut Findings) -> Outcome {
        let cells = std::mem::take(&mut self.cells);
        self.rows.add(findings, self.row.saturating_add(1), cells.iter().map(String::as_str))
    }
}

fn to_data(value: &DataRef<'_>) -> Data {
    Data::from(value.clone())
}

/// What a person reads in a cell; none in an empty one.
fn cell_text(value: &Data) -> Option<String> {
    let text = match value {
        Data::Empty => return None,
        Data::DateTime(moment) => moment_text(moment),
        other => other.as_string().unwrap_or_else(|| other.to_string()),
    };
    (!text.trim().is_empty()).then_some(text)
}

/// ISO 8601, with as much as there is.
fn moment_text(moment: &ExcelDateTime) -> String {
    if moment.is_duration() {
        #[expect(clippy::cast_possible_truncation, reason = "a duration in seconds is small")]
        let seconds = (moment.as_f64() * 86_400.0).round() as i64;
        return format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    match (moment.as_f64() < 1.0, hour, minute, second) {
        (true, ..) => format!("{hour:02}:{minute:02}:{second:02}"),
        (false, 0, 0, 0) => date,
        _ => format!("{date} {hour:02}:{minute:02}:{second:02}"),
    }
}
