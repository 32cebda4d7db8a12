//! `cargo xtask test`: every check and test, by hand and in CI the same.
//!
//! Each check stands alone: one that fails does not keep the others from running. The last line is the sum,
//! `N passed, N failed`: a test counts as one, and so do formatting, lints, dependencies and size.
//!
//! To add a check: a variant in `Check`, its line in `run_one`, and a file with what it does.

mod browser;
mod cargo;
mod deny;
mod lint;
mod report;
mod shared;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::project::Project;
use crate::size;
use crate::stop;
use report::{Outcome, Report};
use shared::Shared;

/// After the help of the options.
const BY_HAND: &str = "\
By hand:
  cargo test --lib --features ssr            needs nothing
  cargo test --test main --features ssr      needs python3, and three servers, which this command otherwise starts:
    SARDONYX_TEST_POSTGRES=postgres://USER@127.0.0.1:PORT   a role that may create databases
    SARDONYX_TEST_REDIS=redis://127.0.0.1:PORT
    AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ALLOW_HTTP   an S3-compatible server
Tests that talk with the embedded model find its file in SARDONYX_TEST_MODEL, those that search files by meaning the
folder with the model for that in SARDONYX_TEST_SEARCH_MODEL;
those that take minutes run only with --long, which sets SARDONYX_TEST_LONG=1
and SARDONYX_TEST_MODEL_SERVER, the address of a model server that is not ours (xllamacpp).";

#[derive(Args)]
#[command(after_help = BY_HAND)]
pub struct Options {
    /// Run only these checks (a list with commas)
    #[arg(long, value_delimiter = ',', value_name = "CHECK")]
    only: Vec<Check>,
    /// Run the tests that take minutes, too
    #[arg(long)]
    long: bool,
    /// Only tests whose names contain this; for browser tests, arguments of Playwright
    #[arg(last = true)]
    filter: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Check {
    /// Formatting of the whole workspace
    Fmt,
    /// Lints of both halves, the migrations and xtask
    Clippy,
    /// Dependencies: known vulnerabilities, licences, sources
    Deny,
    /// Tests inside the crates
    Unit,
    /// Tests of the whole server, with Postgres and Redis
    Integration,
    /// Tests in a real browser, of the site that ships
    Browser,
    /// What the browser must load, against its budget
    Size,
}

pub fn run(project: &Project, options: &Options) -> Result<ExitCode> {
    stop::in_order()?;
    let mut shared = Shared::new(project, options.long, &options.filter);
    let mut report = Report::default();
    for check in Check::value_variants() {
        if !options.only.is_empty() && !options.only.contains(check) {
            continue;
        }
        let name = check.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        eprintln!("\n━━━ {name}");
        let start = Instant::now();
        let outcome = run_one(*check, &mut shared).unwrap_or_else(|error| Outcome::error(&error));
        if let Some(note) = &outcome.note {
            eprintln!("{name}: {note}");
        }
        report.add(name, outcome, start.elapsed());
    }
    // Stops the servers, so that nothing is printed after the sum.
    drop(shared);
    Ok(report.print())
}

fn run_one(check: Check, shared: &mut Shared) -> Result<Outcome> {
    match check {
        Check::Fmt => lint::formatting(shared),
        Check::Clippy => lint::clippy(shared),
        Check::Deny => deny::check(shared),
        Check::Unit => cargo::unit(shared),
        Check::Integration => cargo::integration(shared),
        Check::Browser => browser::check(shared),
        Check::Size => budget(shared),
    }
}

fn budget(shared: &mut Shared) -> Result<Outcome> {
    if !shared.release_site() {
        return Ok(Outcome::not_run("the browser half does not build"));
    }
    let (table, within) = size::measure(shared.project)?;
    eprintln!("{table}");
    Ok(Outcome::of(within))
}
