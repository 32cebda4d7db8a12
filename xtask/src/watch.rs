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
    // The first build may fail too: the next change may mend it.
    let mut server = None;
    rebuild(project, &mut steps, arguments, &mut server);
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
        let result = if is_static {
            // The names of the style change with it, and the server reads them when it starts.
            site::refresh(project).and_then(|()| restart(project, &binary, arguments, &mut server))
        } else {
            rebuild(project, &mut Steps::new(build::STEPS), arguments, &mut server)
        };
        told(result);
    }
}

/// Builds, then replaces the running server; one that does not build leaves the old one running.
fn rebuild(project: &Project, steps: &mut Steps, arguments: &[String], server: &mut Option<Child>) {
    let result = build::both(project, steps, Profile::Debug).and_then(|binary| {
        // Ended first: both would ask for the same port.
        if let Some(old) = server.as_mut() {
            stop::end(old, Signal::SIGTERM)?;
        }
        *server = Some(start(project, binary, arguments)?);
        Ok(())
    });
    if let Err(error) = result {
        eprintln!("error: {error:#}\nwaiting for a change");
    }
}

fn start(project: &Project, binary: PathBuf, arguments: &[String]) -> Result<Child> {
    process::command(binary).args(arguments).current_dir(&project.root).spawn().context("the server cannot be started")
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
