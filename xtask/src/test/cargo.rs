//! Tests that cargo runs: inside the crates, and of the whole server.

use std::io::{BufRead, BufReader, Write, stdout};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::report::Outcome;
use super::shared::Shared;
use crate::stop;

pub fn unit(shared: &mut Shared) -> Result<Outcome> {
    let features = shared.features();
    let mut server = shared.project.cargo();
    server.args(["test", "--no-fail-fast", "--package", "sardonyx", "--package", "migrations", "--lib"]);
    server.args(["--features", features]);
    let mut xtask = shared.project.cargo();
    xtask.args(["test", "--package", "xtask"]);
    let server = run(shared, &mut server)?;
    let xtask = run(shared, &mut xtask)?;
    let sum = Outcome::counted(server.passed + xtask.passed, server.failed + xtask.failed);
    let note = server.note.or(xtask.note);
    finished(shared, Outcome { note, ..sum })
}

pub fn integration(shared: &mut Shared) -> Result<Outcome> {
    ensure!(shared.project.root.join("tests/main.rs").is_file(), "tests/main.rs is missing: there are no tests to run");
    if !shared.server() {
        bail!("the server or its tests do not compile");
    }
    let features = shared.features();
    let mut cargo = shared.project.cargo();
    cargo.args(["test", "--test", "main", "--features", features]);
    shared.equip(&mut cargo)?;
    let outcome = run(shared, &mut cargo)?;
    finished(shared, outcome)
}

/// A run of no test at all is a mistake, unless the filter asked for it.
fn finished(shared: &Shared, outcome: Outcome) -> Result<Outcome> {
    ensure!(outcome.passed + outcome.failed > 0 || !shared.filter.is_empty(), "no test ran");
    Ok(outcome)
}

/// Runs test programs, shows their output as it comes, and counts.
fn run(shared: &Shared, cargo: &mut Command) -> Result<Outcome> {
    cargo.arg("--").args(shared.filter);
    if shared.long {
        cargo.arg("--include-ignored");
    }
    let mut child = cargo.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
    let mut output = BufReader::new(child.stdout.take().context("the output is piped")?);
    let mut outcome = Outcome::default();
    let mut line = Vec::new();
    while output.read_until(b'\n', &mut line)? > 0 {
        stdout().write_all(&line)?;
        let (passed, failed) = result(&String::from_utf8_lossy(&line)).unwrap_or_default();
        outcome.passed += passed;
        outcome.failed += failed;
        line.clear();
    }
    let status = child.wait()?;
    stop::wait_if_stopping();
    if !status.success() && outcome.failed == 0 {
        // Did not compile, or a program broke off before its result.
        outcome.failed = 1;
        outcome.note = Some(format!("the tests broke off ({status})"));
    }
    Ok(outcome)
}

/// How many passed and failed, in a line such as `test result: ok. 3 passed; 1 failed; 0 ignored; …`.
fn result(line: &str) -> Option<(usize, usize)> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |name: &str| counts.split("; ").find_map(|part| part.strip_suffix(name)?.trim().parse::<usize>().ok());
    Some((count("passed")?, count("failed")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read_from_the_test_programs_own_line() {
        let line =
            "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.10s\n";
        assert_eq!(result(line), Some((12, 3)));
        assert_eq!(result("test results are fine ... ok\n"), None);
    }
}
