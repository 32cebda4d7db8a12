//! Dependencies: licences, sources, unwanted and vulnerable crates (`cargo deny`, rules in deny.toml).

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::report::Outcome;
use super::shared::Shared;
use crate::process;
use crate::project::Project;

const VERSION: &str = "0.20.2";

pub fn check(shared: &mut Shared) -> Result<Outcome> {
    let program = program(shared.project)?;
    let deny = || {
        let mut deny: Command = process::command(&program);
        // Only errors: the warnings, crates in two versions, fill pages (`cargo deny check bans` shows them).
        deny.args(["--workspace", "--all-features", "--locked", "--log-level", "error"])
            .current_dir(&shared.project.root);
        // Nobody is there to answer when git asks for a password.
        deny.env("GIT_TERMINAL_PROMPT", "0");
        deny
    };
    let rules = process::run(deny().args(["check", "bans", "licenses", "sources"])).is_ok();
    // The list of known vulnerabilities lives outside the package registry: where it is out of reach, that is said.
    if process::output(deny().args(["fetch", "db"])).is_err() {
        return Ok(Outcome::of(rules).noted("vulnerabilities NOT checked: the advisory database is out of reach"));
    }
    let advisories = process::run(deny().args(["check", "--disable-fetch", "advisories"])).is_ok();
    Ok(Outcome::of(rules && advisories))
}

/// The installed one; else one built for this project alone.
fn program(project: &Project) -> Result<PathBuf> {
    if let Some(installed) = process::find("cargo-deny") {
        return Ok(installed);
    }
    let folder = project.tools().join(format!("cargo-deny-{VERSION}"));
    let program = folder.join("bin/cargo-deny");
    if !program.exists() {
        eprintln!("building cargo-deny {VERSION}, once (some minutes)");
        process::run(
            process::cargo()
                .args(["install", "cargo-deny", "--version", VERSION, "--locked"])
                // Without what we do not use, half the time.
                .arg("--no-default-features")
                .arg("--root")
                .arg(&folder)
                // A folder of its own: an interrupted build goes on where it was.
                .arg("--target-dir")
                .arg(folder.join("build"))
                .current_dir(&project.root),
        )
        .context("cargo-deny cannot be had")?;
    }
    Ok(program)
}
