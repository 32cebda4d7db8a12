//! Tests in a real browser: Playwright with Chromium, against the site that ships.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::report::Outcome;
use super::shared::Shared;
use crate::apt;
use crate::npm;
use crate::process;
use crate::steps::Step;

pub fn check(shared: &mut Shared) -> Result<Outcome> {
    let folder = shared.project.root.join("end2end");
    ensure!(folder.join("tests").is_dir(), "end2end/tests is missing: there are no browser tests to run");
    let chromium = chromium(&mut shared.step)?;
    let nginx = program(&mut shared.step, &["nginx"], "nginx-light")?;
    let caddy = program(&mut shared.step, &["caddy"], "caddy")?;
    npm::install_locked(&mut shared.step, &folder)?;
    if !shared.server() {
        return Ok(Outcome::not_run("the server does not build"));
    }
    ensure!(shared.release_site(), "the browser half does not build");
    let results = shared.project.work().join("browser-tests.json");
    fs::create_dir_all(shared.project.work())?;
    // Those of an earlier run must not count.
    let _ = fs::remove_file(&results);
    let mut playwright = process::command(folder.join("node_modules/.bin/playwright"));
    playwright
        .args(["test", "--reporter=list,json"])
        .args(shared.filter)
        .current_dir(&folder)
        .env("PLAYWRIGHT_JSON_OUTPUT_FILE", &results)
        .env("SARDONYX_BIN", shared.server_binary())
        .env("CHROMIUM", chromium)
        .env("NGINX", nginx)
        .env("CADDY", caddy);
    npm::add_node(shared.project, &mut shared.step, &mut playwright)?;
    let run = process::run(shared.equip(&mut playwright)?);
    let outcome = count(&results).with_context(|| match &run {
        Err(error) => format!("{error:#}"),
        Ok(()) => "Playwright left no results".into(),
    })?;
    ensure!(outcome.passed + outcome.failed > 0 || !shared.filter.is_empty(), "no browser test ran");
    if run.is_err() && outcome.failed == 0 {
        return Ok(Outcome { failed: 1, ..outcome }.noted("Playwright broke off"));
    }
    Ok(outcome)
}

/// What Playwright counted. A test that passed only at a second try is shown as flaky and counts as passed.
fn count(results: &Path) -> Result<Outcome> {
    let results: Value = serde_json::from_str(&fs::read_to_string(results)?)?;
    sum(&results["stats"]).context("Playwright's results have another form than known")
}

fn sum(stats: &Value) -> Option<Outcome> {
    let number = |name: &str| usize::try_from(stats[name].as_u64()?).ok();
    Some(Outcome::counted(number("expected")? + number("flaky")?, number("unexpected")?))
}

fn chromium(step: &mut Step) -> Result<PathBuf> {
    if let Some(chosen) = env::var_os("CHROMIUM") {
        return Ok(chosen.into());
    }
    program(step, &["chromium", "chromium-browser", "google-chrome"], "chromium")
}

/// A program under one of its names, out of this Debian package if there is none yet.
fn program(step: &mut Step, names: &[&str], package: &str) -> Result<PathBuf> {
    let find = || names.iter().find_map(|name| process::find(name));
    if find().is_none() {
        apt::install(step, &[package], "the browser tests")?;
    }
    find().with_context(|| format!("{package} was installed, yet is not on the path"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn playwrights_statistics_are_understood() {
        let stats = serde_json::json!({ "expected": 5, "unexpected": 1, "flaky": 2, "skipped": 3 });
        let outcome = sum(&stats).expect("complete statistics");
        assert_eq!((outcome.passed, outcome.failed), (7, 1));
        assert!(sum(&Value::Null).is_none());
    }
}
