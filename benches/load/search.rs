//! How long a search takes among many files, for whom they belong to and for somebody else who has few. Once with the built-in
//! model for searching, as it is when nothing is set, and once with a model server that answers at once: what is left then
//! is the search's own.

use std::{
    cell::Cell,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use futures::{StreamExt, TryStreamExt, stream, try_join};
use reqwest::Client;
use sardonyx::{
    domain::{
        file::{Chunk, FileName},
        file_kind::FileKind,
        ids::BlobId,
        limits,
        place::Place,
        search::SearchResults,
    },
    server::db::{ChunkVector, Db, FileFindings, FilePart, Lapsed, NewFile, NewPart, TakenFile, UserDb},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    time::sleep,
};
use uuid::Uuid;

use crate::{
    client::{Browser, http_client},
    files::Effort,
    process::Folder,
    random::{Random, word},
    report::{Budget, Report},
    seed::{self, PASSWORD},
    server::{SEARCH_MODEL, Sardonyx, database_url, start_search_model},
    stats::{Samples, ms},
    upstream::{self, Upstream},
};

/// Of a vector of either model.
const DIMENSIONS: usize = 384;
/// Files of the person who has few.
const FEW_FILES: usize = 10;
const CHUNKS_PER_FILE: u32 = 20;
/// About as many as pieces of prose have.
const PARTS_PER_CHUNK: usize = 4;
const WORDS_PER_CHUNK: usize = 95;
const MANY_MS_MAX: f64 = 30.0;
const FEW_MS_MAX: f64 = 5.0;

/// What tells what a question means.
#[derive(Clone, Copy)]
pub enum Meaning<'a> {
    BuiltIn,
    /// A model server that answers at once.
    AtOnce(&'a Upstream),
}

/// A server with two people who search.
pub struct Stage<'a> {
    meaning: Meaning<'a>,
    home: PathBuf,
    http: Client,
    many: Browser,
    pub few: Browser,
    pub server: Sardonyx,
}

impl<'a> Stage<'a> {
    pub async fn start(folder: &Folder, meaning: Meaning<'a>, effort: &Effort) -> Result<Self> {
        let (name, model) = match meaning {
            Meaning::BuiltIn => ("search", SEARCH_MODEL.to_owned()),
            Meaning::AtOnce(_) => ("search-at-once", format!("openai/{}", upstream::MODEL)),
        };
        let home = folder.make(name)?;
        eprintln!("seeding files …");
        let db =
            Db::connect(&database_url(&home), limits::DATABASE_CONNECTIONS).await.map_err(|error| anyhow!(error))?;
        db.migrate().await.map_err(|error| anyhow!(error))?;
        let mut people = Vec::new();
        for (name, files) in [("many", effort.files), ("few", FEW_FILES)] {
            let email = format!("{name}@example.org");
            let owner = seed::add_owner(&db, &email).await?;
            add_files(&db, &owner, &model, files).await?;
            people.push(email);
        }
        db.close().await;
        let server = match meaning {
            Meaning::BuiltIn => Sardonyx::start_with_search_model(&home).await?,
            Meaning::AtOnce(upstream) => Sardonyx::start_with_search_by(&home, &upstream.base_url, &model).await?,
        };
        let http = http_client()?;
        let many = Browser::log_in(&http, &server, &people[0]).await?;
        let few = Browser::log_in(&http, &server, &people[1]).await?;
        Ok(Self { meaning, home, http, many, few, server })
    }

    pub async fn measure(&self, effort: &Effort, report: &mut Report) -> Result<()> {
        let (how, model) = match self.meaning {
            Meaning::BuiltIn => ("", ask_model_often(&self.home, effort.searches).await?),
            Meaning::AtOnce(upstream) => {
                (", model server at once", ask_upstream_often(&self.http, upstream, effort.searches).await?)
            }
        };
        let pieces = effort.files as u64 * u64::from(CHUNKS_PER_FILE);
        // The first search of anybody brings their vectors into memory.
        let started = Instant::now();
        search(&self.many, 0).await?;
        let first = ms(started.elapsed());
        let title = format!("the first, among {pieces} pieces{how}");
        report.add("search", title, "ms", Some(first), None, Budget::None);
        search(&self.few, 0).await?;
        let alone = [search_often(&self.many, effort.searches).await?, search_often(&self.few, effort.searches).await?];
        let (of_many, of_few) =
            try_join!(search_often(&self.many, effort.searches), search_often(&self.few, effort.searches))?;
        let cases = [
            (format!("among {pieces} pieces{how}"), MANY_MS_MAX, &alone[0], &of_many),
            (format!("among {} pieces{how}", FEW_FILES as u32 * CHUNKS_PER_FILE), FEW_MS_MAX, &alone[1], &of_few),
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

    /// How long the account of who has many takes to go, and what becomes of others meanwhile.
    pub async fn measure_deletion(&self, report: &mut Report) -> Result<()> {
        let db = Db::connect(&database_url(&self.home), 1).await.map_err(|error| anyhow!(error))?;
        let is_gone = Cell::new(false);
        let deletes = async {
            let started = Instant::now();
            self.many.call("delete_account", &[("password", PASSWORD)]).await?;
            let answered = ms(started.elapsed());
            while !db.list_being_deleted().await.map_err(|error| anyhow!(error))?.is_empty() {
                sleep(Duration::from_millis(20)).await;
            }
            is_gone.set(true);
            Ok((answered, started.elapsed().as_secs_f64()))
        };
        let writes = async {
            let mut longest = 0.0_f64;
            while !is_gone.get() {
                let started = Instant::now();
                self.few.create_chat().await?;
                longest = longest.max(ms(started.elapsed()));
            }
            anyhow::Ok(longest)
        };
        let ((answered, gone), longest) = try_join!(deletes, writes)?;
        db.close().await;
        for (name, unit, figure) in [
            ("the account with all these files, until it is answered", "ms", answered),
            ("the same, until all of it is gone", "s", gone),
            ("the longest write of another meanwhile", "ms", longest),
        ] {
            report.add("deletion", name.to_owned(), unit, Some(figure), None, Budget::None);
        }
        Ok(())
    }

    pub async fn stop(self, report: &mut Report) -> Result<()> {
        report.note_log(&self.server.read_log()?);
        self.server.stop().await
    }
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

/// What the model server takes, with nothing between.
async fn ask_upstream_often(http: &Client, upstream: &Upstream, searches: usize) -> Result<Samples> {
    let mut times = Samples::default();
    for number in 0..=searches {
        let asked = serde_json::json!({ "model": upstream::MODEL, "input": [question(number)] });
        let started = Instant::now();
        let answer = http.post(format!("{}/embeddings", upstream.base_url)).json(&asked).send().await?;
        answer.error_for_status()?.bytes().await?;
        // The first one opens the connection.
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

/// Files as they are when they were read, without their contents.
async fn add_files(db: &Db, owner: &UserDb, model: &str, count: usize) -> Result<()> {
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
        let fill = taken.into_iter().enumerate().map(|(place, file)| fill(owner, file, model, (first + place) as u64));
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

async fn fill(owner: &UserDb, file: TakenFile, model: &str, seed: u64) -> Result<()> {
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
    owner.begin_vectors(id, lease, model.to_owned()).await?;
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
