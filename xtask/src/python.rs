//! A Python of one package's own.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::apt;
use crate::process;
use crate::project::Project;
use crate::steps::Step;

/// A Python that has this package (as pip names it), which is imported under this name; `purpose` is what for.
pub fn with(project: &Project, step: &mut Step, package: &str, module: &str, purpose: &str) -> Result<PathBuf> {
    let home = project.target.join("tools").join(package);
    let python = home.join("bin/python");
    let has_package = || process::output(process::command(&python).args(["-c", &format!("import {module}")])).is_ok();
    if python.exists() && has_package() {
        return Ok(python);
    }
    let _ = fs::remove_dir_all(&home);
    if process::output(process::command("python3").args(["-c", "import ensurepip"])).is_err() {
        apt::install(step, &["python3-venv"], purpose)?;
    }
    process::output(process::command("python3").args(["-m", "venv"]).arg(&home))?;
    step.say(&format!("installing {package}"));
    process::output(process::command(&python).args(["-m", "pip", "install", "--quiet", package]))
        .with_context(|| format!("{package} cannot be installed"))?;
    if !has_package() {
        bail!("{package} was installed, yet cannot be loaded");
    }
    Ok(python)
}
