//! An S3-compatible server that is not ours, for tests: moto's, out of a Python wheel.

use std::net::TcpStream;

use anyhow::Result;
use nix::sys::signal::Signal;

use super::{PURPOSE, Service, folder, free_port, tied_to_us};
use crate::project::Project;
use crate::python;
use crate::steps::Step;

const PACKAGE: &str = "moto[s3,server]==5.2.5";

pub fn start(project: &Project, step: &mut Step) -> Result<Service> {
    let python = python::with(project, step, PACKAGE, "moto.server", PURPOSE)?;
    let folder = folder("s3")?;
    let port = free_port()?;
    let mut server = tied_to_us("TERM", &python);
    server.args(["-m", "moto.server", "-H", "127.0.0.1", "-p"]).arg(port.to_string());
    let answers = || TcpStream::connect(("127.0.0.1", port)).is_ok();
    Service::start("moto", folder, port, Signal::SIGTERM, &mut server, answers)
}
