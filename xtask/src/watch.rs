//! `cargo xtask watch`: builds and restarts when a file changes.
//!
//! Times of change are compared twice a second: a few hundred files, so no crate that asks the kernel is needed.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use crate::build;
use crate::model;
use crate::process;
use crate::project::Project;
use crate::server::Profile;
use crate::site::{self, folder};
use crate::steps::Steps;
use crate::stop;

const PAUSE: Duration = Duration::from_millis(500);
/// What needs no compiler.
const STATIC: [&str; 2] = ["style", "public"];
const COMPILED: [&str; 2] = ["src", "migrations/src"];
const MANIFESTS: [&str; 3] = ["Cargo.toml", "Cargo.lock", "migrations/Cargo.toml"];

/// The files that matter and when each changed.
type Snapshot = BTreeMap<String, SystemTime>;

pub fn run(project: &Project, arguments: &[String]) -> Result<()> {
    stop::in_order()?;
    let mut steps = Steps::new(build::STEPS + 1);
    steps.run("the embedded model's file", |step| {
        model::provide(project, step);
        Ok(())
    })?;
    let mut seen = snapshot(project)?;
    let mut watched = Watched { project, arguments, binary: None, server: None };
    // The first build may fail too: the next change may mend it.
    told(watched.rebuild(&mut steps));
    loop {
        sleep(PAUSE);
        let now = snapshot(project)?;
        let changed = changed(&seen, &now);
        if changed.is_empty() {
            continue;
        }
        seen = now;
        eprintln!("\nchanged: {}", changed.join(", "));
        let is_static = changed.iter().all(|path| STATIC.iter().any(|folder| path.starts_with(folder)));
        // Without a binary the last build failed: a static file may have been the cause.
        let result = if is_static && watched.binary.is_some() {
            watched.refresh()
        } else {
            watched.rebuild(&mut Steps::new(build::STEPS))
        };
        told(result);
    }
}

fn told(result: Result<()>) {
    if let Err(error) = result {
        eprintln!("error: {error:#}\nwaiting for a change");
    }
}

/// The server under way, and how to make the next one.
struct Watched<'a> {
    project: &'a Project,
    arguments: &'a [String],
    binary: Option<PathBuf>,
    server: Option<Child>,
}

impl Watched<'_> {
    /// Builds, then replaces the running server; what does not build leaves the old one running.
    fn rebuild(&mut self, steps: &mut Steps) -> Result<()> {
        self.binary = None;
        self.binary = Some(build::both(self.project, steps, Profile::Debug)?);
        self.restart()
    }

    /// Makes the style and `public/` anew. The style's name changes with it, and servers read names when they start.
    fn refresh(&mut self) -> Result<()> {
        site::refresh(self.project)?;
        self.restart()
    }

    fn restart(&mut self) -> Result<()> {
        // Ended first: both would ask for the same port.
        if let Some(old) = self.server.as_mut() {
            stop::end(old, Signal::SIGTERM)?;
        }
        let binary = self.binary.as_ref().context("there is nothing to start")?;
        let mut server = process::command(binary);
        server.args(self.arguments).current_dir(&self.project.root);
        self.server = Some(server.spawn().context("the server cannot be started")?);
        Ok(())
    }
}

fn changed(before: &Snapshot, now: &Snapshot) -> Vec<String> {
    let new = now.iter().filter(|(path, time)| before.get(*path) != Some(time)).map(|(path, _)| path);
    let gone = before.keys().filter(|path| !now.contains_key(*path));
    new.chain(gone).cloned().collect()
}

fn snapshot(project: &Project) -> Result<Snapshot> {
    let mut paths = MANIFESTS.map(String::from).to_vec();
    for folder in STATIC.iter().chain(&COMPILED) {
        paths.extend(folder::list(&project.root.join(folder))?.into_iter().map(|path| format!("{folder}/{path}")));
    }
    Ok(paths
        .into_iter()
        // An editor may have just replaced the file.
        .filter_map(|path| Some((path.clone(), fs::metadata(project.root.join(path)).ok()?.modified().ok()?)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_changed_and_removed_files_are_changes() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let before = Snapshot::from([("same".into(), at(1)), ("edited".into(), at(1)), ("gone".into(), at(1))]);
        let now = Snapshot::from([("same".into(), at(1)), ("edited".into(), at(2)), ("new".into(), at(1))]);
        assert_eq!(changed(&before, &now), ["edited", "new", "gone"]);
    }
}
