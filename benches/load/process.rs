//! Programs that the benchmark starts, what the kernel says of them, and the folder that they work in.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use nix::{
    sys::{
        resource::{Resource, getrlimit, setrlimit},
        signal::{Signal, kill},
    },
    unistd::Pid,
};
use tokio::{process::Child, time::timeout};

/// Time a program has to end when asked.
const STOP_SECONDS_MAX: u64 = 15;
/// Linux counts processor time for `/proc` in this unit, whatever the kernel's own.
const TICKS_PER_SECOND: f64 = 100.0;

/// Lets this program, and what it starts, open as many files and connections as the system lets it.
pub fn allow_many_files() -> Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    Ok(())
}

/// A running program; killed when dropped.
pub struct Process {
    child: Child,
    pid: u32,
}

impl Process {
    /// Takes charge of a program that was started with `kill_on_drop`.
    pub fn new(child: Child) -> Result<Self> {
        let pid = child.id().context("a program ended at once")?;
        Ok(Self { child, pid })
    }

    /// Memory that is in use and not swapped out, in megabytes.
    pub fn resident_mb(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS in /proc")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1_024.0 / 1_000_000.0)
    }

    /// Processor seconds used so far, by itself and by the kernel for it.
    pub fn processor_seconds(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        // The program's name stands in parentheses and may hold anything; what is wanted are fields 14 and 15.
        let fields = stat.rsplit_once(") ").context("/proc/…/stat is not as expected")?.1;
        let ticks: Vec<f64> = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
        ensure!(ticks.len() == 2, "/proc/…/stat is not as expected");
        Ok(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
    }

    /// Fails when the program has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        let status = self.child.try_wait()?;
        ensure!(status.is_none(), "the program ended by itself: {}", status.unwrap_or_default());
        Ok(())
    }

    /// Asks it to end, and waits until it has.
    pub async fn stop(mut self) -> Result<()> {
        kill(Pid::from_raw(i32::try_from(self.pid)?), Signal::SIGTERM)?;
        let status = timeout(Duration::from_secs(STOP_SECONDS_MAX), self.child.wait()).await;
        let status = status.context("a program did not end when asked")??;
        ensure!(status.success(), "a program ended with {status}");
        Ok(())
    }
}

/// A folder of our own, removed when dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("sardonyx-load-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(Self(path))
    }

    /// Makes a folder in it.
    pub fn make(&self, name: &str) -> Result<PathBuf> {
        let path = self.0.join(name);
        std::fs::create_dir(&path)?;
        Ok(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left lies in the system's folder for such things.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
