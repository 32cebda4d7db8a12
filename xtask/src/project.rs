//! Where things are: the repository, cargo's target folder, and what `xtask` keeps in it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;

/// The repository and the folders that builds write to.
pub struct Project {
    pub root: PathBuf,
    /// Cargo's target folder: may be outside the repository, shared between clones.
    pub target: PathBuf,
}

impl Project {
    pub fn open() -> Result<Self> {
        // The variable that `cargo run` sets comes first: a binary from a shared target folder may have been compiled
        // in another clone.
        let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).parent().context("xtask is not inside a repository")?.to_owned();
        let metadata = process::output(
            process::cargo().args(["metadata", "--format-version=1", "--no-deps", "--offline"]).current_dir(&root),
        )
        .context("cargo cannot read the workspace")?;
        let metadata: Value = serde_json::from_str(&metadata)?;
        let target = metadata["target_directory"].as_str().context("cargo metadata names no target folder")?;
        let project = Self { root, target: target.into() };
        // The server embeds this folder: it must be there, even empty, for the server to compile.
        fs::create_dir_all(project.site())?;
        Ok(project)
    }

    /// Cargo, at work on this repository.
    pub fn cargo(&self) -> Command {
        let mut cargo = process::cargo();
        cargo.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        cargo
    }

    /// What the browser loads. In the repository wherever cargo's target folder is: the server embeds this path.
    pub fn site(&self) -> PathBuf {
        self.root.join("target/site")
    }

    /// Intermediate results and stamps.
    pub fn work(&self) -> PathBuf {
        self.target.join("xtask")
    }

    /// Programs installed for this project alone.
    pub fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }
}
