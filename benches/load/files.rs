//! Files: what a large upload costs, and how fast they are read beside many others, with the built-in model for searching, as
//! it is when nothing is set.

use std::{
    io,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use sardonyx::domain::{
    file::{File, FilePage},
    file_state::FileState,
};
use sha2::{Digest, Sha256};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::{
    client::Browser,
    process::Folder,
    random::{Random, word},
    report::{Budget, Report},
    search::{Meaning, Stage},
    server::Sardonyx,
    upstream::Upstream,
};

/// How much is done.
pub struct Effort {
    pub upload_bytes: u64,
    /// Documents of [`PAGES`] pages that are read at the same time.
    pub documents: usize,
    /// Files of the person who has many.
    pub files: usize,
    pub searches: usize,
}

const PAGES: usize = 100;
const LINES_PER_PAGE: usize = 40;
/// What an upload may add to the server's memory, however large it is.
const UPLOAD_MB_MAX: f64 = 64.0;
/// The connection is cut this often during the large upload.
const CUTS: u64 = 12;
const BLOCK_BYTES: usize = 64 * 1_024;

/// Measures everything on servers of its own.
pub async fn measure(folder: &Folder, upstream: &Upstream, effort: &Effort, report: &mut Report) -> Result<()> {
    let stage = Stage::start(folder, Meaning::AtOnce(upstream), effort).await?;
    stage.measure(effort, report).await?;
    stage.measure_deletion(report).await?;
    stage.stop(report).await?;
    let stage = Stage::start(folder, Meaning::BuiltIn, effort).await?;
    stage.measure(effort, report).await?;
    measure_reading(&stage.few, effort, report).await?;
    measure_upload(&stage.server, &stage.few, effort, report).await?;
    stage.stop(report).await
}

async fn measure_reading(browser: &Browser, effort: &Effort, report: &mut Report) -> Result<()> {
    let part = "reading";
    let started = Instant::now();
    browser.upload("one.pdf", Bytes::from(pdf(1))).await?;
    for (state, what) in STATES {
        until(browser, "one.pdf", state, 1).await?;
        let seconds = started.elapsed().as_secs_f64();
        let name = format!("a PDF of {PAGES} pages, from upload until {what}");
        report.add(part, name, "s", Some(seconds), None, Budget::None);
    }
    let started = Instant::now();
    for number in 0..effort.documents {
        browser.upload(&format!("several-{number}.pdf"), Bytes::from(pdf(number as u64 + 2))).await?;
    }
    until(browser, "several-", FileState::Ready, effort.documents).await?;
    let speed = (effort.documents * PAGES) as f64 / started.elapsed().as_secs_f64();
    let name = format!("pages a second, {} such at once, until they are ready", effort.documents);
    report.add(part, name, "", Some(speed), None, Budget::None);
    Ok(())
}

/// How far a file is, and what that means.
const STATES: [(FileState, &str); 2] =
    [(FileState::Indexing, "its words can be found"), (FileState::Ready, "it is ready, with its meaning")];

/// Waits until so many files of these names are as far as that.
async fn until(browser: &Browser, name: &str, state: FileState, count: usize) -> Result<()> {
    loop {
        let page: FilePage = browser.ask("list_files", &[("search", name), ("order", "newest")]).await?;
        let failed = page.files.iter().find(|file| matches!(file.state, FileState::Failed(_)));
        ensure!(failed.is_none(), "a file could not be read: {failed:?}");
        let is_so_far = |file: &&File| file.state == state || file.state == FileState::Ready;
        if page.files.iter().filter(is_so_far).count() == count {
            return Ok(());
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// A large file, cut off again and again at random places, and read back.
async fn measure_upload(server: &Sardonyx, browser: &Browser, effort: &Effort, report: &mut Report) -> Result<()> {
    let (part, bytes) = ("upload", effort.upload_bytes);
    sleep(Duration::from_secs(3)).await;
    let before_mb = server.process.resident_mb()?;
    let mut peak_mb = before_mb;
    let started = Instant::now();
    let sending = send_in_pieces(browser, bytes);
    tokio::pin!(sending);
    let mut looks = interval(Duration::from_millis(20));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let place = loop {
        tokio::select! {
            sent = &mut sending => break sent?,
            _ = looks.tick() => peak_mb = peak_mb.max(server.process.resident_mb()?),
        }
    };
    let speed = bytes as f64 / 1e6 / started.elapsed().as_secs_f64();
    let mut wanted = Sha256::new();
    for block in 0..bytes.div_ceil(BLOCK_BYTES as u64) {
        wanted.update(block_of(block, bytes));
    }
    let mut sum = Sha256::new();
    let mut content = browser.download(&place.replace("/uploads", "")).await?;
    while let Some(piece) = content.try_next().await? {
        sum.update(&piece);
        peak_mb = peak_mb.max(server.process.resident_mb()?);
    }
    ensure!(sum.finalize() == wanted.finalize(), "the file is not what was sent");
    let name = format!("memory that {} MB more takes, up and down", bytes / 1_000_000);
    report.add(part, name, "MB", Some(peak_mb - before_mb), None, Budget::Below(UPLOAD_MB_MAX));
    report.add(
        part,
        format!("speed, with {CUTS} cuts; the same bytes come back"),
        "MB/s",
        Some(speed),
        None,
        Budget::None,
    );
    Ok(())
}

async fn send_in_pieces(browser: &Browser, bytes: u64) -> Result<String> {
    let place = browser.begin_upload("large.bin", bytes).await?;
    let mut random = Random::new(7);
    let mut cuts = 0;
    loop {
        let offset = browser.upload_offset(&place).await?;
        if offset == bytes {
            return Ok(place);
        }
        let most = bytes * 2 / CUTS;
        let length = if cuts < CUTS { random.below(most as usize) as u64 } else { bytes };
        cuts += 1;
        let end = bytes.min(offset + length.max(1));
        let pieces = stream::iter((offset / BLOCK_BYTES as u64)..end.div_ceil(BLOCK_BYTES as u64)).map(move |block| {
            let begin = block * BLOCK_BYTES as u64;
            let content = block_of(block, bytes);
            let from = usize::try_from(offset.saturating_sub(begin)).unwrap_or_default();
            let to = usize::try_from((end - begin).min(content.len() as u64)).unwrap_or_default();
            Ok(Bytes::copy_from_slice(&content[from..to]))
        });
        // A connection that breaks in the middle of what it announced.
        let cut = stream::iter((end < bytes).then(|| Err(io::Error::other("cut"))));
        // Whatever it answers: where it is says the next look.
        let _ = browser.send_piece(&place, offset, reqwest::Body::wrap_stream(pieces.chain(cut))).await;
    }
}

/// The content of the large file, from its place alone.
fn block_of(block: u64, bytes: u64) -> Vec<u8> {
    let length = (bytes - block * BLOCK_BYTES as u64).min(BLOCK_BYTES as u64);
    let mut random = Random::new(block + 1);
    let mut content = Vec::with_capacity(BLOCK_BYTES);
    while (content.len() as u64) < length {
        content.extend_from_slice(&random.next().to_le_bytes());
    }
    content.truncate(usize::try_from(length).unwrap_or(BLOCK_BYTES));
    content
}

/// A PDF of text, as simple as it can be.
fn pdf(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut objects = vec!["<< /Type /Catalog /Pages 2 0 R >>".to_owned()];
    let kids: Vec<String> = (0..PAGES).map(|page| format!("{} 0 R", 4 + page * 2)).collect();
    objects.push(format!("<< /Type /Pages /Count {PAGES} /Kids [{}] >>", kids.join(" ")));
    objects.push("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned());
    for page in 0..PAGES {
        let lines: String = (0..LINES_PER_PAGE)
            .map(|_| {
                let words: Vec<String> = (0..12).map(|_| word(random.word())).collect();
                format!("({}) Tj T*\n", words.join(" "))
            })
            .collect();
        let content = format!("BT /F1 10 Tf 14 TL 40 780 Td\n{lines}ET");
        let media = "/MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >>";
        objects.push(format!("<< /Type /Page /Parent 2 0 R {media} /Contents {} 0 R >>", 5 + page * 2));
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
    }
    let mut pdf = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        places.push(pdf.len());
        pdf.extend_from_slice(format!("{} 0 obj\n{object}\nendobj\n", number + 1).as_bytes());
    }
    let table = pdf.len();
    pdf.extend_from_slice(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).as_bytes());
    for place in places {
        pdf.extend_from_slice(format!("{place:010} 00000 n \n").as_bytes());
    }
    let size = objects.len() + 1;
    pdf.extend_from_slice(format!("trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n").as_bytes());
    pdf
}
