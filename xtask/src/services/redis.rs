//! Redis for tests.

use std::path::PathBuf;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use super::{Service, folder, free_port, tied_to_us};
use crate::apt;
use crate::process;
use crate::steps::Step;

pub fn start(step: &mut Step) -> Result<Service> {
    let program = program(step)?;
    let folder = folder("redis")?;
    let port = free_port()?;
    let mut server = tied_to_us("TERM", &program);
    server.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"]);
    server.arg("--port").arg(port.to_string()).arg("--dir").arg(&folder);
    let answers = || {
        let mut question = process::command("redis-cli");
        process::output(question.arg("-p").arg(port.to_string()).arg("ping")).is_ok_and(|answer| answer == "PONG\n")
    };
    Service::start("Redis", folder, port, Signal::SIGTERM, &mut server, answers)
}

fn program(step: &mut Step) -> Result<PathBuf> {
    if process::find("redis-server").is_none() || process::find("redis-cli").is_none() {
        apt::install(step, &["redis-server"], "testing with Redis")?;
    }
    process::find("redis-server").context("redis-server was installed, yet is not on the path")
}
