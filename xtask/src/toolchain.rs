//! The compiler of the browser half: rustup's, or Debian's where rustup can fetch no target.
//!
//! Debian ships no precompiled standard library for the browser that fits a current compiler, but the compiler
//! (`rustc-web`) and the library's source (`rust-web-src`): cargo then builds the library too (`-Zbuild-std`).

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::apt;
use crate::process;
use crate::project::Project;
use crate::steps::Step;

pub const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// What compiles for the browser.
pub enum Toolchain {
    /// The compiler that builds the server has the target.
    Own,
    Debian {
        linker: PathBuf,
    },
}

impl Toolchain {
    /// Finds or installs a compiler for the browser.
    pub fn prepare(project: &Project, step: &mut Step) -> Result<Self> {
        let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
        let sysroot = sysroot(&rustc)?;
        if sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir() {
            return Ok(Self::Own);
        }
        // Remembered, so that rustup is not asked in vain at every start.
        let fell_back = project.work().join("debian-compiler");
        if fell_back.exists() && debian_is_ready() {
            return Ok(Self::Debian { linker: linker(&sysroot)? });
        }
        step.say(&format!("rustup target add {TARGET}"));
        let Err(refusal) = process::run(process::command("rustup").args(["target", "add", TARGET])) else {
            return Ok(Self::Own);
        };
        step.say(&format!("{refusal:#}: using Debian's compiler for the browser half"));
        if !debian_is_ready() {
            apt::install(step, &["rustc-web", "rust-web-src"], "building the browser half without rustup's target")?;
        }
        if !debian_is_ready() {
            bail!(
                "no compiler for the browser half: `rustup target add {TARGET}` is refused, and Debian's rustc-web is too old"
            );
        }
        fs::create_dir_all(project.work())?;
        fs::write(&fell_back, "")?;
        Ok(Self::Debian { linker: linker(&sysroot)? })
    }

    /// The folder where the browser half is built.
    pub fn target_folder(&self, project: &Project) -> PathBuf {
        match self {
            Self::Own => project.target.clone(),
            // Two compilers in one folder would undo each other's work.
            Self::Debian { .. } => project.target.join("debian"),
        }
    }

    /// Cargo for the browser half: `cargo <subcommand> --target wasm32-unknown-unknown …`.
    pub fn cargo(&self, project: &Project, subcommand: &str) -> Command {
        let mut cargo = project.cargo();
        cargo.args([subcommand, "--target", TARGET]);
        if let Self::Debian { linker } = self {
            cargo
                .arg("-Zbuild-std=std,panic_abort")
                .env("CARGO_TARGET_DIR", self.target_folder(project))
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                .env("RUSTC", DEBIAN_RUSTC)
                // The switch that lets a stable compiler take `-Z` options.
                .env("RUSTC_BOOTSTRAP", "1");
        }
        cargo
    }
}

fn sysroot(rustc: &str) -> Result<PathBuf> {
    let path = process::output(process::command(rustc).args(["--print", "sysroot"])).context("Rust is missing")?;
    Ok(path.trim().into())
}

/// Whether Debian's compiler is here, with the library's source, and new enough for this workspace.
fn debian_is_ready() -> bool {
    let Ok(version) = process::output(process::command(DEBIAN_RUSTC).arg("--version")) else { return false };
    let minor = version.split('.').nth(1).and_then(|number| number.parse::<u32>().ok());
    let required = env!("CARGO_PKG_RUST_VERSION").split('.').nth(1).and_then(|number| number.parse::<u32>().ok());
    let source = Path::new("/usr/lib/rustlib/src/rust/library/Cargo.lock");
    minor >= required && source.exists()
}

/// The linker that rustup's toolchain brings; Debian's otherwise.
fn linker(sysroot: &Path) -> Result<PathBuf> {
    let own = fs::read_dir(sysroot.join("lib/rustlib"))?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin/rust-lld")))
        .find(|file| file.exists());
    own.or_else(|| process::find("rust-lld")).context("rust-lld is missing (in Debian: rust-web-llvm and lld)")
}
