//! Reads the files that wait, whoever took them in: a few at a time, under a lease, so that a file whose server dies is read
//! by another, and what was found in it is there once.

use std::{
    io::{Seek, Write},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures::TryStreamExt;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    content,
    extract::protocol::{Picture, PictureUse, Said},
    meaning::{PieceVectors, is_of_the_text},
    reader::Reader,
};
use crate::{
    domain::{
        file::{Chunk, File},
        file_state::FileFailure,
        limits,
        message::ReplyFailure,
        model::TextPiece,
    },
    error::{Error, Result},
    server::{
        db::{ChunkVector, FileFindings, FilePicture, Lapsed, TakenFile, UserDb},
        failpoints,
        state::AppState,
    },
};

/// Pieces of text that are kept at a time.
const CHUNKS_AT_A_TIME: usize = 200;
/// A shorter text is not tried with a model that refuses it.
const TEXT_EMBEDDED_CHARS_MIN: usize = 50;

/// What reads files on this server.
pub struct Readers {
    /// The program that reads one: this one.
    program: PathBuf,
    places: Arc<Semaphore>,
    /// There may be a file to read.
    arrived: Notify,
}

impl Readers {
    pub fn new(program: PathBuf) -> Self {
        let places = Arc::new(Semaphore::new(limits::FILES_READ_AT_A_TIME_MAX));
        Self { program, places, arrived: Notify::new() }
    }

    /// There is a file to read.
    pub fn wake(&self) {
        self.arrived.notify_one();
    }

    /// How many files are read at the moment.
    pub fn count(&self) -> usize {
        limits::FILES_READ_AT_A_TIME_MAX - self.places.available_permits()
    }
}

/// Runs until the server is told to stop. On SQLite, which belongs to one server, what was being read before it started is
/// read again at once.
pub async fn run(state: AppState) {
    let mut embeds = false;
    let mut lapsed = if state.db.is_sqlite() { Lapsed::All } else { Lapsed::ByTime };
    let mut sweeps = interval(Duration::from_secs(limits::FILE_SWEEP_SECONDS));
    sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = state.stopping.cancelled() => return,
            () = state.readers.arrived.notified() => {}
            _ = sweeps.tick() => {}
        }
        embeds = match state.meanings.model().filter(|model| state.models.can_embed(model)) {
            // At the start, and when its provider is there. A failure is logged where it happens; the next sweep tries again.
            Some(model) if !embeds => state.db.embed_again(model.to_string()).await.is_ok(),
            model => model.is_some(),
        };
        let mut free = Vec::new();
        while let Ok(place) = Arc::clone(&state.readers.places).try_acquire_owned() {
            free.push(place);
        }
        if free.is_empty() {
            continue;
        }
        // A failure is logged where it happens; the next sweep tries again.
        let Ok(taken) = state.db.take_files(lapsed, free.len()).await else { continue };
        lapsed = Lapsed::ByTime;
        for (file, place) in taken.into_iter().zip(free) {
            spawn(&state, file, place);
        }
    }
}

fn spawn(state: &AppState, taken: TakenFile, place: OwnedSemaphorePermit) {
    let state = state.clone();
    state.tasks.clone().spawn(async move {
        match look_at(&state, &taken).await {
            Ok(()) | Err(Error::NotFound) => {}
            Err(error) => give_back(&state, taken, error).await,
        }
        state.live.files_changed(taken.user_id);
        drop(place);
        state.readers.wake();
    });
}

/// Has a file wait until what is in its way may have passed.
async fn give_back(state: &AppState, taken: TakenFile, error: Error) {
    let is_stopping = state.stopping.is_cancelled();
    let pause_seconds = match error {
        _ if is_stopping => 0,
        // Its person may not use the site at the moment.
        Error::Forbidden => limits::FILE_PAUSE_SECONDS_MAX,
        _ => state.meanings.pause_seconds(),
    };
    if !is_stopping && error != Error::Forbidden {
        tracing::warn!(file = %taken.file_id, error = error.code(), "a file has to wait to be read");
    }
    // What fails for a reason that nobody knows may be the file's fault.
    let counts = error == Error::Internal;
    // When this fails, too, its lease runs out.
    let _ = state.db.give_back_file(taken, pause_seconds, counts).await;
}

/// # Errors
/// [`Error::NotFound`] when the file is gone, or another server's; [`Error::Forbidden`] when its person may not use the site;
/// anything else when it is not the file's fault.
async fn look_at(state: &AppState, taken: &TakenFile) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "this is what it is for")]
    let db = state.db.open_taken_file(taken).await?.ok_or(Error::Forbidden)?;
    let file = db.find_file(taken.file_id).await?.ok_or(Error::NotFound)?;
    failpoints::reach("file_taken");
    state.live.files_changed(taken.user_id);
    let outcome = match (taken.is_given_up, taken.is_read) {
        // It may be why its servers were lost.
        (true, false) => Err(FileFailure::TooHard),
        // What was made of it so far is there, and stays.
        (true, true) => Ok(()),
        (false, _) => tokio::select! {
            outcome = process(state, &db, &file, taken) => outcome?,
            error = keep_lease(&db, taken) => return Err(error),
            () = state.stopping.cancelled() => return Err(Error::Unavailable),
        },
    };
    if outcome.is_err() {
        db.forget_findings(taken.file_id, taken.lease).await?;
    }
    failpoints::reach("file_read");
    db.finish_file(taken.file_id, taken.lease, outcome).await?;
    failpoints::reach("file_finished");
    state.live.notifications_changed(taken.user_id);
    Ok(())
}

