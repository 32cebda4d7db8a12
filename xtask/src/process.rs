//! Starting other programs, with an environment as if the user had started them.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::stop;

/// What `cargo run` adds for the program it starts. Build scripts of several crates watch these variables: left in, they
/// would make `cargo xtask` and plain `cargo` rebuild each other's results.
const ADDED_BY_CARGO_RUN: [&str; 5] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];

/// A program with this process' environment, less what cargo added.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if ADDED_BY_CARGO_RUN.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    match own_library_path() {
        Some(path) => command.env("LD_LIBRARY_PATH", path),
        None => command.env_remove("LD_LIBRARY_PATH"),
    };
    command
}

/// The cargo that started this process.
pub fn cargo() -> Command {
    command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// `LD_LIBRARY_PATH` without the folders that `cargo run` puts in front.
fn own_library_path() -> Option<OsString> {
    let path = env::var_os("LD_LIBRARY_PATH")?;
    let built = env::current_exe().ok()?.parent()?.to_owned();
    let own = env::split_paths(&path)
        .filter(|folder| !folder.starts_with(&built) && !folder.to_string_lossy().contains("/toolchains/"))
        .collect::<Vec<_>>();
    if own.is_empty() { None } else { env::join_paths(own).ok() }
}

/// Runs a program whose output goes to the terminal; an exit code other than 0 is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("cannot start {}", shown(command)))?;
    stop::wait_if_stopping();
    if !status.success() {
        bail!("{} failed ({status})", shown(command));
    }
    Ok(())
}

/// Runs a program silently and gives back what it printed.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {}", shown(command)))?;
    stop::wait_if_stopping();
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        bail!("{} failed ({}): {}", shown(command), output.status, error.trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The full path of a program, if it is installed.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // Where servers live; not on the path of every user.
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(system).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// A command as one would type it, with only the name of its program.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
    let arguments = command.get_args().map(OsStr::to_string_lossy);
    let words = std::iter::once(program).chain(arguments).collect::<Vec<_>>();
    format!("`{}`", words.join(" "))
}
