//! The server: arguments → log → start → listen → serve.

use std::process::ExitCode;

use clap::Parser;
use sardonyx::{
    router,
    server::{
        cli::{self, Cli, Command},
        config::Config,
        failpoints,
        files::extract,
        logs,
        serve::{self, Server},
    },
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Some(Command::ModelWorker(args)) => cli::run_model_worker(&args),
        Some(Command::MeaningWorker(args)) => cli::run_meaning_worker(&args),
        Some(Command::Extract { kind }) => return extract::run(kind),
        command => run_async(command, cli.config),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(line) => {
            eprintln!("sardonyx: {line}");
            ExitCode::FAILURE
        }
    }
}

fn run_async(command: Option<Command>, config: Config) -> Result<(), String> {
    // One cryptography provider for everything that speaks TLS; two would panic at the first connection.
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "TLS cannot be set up".to_owned())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no threads: {error}"))?;
    runtime.block_on(async {
        match command {
            Some(Command::User(args)) => cli::manage_users(args).await,
            Some(Command::Files(args)) => cli::manage_files(args).await,
            Some(Command::Serve(config)) => run_server(*config).await,
            Some(Command::ModelWorker(_) | Command::MeaningWorker(_) | Command::Extract { .. }) | None => {
                run_server(config).await
            }
        }
    })
}

async fn run_server(config: Config) -> Result<(), String> {
    let _failpoints = failpoints::listen();
    logs::start(&config)?;
    let addr = config.addr;
    let server = Server::start(config).await?;
    let listener = serve::listen(addr).map_err(|error| format!("SARDONYX_ADDR: cannot listen on {addr}: {error}"))?;
    serve::stop_on_signals(server.state.stopping.clone())?;
    server.print_setup_link().await?;
    tracing::info!(%addr, "listening");
    let app = router::new(&server);
    server.run(listener, app).await;
    Ok(())
}