/// All that is to be done for a file, or what is left of it. The inner error is the file's, the outer one is not.
async fn process(
    state: &AppState,
    db: &UserDb,
    file: &File,
    taken: &TakenFile,
) -> Result<std::result::Result<(), FileFailure>> {
    if !taken.is_read {
        match read(state, db, file, taken).await {
            Ok(Ok(findings)) => db.finish_reading(file.id, taken.lease, findings).await?,
            Ok(Err(failure)) => return Ok(Err(failure)),
            Err(Error::ContentMissing) => return Ok(Err(FileFailure::Missing)),
            Err(error) => return Err(error),
        }
        failpoints::reach("text_indexed");
        state.live.files_changed(taken.user_id);
        state.live.notifications_changed(taken.user_id);
    }
    embed(state, db, file, taken).await?;
    Ok(Ok(()))
}

/// Has the model for searching say what each piece of the text means. Where there is none, words have to do.
async fn embed(state: &AppState, db: &UserDb, file: &File, taken: &TakenFile) -> Result<()> {
    let Some(model) = state.meanings.model().filter(|model| state.models.can_embed(model)) else {
        // Begun, and left by a model that is there no more.
        let is_whole = db.list_bare_chunks(file.id, 1).await?.is_empty();
        return if is_whole { Ok(()) } else { db.forget_vectors(file.id, taken.lease).await };
    };
    db.begin_vectors(file.id, taken.lease, model.to_string()).await?;
    loop {
        let bare = db.list_bare_chunks(file.id, limits::TEXTS_EMBEDDED_AT_A_TIME).await?;
        if bare.is_empty() {
            return Ok(());
        }
        let (ids, pieces): (Vec<i64>, Vec<TextPiece>) = bare.into_iter().map(|chunk| (chunk.id, chunk.text)).unzip();
        let vectors = match state.meanings.embed_pieces(&state.models, &pieces).await {
            Err(failure) if is_of_the_text(failure) => embed_one_by_one(state, pieces).await,
            vectors => vectors,
        };
        let vectors = vectors.map_err(|failure| {
            tracing::warn!(failure = failure.code(), "the model for searching failed; its file waits");
            Error::Unavailable
        })?;
        let to_row = |(chunk_id, PieceVectors { whole, parts })| ChunkVector { chunk_id, vector: whole, parts };
        db.keep_vectors(file.id, taken.lease, ids.into_iter().zip(vectors).map(to_row).collect()).await?;
        failpoints::reach("vectors_kept");
    }
}

/// For a model that takes less than pieces have: of a text that it refuses, the beginning; an empty vector, which is near
/// nothing, where it refuses that, too. With one that refuses every text, this fails.
async fn embed_one_by_one(
    state: &AppState,
    pieces: Vec<TextPiece>,
) -> std::result::Result<Vec<PieceVectors>, ReplyFailure> {
    let mut vectors = Vec::with_capacity(pieces.len());
    for mut piece in pieces {
        let vector = loop {
            match state.meanings.embed_pieces(&state.models, std::slice::from_ref(&piece)).await {
                Ok(mut one) => break one.pop().unwrap_or_default(),
                Err(failure) if is_of_the_text(failure) => {
                    let chars = piece.text.chars().count() / 2;
                    if chars < TEXT_EMBEDDED_CHARS_MIN {
                        state.meanings.try_out(&state.models).await?;
                        break PieceVectors::default();
                    }
                    piece = TextPiece { heading: String::new(), text: piece.text.chars().take(chars).collect() };
                }
                Err(failure) => return Err(failure),
            }
        };
        vectors.push(vector);
    }
    Ok(vectors)
}

/// Ends when the lease is lost.
async fn keep_lease(db: &UserDb, taken: &TakenFile) -> Error {
    let mut renewals = interval(Duration::from_secs(limits::FILE_LEASE_RENEWED_SECONDS));
    renewals.tick().await;
    loop {
        renewals.tick().await;
        if let Ok(false) = db.renew_file_lease(taken.file_id, taken.lease).await {
            return Error::NotFound;
        }
    }
}

/// Reads a file and keeps what is found in it. The inner error is the file's, the outer one is not.
async fn read(
    state: &AppState,
    db: &UserDb,
    file: &File,
    taken: &TakenFile,
) -> Result<std::result::Result<FileFindings, FileFailure>> {
    db.forget_findings(file.id, taken.lease).await?;
    if file.size_bytes > limits::FILE_READ_BYTES_MAX {
        return Ok(Err(FileFailure::TooLarge));
    }
    let input = copy(state, db, file).await?;
    let mut reader = Reader::start(&state.readers.program, file.kind, input)?;
    let mut keeping = Keeping { db, taken, chunks: Vec::new(), found: FileFindings::new(file.kind) };
    let read = keeping.run(&mut reader, Duration::from_secs(state.config.file_reader_seconds)).await;
    reader.end().await;
    read
}

