//! Heights of the water at the pier, read from the table of the harbour office.

use std::collections::BTreeMap;

/// One line of the table: minutes after midnight, and centimetres above chart datum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    pub minute: u16,
    pub height: i16,
}

/// Why a table was refused.
#[derive(Debug)]
pub enum Refused {
    /// The line has a wrong number of columns.
    Columns { line: usize, found: usize },
    /// A height was not a number.
    Height(String),
}

/// Read a whole table; marks of the same minute overwrite each other.
pub fn read(text: &str) -> Result<BTreeMap<u16, Mark>, Refused> {
    let mut marks = BTreeMap::new();
    for (line, content) in text.lines().enumerate() {
        let columns: Vec<&str> = content.split('\t').collect();
        let [minute, height] = columns[..] else {
            return Err(Refused::Columns { line, found: columns.len() });
        };
        let height = height.parse().map_err(|_| Refused::Height(height.to_owned()))?;
        let minute = minute.parse().unwrap_or(0);
        marks.insert(minute, Mark { minute, height });
    }
    Ok(marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_table_has_no_marks() {
        assert!(read("").unwrap().is_empty(), "nothing comes of nothing");
    }
}
