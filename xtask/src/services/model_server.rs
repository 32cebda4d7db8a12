//! A model server that is not ours, for the long tests: llama.cpp's own, out of a Python wheel, with the embedded model's file.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use nix::sys::signal::Signal;

use super::{PURPOSE, Service, folder, free_port, tied_to_us};
use crate::project::Project;
use crate::python;
use crate::steps::Step;

const PACKAGE: &str = "xllamacpp==2026.10.11549";

/// Serves the model until it is stopped.
const SERVE: &str = "import sys, threading, xllamacpp
settings = xllamacpp.CommonParams()
settings.model.path = sys.argv[1]
settings.hostnames = ['127.0.0.1']
settings.port = int(sys.argv[2])
settings.n_ctx = 2048
settings.cpuparams.n_threads = 1
server = xllamacpp.Server(settings)
threading.Event().wait()";

pub fn start(project: &Project, step: &mut Step, model: &Path) -> Result<Service> {
    let python = python::with(project, step, PACKAGE, "xllamacpp", PURPOSE)?;
    let folder = folder("model-server")?;
    let port = free_port()?;
    let mut server = tied_to_us("TERM", &python);
    server.args(["-c", SERVE]).arg(model).arg(port.to_string());
    Service::start("xllamacpp", folder, port, Signal::SIGTERM, &mut server, || is_ready(port))
}

/// It listens before the model is loaded.
fn is_ready(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut connection = TcpStream::connect(("127.0.0.1", port))?;
        connection.set_read_timeout(Some(Duration::from_secs(1)))?;
        connection.write_all(b"GET /health HTTP/1.0\r\n\r\n")?;
        let mut head = [0; 12];
        connection.read_exact(&mut head)?;
        Ok(String::from_utf8_lossy(&head).into_owned())
    };
    ask().is_ok_and(|head| head.ends_with(" 200"))
}
