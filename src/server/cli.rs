//! The command line: serve, the operator's commands, and the hidden processes that the server starts.

use std::io::Read;

use clap::{Args, Parser, Subcommand};

use super::{
    ai::{
        embedded::protocol::WorkerArgs,
        meaning_worker::{self, MeaningWorkerArgs},
        worker,
    },
    auth::password::{self, Passwords},
    config::{Config, StorageConfig},
    files::{blobs::Blobs, check},
    serve::open_database,
};
use crate::domain::{
    file_kind::FileKind,
    limits,
    user::{Email, Password, Role},
};

/// Private AI chat for a team, in one binary.
#[derive(Parser, Debug)]
#[command(name = "sardonyx", version, about, max_term_width = 100, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,

    #[command(flatten)]
    pub config: Config,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Serve (also what happens without a command).
    Serve(Box<Config>),
    /// Manage accounts.
    User(UserArgs),
    /// Look after the content of files.
    Files(FilesArgs),
    /// Holds the embedded model; started by the server.
    #[command(hide = true)]
    ModelWorker(WorkerArgs),
    /// Holds the model for searching files; started by the server.
    #[command(hide = true)]
    MeaningWorker(MeaningWorkerArgs),
    /// Reads the file on its standard input; started by the server.
    #[command(hide = true)]
    Extract {
        /// What it seems to be.
        #[arg(value_parser = |name: &str| Ok::<_, String>(FileKind::from_name(name)))]
        kind: FileKind,
    },
}

/// Account commands.
#[derive(Args, Debug)]
pub struct UserArgs {
    #[command(flatten)]
    storage: StorageConfig,
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Subcommand, Debug)]
enum UserCommand {
    /// Add an account.
    Add {
        /// Its e-mail address.
        email: String,
        /// What it may do: member or admin.
        #[arg(long, default_value = "member", value_parser = parse_role)]
        role: Role,
        /// Read the password from standard input, up to its first line end.
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// List the accounts.
    List,
    /// Disable an account: its sessions end with their next request.
    Disable {
        /// Its e-mail address.
        email: String,
    },
}

/// Commands for the content of files.
#[derive(Args, Debug)]
pub struct FilesArgs {
    #[command(flatten)]
    storage: StorageConfig,
    #[command(subcommand)]
    command: FilesCommand,
}

#[derive(Subcommand, Debug)]
enum FilesCommand {
    /// Compare the storage with the database: what is there for no file, and which files lack some of their content. Also
    /// while servers run.
    Check {
        /// Remove what is there for no file.
        #[arg(long)]
        remove: bool,
    },
}

/// Runs a command for the content of files.
///
/// # Errors
/// One line for the terminal; also when files lack some of their content.
pub async fn manage_files(args: FilesArgs) -> Result<(), String> {
    let explain = |error: crate::error::Error| error.text();
    let FilesCommand::Check { remove } = args.command;
    let db = open_database(&args.storage).await?;
    let blobs = Blobs::open(&args.storage).await?;
    let report = check::check(&db, &blobs).await.map_err(explain)?;
    db.close().await;
    println!("{} pieces in the storage, {} of them for no file", report.blobs, report.orphans.len());
    for id in report.orphans {
        if remove {
            blobs.remove(id).await.map_err(explain)?;
        }
        println!("{}\t{id}", if remove { "removed" } else { "for no file" });
    }
    for id in &report.incomplete {
        println!("incomplete\t{id}");
    }
    match report.incomplete.len() {
        0 => Ok(()),
        1 => Err("1 file lacks some of its content".to_owned()),
        count => Err(format!("{count} files lack some of their content")),
    }
}

/// Runs an account command.
///
/// # Errors
/// One line for the terminal.
pub async fn manage_users(args: UserArgs) -> Result<(), String> {
    let db = open_database(&args.storage).await?;
    let explain = |error: crate::error::Error| error.text();
    match args.command {
        UserCommand::Add { email, role, password_stdin: _ } => {
            let email = Email::parse(&email).map_err(explain)?;
            let password = Password::parse_new(read_password()?).map_err(explain)?;
            password::check_not_common(&password, email.as_str()).map_err(explain)?;
            let hash = Passwords::new().hash(password).await.map_err(explain)?;
            db.add_account_as_operator(&email, hash, role).await.map_err(|error| match error {
                crate::error::Error::Conflict => format!("{} has an account already", email.as_str()),
                error => error.text(),
            })?;
            println!("added {} as {role}", email.as_str());
        }
        UserCommand::List => {
            for (user, is_active) in db.list_accounts_as_operator().await.map_err(explain)? {
                println!("{}\t{}\t{}", user.email, user.role, if is_active { "active" } else { "disabled" });
            }
        }
        UserCommand::Disable { email } => {
            let email = Email::parse(&email).map_err(explain)?;
            db.disable_account_as_operator(&email).await.map_err(explain)?;
            println!("disabled {}", email.as_str());
        }
    }
    db.close().await;
    Ok(())
}

/// Runs the model worker.
///
/// # Errors
/// One line for the log.
pub fn run_model_worker(args: &WorkerArgs) -> Result<(), String> {
    worker::run(args)
}

/// Runs the worker of the model for searching.
///
/// # Errors
/// One line for the log.
pub fn run_meaning_worker(args: &MeaningWorkerArgs) -> Result<(), String> {
    meaning_worker::run(args)
}

fn parse_role(name: &str) -> Result<Role, String> {
    Role::from_name(name).ok_or_else(|| "must be member or admin".to_owned())
}

/// One line, without its end: what `echo` and `printf` give alike.
fn read_password() -> Result<String, String> {
    let bytes_max = limits::PASSWORD_CHARS_MAX as u64 * 4 + 2;
    let mut text = String::new();
    std::io::stdin()
        .take(bytes_max)
        .read_to_string(&mut text)
        .map_err(|error| format!("the password cannot be read from standard input: {error}"))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
