//! Postgres for tests.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use nix::unistd::{Uid, User};

use super::{Service, folder, free_port, tied_to_us};
use crate::apt;
use crate::process;
use crate::steps::Step;

/// The user that runs the server when we are root, which Postgres refuses.
const SYSTEM_USER: &str = "postgres";

/// Settings for many short tests: nothing has to survive a crash.
const SETTINGS: [&str; 6] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=400",
    "log_min_messages=warning",
    "listen_addresses=127.0.0.1",
];

pub fn start(step: &mut Step) -> Result<Service> {
    let programs = programs(step)?;
    let folder = folder("postgres")?;
    let data = folder.join("data");
    fs::create_dir_all(&data)?;
    if Uid::effective().is_root() {
        let user =
            User::from_name(SYSTEM_USER)?.context("Postgres refuses root, and the user `postgres` is missing")?;
        for owned in [&folder, &data] {
            chown(owned, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
        }
    }
    process::output(
        unprivileged(&programs.join("initdb"))
            .args(["--username=sardonyx", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"])
            .arg(&data)
            .current_dir(&folder),
    )?;
    let port = free_port()?;
    let mut server = unprivileged(&programs.join("postgres"));
    server.arg("-D").arg(&data).arg("-k").arg(&folder).arg("-p").arg(port.to_string());
    for setting in SETTINGS {
        server.args(["-c", setting]);
    }
    let ready = || {
        let mut question = process::command(programs.join("pg_isready"));
        process::output(question.args(["--host=127.0.0.1", "--port"]).arg(port.to_string())).is_ok()
    };
    // Postgres' "fast shutdown": disconnects whoever is left.
    Service::start("Postgres", folder, port, Signal::SIGINT, &mut server, ready)
}

/// The program, as a user that Postgres accepts.
fn unprivileged(program: &Path) -> Command {
    if !Uid::effective().is_root() {
        return tied_to_us("INT", program);
    }
    let mut command = process::command("setpriv");
    command.args(["--reuid", SYSTEM_USER, "--regid", SYSTEM_USER, "--init-groups", "--pdeathsig", "INT", "--"]);
    command.arg(program);
    command
}

/// The folder of the newest version here: Debian keeps the servers off everyone's path.
fn programs(step: &mut Step) -> Result<PathBuf> {
    if let Some(found) = newest() {
        return Ok(found);
    }
    apt::install(step, &["postgresql"], "testing with Postgres")?;
    newest().context("Postgres was installed, yet its programs are not where Debian puts them")
}

fn newest() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let debian = versions
        .filter_map(|entry| {
            let folder = entry.ok()?.path();
            let version = folder.file_name()?.to_str()?.parse::<u32>().ok()?;
            Some((version, folder.join("bin")))
        })
        .filter(|(_, programs)| programs.join("postgres").is_file())
        .max();
    debian.map(|(_, programs)| programs).or_else(|| Some(process::find("initdb")?.parent()?.to_owned()))
}
