//! Building the server's binary.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::embedded::Features;
use crate::process;
use crate::project::Project;
use crate::site::folder;
use crate::steps::Step;

/// How the server is compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Debug,
    Release,
    /// As released, together with its benchmarks.
    Measured,
}

/// Builds the server and gives back where it is.
pub fn build(project: &Project, step: &mut Step, features: Features, profile: Profile) -> Result<PathBuf> {
    step.make_room();
    let mut cargo = project.cargo();
    cargo.args(["build", "--bin", "sardonyx", "--features", features.for_cargo()]);
    if profile == Profile::Debug {
        process::run(&mut cargo)?;
        return Ok(project.target.join("debug/sardonyx"));
    }
    if profile == Profile::Measured {
        // What only benchmarks depend on changes the features of what both depend on: apart, all would compile twice.
        cargo.args(["--bench", "load"]);
    }
    let binary = project.target.join("release/sardonyx");
    process::run(cargo.arg("--release"))?;
    if !holds_site(project, &binary)? {
        // Cargo knows the embedded files by name: it does not see that there are others now.
        step.say("the binary is older than the site: compiling it again");
        process::run(project.cargo().args(["clean", "--quiet", "--release", "--package", "sardonyx"]))?;
        process::run(&mut cargo)?;
        ensure!(holds_site(project, &binary)?, "the built server does not hold the site");
    }
    Ok(binary)
}

/// Whether the names of all files of the site are in the binary. Their content is, then: cargo watches that.
fn holds_site(project: &Project, binary: &Path) -> Result<bool> {
    for name in folder::list(&project.site())? {
        let found = process::command("grep")
            .args(["--quiet", "--text", "--fixed-strings", "--"])
            .arg(name)
            .arg(binary)
            .status()?;
        if !found.success() {
            return Ok(false);
        }
    }
    Ok(true)
}
