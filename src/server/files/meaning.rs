//! Finds pieces of text by what they mean: those whose vectors lie near the question's.
//!
//! Vectors are kept in the database, a byte for each dimension. To look through all of somebody's in a moment, a server has a
//! bit for each dimension in memory (which side of zero), of the people who searched last; the nearest by bits are then
//! compared by bytes.

use std::{
    collections::{BinaryHeap, HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use futures::join;

use crate::{
    domain::{
        ids::{FileId, UserId},
        limits,
        message::ReplyFailure,
        model::ModelName,
    },
    error::Result,
    server::{
        ai::Models,
        db::{EmbeddedFiles, SearchScope, UserDb},
    },
};

/// Near enough to be looked at more closely.
const CANDIDATES: usize = 200;
/// Files whose vectors are read at a time.
const FILES_AT_A_TIME: usize = 200;

/// The model for searching, and the vectors of those who search.
pub struct Meanings {
    model: Option<ModelName>,
    /// Whether it failed when it was last asked.
    failed: AtomicBool,
    known: Mutex<HashMap<UserId, Known>>,
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
}

impl Meanings {
    /// With this model, or none.
    pub fn new(model: Option<ModelName>) -> Self {
        Self { model, failed: AtomicBool::new(false), known: Mutex::default() }
    }

    /// The model's name, if there is one.
    pub fn model(&self) -> Option<&ModelName> {
        self.model.as_ref()
    }

    /// Whether there is one, and it did what it was last asked.
    pub fn is_at_work(&self) -> bool {
        self.model.is_some() && !self.failed.load(Ordering::Relaxed)
    }

    /// A vector for each text: a signed byte for each dimension.
    ///
    /// # Errors
    /// What the model's provider answers; [`ReplyFailure::ModelNotFound`] when there is no model.
    pub async fn embed(&self, models: &Models, texts: &[String]) -> Result<Vec<Vec<u8>>, ReplyFailure> {
        let model = self.model.as_ref().ok_or(ReplyFailure::ModelNotFound)?;
        let vectors = models.embed(model, texts).await;
        self.failed.store(vectors.is_err(), Ordering::Relaxed);
        let vectors = vectors?;
        let is_fit = vectors.len() == texts.len()
            && vectors.iter().all(|vector| {
                (1..=limits::VECTOR_DIMENSIONS_MAX).contains(&vector.len()) && vector.len() == vectors[0].len()
            });
        if is_fit { Ok(vectors.iter().map(|vector| to_bytes(vector)).collect()) } else { Err(ReplyFailure::Garbled) }
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
        count: usize,
    ) -> Result<Option<Vec<(i64, f32)>>> {
        if self.model.is_none() {
            return Ok(None);
        }
        let texts = [text.to_owned()];
        let (codes, vectors) = join!(self.codes(db), self.embed(models, &texts));
        let (codes, vector) = match vectors {
            Ok(vectors) => (codes?, &vectors[0].clone()),
            Err(failure) => {
                tracing::warn!(failure = failure.code(), "files are searched by words alone");
                return Ok(None);
            }
        };
        let candidates = codes.nearest(vector, scope);
        let mut near: Vec<(i64, f32)> = db
            .find_vectors(candidates)
            .await?
            .into_iter()
            .filter(|found| found.vector.len() == vector.len())
            .map(|found| (found.chunk_id, cosine(&found.vector, vector)))
            .collect();
        near.sort_by(|one, other| other.1.total_cmp(&one.1));
        near.truncate(count);
        Ok(Some(near))
    }

    /// The user's codes as they are now.
    async fn codes(&self, db: &UserDb) -> Result<Arc<Codes>> {
        let Some(model) = &self.model else { return Ok(Arc::default()) };
        let (user_id, now) = (db.user_id(), Instant::now());
        let mark = db.mark_embedded_files(model.as_str()).await?;
        let known = self.lock().get_mut(&user_id).map(|known| {
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
        let mut all = self.lock();
        all.insert(user_id, Known { codes: Arc::clone(&codes), mark, used_at: now });
        forget_some(&mut all);
        Ok(codes)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<UserId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
    Ok(codes)
}

/// Lets go of those who did not search for longest, as far as there is too much.
fn forget_some(all: &mut HashMap<UserId, Known>) {
    let size = |known: &Known| known.codes.bits.len() * 8 + known.codes.chunks.len() * 24;
    let mut total: usize = all.values().map(size).sum();
    while total > limits::VECTOR_CACHE_BYTES_MAX && all.len() > 1 {
        let Some(oldest) = all.iter().min_by_key(|(_, known)| known.used_at).map(|(id, _)| *id) else { return };
        total -= all.remove(&oldest).as_ref().map(size).unwrap_or_default();
    }
}

impl Codes {
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
