//! What became of each check, and the sum.

use std::process::ExitCode;
use std::time::Duration;

use crate::steps::elapsed;

/// What became of one check.
#[derive(Default)]
pub struct Outcome {
    pub passed: usize,
    pub failed: usize,
    pub note: Option<String>,
    pub not_run: bool,
}

impl Outcome {
    /// Of a check that counts as one.
    pub fn of(passed: bool) -> Self {
        Self::counted(usize::from(passed), usize::from(!passed))
    }

    pub fn counted(passed: usize, failed: usize) -> Self {
        Self { passed, failed, ..Self::default() }
    }

    /// Of a check that could not be made: as bad as a failed one.
    pub fn error(error: &anyhow::Error) -> Self {
        Self { failed: 1, note: Some(format!("{error:#}")), ..Self::default() }
    }

    /// Of a check whose build failed in an earlier check, which counts the failure.
    pub fn not_run(reason: &str) -> Self {
        Self { not_run: true, note: Some(reason.into()), ..Self::default() }
    }

    pub fn noted(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    fn verdict(&self) -> &'static str {
        match self {
            Self { not_run: true, .. } => "not run",
            Self { failed: 0, .. } => "passed",
            _ => "FAILED",
        }
    }
}

#[derive(Default)]
pub struct Report {
    checks: Vec<(String, Outcome, Duration)>,
}

impl Report {
    pub fn add(&mut self, name: String, outcome: Outcome, time: Duration) {
        self.checks.push((name, outcome, time));
    }

    /// The table, with the sum as the last line.
    pub fn print(&self) -> ExitCode {
        println!("\n{:<13}{:<9}{:>7}{:>8}{:>14}", "", "", "passed", "failed", "time");
        for (name, outcome, time) in &self.checks {
            let Outcome { passed, failed, .. } = outcome;
            println!("{name:<13}{:<9}{passed:>7}{failed:>8}{:>14}", outcome.verdict(), elapsed(*time));
        }
        for (name, outcome, _) in &self.checks {
            if let Some(note) = outcome.note.as_ref().and_then(|note| note.lines().next()) {
                println!("{name}: {note}");
            }
        }
        let (passed, failed) = self.sum();
        println!("\n{passed} passed, {failed} failed");
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// A check that did not run and whose cause was not counted, for it was not asked for, counts here.
    fn sum(&self) -> (usize, usize) {
        let passed = self.checks.iter().map(|(_, outcome, _)| outcome.passed).sum();
        let failed = self.checks.iter().map(|(_, outcome, _)| outcome.failed).sum();
        let not_run = self.checks.iter().any(|(_, outcome, _)| outcome.not_run);
        (passed, if failed == 0 && not_run { 1 } else { failed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_run_is_never_a_success() {
        let mut report = Report::default();
        report.add("size".into(), Outcome::not_run("no build"), Duration::ZERO);
        assert_eq!(report.sum(), (0, 1));
    }

    #[test]
    fn the_sum_counts_every_test() {
        let mut report = Report::default();
        report.add("fmt".into(), Outcome::of(true), Duration::ZERO);
        report.add("unit".into(), Outcome::counted(40, 2), Duration::ZERO);
        report.add("deny".into(), Outcome::error(&anyhow::anyhow!("missing")), Duration::ZERO);
        assert_eq!(report.sum(), (41, 3));
    }
}
