//! Formatting and lints.

use anyhow::{Context, Result};

use super::report::Outcome;
use super::shared::Shared;
use crate::process;
use crate::project::Project;
use crate::toolchain::Toolchain;

const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];

pub fn formatting(shared: &Shared) -> Result<Outcome> {
    component(shared.project, "fmt", "rustfmt")?;
    let formatted = process::run(shared.project.cargo().args(["fmt", "--all", "--check"]));
    Ok(Outcome::of(formatted.is_ok()))
}

/// All lints are run, so that one run shows every warning.
pub fn clippy(shared: &mut Shared) -> Result<Outcome> {
    component(shared.project, "clippy", "clippy")?;
    let features = shared.features();
    let project = shared.project;
    let toolchain = Toolchain::prepare(project, &mut shared.step)?;
    let mut server = project.cargo();
    // The migrations with the server: alone, what both depend on would be built a second time with fewer features.
    server.args([
        "clippy",
        "--package",
        "sardonyx",
        "--package",
        "migrations",
        "--all-targets",
        "--features",
        features,
    ]);
    let mut xtask = project.cargo();
    xtask.args(["clippy", "--package", "xtask", "--all-targets"]);
    let mut browser = match toolchain {
        Toolchain::Own => toolchain.cargo(project, "clippy"),
        Toolchain::Debian { .. } => {
            eprintln!("Debian's compiler comes without clippy: the browser half is only checked for errors");
            toolchain.cargo(project, "check")
        }
    };
    browser.args(["--lib", "--features", "hydrate"]);
    if matches!(toolchain, Toolchain::Own) {
        browser.args(DENY_WARNINGS);
    }
    let results =
        [process::run(server.args(DENY_WARNINGS)), process::run(xtask.args(DENY_WARNINGS)), process::run(&mut browser)];
    Ok(Outcome::of(results.iter().all(Result::is_ok)))
}

/// Installs a part of the toolchain that minimal installations lack.
fn component(project: &Project, subcommand: &str, component: &str) -> Result<()> {
    if process::output(project.cargo().args([subcommand, "--version"])).is_ok() {
        return Ok(());
    }
    process::run(process::command("rustup").args(["component", "add", component]))
        .with_context(|| format!("{component} is missing and cannot be had"))
}
