//! The embedded model, seen from the server: a provider that needs no key and no other server.
//!
//! The model itself runs in a child process of the same program (`worker`), because its engine is C++ and may abort. Here
//! is what belongs to the server: who may start a reply ([`Embedded`]), when the process is started and when it is let
//! go (`keeper`), the process (`process`), the talk with it (`talk`), and the language of that talk (`protocol`). Nothing
//! here names the engine, so all of it is compiled and tested in every build.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use futures::stream;
use tokio::{
    sync::{Semaphore, mpsc},
    time,
};

use self::{
    keeper::{FileStamp, Keeper},
    meaning::{Meaning, MeaningSettings},
    talk::{Job, Said},
};
use super::{Piece, PieceStream, Provider, Window};
use crate::domain::{
    message::ReplyFailure,
    model::{EMBEDDED_PROVIDER, Prompt, TextPiece},
};

mod keeper;
pub mod meaning;
mod process;
pub mod protocol;
mod settings;
mod talk;
#[cfg(test)]
mod tests;

pub use settings::{EmbeddedSettings, EmbeddedTimes};

/// The model that comes with the server.
pub struct Embedded {
    model: String,
    /// One for every reply that is written or waits.
    places: Arc<Semaphore>,
    /// One for every reply that is written.
    turns: Arc<Semaphore>,
    keeper: Arc<Keeper>,
    meaning: Meaning,
}

impl Embedded {
    /// Takes note of the settings; nothing is started, and the model files need not be there yet.
    pub fn new(settings: EmbeddedSettings, meaning: MeaningSettings) -> Self {
        Self {
            meaning: Meaning::new(meaning),
            model: model_id(&settings.model_file),
            places: Arc::new(Semaphore::new(settings.parallel.saturating_add(settings.queue_max))),
            turns: Arc::new(Semaphore::new(settings.parallel)),
            keeper: Arc::new(Keeper::new(settings)),
        }
    }

    /// What identifies the model file as it is now; none where there is no such file, or nothing to run it.
    async fn stamp(&self) -> Option<FileStamp> {
        let settings = self.keeper.settings();
        if !settings.built_in {
            return None;
        }
        let metadata = tokio::fs::metadata(&settings.model_file).await.ok()?;
        metadata.is_file().then(|| FileStamp::new(&metadata))
    }
}

#[async_trait]
impl Provider for Embedded {
    fn name(&self) -> &str {
        EMBEDDED_PROVIDER
    }

    async fn list(&self) -> Result<Vec<String>, ReplyFailure> {
        Ok(self.stamp().await.map(|_| self.model.clone()).into_iter().collect())
    }

    async fn can_continue(&self, model: &str) -> bool {
        model == self.model
    }

    fn window(&self, _: &str) -> Window {
        Window::new(self.keeper.settings().context_tokens)
    }

    /// Waits for a turn, first come first served. Dropping the future leaves the queue.
    async fn generate(&self, model: &str, prompt: &Prompt) -> Result<PieceStream, ReplyFailure> {
        let stamp = self.stamp().await.ok_or(ReplyFailure::EmbeddedMissing)?;
        if model != self.model {
            return Err(ReplyFailure::ModelNotFound);
        }
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| ReplyFailure::EmbeddedBusy)?;
        let turn = time::timeout(self.keeper.settings().times.queue_max, Arc::clone(&self.turns).acquire_owned())
            .await
            .map_err(|_| ReplyFailure::EmbeddedBusy)?
            .map_err(|_| ReplyFailure::Internal)?;
        // A piece is at least one token, so that the process never has to wait for a slow reader.
        let (said, pieces) = mpsc::channel(self.keeper.settings().reply_tokens_max + SAID_EXTRA);
        Keeper::submit(&self.keeper, stamp, Job { prompt: prompt.clone(), said, permits: (place, turn) })?;
        Ok(piece_stream(pieces))
    }

    fn can_embed(&self) -> bool {
        self.meaning.is_there()
    }

    async fn embed(&self, _: &str, texts: &[String]) -> Result<Vec<Vec<f32>>, ReplyFailure> {
        self.meaning.embed(texts.to_vec()).await
    }

    async fn embed_pieces(&self, _: &str, pieces: &[TextPiece]) -> Result<Vec<Vec<Vec<f32>>>, ReplyFailure> {
        self.meaning.embed_pieces(pieces.to_vec()).await
    }
}

/// What a reply's channel holds besides one piece for each token: the rest of a character at the end, and the end.
const SAID_EXTRA: usize = 2;

fn piece_stream(pieces: mpsc::Receiver<Said>) -> PieceStream {
    Box::pin(stream::unfold(Some(pieces), |pieces| async move {
        let mut pieces = pieces?;
        match pieces.recv().await {
            Some(Said::Piece(text)) => Some((Ok(Piece::Text(text)), Some(pieces))),
            Some(Said::Complete) => None,
            Some(Said::Failed(failure)) => Some((Err(failure), None)),
            // Nobody is there to say how it ended: that is not a complete reply.
            None => Some((Err(ReplyFailure::EmbeddedDied), None)),
        }
    }))
}

/// What people read as the model's name: the file's, without its ending and its quantization.
fn model_id(file: &Path) -> String {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name = match stem.rsplit_once(['.', '-']) {
        Some((name, last)) if is_quantization(last) => name,
        _ => &stem,
    };
    let name: String = name.chars().map(|c| if c.is_alphanumeric() || "._-".contains(c) { c } else { '-' }).collect();
    if name.is_empty() { "model".to_owned() } else { name }
}

/// Whether it is a word such as `q4_1`, `iq3_xs`, `f16`, `bf16` or `mxfp4`.
fn is_quantization(word: &str) -> bool {
    let number = ["iq", "q", "tq", "bf", "fp", "f", "mxfp"].iter().find_map(|kind| word.strip_prefix(kind));
    number.is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()))
}
