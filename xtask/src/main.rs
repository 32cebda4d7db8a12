//! `cargo xtask`: set up, run, test, measure and package Sardonyx.
//!
//! One file per command (`run`, `build`, `watch`, `test`, `size`, `bench`, `dist`), and one per thing that a command
//! needs: `toolchain` (the compiler of the browser half), `embedded` (the tools of the embedded model), `model` (its
//! file), `site` (what the browser loads), `server` (the binary), `services` (Postgres and Redis for tests). What a
//! fresh machine lacks is installed where that is possible, and else named clearly.
//!
//! To add a command: a variant in `Command`, a file with its `run`, and a line in `dispatch`.

mod apt;
mod bench;
mod build;
mod dist;
mod embedded;
mod model;
mod npm;
mod process;
mod project;
mod python;
mod run;
mod server;
mod services;
mod site;
mod size;
mod steps;
mod stop;
mod test;
mod toolchain;
mod watch;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, CommandFactory, Parser, Subcommand};

use project::Project;

/// Set up, run, test, measure and package Sardonyx.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing, build both halves and serve on 127.0.0.1:3000
    Run(Passed),
    /// Build both halves and the site
    Build(build::Options),
    /// Build, serve, and do both again whenever a file changes
    Watch(Passed),
    /// Run every check and test, the same as CI
    Test(test::Options),
    /// Show what the browser must load, against its budget
    Size,
    /// Build for release and run the load benchmarks
    Bench(Passed),
    /// Make the one binary to ship, in target/dist
    Dist,
}

/// Arguments that go on to the program that a command starts.
#[derive(Args)]
struct Passed {
    /// Arguments for the started program, after `--`
    #[arg(last = true)]
    arguments: Vec<String>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let Some(command) = cli.command else {
        return match Cli::command().print_help() {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    };
    match dispatch(command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> Result<ExitCode> {
    let project = Project::open()?;
    match command {
        Command::Run(passed) => run::run(&project, &passed.arguments)?,
        Command::Build(options) => build::run(&project, &options)?,
        Command::Watch(passed) => watch::run(&project, &passed.arguments)?,
        Command::Test(options) => return test::run(&project, &options),
        Command::Size => return size::run(&project),
        Command::Bench(passed) => bench::run(&project, &passed.arguments)?,
        Command::Dist => dist::run(&project)?,
    }
    Ok(ExitCode::SUCCESS)
}
