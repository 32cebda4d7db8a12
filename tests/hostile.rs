//! Files that were made to do harm (`tests/hostile`): each is read or refused, within what its process may take, and the
//! server does not notice.

use std::{collections::HashMap, path::Path};

use sardonyx::domain::limits;
use serde::Deserialize;
use tokio::process::Command;

use crate::support::{
    Setup,
    people::PASSWORD,
    process::Process,
    site::{Site, log_in},
};

crate::once![f9_f10_f11_f13_f16_a_hostile_file_takes_no_more_than_it_may, f9_f11_the_server_stays_as_it_was,];

/// Those that take all the time that they may: for the long form.
const SLOW: [&str; 6] = [
    "deep_lists.html",
    "deep_nesting.epub",
    "flate_bomb_text.pdf",
    "form_laughs.pdf",
    "map_long_targets.pdf",
    "one_slide_many_times.pptx",
];

/// Those that are refused for what they would become, and what a person is told.
const TOLD: [(&str, &str); 4] = [
    ("zip_bomb.docx", "too_large_unpacked"),
    ("zip_bomb.xlsx", "too_large_unpacked"),
    ("many_entries.docx", "too_large_unpacked"),
    ("header_huge.png", "too_many_pixels"),
];

/// One of each sort.
const WORST: [&str; 14] = [
    "zip_bomb.docx",
    "zip_bomb.xlsx",
    "overlap_full.xlsx",
    "many_entries.docx",
    "last_cell.xlsx",
    "billion_laughs.docx",
    "deep_tables.docx",
    "string_amplified.xlsx",
    "flate_bombs_on_pages.pdf",
    "page_tree_loop.pdf",
    "many_pages.pdf",
    "header_huge.png",
    "open_tags.html",
    "innocent.pdf",
];

/// What a process may take of memory (`FILE_READER_BYTES_MAX`), and what the program itself takes; unoptimised, more than
/// when it is shipped.
const PEAK_KIB_MAX: u64 = (208 + 80) * 1_024;
/// What the server may have taken at the most, with the model's files away.
const SERVER_PEAK_KIB_MAX: u64 = 200 * 1_024;

#[derive(Deserialize)]
struct Manifest {
    files: Vec<Hostile>,
}

#[derive(Deserialize)]
struct Hostile {
    file: String,
    /// `ready`, `failed`, or `any`.
    expect: String,
    text: Option<String>,
    absent: Option<String>,
}

#[derive(Deserialize)]
struct Measured {
    file: String,
    outcome: String,
    reason: String,
    peak_kib: u64,
    seconds: f64,
    text: String,
}

async fn make(folder: &Path) -> Vec<Hostile> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/make.py");
    let made = Command::new("python3").arg(script).arg(folder).output().await.unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let manifest: Manifest = serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    manifest.files
}

async fn f9_f10_f11_f13_f16_a_hostile_file_takes_no_more_than_it_may(_: Setup) {
    let folder = tempfile::tempdir().unwrap();
    let files = make(folder.path()).await;
    let is_long = std::env::var_os("SARDONYX_TEST_LONG").is_some();
    let files: HashMap<String, Hostile> = files
        .into_iter()
        .filter(|file| is_long || !SLOW.contains(&file.file.as_str()))
        .map(|file| (file.file.clone(), file))
        .collect();
    assert!(files.len() >= 100);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/measure.py");
    let program = env!("CARGO_BIN_EXE_sardonyx");
    let read =
        Command::new("python3").arg(script).arg(program).arg(folder.path()).args(files.keys()).output().await.unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let measured: Vec<Measured> = read
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(measured.len(), files.len());
    let mut wrong = Vec::new();
    for measured in &measured {
        let file = &files[&measured.file];
        let has =
            |text: &Option<String>| text.as_ref().is_some_and(|text| plain(&measured.text).contains(&plain(text)));
        let is_right = match file.expect.as_str() {
            "ready" => measured.outcome == "ready" && (file.text.is_none() || has(&file.text)),
            "failed" => measured.outcome != "ready",
            _ => true,
        };
        let is_safe = file.absent.as_ref().is_none_or(|absent| !measured.text.contains(absent));
        let Measured { outcome, reason, peak_kib, seconds, .. } = measured;
        let is_bounded = *peak_kib <= PEAK_KIB_MAX && *seconds <= limits::FILE_READER_SECONDS_MAX as f64;
        let is_told = told(&measured.file).is_none_or(|told| told == reason);
        if !is_right || !is_safe || !is_bounded || !is_told {
            wrong.push(format!("{}: {outcome} {reason} {peak_kib} KiB {seconds:.1} s", measured.file));
        }
    }
    let longest = measured.iter().map(|measured| measured.seconds).fold(0.0, f64::max);
    let peak = measured.iter().map(|measured| measured.peak_kib).max().unwrap();
    let died = measured.iter().filter(|measured| measured.outcome == "died").count();
    println!(
        "{} hostile files, {died} ended their process, at most {} MiB and {longest:.1} s",
        measured.len(),
        peak / 1_024
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn told(name: &str) -> Option<&'static str> {
    TOLD.iter().find(|(file, _)| *file == name).map(|(_, told)| *told)
}

fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn f9_f11_the_server_stays_as_it_was(setup: Setup) {
    let folder = tempfile::tempdir().unwrap();
    let files: HashMap<String, Hostile> =
        make(folder.path()).await.into_iter().map(|file| (file.file.clone(), file)).collect();
    let site = Site::new(&setup).await;
    assert!(site.add_user("alice@example.org", PASSWORD).await.status.success());
    let server = Process::start(&site.settings()).await;
    let alice = log_in(&server).await;
    let is_long = std::env::var_os("SARDONYX_TEST_LONG").is_some();
    let all = files.keys().map(String::as_str).filter(|name| is_long || WORST.contains(name));
    for name in all {
        let content = std::fs::read(folder.path().join(name)).unwrap();
        if content.is_empty() {
            continue;
        }
        let id = alice.upload(name, content).await;
        let (state, failure) = site.database.until_read(id).await;
        match files[name].expect.as_str() {
            "any" => {}
            expected => assert_eq!(state, expected, "{name}: {failure}"),
        }
        if let Some(told) = told(name) {
            assert_eq!(failure, told, "{name}");
        }
        // What it was is gone before the next one, so that all of them fit.
        alice.try_delete_file(id).await.ok::<()>();
    }
    // The same process all the time: another one would have another port.
    assert_eq!(alice.get("/healthz").await.status, 200);
    let peak = server.peak_kib();
    assert!(peak < SERVER_PEAK_KIB_MAX, "{} MiB", peak / 1_024);
    // No process and no temporary file is left.
    let left = std::fs::read_dir(&site.data).unwrap().flatten().map(|entry| entry.file_name()).collect::<Vec<_>>();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".tmp")), "{left:?}");
    server.kill().await;
}
