//! `cargo xtask run`: from a fresh machine to a server that answers.

use std::os::unix::process::CommandExt;

use anyhow::{Result, anyhow};

use crate::build;
use crate::model;
use crate::process;
use crate::project::Project;
use crate::server::Profile;
use crate::steps::Steps;

pub fn run(project: &Project, arguments: &[String]) -> Result<()> {
    let mut steps = Steps::new(build::STEPS + 1);
    steps.run("the embedded model's file", |step| {
        model::provide(project, step);
        Ok(())
    })?;
    let server = build::both(project, &mut steps, Profile::Debug)?;
    eprintln!();
    // In place of this process: signals and the exit code are then the server's own.
    let error = process::command(server).args(arguments).current_dir(&project.root).exec();
    Err(anyhow!(error).context("the server cannot be started"))
}
