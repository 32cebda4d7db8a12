//! The load benchmark: what a person waits for, and what a server costs, on the binary that ships.
//!
//! A figure says little by itself: machines differ, and the same one from day to day. So each stands beside a floor that is
//! measured in the same run: `argon2` alone for the log-in, the small case for what must not grow, and for streaming a
//! [bare relay](relay) that passes a model's bytes on and does nothing else. Model servers, folders and ports are the
//! run's own; nothing leaves the machine. `cargo xtask bench` builds what it needs and runs it.
//!
//! To add a measure: a file here that adds its rows to the [`Report`], and its line in [`measure`].

mod client;
mod crowd;
mod files;
mod login;
mod memory;
mod pages;
mod process;
mod random;
mod relay;
mod report;
mod search;
mod seed;
mod server;
mod stats;
mod streaming;
mod upstream;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, Result, anyhow};
use clap::{Parser, ValueEnum};
use sardonyx::domain::limits;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::timeout,
};

use self::{process::Folder, report::Report, seed::Seeded, server::Sardonyx, upstream::Upstream};

/// A run that takes longer has hung.
const RUN_SECONDS_MAX: u64 = 900;

#[derive(Parser)]
#[command(name = "load", about = "Measures a release server against floors measured in the same run.")]
struct Arguments {
    /// Fewer repetitions: less than a minute, for a look in between.
    #[arg(long)]
    quick: bool,
    /// Only these.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// Also write the figures to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Given by `cargo bench`; means nothing here.
    #[arg(long, hide = true)]
    bench: bool,
    /// Be the bare relay in front of this model server, and nothing else.
    #[arg(long, hide = true, value_name = "URL")]
    relay_to: Option<String>,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Start,
    Memory,
    Login,
    Crowd,
    Pages,
    Files,
    Streaming,
}

/// How often things are done.
struct Effort {
    starts: usize,
    users: usize,
    requests: usize,
    single_replies: usize,
    /// Live connections on which nothing happens.
    idle_sockets: usize,
    /// Replies that start within a second.
    bursts: &'static [usize],
    /// The one of them that one person causes alone, too.
    burst_of_one: usize,
    /// How often each burst is repeated.
    rounds: usize,
    files: files::Effort,
}

const FULL: Effort = Effort {
    starts: 10,
    users: 100,
    requests: 200,
    single_replies: 12,
    idle_sockets: 10_000,
    // The last is as many as a server has places for.
    bursts: &[100, 300, limits::RUNNING_REPLIES_MAX],
    burst_of_one: 300,
    rounds: 2,
    files: files::Effort { upload_bytes: 1_000_000_000, documents: 4, files: 10_000, searches: 200 },
};
const QUICK: Effort = Effort {
    starts: 3,
    users: 25,
    requests: 50,
    single_replies: 4,
    idle_sockets: 1_000,
    bursts: &[100],
    burst_of_one: 100,
    rounds: 1,
    files: files::Effort { upload_bytes: 100_000_000, documents: 2, files: 500, searches: 50 },
};

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(errors) => {
            eprintln!("load: {errors} errors; the figures mean little");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Gives the number of errors among what was measured.
fn run(arguments: &Arguments) -> Result<usize> {
    // As the server does: one cryptography provider for every client.
    let provider = rustls::crypto::ring::default_provider();
    provider.install_default().map_err(|_| anyhow!("TLS cannot be set up"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        if let Some(base_url) = &arguments.relay_to {
            return relay::serve(base_url).await.map(|()| 0);
        }
        let mut terminate = signal(SignalKind::terminate())?;
        let mut report = Report::default();
        // Whatever ends the run, the programs that it started end with it.
        let outcome = tokio::select! {
            measured = timeout(Duration::from_secs(RUN_SECONDS_MAX), measure(arguments, &mut report)) => {
                measured.context("the run hung").flatten()
            }
            _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted")),
            _ = terminate.recv() => Err(anyhow!("terminated")),
        };
        print!("\n{report}");
        outcome?;
        if let Some(file) = &arguments.json {
            std::fs::write(file, report.to_json()?).with_context(|| format!("{} cannot be written", file.display()))?;
        }
        Ok(report.errors())
    })
}

async fn measure(arguments: &Arguments, report: &mut Report) -> Result<()> {
    let effort = if arguments.quick { QUICK } else { FULL };
    let wants = |part: Part| arguments.only.is_empty() || arguments.only.contains(&part);
    // What is started from here may open as many.
    process::allow_many_files()?;
    let folder = Folder::new()?;
    if wants(Part::Start) {
        server::measure_start(&folder, effort.starts, report).await?;
    }
    eprintln!("seeding …");
    let home = folder.make("data")?;
    let seeded = Seeded::new(&home, effort.users).await?;
    let upstream = Upstream::start().await?;
    if wants(Part::Files) {
        files::measure(&folder, &upstream, &effort.files, report).await?;
    }
    let (server, _) = Sardonyx::start(&home, Some(&upstream.base_url)).await?;
    if wants(Part::Memory) {
        memory::measure(&server, &seeded, report).await?;
    }
    let mut kept = Vec::new();
    // Streaming needs everybody logged in; so this part is always done.
    let browsers = login::measure(&server, &seeded, report).await?;
    if wants(Part::Memory) {
        let idle = memory::measure_sockets(&server, &browsers, effort.idle_sockets, report).await?;
        kept = streaming::measure_beside(&server, &upstream, &browsers, idle, report).await?;
    }
    if wants(Part::Crowd) {
        crowd::measure(&server, &seeded, effort.requests, report).await?;
    }
    if wants(Part::Pages) {
        pages::measure(&server, &seeded, effort.requests, report).await?;
    }
    if wants(Part::Streaming) {
        kept.extend(streaming::measure(&server, &upstream, &browsers, &effort, &folder, report).await?);
    }
    report.note_log(&server.read_log()?);
    server.stop().await?;
    streaming::check_kept(&home, &kept, report).await
}
