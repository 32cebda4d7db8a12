//! Finds pieces of text by what they mean: those whose vectors lie near the question's. Vectors are kept in the database, a
//! byte for each dimension; what of them is in memory is `vectors`'.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures::join;
use tokio::time::timeout;

use super::vectors::VectorCache;
use crate::{
    domain::{
        limits,
        message::ReplyFailure,
        model::{ModelName, TextPiece},
    },
    error::Result,
    server::{
        ai::Models,
        db::{ChunkVector, SearchScope, TextSums, UserDb},
    },
};

/// What every model for searching takes.
const TRIAL: &str = "text";

/// The model for searching, and the vectors of those who search.
pub struct Meanings {
    model: Option<ModelName>,
    health: Mutex<Health>,
    cache: VectorCache,
}

/// What a piece means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PieceVectors {
    pub whole: Vec<u8>,
    /// One after the other.
    pub parts: Vec<u8>,
}

/// How the model did.
#[derive(Default)]
struct Health {
    /// How often in a row it did not do what it was asked.
    failures: u32,
    failed_at: Option<Instant>,
}

impl Meanings {
    /// With this model, or none.
    pub fn new(model: Option<ModelName>) -> Self {
        Self { model, health: Mutex::default(), cache: VectorCache::default() }
    }

    /// The model's name, if there is one.
    pub fn model(&self) -> Option<&ModelName> {
        self.model.as_ref()
    }

    /// Whether there is one, and it did what it was last asked.
    pub fn is_at_work(&self) -> bool {
        self.model.is_some() && lock(&self.health).failures == 0
    }

    /// How long a file waits that could not be read for want of something: for the model, the longer the more often that
    /// failed.
    pub fn pause_seconds(&self) -> i64 {
        let doublings = lock(&self.health).failures.saturating_sub(1).min(limits::FILE_PAUSE_SECONDS_MAX.ilog2());
        (limits::FILE_PAUSE_SECONDS_MIN << doublings).min(limits::FILE_PAUSE_SECONDS_MAX)
    }

    /// Lets go of what is in memory of people who did not search for long.
    pub fn forget_unused(&self) {
        self.cache.forget_unused();
    }

    /// Whether nobody who waits should be made to wait for it.
    fn is_resting(&self) -> bool {
        let rest = Duration::from_secs(limits::MEANING_SECONDS_MAX);
        lock(&self.health).failed_at.is_some_and(|at| at.elapsed() < rest)
    }

    fn note(&self, is_well: bool) {
        let mut health = lock(&self.health);
        *health = if is_well {
            Health::default()
        } else {
            Health { failures: health.failures.saturating_add(1), failed_at: Some(Instant::now()) }
        };
    }

    /// A vector for each text: a signed byte for each dimension.
    ///
    /// # Errors
    /// What the model's provider answers; [`ReplyFailure::ModelNotFound`] when there is no model.
    pub async fn embed(&self, models: &Models, texts: &[String]) -> Result<Vec<Vec<u8>>, ReplyFailure> {
        let model = self.model.as_ref().ok_or(ReplyFailure::ModelNotFound)?;
        let answer = models.embed(model, texts).await;
        self.noted(answer.and_then(|vectors| all_to_bytes(&as_many(vectors, texts.len())?)))
    }

    /// The vector of each piece, and those of its parts, as many as the model gives.
    ///
    /// # Errors
    /// As [`Meanings::embed`].
    pub async fn embed_pieces(&self, models: &Models, pieces: &[TextPiece]) -> Result<Vec<PieceVectors>, ReplyFailure> {
        let model = self.model.as_ref().ok_or(ReplyFailure::ModelNotFound)?;
        let answer = models.embed_pieces(model, pieces).await;
        let to_piece = |vectors: Vec<Vec<f32>>| {
            let mut bytes = all_to_bytes(&vectors)?.into_iter();
            let whole = bytes.next().ok_or(ReplyFailure::Garbled)?;
            Ok(PieceVectors { whole, parts: bytes.flatten().collect() })
        };
        self.noted(answer.and_then(|vectors| as_many(vectors, pieces.len())?.into_iter().map(to_piece).collect()))
    }

    /// Tells a model that refuses some text from one that refuses every text, which is not at work.
    ///
    /// # Errors
    /// As [`Meanings::embed`].
    pub async fn try_out(&self, models: &Models) -> Result<(), ReplyFailure> {
        let tried = self.embed(models, &[TRIAL.to_owned()]).await;
        if tried.as_ref().is_err_and(|failure| is_of_the_text(*failure)) {
            self.note(false);
        }
        tried.map(|_| ())
    }

    /// That a text was refused says nothing of how the model does with others.
    fn noted<T>(&self, answer: Result<T, ReplyFailure>) -> Result<T, ReplyFailure> {
        if !answer.as_ref().is_err_and(|failure| is_of_the_text(*failure)) {
            self.note(answer.is_ok());
        }
        answer
    }

