//! The step between the compiler and the browser: wasm-bindgen, as a library.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use super::{Kind, folder};
use crate::project::Project;

/// What wasm-bindgen makes of the compiler's output.
pub struct Glue {
    pub script: String,
    pub wasm: Vec<u8>,
    /// Scripts that crates bring, by path.
    pub snippets: Vec<(String, String)>,
}

/// The glue for this wasm; made anew only when the wasm changed.
pub fn glue(project: &Project, wasm: &Path, kind: Kind) -> Result<Glue> {
    let input = fs::read(wasm).with_context(|| format!("the compiler left no {}", wasm.display()))?;
    let made_of = format!("{:x} {}", Sha256::digest(&input), locked_version(project, "wasm-bindgen")?);
    let output = project.work().join(kind.profile());
    let stamp = output.join("made-of");
    if fs::read_to_string(&stamp).is_ok_and(|made| made == made_of) {
        return read(&output);
    }
    if output.exists() {
        fs::remove_dir_all(&output)?;
    }
    let release = kind == Kind::Release;
    Bindgen::new()
        .input_bytes("sardonyx", input)
        .web(true)?
        .typescript(false)
        // Names make stack traces readable while developing; they are a third of what ships.
        .remove_name_section(release)
        .remove_producers_section(release)
        .generate(&output)
        .map_err(|error| anyhow!(error).context("wasm-bindgen cannot read the browser half"))?;
    fs::write(stamp, made_of)?;
    read(&output)
}

fn read(output: &Path) -> Result<Glue> {
    let snippets = output.join("snippets");
    Ok(Glue {
        script: fs::read_to_string(output.join("sardonyx.js"))?,
        wasm: fs::read(output.join("sardonyx_bg.wasm"))?,
        snippets: folder::list(&snippets)?
            .into_iter()
            .map(|path| Ok((path.clone(), fs::read_to_string(snippets.join(&path))?)))
            .collect::<Result<_>>()?,
    })
}

/// The crate in the browser half and the library here are two halves of one tool: their versions must be equal.
pub fn check_version(project: &Project) -> Result<()> {
    let linked = locked_version(project, "wasm-bindgen")?;
    let library = locked_version(project, "wasm-bindgen-cli-support")?;
    if linked != library {
        bail!(
            "wasm-bindgen is {linked} in Cargo.lock, but xtask builds with wasm-bindgen-cli-support {library}: \
             write `wasm-bindgen-cli-support = \"={linked}\"` in xtask/Cargo.toml"
        );
    }
    Ok(())
}

fn locked_version(project: &Project, name: &str) -> Result<String> {
    let lock = fs::read_to_string(project.root.join("Cargo.lock"))?;
    version_in(&lock, name).with_context(|| format!("{name} is not in Cargo.lock"))
}

fn version_in(lock: &str, name: &str) -> Option<String> {
    let (_, after) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    Some(after.split_once('"')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_the_lock_file() {
        let lock = "[[package]]\nname = \"wasm-bindgen-shared\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(version_in(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(version_in(lock, "wasm"), None);
    }
}
