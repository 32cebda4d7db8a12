//! What the browser loads, in `target/site`: the server embeds that folder (debug builds read it at run time).
//!
//! ```text
//! pkg/sardonyx-<hash>.js .wasm .css   hashes of the content: may be cached for ever
//! pkg/snippets-<hash>/…               only if a crate brings scripts of its own
//! everything of public/               copied as it is
//! assets.json                         the names above, for the server; written last
//! *.br *.gz                           release sites only: compressed beforehand
//! ```

mod bindgen;
pub mod folder;
mod optimise;
mod style;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::process;
use crate::project::Project;
use crate::steps::Step;
use crate::toolchain::{TARGET, Toolchain};
use bindgen::Glue;

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
        glue.wasm = optimise::smaller(project, step, glue.wasm)?;
    }
    let scripts = scripts(glue);
    write(project, scripts, kind)
}

/// Makes the style and `public/` anew, and leaves the browser half as it is in the site.
pub fn refresh(project: &Project) -> Result<()> {
    let site = project.site();
    let scripts = folder::list(&site)?
        .into_iter()
        .filter(|path| path.starts_with("pkg/") && !path.ends_with(".css"))
        .map(|path| Ok(File { content: fs::read(site.join(&path))?, path }))
        .collect::<Result<_>>()?;
    write(project, scripts, Kind::Dev)
}

fn write(project: &Project, mut files: Vec<File>, kind: Kind) -> Result<()> {
    files.push(hashed("css", style::bundle(&project.root.join("style"))?.into_bytes()));
    let assets = json!({
        "script": url(&files, "js")?,
        "wasm": url(&files, "wasm")?,
        "style": url(&files, "css")?,
    });
    let public = project.root.join("public");
    for path in folder::list(&public)? {
        files.push(File { content: fs::read(public.join(&path))?, path });
    }
    folder::sync(&project.site(), &files, kind == Kind::Release)?;
    folder::publish(&project.site(), "assets.json", &format!("{assets:#}\n"))?;
    folder::remove_stale(&project.site(), &files)
}

/// The browser half's files under their public names.
fn scripts(glue: Glue) -> Vec<File> {
    let mut files = vec![hashed("wasm", glue.wasm)];
    let mut script = glue.script;
    if !glue.snippets.is_empty() {
        let all = glue.snippets.iter().flat_map(|(path, text)| [path.as_bytes(), text.as_bytes()]).collect::<Vec<_>>();
        let folder = format!("snippets-{}", hash(&all.concat()));
        // The folder's name changes with its content, like every cached name.
        for quote in ['\'', '"'] {
            script = script.replace(&format!("{quote}./snippets/"), &format!("{quote}./{folder}/"));
        }
        files.extend(
            glue.snippets
                .into_iter()
                .map(|(path, text)| File { path: format!("pkg/{folder}/{path}"), content: text.into_bytes() }),
        );
    }
    files.push(hashed("js", script.into_bytes()));
    files
}

fn hashed(extension: &str, content: Vec<u8>) -> File {
    File { path: format!("pkg/sardonyx-{}.{extension}", hash(&content)), content }
}

/// The address of the one file of this kind beside the snippets.
fn url(files: &[File], extension: &str) -> Result<String> {
    let file = files.iter().find(|file| {
        file.path.starts_with("pkg/sardonyx-")
            && Path::new(&file.path).extension().is_some_and(|found| found == extension)
    });
    Ok(format!("/{}", file.with_context(|| format!("the site has no .{extension} file: build it first"))?.path))
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
    fn snippets_are_found_by_the_script_under_their_new_name() {
        let files = scripts(Glue {
            script: "import { a } from './snippets/x-1/inline0.js';".into(),
            wasm: vec![0],
            snippets: vec![("x-1/inline0.js".into(), "export const a = 1;".into())],
        });
        let snippet = files.iter().find(|file| file.path.ends_with("inline0.js")).expect("the snippet is a file");
        let script = files.iter().find(|file| file.path.starts_with("pkg/sardonyx-") && file.path.ends_with(".js"));
        let script = String::from_utf8_lossy(&script.expect("the script is a file").content).into_owned();
        let imported = snippet.path.replace("pkg/", "./");
        assert_eq!(script, format!("import {{ a }} from '{imported}';"));
    }

    #[test]
    fn a_name_changes_with_the_content() {
        assert_ne!(hashed("js", b"a".to_vec()).path, hashed("js", b"b".to_vec()).path);
    }
}
