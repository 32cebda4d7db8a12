//! What a server has in memory of the vectors of those who searched last, to look through all of somebody's in a moment: a bit
//! for each dimension (which side of zero), by which the nearest are chosen, and of those who have few pieces the vectors.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    domain::{
        ids::{FileId, UserId},
        limits,
        model::ModelName,
    },
    error::Result,
    server::db::{ChunkVector, EmbeddedFiles, SearchScope, UserDb, in_batches},
};

/// Near enough to be looked at more closely.
const CANDIDATES: usize = 100;
/// Pieces whose vectors are read at a time, but for a file that has more.
const PIECES_AT_A_TIME: usize = 10_000;

/// By whose they are.
#[derive(Default)]
pub struct VectorCache(Mutex<HashMap<UserId, Known>>);

#[derive(Clone)]
struct Known {
    vectors: Arc<KnownVectors>,
    /// The files whose they are.
    mark: EmbeddedFiles,
    used_at: Instant,
}

/// A person's vectors, as far as they are in memory.
#[derive(Clone, Default)]
pub struct KnownVectors {
    files: HashSet<FileId>,
    chunks: Vec<(i64, FileId)>,
    /// So many words of bits for each piece.
    words: usize,
    bits: Vec<u64>,
    /// By piece; empty where these are too many.
    kept: HashMap<i64, ChunkVector>,
    kept_bytes: usize,
}

impl VectorCache {
    /// A person's vectors of this model as they are now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn vectors(&self, db: &UserDb, model: &ModelName, mark: EmbeddedFiles) -> Result<Arc<KnownVectors>> {
        let (user_id, used_at) = (db.user_id(), Instant::now());
        let known = self.lock().get_mut(&user_id).map(|known| {
            known.used_at = used_at;
            known.clone()
        });
        if let Some(known) = &known
            && known.mark == mark
        {
            return Ok(Arc::clone(&known.vectors));
        }
        let before = known.map(|known| known.vectors).unwrap_or_default();
        // What they are by now, which may be more than was summed up.
        let (files, mark) = db.list_embedded_files(model).await?;
        let files = newest(files);
        let is_same = files.len() == before.files.len() && files.iter().all(|(id, _)| before.files.contains(id));
        let vectors = if is_same { before } else { Arc::new(before.read(db, &files).await?) };
        let mut all = self.lock();
        all.insert(user_id, Known { vectors: Arc::clone(&vectors), mark, used_at });
        forget_some(&mut all);
        Ok(vectors)
    }

    /// Lets go of those who did not search for long.
    pub fn forget_unused(&self) {
        let longest = Duration::from_secs(limits::VECTOR_CACHE_SECONDS_MAX);
        self.lock().retain(|_, known| known.used_at.elapsed() < longest);
    }

    /// Every change is complete by itself, so that a panic elsewhere leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets go of what belongs to those who did not search for longest, as far as there is too much: of the vectors, which are
/// soon read again, before the bits.
fn forget_some(all: &mut HashMap<UserId, Known>) {
    let mut kept: usize = all.values().map(|known| known.vectors.kept_bytes).sum();
    let mut bits: usize = all.values().map(|known| known.vectors.bits_bytes()).sum();
    let mut by_age: Vec<(Instant, UserId)> = all.iter().map(|(id, known)| (known.used_at, *id)).collect();
    by_age.sort_unstable_by_key(|(used_at, _)| Reverse(*used_at));
    // Whoever was last stays.
    for (_, id) in by_age.into_iter().skip(1).rev() {
        let Some(known) = all.get_mut(&id) else { continue };
        let (known_kept, known_bits) = (known.vectors.kept_bytes, known.vectors.bits_bytes());
        if bits > limits::VECTOR_CACHE_BYTES_MAX {
            all.remove(&id);
            (kept, bits) = (kept - known_kept, bits - known_bits);
        } else if kept > limits::VECTORS_KEPT_BYTES_MAX && known_kept > 0 {
            let bits_alone =
                KnownVectors { kept: HashMap::new(), kept_bytes: 0, ..KnownVectors::clone(&known.vectors) };
            known.vectors = Arc::new(bits_alone);
            kept -= known_kept;
        }
    }
}

/// Of somebody with more text than is kept in memory, the newest; the rest is found by its words.
fn newest(files: Vec<(FileId, usize)>) -> Vec<(FileId, usize)> {
    let mut pieces = 0;
    let fits = |(_, count): &(FileId, usize)| {
        pieces += count;
        pieces <= limits::VECTORS_PER_USER_MAX
    };
    files.into_iter().take_while(fits).collect()
}

impl KnownVectors {
    /// Keeps what is still there, and reads what is new.
    async fn read(&self, db: &UserDb, files: &[(FileId, usize)]) -> Result<Self> {
        let mut now = Self { words: self.words, ..Self::default() };
        now.files = files.iter().map(|(id, _)| *id).collect();
        for (place, (chunk_id, file_id)) in self.chunks.iter().enumerate() {
            if now.files.contains(file_id) {
                now.chunks.push((*chunk_id, *file_id));
                now.bits.extend_from_slice(self.code(place));
            }
        }
        let new = files.iter().filter(|(id, _)| !self.files.contains(id)).copied().collect();
        for some in in_batches(new, PIECES_AT_A_TIME) {
            for (chunk_id, file_id, vector) in db.list_vectors(&some).await? {
                let code = to_bits(&vector);
                // Of a piece that the model would not take, there is none.
                if code.is_empty() {
                    continue;
                }
                if now.chunks.is_empty() {
                    now.words = code.len();
                }
                if code.len() == now.words {
                    now.chunks.push((chunk_id, file_id));
                    now.bits.extend(code);
                }
            }
        }
        if now.chunks.len() <= limits::VECTORS_KEPT_PIECES_MAX {
            now.keep(self, db).await?;
        }
        Ok(now)
    }

