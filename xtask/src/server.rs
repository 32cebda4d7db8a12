//! Building the server's binary.

use std::path::PathBuf;

use anyhow::Result;

use crate::embedded::Features;
use crate::process;
use crate::project::Project;
use crate::steps::Step;

/// How the server is compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Debug,
    Release,
}

/// Builds the server and gives back where it is.
pub fn build(project: &Project, step: &mut Step, features: Features, profile: Profile) -> Result<PathBuf> {
    step.make_room();
    let mut cargo = project.cargo();
    cargo.args(["build", "--bin", "sardonyx", "--features", features.for_cargo()]);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    process::run(&mut cargo)?;
    let folder = if profile == Profile::Release { "release" } else { "debug" };
    Ok(project.target.join(folder).join("sardonyx"))
}
