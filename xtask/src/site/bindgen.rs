//! The steps between the compiler and the browser: cutting off what is loaded later (`ui/lazy.rs` says what), then
//! wasm-bindgen. Both as libraries.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;
use wasm_split_cli_support::Options;

use super::{Kind, folder};
use crate::project::Project;

/// The script that loads the parts; beside it the parts.
pub const LOADER: &str = "parts.js";
/// Which files each part consists of: `{"settings": ["chunk_0", "settings_1"]}`.
const PARTS: &str = "parts.json";

/// What is made of the compiler's output: files that name each other, relative to one folder.
pub struct Glue {
    /// `sardonyx.js`, `parts.js` and scripts that crates bring, by path.
    pub scripts: Vec<(String, String)>,
    /// `sardonyx.wasm` and the parts, by path.
    pub wasm: Vec<(String, Vec<u8>)>,
    /// The parts that are loaded later: their names, and which of the files above each needs.
    pub parts: BTreeMap<String, Vec<String>>,
}

/// The glue for this wasm; made anew only when the wasm changed.
pub fn glue(project: &Project, wasm: &Path, kind: Kind) -> Result<Glue> {
    let input = fs::read(wasm).with_context(|| format!("the compiler left no {}", wasm.display()))?;
    let made_of = format!(
        "{:x} {} {}",
        Sha256::digest(&input),
        locked_version(project, "wasm-bindgen")?,
        locked_version(project, "wasm_split_cli_support")?
    );
    let output = project.work().join(kind.profile());
    let stamp = output.join("made-of");
    if fs::read_to_string(&stamp).is_ok_and(|made| made == made_of) {
        return read(&output);
    }
    if output.exists() {
        fs::remove_dir_all(&output)?;
    }
    fs::create_dir_all(&output)?;
    let main = output.join("main.wasm");
    let split = {
        let mut options = Options::new(&input);
        let link_name = format!("./{LOADER}");
        options.output_dir = &output;
        options.main_out_path = &main;
        options.link_name = &link_name;
        options.main_module = "./sardonyx.js";
        wasm_split_cli_support::transform(options)
            .map_err(|error| anyhow!("{error:#}").context("the browser half cannot be cut into parts"))?
    };
    let release = kind == Kind::Release;
    Bindgen::new()
        .input_bytes("sardonyx", fs::read(&main)?)
        .web(true)?
        .typescript(false)
        // The parts use what the linker named.
        .keep_lld_exports(true)
        .demangle(false)
        // Names make stack traces readable while developing; they are a third of what ships.
        .remove_name_section(release)
        .remove_producers_section(release)
        .generate(&output)
        .map_err(|error| anyhow!(error).context("wasm-bindgen cannot read the browser half"))?;
    fs::remove_file(main)?;
    fs::rename(output.join("sardonyx_bg.wasm"), output.join("sardonyx.wasm"))?;
    fs::write(output.join(PARTS), serde_json::to_string(&split.prefetch_map)?)?;
    fs::write(stamp, made_of)?;
    read(&output)
}

fn read(output: &Path) -> Result<Glue> {
    let parts: BTreeMap<String, Vec<String>> = serde_json::from_str(&fs::read_to_string(output.join(PARTS))?)?;
    let mut glue = Glue {
        scripts: Vec::new(),
        wasm: Vec::new(),
        parts: parts
            .into_iter()
            .map(|(name, files)| (name, files.into_iter().map(|file| format!("{file}.wasm")).collect()))
            .collect(),
    };
    for path in folder::list(output)? {
        let file = output.join(&path);
        if path.ends_with(".wasm") {
            glue.wasm.push((path, fs::read(file)?));
        } else if path.ends_with(".js") {
            glue.scripts.push((path, fs::read_to_string(file)?));
        }
    }
    Ok(glue)
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
