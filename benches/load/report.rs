//! The figures: each with its floor, its ratio to it, its budget, and whether it keeps it.

use std::fmt;

use anyhow::Result;
use serde_json::json;

/// Errors of which the text is kept.
const ERROR_TEXTS_MAX: usize = 20;

/// What a figure must stay under.
#[derive(Clone, Copy)]
pub enum Budget {
    /// For information.
    None,
    Below(f64),
    /// At most so much more than the floor.
    Above(f64),
    /// At most so many times the floor.
    Times(f64),
}

/// One line.
pub struct Row {
    part: String,
    name: String,
    unit: &'static str,
    value: Option<f64>,
    floor: Option<f64>,
    budget: Budget,
}

/// All lines, and what went wrong.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
    errors: usize,
    error_texts: Vec<String>,
}

impl Report {
    /// Adds a figure. One that could not be measured has no value; the errors say why.
    pub fn add(
        &mut self,
        part: &str,
        name: impl Into<String>,
        unit: &'static str,
        value: Option<f64>,
        floor: Option<f64>,
        budget: Budget,
    ) {
        let row = Row { part: part.to_owned(), name: name.into(), unit, value, floor, budget };
        // A sign of life; the table comes at the end.
        eprintln!("{part}: {}, {}", row.name, row.number(value));
        self.rows.push(row);
    }

    /// Counts something that went wrong.
    pub fn error(&mut self, text: impl fmt::Display) {
        self.errors += 1;
        if self.error_texts.len() < ERROR_TEXTS_MAX {
            self.error_texts.push(text.to_string());
        }
    }

    /// Takes what is good, and counts what is not.
    pub fn take<T>(&mut self, doing: &str, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.error(format_args!("{doing}: {error:#}"))).ok()
    }

    /// Counts what the server complained about. Who was told to come back later is counted where that is measured.
    pub fn note_log(&mut self, log: &str) {
        let is_complaint = |line: &str| ["ERROR", "WARN", "panicked"].iter().any(|word| line.contains(word));
        for line in log.lines().filter(|line| is_complaint(line) && !line.contains("503 Service Unavailable")) {
            self.error(format_args!("server's log: {line}"));
        }
    }

    pub fn errors(&self) -> usize {
        self.errors
    }

    pub fn to_json(&self) -> Result<String> {
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "part": row.part, "name": row.name, "unit": row.unit, "value": row.value, "floor": row.floor,
                    "ratio": row.ratio(), "budget": row.limit(), "keeps_budget": row.keeps_budget(),
                })
            })
            .collect();
        Ok(serde_json::to_string_pretty(
            &json!({ "rows": rows, "errors": self.errors, "error_texts": self.error_texts }),
        )?)
    }
}

impl Row {
    fn number(&self, value: Option<f64>) -> String {
        value.map_or("-".to_owned(), |value| format!("{} {}", short(value), self.unit))
    }

    fn ratio(&self) -> Option<f64> {
        Some(self.value? / self.floor.filter(|floor| *floor > 0.0)?)
    }

    /// The budget in the figure's own unit.
    fn limit(&self) -> Option<f64> {
        match self.budget {
            Budget::None => None,
            Budget::Below(limit) => Some(limit),
            Budget::Above(more) => Some(self.floor? + more),
            Budget::Times(times) => Some(self.floor? * times),
        }
    }

    fn keeps_budget(&self) -> Option<bool> {
        Some(self.value? <= self.limit()?)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = self.unit;
        let ratio = self.ratio().map_or("-".to_owned(), |ratio| format!("{ratio:.2} x"));
        let budget = match self.budget {
            Budget::None => String::new(),
            Budget::Below(limit) => format!("< {} {unit}", short(limit)),
            Budget::Above(more) => format!("floor + {} {unit}", short(more)),
            Budget::Times(times) => format!("<= {times} x"),
        };
        let verdict = match (self.keeps_budget(), self.budget) {
            (Some(true), _) => "ok",
            (Some(false), _) => "OVER",
            (None, Budget::None) => "",
            (None, _) => "not measured",
        };
        let line = format!(
            "{:<54}{:>12}{:>12}{:>10}  {:<16}{verdict}",
            self.name,
            self.number(self.value),
            self.number(self.floor),
            ratio,
            budget
        );
        f.write_str(line.trim_end())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<56}{:>12}{:>12}{:>10}  budget", "", "measured", "floor", "ratio")?;
        let mut part = "";
        for row in &self.rows {
            if row.part != part {
                part = &row.part;
                writeln!(f, "{part}")?;
            }
            writeln!(f, "  {row}")?;
        }
        writeln!(f, "\nerrors: {}", self.errors)?;
        for text in &self.error_texts {
            writeln!(f, "  {text}")?;
        }
        Ok(())
    }
}

/// Three digits that count.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        size if size >= 0.9995 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
