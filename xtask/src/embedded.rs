//! What the embedded model's engine needs to be built: a C++ compiler, cmake and libclang.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::apt;
use crate::process;
use crate::steps::Step;

/// A program that the engine's build calls, and the Debian package that has it.
const PROGRAMS: [(&str, &str); 4] = [("cmake", "cmake"), ("make", "make"), ("c++", "g++"), ("clang", "clang")];

/// Cargo features of the server: with the embedded model where its engine can be built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Features {
    WithModel,
    WithoutModel,
}

impl Features {
    pub fn for_cargo(self) -> &'static str {
        match self {
            Self::WithModel => "ssr,embedded-model",
            Self::WithoutModel => "ssr",
        }
    }
}

/// Finds or installs the tools. Without them the server is built without the embedded model, and the user is told.
pub fn prepare(step: &mut Step) -> Features {
    match install_missing(step) {
        Ok(()) => Features::WithModel,
        Err(error) => {
            step.say(&format!("{error:#}"));
            step.say("going on WITHOUT the embedded model: chats need a connected model server");
            Features::WithoutModel
        }
    }
}

fn install_missing(step: &mut Step) -> Result<()> {
    let mut missing = PROGRAMS
        .iter()
        .filter(|(program, _)| process::find(program).is_none())
        .map(|(_, package)| *package)
        .collect::<Vec<_>>();
    if !has_libclang() {
        missing.push("libclang-dev");
    }
    if missing.is_empty() {
        return Ok(());
    }
    apt::install(step, &missing, "building the embedded model's engine")
}

/// Looks where the bindings' generator looks.
fn has_libclang() -> bool {
    if env::var_os("LIBCLANG_PATH").is_some() {
        return true;
    }
    let versions = folders("/usr/lib", "llvm").into_iter().map(|folder| folder.join("lib"));
    let libraries = versions.chain(folders("/usr/lib", "linux-gnu")).chain(["/usr/local/lib".into()]);
    libraries.flat_map(|folder| names(&folder)).any(|name| {
        // Not libclang-cpp, the C++ interface.
        name.starts_with("libclang") && name.contains(".so") && !name.starts_with("libclang-cpp")
    })
}

fn folders(parent: &str, part: &str) -> Vec<PathBuf> {
    let parent = PathBuf::from(parent);
    names(&parent).into_iter().filter(|name| name.contains(part)).map(|name| parent.join(name)).collect()
}

fn names(folder: &PathBuf) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
}
