//! `cargo xtask size`: what the browser must load for the first page, against the budget.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::build;
use crate::project::Project;
use crate::site::Kind;
use crate::steps::Steps;

/// Script, browser half and style together, as brotli sends them.
const BUDGET_BYTES: u64 = 350 * 1024;

/// What one asset weighs, in bytes.
struct Weight {
    name: &'static str,
    raw: u64,
    gzip: u64,
    brotli: u64,
}

pub fn run(project: &Project) -> Result<ExitCode> {
    build::browser_half(project, &mut Steps::new(3), Kind::Release)?;
    let (table, within) = measure(project)?;
    println!("\n{table}");
    Ok(if within { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The release site's table, and whether the site is within the budget.
pub fn measure(project: &Project) -> Result<(String, bool)> {
    let site = project.site();
    let assets: Value = serde_json::from_str(&fs::read_to_string(site.join("assets.json"))?)?;
    let weights = [("wasm", "wasm"), ("js", "script"), ("loader", "loader"), ("css", "style")]
        .map(|(name, key)| {
            let url = assets[key].as_str().with_context(|| format!("assets.json names no {key}"))?;
            weigh(name, &site.join(url.trim_start_matches('/')))
        })
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    let total = Weight {
        name: "total",
        raw: weights.iter().map(|weight| weight.raw).sum(),
        gzip: weights.iter().map(|weight| weight.gzip).sum(),
        brotli: weights.iter().map(|weight| weight.brotli).sum(),
    };
    let within = total.brotli <= BUDGET_BYTES;
    let mut text = table(weights.iter().chain([&total]), total.brotli);
    for (part, files) in assets["parts"].as_object().into_iter().flatten() {
        let files = files.as_array().into_iter().flatten().filter_map(Value::as_str);
        let bytes = files.map(|url| Ok(weigh("part", &site.join(url.trim_start_matches('/')))?.brotli));
        let bytes = bytes.sum::<Result<u64>>()?;
        let _ = write!(text, "\nlater, with the first page below /{part}: {} brotli", kib(bytes));
    }
    Ok((text, within))
}

fn weigh(name: &'static str, file: &Path) -> Result<Weight> {
    let bytes = |ending: &str| Ok::<_, anyhow::Error>(fs::metadata(format!("{}{ending}", file.display()))?.len());
    let raw = bytes("")?;
    // Very small files are sent as they are.
    Ok(Weight { name, raw, gzip: bytes(".gz").unwrap_or(raw), brotli: bytes(".br").unwrap_or(raw) })
}

fn table<'a>(weights: impl Iterator<Item = &'a Weight>, total: u64) -> String {
    let mut table = format!("{:<8}{:>12}{:>12}{:>12}\n", "", "raw", "gzip", "brotli");
    for Weight { name, raw, gzip, brotli } in weights {
        let _ = writeln!(table, "{name:<8}{:>12}{:>12}{:>12}", kib(*raw), kib(*gzip), kib(*brotli));
    }
    let verdict = if total <= BUDGET_BYTES { "within" } else { "OVER" };
    let _ = write!(table, "{verdict} the budget of {} brotli", kib(BUDGET_BYTES));
    table
}

fn kib(bytes: u64) -> String {
    format!("{:.1} KiB", bytes as f64 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_follows_the_total() {
        let weight = Weight { name: "total", raw: 1, gzip: 1, brotli: BUDGET_BYTES + 1 };
        assert!(table([&weight].into_iter(), weight.brotli).ends_with("OVER the budget of 350.0 KiB brotli"));
        assert!(table([&weight].into_iter(), BUDGET_BYTES).contains("within the budget"));
    }
}