/// The content as a file without a name: it is gone with the last that has it open, whatever dies.
async fn copy(state: &AppState, db: &UserDb, file: &File) -> Result<std::fs::File> {
    let parts = db.list_parts(file.id).await?;
    let mut content = content::open(&state.blobs, parts, 0..file.size_bytes).await?;
    let failed = |error: std::io::Error| {
        tracing::error!(%error, "a file cannot be copied to be read");
        Error::Unavailable
    };
    let unread = |error: std::io::Error| match error.get_ref().and_then(|error| error.downcast_ref::<Error>()) {
        Some(error) => *error,
        None => failed(error),
    };
    let mut copy = tempfile::tempfile_in(&state.config.storage.data).map_err(failed)?;
    while let Some(piece) = content.try_next().await.map_err(unread)? {
        copy = tokio::task::spawn_blocking(move || copy.write_all(&piece).map(|()| copy))
            .await
            .map_err(|_| Error::Internal)?
            .map_err(failed)?;
    }
    copy.rewind().map_err(failed)?;
    Ok(copy)
}

/// What is found, on its way to the database.
struct Keeping<'a> {
    db: &'a UserDb,
    taken: &'a TakenFile,
    chunks: Vec<Chunk>,
    found: FileFindings,
}

impl Keeping<'_> {
    /// The reader is given so much time; what the database takes to keep what it says does not count.
    async fn run(
        &mut self,
        reader: &mut Reader,
        mut patience: Duration,
    ) -> Result<std::result::Result<FileFindings, FileFailure>> {
        loop {
            let asked = Instant::now();
            let Ok(said) = timeout(patience, reader.next()).await else { return Ok(Err(FileFailure::TooHard)) };
            patience = patience.saturating_sub(asked.elapsed());
            match said {
                Said::Chunk(chunk) => {
                    let Some(chunk) = self.check(chunk) else { return Ok(Err(FileFailure::TooLargeUnpacked)) };
                    self.chunks.push(chunk);
                    if self.chunks.len() >= CHUNKS_AT_A_TIME {
                        self.keep_chunks().await?;
                    }
                }
                Said::Picture(picture) => {
                    if let Err(failure) = self.keep_picture(picture).await? {
                        return Ok(Err(failure));
                    }
                }
                Said::Pages(pages) => {
                    if pages.all as usize > limits::FILE_PAGES_MAX || pages.unread > pages.all {
                        return Ok(Err(FileFailure::TooLargeUnpacked));
                    }
                    self.found.pages = Some(pages);
                }
                Said::Done { kind } => {
                    self.keep_chunks().await?;
                    self.found.kind = kind;
                    return Ok(Ok(self.found));
                }
                Said::Failed { failure } => return Ok(Err(failure)),
            }
        }
    }

    /// The process that reads a file may be the file's by now: what it says is within the limits, or nothing.
    fn check(&mut self, chunk: Chunk) -> Option<Chunk> {
        let chars = chunk.text.chars().count();
        self.found.text_chars += chars as u64;
        let mut is_fit = (1..=limits::CHUNK_CHARS_MAX).contains(&chars)
            && chunk.heading.chars().count() <= limits::CHUNK_HEADING_CHARS_MAX
            && self.found.text_chars <= limits::FILE_TEXT_CHARS_MAX as u64;
        let place = chunk.place.map_name(|name| {
            is_fit &= name.chars().count() <= limits::CHUNK_HEADING_CHARS_MAX;
            without_nul(name)
        });
        let (heading, text) = (without_nul(&chunk.heading), without_nul(&chunk.text));
        let chunk = Chunk { seq: self.found.chunks, place, heading, text };
        self.found.chunks += 1;
        is_fit.then_some(chunk)
    }

    async fn keep_chunks(&mut self) -> Result<()> {
        let chunks = std::mem::take(&mut self.chunks);
        if !chunks.is_empty() {
            self.db.keep_chunks(self.taken.file_id, self.taken.lease, chunks).await?;
            failpoints::reach("chunks_kept");
        }
        Ok(())
    }

    async fn keep_picture(&mut self, picture: Picture) -> Result<std::result::Result<(), FileFailure>> {
        let Ok(content) = STANDARD.decode(&picture.content) else { return Ok(Err(FileFailure::Damaged)) };
        self.found.pixels = Some((picture.width, picture.height));
        let use_for = match picture.use_for {
            PictureUse::Thumbnail => "thumbnail",
            PictureUse::View => "view",
        };
        let picture = FilePicture { use_for, is_png: picture.is_png, content };
        self.db.keep_picture(self.taken.file_id, self.taken.lease, picture).await?;
        Ok(Ok(()))
    }
}

/// Postgres does not keep it.
fn without_nul(text: &str) -> String {
    text.replace('\0', "")
}
