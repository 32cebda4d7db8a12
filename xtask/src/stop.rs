//! Ctrl-C, `kill` and a closed terminal: ends every program that this process started, then removes temporary folders.
//!
//! Only descendants of this process are ended, each by its id.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, exit};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const END_SECONDS_MAX: u64 = 10;

/// What to remove when this process is stopped early.
static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

static STOPPING: AtomicBool = AtomicBool::new(false);

/// From now on, a signal to end stops everything in order. The exit code is the shell's for "interrupted".
pub fn in_order() -> Result<()> {
    ctrlc::set_handler(|| {
        STOPPING.store(true, Ordering::SeqCst);
        eprintln!("\nstopping …");
        end_descendants();
        for folder in FOLDERS.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).iter() {
            let _ = fs::remove_dir_all(folder);
        }
        exit(130);
    })
    .context("cannot listen for signals")
}

/// Waits for the end if it is near. Called when a program has ended: the interrupt may have been meant for us both,
/// and then nothing more must be started.
pub fn wait_if_stopping() {
    while STOPPING.load(Ordering::SeqCst) {
        sleep(Duration::from_secs(1));
    }
}

pub fn remove_at_end(folder: &Path) {
    FOLDERS.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(folder.to_owned());
}

/// Asks a program to end and waits until it has; kills it when it takes too long.
pub fn end(child: &mut Child, signal: Signal) -> Result<()> {
    if child.try_wait()?.is_some() {
        return Ok(());
    }
    kill(Pid::from_raw(i32::try_from(child.id())?), signal)?;
    let deadline = Instant::now() + Duration::from_secs(END_SECONDS_MAX);
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            child.kill()?;
        }
        sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn end_descendants() {
    let asked = descendants();
    for process in &asked {
        // Interrupt, not terminate: Postgres then does not wait for its clients.
        let _ = kill(*process, Signal::SIGINT);
    }
    // A parent may end before its children, which are no descendants then: watched by id instead.
    let running = || asked.iter().copied().filter(|process| parent(*process).is_some()).collect::<Vec<_>>();
    let deadline = Instant::now() + Duration::from_secs(END_SECONDS_MAX);
    while !running().is_empty() && Instant::now() < deadline {
        sleep(Duration::from_millis(50));
    }
    for process in running() {
        let _ = kill(process, Signal::SIGKILL);
    }
}

/// Every running process that descends from this one.
fn descendants() -> Vec<Pid> {
    let mut children = HashMap::<Pid, Vec<Pid>>::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let process = Pid::from_raw(process);
        if let Some(parent) = parent(process) {
            children.entry(parent).or_default().push(process);
        }
    }
    let mut found = Vec::new();
    let mut open = vec![Pid::this()];
    while let Some(process) = open.pop() {
        let below = children.remove(&process).unwrap_or_default();
        found.extend(&below);
        open.extend(below);
    }
    found
}

/// The parent of a running process; none for one that has ended already.
fn parent(process: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before the state is in parentheses and may hold anything.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    if state == "Z" { None } else { fields.next()?.parse().ok().map(Pid::from_raw) }
}
