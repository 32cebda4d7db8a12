//! The server that is measured, and how long it takes to be ready.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::sleep,
};

use crate::{
    process::{Folder, Process},
    report::{Budget, Report},
    stats::{Samples, ms},
};

/// Ready after this at the latest, even a debug build.
const START_SECONDS_MAX: u64 = 20;
/// A figure that people feel: the time that a restart takes away.
const READY_MS_MAX: f64 = 100.0;
const LOG_FILE: &str = "server.log";

/// A server with a data folder of its own.
pub struct Sardonyx {
    pub process: Process,
    pub origin: String,
    pub port: u16,
    home: PathBuf,
}

/// Where `cargo xtask bench` keeps the built-in model for searching.
pub const SEARCH_MODEL_FOLDER: &str = "SARDONYX_BENCH_SEARCH_MODEL";
/// What that model's vectors are kept as.
pub const SEARCH_MODEL: &str = "embedded/all-minilm-l6-v2";
const SEARCH_MODEL_FILES: [&str; 2] = ["all-MiniLM-L6-v2.int8.onnx", "all-MiniLM-L6-v2.tokenizer.json"];

/// The process that holds the model for searching, without a server, once a server was started with it.
pub fn start_search_model(home: &Path) -> Result<Child> {
    let files = SEARCH_MODEL_FILES.map(|name| home.join("models").join(name));
    let mut command = Command::new(program());
    command.arg("meaning-worker").args(files).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped());
    command.kill_on_drop(true).spawn().context("the model for searching cannot be started")
}

impl Sardonyx {
    /// Starts the server; also gives the time from its start until it said that it is ready.
    pub async fn start(home: &Path, model_server: Option<&str>) -> Result<(Self, Duration)> {
        let settings = model_server.map(|base_url| [("OPENAI_BASE_URL", base_url), ("SARDONYX_SEARCH_MODEL", "off")]);
        Self::start_with(home, settings.as_ref().map_or(&[], |settings| &settings[..])).await
    }

    /// The same as it is when nothing is set: with the built-in model for searching.
    pub async fn start_with_search_model(home: &Path) -> Result<Self> {
        let folder = std::env::var_os(SEARCH_MODEL_FOLDER)
            .with_context(|| format!("{SEARCH_MODEL_FOLDER} is missing: run this by `cargo xtask bench`"))?;
        let models = home.join("models");
        std::fs::create_dir_all(&models)?;
        for name in SEARCH_MODEL_FILES {
            std::fs::copy(Path::new(&folder).join(name), models.join(name))?;
        }
        Ok(Self::start_with(home, &[("SARDONYX_SEARCH_MODEL", "embedded")]).await?.0)
    }

    /// The same with this model server's model for searching.
    pub async fn start_with_search_by(home: &Path, model_server: &str, model: &str) -> Result<Self> {
        let settings = [("OPENAI_BASE_URL", model_server), ("SARDONYX_SEARCH_MODEL", model)];
        Ok(Self::start_with(home, &settings).await?.0)
    }

    async fn start_with(home: &Path, settings: &[(&str, &str)]) -> Result<(Self, Duration)> {
        let port = free_port().await?;
        let log = File::options().create(true).append(true).open(home.join(LOG_FILE))?;
        let mut command = Command::new(program());
        // Its defaults, whatever this machine's settings are.
        command
            .env_clear()
            .env("SARDONYX_ADDR", format!("127.0.0.1:{port}"))
            .env("SARDONYX_DATA", home)
            .env("DATABASE_URL", database_url(home))
            // One person of the benchmark does what hundreds do.
            .env("SARDONYX_REPLIES_PER_USER", "1000")
            .env("SARDONYX_SOCKETS_PER_USER", "1000")
            .env("SARDONYX_MESSAGES_PER_MINUTE", "1000000")
            .env("SARDONYX_REQUESTS_PER_MINUTE", "1000000")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("{} cannot be started", program().display()))?;
        let mut server = Self {
            process: Process::new(child)?,
            origin: format!("http://127.0.0.1:{port}"),
            port,
            home: home.to_owned(),
        };
        while !is_ready(port).await {
            let alive = server.process.check_alive();
            alive.with_context(|| server.read_log().unwrap_or_default())?;
            ensure!(started.elapsed().as_secs() < START_SECONDS_MAX, "the server is not ready: {}", server.read_log()?);
            sleep(Duration::from_millis(1)).await;
        }
        Ok((server, started.elapsed()))
    }

    pub async fn stop(self) -> Result<()> {
        self.process.stop().await
    }

    pub fn read_log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.home.join(LOG_FILE))?)
    }
}

/// The database in a server's data folder.
pub fn database_url(home: &Path) -> String {
    format!("sqlite://{}", home.join("sardonyx.db").display())
}

/// Measures starts on fresh folders, and on one that has its schema already.
pub async fn measure_start(folder: &Folder, starts: usize, report: &mut Report) -> Result<()> {
    let (mut fresh, mut again) = (Samples::default(), Samples::default());
    let used = folder.make("start-again")?;
    Sardonyx::start(&used, None).await?.0.stop().await?;
    for start in 0..starts {
        let home = folder.make(&format!("start-{start}"))?;
        for (home, times) in [(&home, &mut fresh), (&used, &mut again)] {
            let (server, time) = Sardonyx::start(home, None).await?;
            times.push(ms(time));
            server.stop().await?;
        }
    }
    let mut add = |name: &str, times: &Samples| {
        report.add("ready after start", name, "ms", times.median(), None, Budget::Below(READY_MS_MAX));
    };
    add(&format!("on a fresh data folder, median of {starts}"), &fresh);
    add(&format!("on one that has its schema, median of {starts}"), &again);
    Ok(())
}

/// What `cargo xtask bench` built, or what cargo built beside this benchmark.
fn program() -> PathBuf {
    std::env::var_os("SARDONYX_BIN").map_or_else(|| env!("CARGO_BIN_EXE_sardonyx").into(), PathBuf::from)
}

async fn free_port() -> Result<u16> {
    // Nobody else takes it in the moment until the server does: the kernel goes round before it gives one again.
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port())
}

/// Asks by hand: a client that keeps connections or tries again would blur the moment.
async fn is_ready(port: u16) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream
            .write_all(
                format!("GET /readyz HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n").as_bytes(),
            )
            .await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer.starts_with(b"HTTP/1.1 200 "))
    };
    ask.await.unwrap_or(false)
}
