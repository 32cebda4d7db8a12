//! `cargo xtask build`: both halves and the site.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::embedded::{self, Features};
use crate::project::Project;
use crate::server::{self, Profile};
use crate::site::{self, Kind};
use crate::steps::Steps;
use crate::toolchain::Toolchain;

/// Steps that [`both`] takes.
pub const STEPS: usize = 5;

#[derive(Args)]
pub struct Options {
    /// Build what ships: optimised, small, compressed
    #[arg(long)]
    release: bool,
}

pub fn run(project: &Project, options: &Options) -> Result<()> {
    let profile = if options.release { Profile::Release } else { Profile::Debug };
    let server = both(project, &mut Steps::new(STEPS), profile)?;
    println!("{}", server.display());
    Ok(())
}

/// Builds both halves and the site; gives back the server's binary.
pub fn both(project: &Project, steps: &mut Steps, profile: Profile) -> Result<PathBuf> {
    let features = tools(steps)?;
    let kind = if profile == Profile::Release { Kind::Release } else { Kind::Dev };
    browser_half(project, steps, kind)?;
    // After the site: a release binary holds it.
    steps.run("building the server", |step| server::build(project, step, features, profile))
}

/// One step: what the server can be built with.
pub fn tools(steps: &mut Steps) -> Result<Features> {
    steps.run("build tools of the embedded model", |step| Ok(embedded::prepare(step)))
}

/// Three steps: compiler, browser half, site.
pub fn browser_half(project: &Project, steps: &mut Steps, kind: Kind) -> Result<()> {
    let toolchain = steps.run("compiler of the browser half", |step| Toolchain::prepare(project, step))?;
    let wasm = steps.run("building the browser half", |step| site::compile(project, step, &toolchain, kind))?;
    steps.run("making the site", |step| site::assemble(project, step, &wasm, kind))
}
