//! Programs from npm: the optimisers of the browser half, and what the browser tests need.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::apt;
use crate::process;
use crate::project::Project;
use crate::steps::Step;

/// A program for the browser half, in a package of a fixed version: the size that ships must not depend on the day.
pub struct Optimiser {
    pub package: &'static str,
    program: &'static str,
}

pub const WASM_OPT: Optimiser = Optimiser { package: "binaryen@132.0.0", program: "wasm-opt" };
pub const ESBUILD: Optimiser = Optimiser { package: "esbuild@0.28.2", program: "esbuild" };

/// What Playwright and the optimisers need; the releases of Debian that are still in use have older ones.
const NODE_MAJOR_MIN: u32 = 20;
const NODE_VERSION: &str = "22.23.3";

/// An optimiser, installed on the first use.
pub fn optimiser(project: &Project, step: &mut Step, optimiser: &Optimiser) -> Result<Command> {
    let folder = project.tools().join(optimiser.package);
    let program = folder.join("node_modules/.bin").join(optimiser.program);
    if !program.exists() {
        install(step, &folder, optimiser.package)?;
    }
    let mut command = process::command(program);
    add_node(project, step, &mut command)?;
    Ok(command)
}

/// Lets the command find a Node that is new enough: the machine's own, else one installed for this project alone.
pub fn add_node(project: &Project, step: &mut Step, command: &mut Command) -> Result<()> {
    let own = process::output(process::command("node").arg("--version")).unwrap_or_default();
    let major = own.trim_start_matches('v').split('.').next().and_then(|number| number.parse::<u32>().ok());
    if major >= Some(NODE_MAJOR_MIN) {
        return Ok(());
    }
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let package = format!("node-linux-{architecture}");
    let folder = project.tools().join(format!("node-{NODE_VERSION}"));
    let programs = folder.join("node_modules").join(&package).join("bin");
    if !programs.exists() {
        install(step, &folder, &format!("{package}@{NODE_VERSION}"))?;
    }
    let path = env::var_os("PATH").unwrap_or_default();
    command.env("PATH", env::join_paths([programs].into_iter().chain(env::split_paths(&path)))?);
    Ok(())
}

fn install(step: &mut Step, folder: &Path, package: &str) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut npm = npm(step, &format!("installing {package}"))?;
    step.say(&format!("npm install {package}"));
    process::output(npm.args(["install", "--no-save", "--prefix"]).arg(folder).arg(package))
        .with_context(|| format!("{package} cannot be had"))?;
    Ok(())
}

/// The folder's packages, exactly as its lock file says. Quick when nothing changed.
pub fn install_locked(step: &mut Step, folder: &Path) -> Result<()> {
    let lock = folder.join("package-lock.json");
    ensure!(lock.is_file(), "{} is missing: run `npm install` there once", lock.display());
    let wanted = format!("{:x}", Sha256::digest(fs::read(&lock)?));
    let stamp: PathBuf = folder.join("node_modules/.installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let mut npm = npm(step, "the browser tests")?;
    step.say("npm ci");
    process::output(npm.arg("ci").current_dir(folder))?;
    Ok(fs::write(stamp, wanted)?)
}

fn npm(step: &mut Step, reason: &str) -> Result<Command> {
    if process::find("npm").is_none() {
        apt::install(step, &["nodejs", "npm"], reason)?;
    }
    let mut npm = process::command("npm");
    npm.args(["--no-audit", "--no-fund", "--no-update-notifier"]);
    Ok(npm)
}
