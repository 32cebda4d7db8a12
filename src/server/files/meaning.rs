//! Finds pieces of text by what they mean: those whose vectors lie near the question's.
//!
//! Vectors are kept in the database, a byte for each dimension. To look through all of somebody's in a moment, a server has a
//! bit for each dimension in memory (which side of zero), of the people who searched last; the nearest by bits are then
//! compared by bytes, which are in memory, too, of those who have few.

use std::{
    collections::{BinaryHeap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures::join;
use tokio::time::timeout;

use crate::{
    domain::{
        ids::{FileId, UserId},
        limits,
        message::ReplyFailure,
        model::{ModelName, TextPiece},
    },
    error::Result,
    server::{
        ai::Models,
        db::{ChunkVector, EmbeddedFiles, SearchScope, TextSums, UserDb},
    },
};

/// Near enough to be looked at more closely.
const CANDIDATES: usize = 100;
/// Of somebody with no more pieces, the vectors are in memory, too: about 2 KB each.
const KEPT_PIECES_MAX: usize = 500;
/// Files whose vectors are read at a time.
const FILES_AT_A_TIME: usize = 200;

/// The model for searching, and the vectors of those who search.
pub struct Meanings {
    model: Option<ModelName>,
    health: Mutex<Health>,
    known: Mutex<HashMap<UserId, Known>>,
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

#[derive(Clone)]
struct Known {
    codes: Arc<Codes>,
    /// The files whose they are.
    mark: EmbeddedFiles,
    used_at: Instant,
}

/// The bits of a user's vectors.
#[derive(Clone, Default)]
struct Codes {
    files: HashSet<FileId>,
    chunks: Vec<(i64, FileId)>,
    /// So many words for each piece.
    words: usize,
    bits: Vec<u64>,
    /// The vectors themselves, by piece, where they are so few that these may be in memory, too.
    vectors: HashMap<i64, ChunkVector>,
}

impl Meanings {
    /// With this model, or none.
    pub fn new(model: Option<ModelName>) -> Self {
        Self { model, health: Mutex::default(), known: Mutex::default() }
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
        let vectors = self.noted(models.embed(model, texts).await)?;
        if vectors.len() != texts.len() {
            return Err(ReplyFailure::Garbled);
        }
        all_to_bytes(&vectors)
    }

    /// The vector of each piece, and those of its parts, as many as the model gives.
    ///
    /// # Errors
    /// As [`Meanings::embed`].
    pub async fn embed_pieces(&self, models: &Models, pieces: &[TextPiece]) -> Result<Vec<PieceVectors>, ReplyFailure> {
        let model = self.model.as_ref().ok_or(ReplyFailure::ModelNotFound)?;
        let vectors = self.noted(models.embed_pieces(model, pieces).await)?;
        if vectors.len() != pieces.len() {
            return Err(ReplyFailure::Garbled);
        }
        let to_piece = |vectors: Vec<Vec<f32>>| {
            let mut bytes = all_to_bytes(&vectors)?.into_iter();
            let whole = bytes.next().ok_or(ReplyFailure::Garbled)?;
            Ok(PieceVectors { whole, parts: bytes.flatten().collect() })
        };
        vectors.into_iter().map(to_piece).collect()
    }

    /// One that refuses a text is there, and may take others.
    fn noted<T>(&self, answer: Result<T, ReplyFailure>) -> Result<T, ReplyFailure> {
        self.note(matches!(answer, Ok(_) | Err(ReplyFailure::RequestRefused | ReplyFailure::ContextTooLong)));
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
        if self.model.is_none() || self.is_resting() {
            return Ok(None);
        }
        let (codes, vectors) = join!(self.codes(db, sums.clone()), self.embed_question(models, text));
        let (codes, vector) = match vectors {
            Ok(vectors) => (codes?, &vectors[0].clone()),
            Err(failure) => {
                tracing::warn!(failure = failure.code(), "files are searched by words alone");
                return Ok(None);
            }
        };
        if !codes.covers(scope) {
            // Where no text is, there is nothing that only its meaning would have found.
            let is_nothing = *scope == SearchScope::AllFiles && sums.await?.chunks == 0;
            return Ok(is_nothing.then(Vec::new));
        }
        let candidates = codes.nearest(vector, scope);
        let to_near = |found: &ChunkVector| {
            (found.vector.len() == vector.len()).then(|| (found.chunk_id, nearness(found, vector)))
        };
        let mut near: Vec<(i64, f32)> = if codes.vectors.is_empty() {
            db.find_vectors(candidates).await?.iter().filter_map(to_near).collect()
        } else {
            candidates.iter().filter_map(|id| codes.vectors.get(id)).filter_map(to_near).collect()
        };
        near.sort_by(|one, other| other.1.total_cmp(&one.1));
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

    /// The user's codes as they are now.
    async fn codes(&self, db: &UserDb, sums: impl Future<Output = Result<TextSums>>) -> Result<Arc<Codes>> {
        let Some(model) = &self.model else { return Ok(Arc::default()) };
        let (user_id, now) = (db.user_id(), Instant::now());
        let mark = sums.await?.embedded;
        let known = lock(&self.known).get_mut(&user_id).map(|known| {
            known.used_at = now;
            known.clone()
        });
        if let Some(known) = &known
            && known.mark == mark
        {
            return Ok(Arc::clone(&known.codes));
        }
        let before = known.map(|known| known.codes).unwrap_or_default();
        let files = db.list_embedded_files(model.as_str()).await?;
        let codes = if files == before.files { before } else { Arc::new(read(db, &before, files).await?) };
        let mut all = lock(&self.known);
        all.insert(user_id, Known { codes: Arc::clone(&codes), mark, used_at: now });
        forget_some(&mut all);
        Ok(codes)
    }
}

/// Every change is complete by itself, so that a panic elsewhere leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps what is still there, and reads what is new.
async fn read(db: &UserDb, before: &Codes, files: HashSet<FileId>) -> Result<Codes> {
    let mut codes = Codes { words: before.words, ..Codes::default() };
    for (place, (chunk_id, file_id)) in before.chunks.iter().enumerate() {
        if files.contains(file_id) {
            codes.chunks.push((*chunk_id, *file_id));
            codes.bits.extend_from_slice(before.code(place));
        }
    }
    let new: Vec<FileId> = files.difference(&before.files).copied().collect();
    for some in new.chunks(FILES_AT_A_TIME) {
        for (chunk_id, file_id, vector) in db.list_vectors(some).await? {
            let code = to_bits(&vector);
            // Of a piece that the model would not take, there is none.
            if code.is_empty() {
                continue;
            }
            if codes.chunks.is_empty() {
                codes.words = code.len();
            }
            if code.len() == codes.words {
                codes.chunks.push((chunk_id, file_id));
                codes.bits.extend(code);
            }
        }
    }
    codes.files = files;
    if codes.chunks.len() <= KEPT_PIECES_MAX {
        let mut new = Vec::new();
        for (id, _) in &codes.chunks {
            match before.vectors.get(id) {
                Some(vector) => drop(codes.vectors.insert(*id, vector.clone())),
                None => new.push(*id),
            }
        }
        let new = db.find_vectors(new).await?;
        codes.vectors.extend(new.into_iter().map(|vector| (vector.chunk_id, vector)));
    }
    Ok(codes)
}

/// Lets go of those who did not search for longest, as far as there is too much.
fn forget_some(all: &mut HashMap<UserId, Known>) {
    let size = |known: &Known| {
        let vectors = known.codes.vectors.values().map(|found| found.vector.len() + found.parts.len());
        known.codes.bits.len() * 8 + known.codes.chunks.len() * 24 + vectors.sum::<usize>()
    };
    let mut total: usize = all.values().map(size).sum();
    while total > limits::VECTOR_CACHE_BYTES_MAX && all.len() > 1 {
        let Some(oldest) = all.iter().min_by_key(|(_, known)| known.used_at).map(|(id, _)| *id) else { return };
        total -= all.remove(&oldest).as_ref().map(size).unwrap_or_default();
    }
}

impl Codes {
    /// Whether what is looked for by meaning is not only what happens to be known by now.
    fn covers(&self, scope: &SearchScope) -> bool {
        match scope {
            SearchScope::AllFiles => !self.files.is_empty(),
            SearchScope::Files(files) => files.iter().all(|id| self.files.contains(id)),
        }
    }

    fn code(&self, place: usize) -> &[u64] {
        &self.bits[place * self.words..(place + 1) * self.words]
    }

    /// The pieces whose bits differ from a vector's in the fewest places.
    fn nearest(&self, vector: &[u8], scope: &SearchScope) -> Vec<i64> {
        let code = to_bits(vector);
        if self.words == 0 || code.len() != self.words {
            return Vec::new();
        }
        let wanted: Option<HashSet<FileId>> = match scope {
            SearchScope::AllFiles => None,
            SearchScope::Files(files) => Some(files.iter().copied().collect()),
        };
        let mut heap = BinaryHeap::with_capacity(CANDIDATES + 1);
        for (place, (chunk_id, file_id)) in self.chunks.iter().enumerate() {
            if wanted.as_ref().is_some_and(|wanted| !wanted.contains(file_id)) {
                continue;
            }
            let distance: u32 = self.code(place).iter().zip(&code).map(|(one, other)| (one ^ other).count_ones()).sum();
            if heap.len() < CANDIDATES {
                heap.push((distance, *chunk_id));
            } else if heap.peek().is_some_and(|(furthest, _)| distance < *furthest) {
                heap.pop();
                heap.push((distance, *chunk_id));
            }
        }
        heap.into_iter().map(|(_, chunk_id)| chunk_id).collect()
    }
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

fn to_bits(vector: &[u8]) -> Vec<u64> {
    vector
        .chunks(64)
        .map(|part| part.iter().enumerate().fold(0, |bits, (place, byte)| bits | u64::from(*byte < 128) << place))
        .collect()
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
    fn bytes_and_bits_keep_what_is_near() {
        let vector =
            |seed: u32| -> Vec<f32> { (0..100).map(|n| ((n * n + seed * (n % 7)) as f32 * 0.37).sin()).collect() };
        let (one, same, other) = (to_bytes(&vector(1)), to_bytes(&vector(1)), to_bytes(&vector(40)));
        assert!((cosine(&one, &same) - 1.0).abs() < 1e-6 && cosine(&one, &other) < 0.9);
        let mut found = ChunkVector { chunk_id: 1, vector: other.clone(), parts: Vec::new() };
        assert!(nearness(&found, &one) < 0.9);
        found.parts = [other.clone(), same.clone()].concat();
        assert!(nearness(&found, &one) > 0.99);
        assert_eq!(to_bits(&one).len(), 2);
        let mut codes = Codes { words: 2, ..Codes::default() };
        for (id, vector) in [(7, &one), (8, &other)] {
            codes.chunks.push((id, FileId(uuid::Uuid::nil())));
            codes.bits.extend(to_bits(vector));
        }
        let found = codes.nearest(&same, &SearchScope::AllFiles);
        assert_eq!(found.len(), 2);
        assert!(codes.nearest(&same, &SearchScope::Files(Vec::new())).is_empty());
    }
}
