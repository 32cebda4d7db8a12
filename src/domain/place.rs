//! Where in a file something stands.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where in its file a piece of text begins. Numbers begin with 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Place {
    /// In a file that has no parts, or before its first one.
    Whole,
    Line {
        line: u32,
    },
    Page {
        page: u32,
    },
    Slide {
        slide: u32,
    },
    Row {
        sheet: String,
        row: u32,
    },
    /// Under a heading, in a chapter, or in something attached.
    Part {
        name: String,
    },
}

impl Place {
    /// The word for its kind in the database, its number and its name.
    pub fn to_columns(&self) -> (&'static str, Option<u32>, Option<&str>) {
        match self {
            Self::Whole => ("whole", None, None),
            Self::Line { line } => ("line", Some(*line), None),
            Self::Page { page } => ("page", Some(*page), None),
            Self::Slide { slide } => ("slide", Some(*slide), None),
            Self::Row { sheet, row } => ("row", Some(*row), Some(sheet)),
            Self::Part { name } => ("part", None, Some(name)),
        }
    }

    /// Reads [`Place::to_columns`].
    pub fn from_columns(kind: &str, number: Option<u32>, name: Option<String>) -> Self {
        let (number, name) = (number.unwrap_or(1), name.unwrap_or_default());
        match kind {
            "line" => Self::Line { line: number },
            "page" => Self::Page { page: number },
            "slide" => Self::Slide { slide: number },
            "row" => Self::Row { sheet: name, row: number },
            "part" => Self::Part { name },
            _ => Self::Whole,
        }
    }

    /// The same with its name, if it has one, made fit.
    pub fn map_name(self, fit: impl FnOnce(&str) -> String) -> Self {
        match self {
            Self::Row { sheet, row } => Self::Row { sheet: fit(&sheet), row },
            Self::Part { name } => Self::Part { name: fit(&name) },
            other => other,
        }
    }

    /// The same so many lines further down. A page, a slide or a part stays the same.
    pub fn down(self, lines: u32) -> Self {
        match self {
            Self::Line { line } => Self::Line { line: line.saturating_add(lines) },
            Self::Row { sheet, row } => Self::Row { sheet, row: row.saturating_add(lines) },
            other => other,
        }
    }
}

/// As people read it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("beginning"),
            Self::Line { line } => write!(f, "line {line}"),
            Self::Page { page } => write!(f, "page {page}"),
            Self::Slide { slide } => write!(f, "slide {slide}"),
            Self::Row { sheet, row } if sheet.is_empty() => write!(f, "row {row}"),
            Self::Row { sheet, row } => write!(f, "{sheet}, row {row}"),
            Self::Part { name } => write!(f, "“{name}”"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_read_back_from_its_columns() {
        let places = [
            Place::Whole,
            Place::Line { line: 7 },
            Place::Page { page: 2 },
            Place::Slide { slide: 3 },
            Place::Row { sheet: "Costs".to_owned(), row: 9 },
            Place::Part { name: "Refunds".to_owned() },
        ];
        for place in places {
            let (kind, number, name) = place.to_columns();
            assert_eq!(Place::from_columns(kind, number, name.map(str::to_owned)), place);
        }
    }
}
