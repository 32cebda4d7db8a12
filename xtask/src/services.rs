//! The servers that tests need: Postgres, Redis and an S3-compatible one, each on a free loopback port with its data in a temporary folder.
//!
//! They end with this process, however it ends: stopped by process id when a [`Service`] is dropped, by `stop` on
//! Ctrl-C, and by the kernel (`setpriv --pdeathsig`) when this process is killed. For tests only: the data is not safe.

mod model_server;
mod postgres;
mod redis;
mod s3;

use std::env;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, id};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use crate::project::Project;
use crate::steps::Step;
use crate::stop;

const START_SECONDS_MAX: u64 = 30;
/// Why they are installed.
const PURPOSE: &str = "testing with servers that are not ours";

/// What tests connect to.
pub struct Services {
    pub postgres: String,
    pub redis: String,
    /// Where the S3-compatible server is.
    pub s3: String,
    _running: [Service; 3],
}

impl Services {
    pub fn start(project: &Project, step: &mut Step) -> Result<Self> {
        let postgres = postgres::start(step)?;
        let redis = redis::start(step)?;
        let s3 = s3::start(project, step)?;
        Ok(Self {
            // The role may create databases: each test makes its own.
            postgres: format!("postgres://sardonyx@127.0.0.1:{}", postgres.port),
            redis: format!("redis://127.0.0.1:{}", redis.port),
            s3: format!("http://127.0.0.1:{}", s3.port),
            _running: [postgres, redis, s3],
        })
    }
}

/// A model server that nobody here wrote.
pub struct ModelServer {
    /// Its OpenAI-compatible address.
    pub url: String,
    _running: Service,
}

impl ModelServer {
    pub fn start(project: &Project, step: &mut Step, model: &Path) -> Result<Self> {
        let running = model_server::start(project, step, model)?;
        Ok(Self { url: format!("http://127.0.0.1:{}/v1", running.port), _running: running })
    }
}

/// A server under way, and its folder.
struct Service {
    name: &'static str,
    child: Child,
    folder: PathBuf,
    port: u16,
    /// How this server is asked to end at once, without waiting for its clients.
    end: Signal,
}

impl Service {
    /// Starts the server and waits until it answers.
    fn start(
        name: &'static str,
        folder: PathBuf,
        port: u16,
        end: Signal,
        command: &mut Command,
        answers: impl Fn() -> bool,
    ) -> Result<Self> {
        let log = folder.join("log");
        let output = File::create(&log)?;
        let child = command
            .current_dir(&folder)
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let mut service = Self { name, child, folder, port, end };
        let deadline = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        while !answers() {
            if service.child.try_wait()?.is_some() || Instant::now() > deadline {
                let said = fs::read_to_string(&log).unwrap_or_default();
                bail!("{name} does not start; it said:\n{said}");
            }
            sleep(Duration::from_millis(50));
        }
        Ok(service)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Err(error) = stop::end(&mut self.child, self.end) {
            eprintln!("{} could not be stopped: {error:#}", self.name);
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A new temporary folder for a service's data, removed at the end.
fn folder(name: &str) -> Result<PathBuf> {
    let folder = env::temp_dir().join(format!("sardonyx-{name}-{}", id()));
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    stop::remove_at_end(&folder);
    Ok(folder)
}

/// A port that nobody listens on now.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// The program, told to end when this process does: by the kernel, so even after a `kill -9`.
fn tied_to_us(end: &str, program: &Path) -> Command {
    let mut command = crate::process::command("setpriv");
    command.args(["--pdeathsig", end]).arg("--").arg(program);
    command
}
