//! What the browser loads, in `target/site`: the server embeds that folder (debug builds read it at run time).
//!
//! ```text
//! pkg/<hash>/sardonyx.js .wasm        the browser half; the folder is named after a hash of all that is in it, and may be
//! pkg/<hash>/parts.js, *.wasm         cached for ever: what is loaded later, and what loads it
//! pkg/<hash>/snippets/…               only if a crate brings scripts of its own
//! pkg/sardonyx-<hash>.css             a hash of the content
//! everything of public/               copied as it is
//! assets.json                         the names above, for the server; written last
//! *.br *.gz                           release sites only: compressed beforehand
//! ```

mod bindgen;
pub mod folder;
mod optimise;
mod style;

use std::fs;
use std::mem;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::process;
use crate::project::Project;
use crate::steps::Step;
use crate::toolchain::{TARGET, Toolchain};
use bindgen::{Glue, LOADER};

/// How the browser half is compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Dev,
    Release,
}

impl Kind {
    /// Cargo's profile, in Cargo.toml.
    fn profile(self) -> &'static str {
        match self {
            Self::Dev => "wasm-dev",
            Self::Release => "wasm-release",
        }
    }
}

/// A file of the site, not yet written.
pub struct File {
    /// Relative to the site's folder.
    pub path: String,
    pub content: Vec<u8>,
}

/// Compiles the browser half and gives back the compiler's output.
pub fn compile(project: &Project, step: &mut Step, toolchain: &Toolchain, kind: Kind) -> Result<PathBuf> {
    bindgen::check_version(project)?;
    step.make_room();
    let mut cargo = toolchain.cargo(project, "build");
    process::run(cargo.args(["--lib", "--features", "hydrate", "--profile", kind.profile()]))?;
    Ok(toolchain.target_folder(project).join(TARGET).join(kind.profile()).join("sardonyx.wasm"))
}

/// Makes the whole site of the compiled browser half, the style and `public/`.
pub fn assemble(project: &Project, step: &mut Step, wasm: &Path, kind: Kind) -> Result<()> {
    let mut glue = bindgen::glue(project, wasm, kind)?;
    if kind == Kind::Release {
        for (name, wasm) in &mut glue.wasm {
            *wasm = optimise::smaller_wasm(project, step, name, mem::take(wasm))?;
        }
        for (_, script) in &mut glue.scripts {
            *script = optimise::smaller_script(project, step, mem::take(script))?;
        }
    }
    let (files, assets) = browser_half(glue);
    write(project, files, assets, kind)
}

/// Makes the style and `public/` anew, and leaves the browser half as it is in the site.
pub fn refresh(project: &Project) -> Result<()> {
    let site = project.site();
    let files = folder::list(&site)?
        .into_iter()
        .filter(|path| path.starts_with("pkg/") && !path.ends_with(".css"))
        .map(|path| Ok(File { content: fs::read(site.join(&path))?, path }))
        .collect::<Result<_>>()?;
    let assets = fs::read_to_string(site.join("assets.json")).context("the site has no table: build it first")?;
    write(project, files, serde_json::from_str(&assets)?, Kind::Dev)
}

fn write(project: &Project, mut files: Vec<File>, mut assets: Value, kind: Kind) -> Result<()> {
    let style = hashed("css", style::bundle(&project.root.join("style"))?.into_bytes());
    assets["style"] = format!("/{}", style.path).into();
    files.push(style);
    let public = project.root.join("public");
    for path in folder::list(&public)? {
        files.push(File { content: fs::read(public.join(&path))?, path });
    }
    folder::sync(&project.site(), &files, kind == Kind::Release)?;
    folder::publish(&project.site(), "assets.json", &format!("{assets:#}\n"))?;
    folder::remove_stale(&project.site(), &files)
}

/// The browser half's files under their public names, and what the server must know of them.
fn browser_half(glue: Glue) -> (Vec<File>, Value) {
    let scripts = glue.scripts.into_iter().map(|(path, text)| (path, text.into_bytes()));
    let mut files = scripts.chain(glue.wasm).collect::<Vec<_>>();
    files.sort();
    // The files name each other, some in a circle: so their folder has the hash.
    let all = files.iter().flat_map(|(path, content)| [path.as_bytes(), content]).collect::<Vec<_>>().concat();
    let folder = format!("pkg/{}", hash(&all));
    let url = |name: &str| format!("/{folder}/{name}");
    let parts = glue.parts.iter().map(|(part, files)| {
        let urls = files.iter().map(|file| url(file)).collect::<Vec<_>>();
        (part.clone(), json!(urls))
    });
    let assets = json!({
        "script": url("sardonyx.js"),
        "wasm": url("sardonyx.wasm"),
        "loader": url(LOADER),
        "parts": parts.collect::<Map<_, _>>(),
    });
    let files = files.into_iter().map(|(path, content)| File { path: format!("{folder}/{path}"), content });
    (files.collect(), assets)
}

fn hashed(extension: &str, content: Vec<u8>) -> File {
    File { path: format!("pkg/sardonyx-{}.{extension}", hash(&content)), content }
}

/// Enough of a hash to tell two versions of a file apart.
fn hash(content: &[u8]) -> String {
    let mut digits = format!("{:x}", Sha256::digest(content));
    digits.truncate(16);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_folder_holds_all_that_name_each_other_and_changes_with_each_of_them() {
        let made = |part: u8| {
            browser_half(Glue {
                scripts: vec![("sardonyx.js".into(), "import './parts.js'".into())],
                wasm: vec![("sardonyx.wasm".into(), vec![0]), ("settings_1.wasm".into(), vec![part])],
                parts: [("settings".to_owned(), vec!["settings_1.wasm".to_owned()])].into(),
            })
        };
        let (files, assets) = made(1);
        let folder = assets["script"].as_str().and_then(|url| url.strip_suffix("sardonyx.js")).expect("its folder");
        assert!(files.iter().all(|file| format!("/{}", file.path).starts_with(folder)));
        assert_eq!(assets["parts"]["settings"][0], format!("{folder}settings_1.wasm"));
        assert_ne!(made(2).1["script"], assets["script"]);
    }

    #[test]
    fn a_name_changes_with_the_content() {
        assert_ne!(hashed("js", b"a".to_vec()).path, hashed("js", b"b".to_vec()).path);
    }
}