    /// The nearest pieces to a text, the nearest first, each with its nearness (the cosine of the angle); none when that
    /// cannot be told now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn nearest(
        &self,
        models: &Models,
        db: &UserDb,
        text: &str,
        scope: &SearchScope,
        sums: impl Future<Output = Result<TextSums>> + Clone,
        count: usize,
    ) -> Result<Option<Vec<(i64, f32)>>> {
        let Some(model) = self.model.as_ref().filter(|_| !self.is_resting()) else { return Ok(None) };
        let known = async { self.cache.vectors(db, model, sums.clone().await?.embedded).await };
        let (known, vectors) = join!(known, self.embed_question(models, text));
        let (known, vector) = match vectors {
            Ok(vectors) => (known?, &vectors[0].clone()),
            Err(failure) => {
                tracing::warn!(failure = failure.code(), "files are searched by words alone");
                return Ok(None);
            }
        };
        if !known.covers(scope) {
            // Where no text is, there is nothing that only its meaning would have found.
            let is_nothing = *scope == SearchScope::AllFiles && sums.await?.chunks == 0;
            return Ok(is_nothing.then(Vec::new));
        }
        let candidates = known.nearest(vector, scope);
        let to_near = |found: &ChunkVector| {
            (found.vector.len() == vector.len()).then(|| (found.chunk_id, nearness(found, vector)))
        };
        let kept = known.kept(&candidates).map(|kept| kept.filter_map(to_near).collect());
        let mut near: Vec<(i64, f32)> = match kept {
            Some(near) => near,
            None => db.find_vectors(candidates).await?.iter().filter_map(to_near).collect(),
        };
        // Of equally near ones the newest.
        near.sort_by(|one, other| other.1.total_cmp(&one.1).then(other.0.cmp(&one.0)));
        near.truncate(count);
        Ok(Some(near))
    }

    /// Somebody waits for this: not for long.
    async fn embed_question(&self, models: &Models, text: &str) -> Result<Vec<Vec<u8>>, ReplyFailure> {
        let texts = [text.to_owned()];
        let patience = Duration::from_secs(limits::MEANING_SECONDS_MAX);
        timeout(patience, self.embed(models, &texts)).await.unwrap_or_else(|_| {
            self.note(false);
            Err(ReplyFailure::NoAnswer)
        })
    }
}

/// Whether another text might have been taken.
pub const fn is_of_the_text(failure: ReplyFailure) -> bool {
    matches!(failure, ReplyFailure::RequestRefused | ReplyFailure::ContextTooLong)
}

/// Every change is complete by itself, so that a panic elsewhere leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One for each that was asked about.
fn as_many<T>(vectors: Vec<T>, count: usize) -> Result<Vec<T>, ReplyFailure> {
    if vectors.len() == count { Ok(vectors) } else { Err(ReplyFailure::Garbled) }
}

/// Vectors that are all of one length.
fn all_to_bytes(vectors: &[Vec<f32>]) -> Result<Vec<Vec<u8>>, ReplyFailure> {
    let is_fit = |vector: &Vec<f32>| {
        (1..=limits::VECTOR_DIMENSIONS_MAX).contains(&vector.len()) && vector.len() == vectors[0].len()
    };
    if vectors.iter().all(is_fit) {
        Ok(vectors.iter().map(|vector| to_bytes(vector)).collect())
    } else {
        Err(ReplyFailure::Garbled)
    }
}

/// How near a piece comes to a vector: with its nearest part, or as a whole where nothing is known of parts.
fn nearness(found: &ChunkVector, vector: &[u8]) -> f32 {
    let parts = found.parts.chunks_exact(vector.len()).map(|part| cosine(part, vector));
    parts.reduce(f32::max).unwrap_or_else(|| cosine(&found.vector, vector))
}

/// The largest part of a vector becomes 127.
#[expect(clippy::cast_possible_truncation, reason = "between -127 and 127")]
fn to_bytes(vector: &[f32]) -> Vec<u8> {
    let most = vector.iter().fold(f32::MIN_POSITIVE, |most, value| most.max(value.abs()));
    vector.iter().map(|value| ((value / most * 127.0).round() as i8).cast_unsigned()).collect()
}

fn cosine(one: &[u8], other: &[u8]) -> f32 {
    let dot = |one: &[u8], other: &[u8]| -> i32 {
        one.iter().zip(other).map(|(one, other)| i32::from(one.cast_signed()) * i32::from(other.cast_signed())).sum()
    };
    #[expect(clippy::cast_precision_loss, reason = "it is compared")]
    let (dot, length) = (dot(one, other) as f32, (dot(one, one) as f32).sqrt() * (dot(other, other) as f32).sqrt());
    if length > 0.0 { dot / length } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_what_is_near() {
        let vector =
            |seed: u32| -> Vec<f32> { (0..100).map(|n| ((n * n + seed * (n % 7)) as f32 * 0.37).sin()).collect() };
        let (one, same, other) = (to_bytes(&vector(1)), to_bytes(&vector(1)), to_bytes(&vector(40)));
        assert!((cosine(&one, &same) - 1.0).abs() < 1e-6 && cosine(&one, &other) < 0.9);
        let mut found = ChunkVector { chunk_id: 1, vector: other.clone(), parts: Vec::new() };
        assert!(nearness(&found, &one) < 0.9);
        found.parts = [other, same].concat();
        assert!(nearness(&found, &one) > 0.99);
    }
}
