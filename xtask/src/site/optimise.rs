//! `wasm-opt` and `esbuild`: the last tenth of the browser half's size.

use std::fs;
use std::process::Command;

use anyhow::Result;
use sha2::{Digest, Sha256};

use crate::npm::{self, Optimiser};
use crate::process;
use crate::project::Project;
use crate::steps::Step;

/// For size as the network sees it: inlining, reordering functions, sharing expressions and making one function of two alike
/// save bytes, but make the rest so irregular that brotli's result grows by a tenth (measured: 332 KB against 359 KB; 340 KB
/// without `wasm-opt`).
/// Then what Rust's compiler and wasm-bindgen use, no more: every browser of the last years has it.
const WASM_OPTIONS: [&str; 13] = [
    "-Oz",
    "--skip-pass=inlining-optimizing",
    "--skip-pass=local-cse",
    "--skip-pass=merge-similar-functions",
    "--skip-pass=reorder-functions",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-call-indirect-overlong",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Without comments, blank space and long names of its own.
const SCRIPT_OPTIONS: [&str; 3] = ["--minify", "--format=esm", "--log-level=error"];

/// The same part of the program in fewer bytes; kept, because it takes a while. Without `wasm-opt` the part as it was.
pub fn smaller_wasm(project: &Project, step: &mut Step, name: &str, wasm: Vec<u8>) -> Result<Vec<u8>> {
    let folder = project.work().join("wasm-opt");
    let output = folder.join(name);
    let stamp = folder.join(format!("{name}.made-of"));
    let made_of = format!("{:x} {} {}", Sha256::digest(&wasm), npm::WASM_OPT.package, WASM_OPTIONS.join(" "));
    if fs::read_to_string(&stamp).is_ok_and(|made| made == made_of) {
        return Ok(fs::read(output)?);
    }
    let Some(mut wasm_opt) = find(project, step, &npm::WASM_OPT) else { return Ok(wasm) };
    fs::create_dir_all(&folder)?;
    let _ = fs::remove_file(&stamp);
    let input = folder.join("input");
    fs::write(&input, &wasm)?;
    process::output(wasm_opt.arg(&input).arg("--output").arg(&output).args(WASM_OPTIONS))?;
    fs::write(stamp, made_of)?;
    Ok(fs::read(output)?)
}

/// A script that does the same in fewer bytes. Without `esbuild` the script as it was.
pub fn smaller_script(project: &Project, step: &mut Step, script: String) -> Result<String> {
    let Some(mut esbuild) = find(project, step, &npm::ESBUILD) else { return Ok(script) };
    let input = project.work().join("input.js");
    fs::write(&input, &script)?;
    process::output(esbuild.arg(&input).args(SCRIPT_OPTIONS))
}

fn find(project: &Project, step: &mut Step, optimiser: &Optimiser) -> Option<Command> {
    npm::optimiser(project, step, optimiser)
        .inspect_err(|error| {
            step.say(&format!("{error:#}"));
            step.say(&format!("going on without {}: the browser half is larger than it need be", optimiser.package));
        })
        .ok()
}