    /// Has the vectors themselves, too: those that were there before, and others from the database.
    async fn keep(&mut self, before: &Self, db: &UserDb) -> Result<()> {
        let (known, new): (Vec<i64>, Vec<i64>) =
            self.chunks.iter().map(|(id, _)| *id).partition(|id| before.kept.contains_key(id));
        let known = known.iter().map(|id| before.kept[id].clone());
        self.kept = known.chain(db.find_vectors(new).await?).map(|vector| (vector.chunk_id, vector)).collect();
        let bytes = |found: &ChunkVector| size_of::<(i64, ChunkVector)>() + found.vector.len() + found.parts.len();
        self.kept_bytes = self.kept.values().map(bytes).sum();
        Ok(())
    }

    fn bits_bytes(&self) -> usize {
        size_of_val(self.bits.as_slice()) + size_of_val(self.chunks.as_slice())
    }

    /// Whether what is looked for by meaning is not only what happens to be known by now.
    pub fn covers(&self, scope: &SearchScope) -> bool {
        match scope {
            SearchScope::AllFiles => !self.files.is_empty(),
            SearchScope::Files(files) => files.iter().all(|id| self.files.contains(id)),
        }
    }

    fn code(&self, place: usize) -> &[u64] {
        &self.bits[place * self.words..(place + 1) * self.words]
    }

    /// The pieces whose bits differ from a vector's in the fewest places; of equals the newest.
    pub fn nearest(&self, vector: &[u8], scope: &SearchScope) -> Vec<i64> {
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
            let candidate = (distance, Reverse(*chunk_id));
            if heap.len() < CANDIDATES {
                heap.push(candidate);
            } else if heap.peek().is_some_and(|furthest| candidate < *furthest) {
                heap.pop();
                heap.push(candidate);
            }
        }
        heap.into_iter().map(|(_, Reverse(chunk_id))| chunk_id).collect()
    }

    /// The vectors of pieces, if vectors are in memory.
    pub fn kept(&self, chunks: &[i64]) -> Option<impl Iterator<Item = &ChunkVector>> {
        (!self.kept.is_empty()).then(|| chunks.iter().filter_map(|id| self.kept.get(id)))
    }
}

fn to_bits(vector: &[u8]) -> Vec<u64> {
    vector
        .chunks(64)
        .map(|part| part.iter().enumerate().fold(0, |bits, (place, byte)| bits | u64::from(*byte < 128) << place))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors(code: u8, pieces: i64, kept_bytes: usize) -> Arc<KnownVectors> {
        let mut vectors = KnownVectors { words: 1, kept_bytes, ..KnownVectors::default() };
        for id in 0..pieces {
            vectors.chunks.push((id, FileId(uuid::Uuid::nil())));
            vectors.bits.extend(to_bits(&[code; 64]));
        }
        Arc::new(vectors)
    }

    #[test]
    fn the_nearest_are_found_by_bits_and_of_equals_the_newest() {
        let mut some = KnownVectors::clone(&vectors(1, 1_000, 0));
        some.bits[7] = !some.bits[7];
        let nearest = some.nearest(&[1; 64], &SearchScope::AllFiles);
        assert_eq!(nearest.len(), CANDIDATES);
        assert!(nearest.iter().all(|id| *id >= 900));
        assert!(some.nearest(&[255; 64], &SearchScope::AllFiles).contains(&7));
        assert!(some.nearest(&[1; 64], &SearchScope::Files(Vec::new())).is_empty());
        assert!(some.nearest(&[1; 128], &SearchScope::AllFiles).is_empty());
    }

    #[test]
    fn of_one_person_no_more_is_kept_than_there_is_room_for() {
        let files = (0..).map(|n| FileId(uuid::Uuid::from_u128(n)));
        assert_eq!(newest(files.zip([1, limits::VECTORS_PER_USER_MAX - 1, 1, 1]).collect()).len(), 2);
    }

    #[test]
    fn vectors_go_before_bits_and_those_of_the_last_one_stay() {
        let begin = Instant::now();
        let mut all = HashMap::new();
        let mut add = |age: u64, vectors: Arc<KnownVectors>| {
            let id = UserId(uuid::Uuid::from_u128(age.into()));
            let used_at = begin + Duration::from_secs(1_000 - age);
            all.insert(id, Known { vectors, mark: EmbeddedFiles::default(), used_at });
            id
        };
        let half = limits::VECTORS_KEPT_BYTES_MAX / 2 + 1;
        let [last, middle, first] = [1, 2, 3].map(|age| add(age, vectors(1, 10, half)));
        let large = add(4, vectors(1, 100_000, 0));
        forget_some(&mut all);
        let kept = |all: &HashMap<UserId, Known>, id| all.get(&id).map(|known: &Known| known.vectors.kept_bytes);
        assert_eq!([last, middle, first, large].map(|id| kept(&all, id)), [Some(half), Some(0), Some(0), Some(0)]);

        let pieces = i64::try_from(limits::VECTOR_CACHE_BYTES_MAX / 32).unwrap();
        all.insert(
            last,
            Known {
                vectors: vectors(1, pieces, 0),
                mark: EmbeddedFiles::default(),
                used_at: begin + Duration::from_secs(2_000),
            },
        );
        forget_some(&mut all);
        assert!(all.contains_key(&last) && !all.contains_key(&large));
    }
}
