//! Files: what a large upload costs, how fast they are read, and how long a search takes among many, for whom they belong to
//! and for somebody else who has few. With the built-in model for searching, as it is when nothing is set.

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream, try_join};
use sardonyx::{
    domain::{
        file::{Chunk, File, FileName, FilePage},
        file_kind::FileKind,
        file_state::FileState,
        ids::BlobId,
        limits,
        place::Place,
        search::SearchResults,
    },
    server::db::{ChunkVector, Db, FileFindings, FilePart, Lapsed, NewFile, NewPart, UserDb},
};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    time::{MissedTickBehavior, interval, sleep},
};
use uuid::Uuid;

use crate::{
    client::{Browser, http_client},
    process::Folder,
    report::{Budget, Report},
    seed,
    server::{SEARCH_MODEL, Sardonyx, database_url, start_search_model},
    stats::{Samples, ms},
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

/// Of a vector of the built-in model.
const DIMENSIONS: usize = 384;
/// Files of the person who has few.
const FEW_FILES: usize = 10;
const CHUNKS_PER_FILE: u32 = 20;
/// About as many as pieces of prose have.
const PARTS_PER_CHUNK: usize = 4;
const PAGES: usize = 100;
const LINES_PER_PAGE: usize = 40;
/// Words there are; the first ones are in almost every piece.
const VOCABULARY: usize = 20_000;
const WORDS_PER_CHUNK: usize = 95;
const SEARCH_MANY_MS_MAX: f64 = 30.0;
const SEARCH_FEW_MS_MAX: f64 = 5.0;
/// What an upload may add to the server's memory, however large it is.
const UPLOAD_MB_MAX: f64 = 64.0;
/// The connection is cut this often during the large upload.
const CUTS: u64 = 12;
const BLOCK_BYTES: usize = 64 * 1_024;

/// Measures everything on a server of its own.
pub async fn measure(folder: &Folder, effort: &Effort, report: &mut Report) -> Result<()> {
    let home = folder.make("files")?;
    eprintln!("seeding files …");
    let db = Db::connect(&database_url(&home), limits::DATABASE_CONNECTIONS).await.map_err(|error| anyhow!(error))?;
    db.migrate().await.map_err(|error| anyhow!(error))?;
    let mut people = Vec::new();
    for (name, files) in [("many", effort.files), ("few", FEW_FILES)] {
        let email = format!("{name}@example.org");
        let owner = seed::add_owner(&db, &email).await?;
        add_files(&db, &owner, files).await?;
        people.push(email);
    }
    db.close().await;
    let server = Sardonyx::start_with_search_model(&home).await?;
    let http = http_client()?;
    let many = Browser::log_in(&http, &server, &people[0]).await?;
    let few = Browser::log_in(&http, &server, &people[1]).await?;
    let model = ask_model_often(&home, effort.searches).await?;
    measure_search(&many, &few, &model, effort, report).await?;
    measure_reading(&few, effort, report).await?;
    measure_upload(&server, &few, effort, report).await?;
    report.note_log(&server.read_log()?);
    server.stop().await
}

async fn measure_search(
    many: &Browser,
    few: &Browser,
    model: &Samples,
    effort: &Effort,
    report: &mut Report,
) -> Result<()> {
    let pieces = effort.files as u64 * u64::from(CHUNKS_PER_FILE);
    // The first search of anybody brings their vectors into memory.
    let started = Instant::now();
    search(many, 0).await?;
    let first = ms(started.elapsed());
    report.add("search", format!("the first, among {pieces} pieces"), "ms", Some(first), None, Budget::None);
    search(few, 0).await?;
    let alone = [search_often(many, effort.searches).await?, search_often(few, effort.searches).await?];
    let (of_many, of_few) = try_join!(search_often(many, effort.searches), search_often(few, effort.searches))?;
    let cases = [
        (format!("among {pieces} pieces"), SEARCH_MANY_MS_MAX, &alone[0], &of_many),
        (format!("among {} pieces", FEW_FILES as u32 * CHUNKS_PER_FILE), SEARCH_FEW_MS_MAX, &alone[1], &of_few),
    ];
    for (name, most, alone, together) in cases {
        for percent in [50, 99] {
            let (alone, model) = (alone.percentile(percent), model.percentile(percent));
            let title = format!("{name}, p{percent}; floor: the model for the question");
            report.add("search", title, "ms", alone, model, Budget::Below(most));
            let title = format!("{name}, both at once, p{percent}; floor: alone");
            report.add("search", title, "ms", together.percentile(percent), alone, Budget::Below(most));
        }
    }
    Ok(())
}

async fn search_often(browser: &Browser, searches: usize) -> Result<Samples> {
    let mut times = Samples::default();
    for number in 1..=searches {
        let started = Instant::now();
        search(browser, number).await?;
        times.push(ms(started.elapsed()));
    }
    Ok(times)
}

/// What the model alone takes to say what the same questions mean, when nothing else is done.
async fn ask_model_often(home: &Path, searches: usize) -> Result<Samples> {
    let mut model = start_search_model(home)?;
    let mut questions = model.stdin.take().context("the model hears nothing")?;
    let mut answers = BufReader::new(model.stdout.take().context("the model says nothing")?).lines();
    let mut times = Samples::default();
    for number in 0..=searches {
        let asked = serde_json::json!({ "texts": [question(number)], "pieces": [] });
        let started = Instant::now();
        questions.write_all(format!("{asked}\n").as_bytes()).await?;
        answers.next_line().await?.context("the model did not answer")?;
        // The first one waits until the model is loaded.
        if number > 0 {
            times.push(ms(started.elapsed()));
        }
    }
    Ok(times)
}

/// A question with words of all sorts.
fn question(number: usize) -> String {
    let mut random = Random::new(number as u64 + 1);
    let words: Vec<String> =
        (0..6).map(|place| word(if place < 3 { random.below(300) } else { random.word() })).collect();
    words.join(" ")
}

async fn search(browser: &Browser, number: usize) -> Result<()> {
    let found: SearchResults = browser.ask("search_files", &[("question", &question(number))]).await?;
    ensure!(found.is_by_meaning, "what finds by meaning was away");
    Ok(())
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

/// Files as they are when they were read, without their contents.
async fn add_files(db: &Db, owner: &UserDb, count: usize) -> Result<()> {
    const AT_A_TIME: usize = 100;
    for first in (0..count).step_by(AT_A_TIME) {
        let numbers = first..count.min(first + AT_A_TIME);
        let waiting = numbers.len();
        stream::iter(numbers.map(|number| add_file(db, owner, number)))
            .buffer_unordered(AT_A_TIME)
            .try_collect::<()>()
            .await?;
        let taken = db.take_files(Lapsed::ByTime, waiting).await?;
        ensure!(taken.len() == waiting, "files are missing");
        let fill = taken.into_iter().enumerate().map(|(place, file)| fill(owner, file, (first + place) as u64));
        stream::iter(fill).buffer_unordered(AT_A_TIME).try_collect::<()>().await?;
    }
    Ok(())
}

async fn add_file(db: &Db, owner: &UserDb, number: usize) -> Result<()> {
    let new = NewFile {
        name: FileName::parse(&format!("file-{number}.txt"))?,
        kind: FileKind::Text,
        size_bytes: Some(1),
        modified_at_ms: None,
        is_kept: true,
        for_chat_id: None,
        storage_bytes_max: u64::MAX / 2,
    };
    let file = owner.add_file(new).await?;
    let part = FilePart { offset_bytes: 0, size_bytes: 1, blob_id: BlobId(Uuid::new_v4()) };
    db.promise_blob(part.blob_id).await?;
    owner.add_part(NewPart { file_id: file.id, part, grows_up_to: None }).await?;
    Ok(())
}

async fn fill(owner: &UserDb, file: sardonyx::server::db::TakenFile, seed: u64) -> Result<()> {
    let (id, lease) = (file.file_id, file.lease);
    let mut random = Random::new(seed * 7 + 3);
    let chunks: Vec<Chunk> = (0..CHUNKS_PER_FILE)
        .map(|seq| {
            let words: Vec<String> = (0..WORDS_PER_CHUNK).map(|_| word(random.word())).collect();
            Chunk { seq, place: Place::Line { line: seq + 1 }, heading: String::new(), text: words.join(" ") }
        })
        .collect();
    let text_chars = chunks.iter().map(|chunk| chunk.text.chars().count() as u64).sum();
    owner.keep_chunks(id, lease, chunks).await?;
    let findings = FileFindings { text_chars, chunks: CHUNKS_PER_FILE, ..FileFindings::new(FileKind::Text) };
    owner.finish_reading(id, lease, findings).await?;
    owner.begin_vectors(id, lease, SEARCH_MODEL.to_owned()).await?;
    let bare = owner.list_bare_chunks(id, u64::from(CHUNKS_PER_FILE)).await?;
    let vectors = bare.into_iter().map(|chunk| ChunkVector {
        chunk_id: chunk.id,
        vector: (0..DIMENSIONS).map(|_| random.next().to_le_bytes()[0]).collect(),
        parts: (0..PARTS_PER_CHUNK * DIMENSIONS).map(|_| random.next().to_le_bytes()[0]).collect(),
    });
    owner.keep_vectors(id, lease, vectors.collect()).await?;
    owner.finish_file(id, lease, Ok(())).await.context("a file was not finished")?;
    Ok(())
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

/// A word by its number.
fn word(number: usize) -> String {
    const SYLLABLES: [&str; 20] = [
        "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "va", "we", "xi",
        "yo", "zu",
    ];
    let mut rest = number + 400;
    let mut word = String::new();
    while rest > 0 {
        word.push_str(SYLLABLES[rest % SYLLABLES.len()]);
        rest /= SYLLABLES.len();
    }
    word
}

/// Numbers that are always the same (xorshift, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most.max(1) as u64).unwrap_or_default()
    }

    /// A word's number: the smaller, the more often, as in any language.
    fn word(&mut self) -> usize {
        let share = self.below(1_000_000) as f64 / 1_000_000.0;
        ((VOCABULARY as f64).powf(share) as usize).min(VOCABULARY) - 1
    }
}
