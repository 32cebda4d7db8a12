//! Debian packages: installed where this process may, named where it may not.

use std::sync::Mutex;

use anyhow::{Context, Result, bail};
use nix::unistd::Uid;

use crate::process;
use crate::steps::Step;

/// Whether the package lists were fetched by this process already.
static UPDATED: Mutex<bool> = Mutex::new(false);

/// Installs the packages, or says what to install and why.
pub fn install(step: &mut Step, packages: &[&str], reason: &str) -> Result<()> {
    let names = packages.join(" ");
    if process::find("apt-get").is_none() {
        bail!("{reason} needs programs that are missing here (in Debian they are the packages: {names})");
    }
    if !Uid::effective().is_root() {
        bail!("{reason} needs Debian packages that are missing: run `sudo apt-get install {names}`");
    }
    step.say(&format!("installing Debian packages: {names}"));
    update()?;
    apt_get(&["install", "--yes", "--no-install-recommends"], packages)
        .with_context(|| format!("the Debian packages {names} cannot be had ({reason} needs them)"))
}

fn update() -> Result<()> {
    let mut updated = UPDATED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if !*updated {
        apt_get(&["update"], &[]).context("Debian's package lists cannot be had")?;
        *updated = true;
    }
    Ok(())
}

fn apt_get(arguments: &[&str], packages: &[&str]) -> Result<()> {
    // Silent, unless it fails. Another installation may be running: wait for its end instead of failing.
    process::output(
        process::command("apt-get")
            .args(["--quiet", "--quiet", "--option", "DPkg::Lock::Timeout=300"])
            .args(arguments)
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )?;
    Ok(())
}
