//! What texts mean, as vectors: the small model for searching files. Like the one that writes, it runs in a child process of
//! the same program, started when it is needed and ended when it was not for a while; the server itself stays small.

use std::{
    io,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Weak},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Mutex,
    time::{Instant, sleep, timeout},
};

use crate::{
    domain::{message::ReplyFailure, model::TextPiece},
    server::lines::{Line, next_line},
};

/// Longest answer: a vector for each text, written in decimal.
const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Longest wait for an answer; the first one waits for the model to be loaded, too.
const ANSWER_SECONDS_MAX: u64 = 60;
/// Memory areas of the process: a few for its few threads.
const ENVIRONMENT: [(&str, &str); 1] = [("MALLOC_ARENA_MAX", "2")];

/// Where the model is, and how it is run.
#[derive(Clone, Debug)]
pub struct MeaningSettings {
    /// An ONNX file of a BERT-like model.
    pub model_file: PathBuf,
    /// Its tokenizer, as Hugging Face's library writes it.
    pub tokenizer_file: PathBuf,
    /// The program that is the worker: this one.
    pub program: PathBuf,
    /// The worker is ended when nobody needed it for this long.
    pub idle_seconds: u64,
}

/// What is asked of the worker.
#[derive(Debug, Serialize, Deserialize)]
pub struct Question {
    pub texts: Vec<String>,
    /// Of these, what their parts mean is asked, too.
    pub pieces: Vec<TextPiece>,
}

/// What it answers: for each text, then for each piece, vectors of length 1, the first of which is the whole's; or nothing
/// when it cannot.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    pub vectors: Vec<Vec<Vec<f32>>>,
}

/// The model, behind its process. Answers one question at a time, in their order; pieces of files give way to texts.
pub struct Meaning {
    settings: MeaningSettings,
    worker: Arc<Mutex<Option<Worker>>>,
    /// Whose pieces are asked about.
    turn: Mutex<()>,
}

struct Worker {
    /// Killed with this.
    _child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    used_at: Instant,
}

impl Meaning {
    /// Takes note of the settings; nothing is started, and the files need not be there yet.
    pub fn new(settings: MeaningSettings) -> Self {
        Self { settings, worker: Arc::default(), turn: Mutex::default() }
    }

    /// Whether the model's files are there.
    pub fn is_there(&self) -> bool {
        self.settings.model_file.is_file() && self.settings.tokenizer_file.is_file()
    }

    /// The vectors of each text.
    ///
    /// # Errors
    /// [`ReplyFailure::EmbeddedMissing`] when its files are not there, [`ReplyFailure::EmbeddedDied`] when it does not answer.
    pub async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, ReplyFailure> {
        let vectors = self.ask(Question { texts, pieces: Vec::new() }).await?;
        Ok(vectors.into_iter().flat_map(|vectors| vectors.into_iter().next()).collect())
    }

    /// The vectors of each piece and its parts. One piece at a time, and one caller after the other, so that whoever waits
    /// for what a text means waits for a single piece.
    ///
    /// # Errors
    /// As [`Meaning::embed`].
    pub async fn embed_pieces(&self, pieces: Vec<TextPiece>) -> Result<Vec<Vec<Vec<f32>>>, ReplyFailure> {
        let _turn = self.turn.lock().await;
        let mut vectors = Vec::with_capacity(pieces.len());
        for piece in pieces {
            vectors.extend(self.ask(Question { texts: Vec::new(), pieces: vec![piece] }).await?);
        }
        Ok(vectors)
    }

    async fn ask(&self, question: Question) -> Result<Vec<Vec<Vec<f32>>>, ReplyFailure> {
        if !self.is_there() {
            return Err(ReplyFailure::EmbeddedMissing);
        }
        let mut held = self.worker.lock().await;
        let is_fresh = held.is_none();
        let mut worker = match held.take() {
            Some(worker) => worker,
            None => start(&self.settings).map_err(|error| {
                tracing::error!(%error, "the process of the model for searching cannot be started");
                ReplyFailure::EmbeddedDied
            })?,
        };
        let answered = timeout(Duration::from_secs(ANSWER_SECONDS_MAX), worker.ask(&question)).await;
        // Whoever gives up waiting leaves a process that is about to answer what nobody asks any more: it ends with that.
        let count = question.texts.len() + question.pieces.len();
        let is_whole = |vectors: &Vec<Vec<Vec<f32>>>| vectors.len() == count && !vectors.iter().any(Vec::is_empty);
        let vectors = answered.ok().and_then(Result::ok).filter(is_whole);
        let Some(vectors) = vectors else {
            tracing::warn!(is_fresh, "the model for searching did not answer; its process is ended");
            return Err(ReplyFailure::EmbeddedDied);
        };
        worker.used_at = Instant::now();
        *held = Some(worker);
        if is_fresh {
            tokio::spawn(end_when_idle(Arc::downgrade(&self.worker), Duration::from_secs(self.settings.idle_seconds)));
        }
        Ok(vectors)
    }
}

impl Worker {
    async fn ask(&mut self, question: &Question) -> io::Result<Vec<Vec<Vec<f32>>>> {
        let mut line = serde_json::to_vec(question)?;
        line.push(b'\n');
        self.questions.write_all(&line).await?;
        line.clear();
        match next_line(&mut self.answers, &mut line, LINE_BYTES_MAX).await? {
            Line::Whole => Ok(serde_json::from_slice::<Answer>(&line)?.vectors),
            Line::TooLong | Line::End => Err(io::Error::other("no answer")),
        }
    }
}

fn start(settings: &MeaningSettings) -> io::Result<Worker> {
    let mut child = Command::new(&settings.program)
        .arg0("sardonyx")
        .arg("meaning-worker")
        .args([&settings.model_file, &settings.tokenizer_file])
        .env_clear()
        .envs(ENVIRONMENT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let missing = || io::Error::other("a pipe is missing");
    let questions = child.stdin.take().ok_or_else(missing)?;
    let answers = BufReader::new(child.stdout.take().ok_or_else(missing)?);
    tracing::info!(pid = child.id(), "the process of the model for searching is started");
    Ok(Worker { _child: child, questions, answers, used_at: Instant::now() })
}

/// Ends the process once it was not used for so long.
async fn end_when_idle(worker: Weak<Mutex<Option<Worker>>>, idle: Duration) {
    loop {
        sleep(idle).await;
        let Some(worker) = worker.upgrade() else { return };
        let mut held = worker.lock().await;
        if held.as_ref().is_none_or(|worker| worker.used_at.elapsed() >= idle) {
            *held = None;
            return;
        }
    }
}
