//! Finds what in somebody's files answers a question: by its words and by its meaning, each of which misses what the other
//! finds. The two lists become one by reciprocal ranks (Cormack, Clarke and Büttcher, 2009); a piece that has more of the
//! question's words, or is nearer to it, has the stronger vote. The numbers here are those that did best with the questions
//! in `tests/corpus`; of lengths, the least that did.

use std::collections::{HashMap, HashSet};

use futures::{FutureExt, try_join};

use crate::{
    domain::{
        ids::FileId,
        limits,
        search::{FoundPassage, SearchResults},
    },
    error::Result,
    server::{
        db::{FoundChunk, SearchScope, TextSums, UserDb},
        state::AppState,
        words::{self, Spelled, Word},
    },
};

/// How much the first places of a list count more than the later ones.
const RANK_DAMPING: f32 = 60.0;
/// Pieces of each list that are looked at.
const LIST_LENGTH: usize = 50;
/// Candidates by words whose text is looked at.
const CANDIDATES: usize = 60;
/// So many times what is wanted is fetched at the most: what stands around better passages is passed over.
const SPARE: usize = 3;
/// A piece with less of what a question's words tell, of all that they tell, is not looked at.
const SHARE_MIN: f32 = 0.15;
/// Nor is one that is further away in meaning.
const NEARNESS_MIN: f32 = 0.2;
/// When none has so much of the words, and none is so near, nothing has to do with the question.
const BEST_SHARE_MIN: f32 = 0.35;
const BEST_NEARNESS_MIN: f32 = 0.25;

/// A form of a word counts less than the word: where pieces are ranked, and where it is told how much they have.
const STEM_WEIGHT: f32 = 0.5;
const STEM_SHARE: f32 = 0.7;
/// Okapi BM25: how soon a repeated word says nothing more, and how much the length of a piece matters.
const SATURATION: f32 = 1.2;
const LENGTH_WEIGHT: f32 = 0.5;
/// In fewer pieces, how many have a word tells little of how rare it is.
const PIECES_MIN: u64 = 100;
/// A word with more hits than are looked at is taken to be in one of so many pieces.
const COMMON_SHARE: u64 = 20;
/// Words of a usual piece.
const USUAL_WORDS: f32 = 90.0;

/// By what to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ways {
    Both,
    Words,
    Meaning,
}

/// A piece of text that was found, with what stands around it.
#[derive(Clone, Debug)]
pub struct Passage {
    pub found: FoundChunk,
    /// The piece before it, itself, and the one after it, as far as they are not part of a better passage.
    pub text: String,
}

/// What was found, the best first.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    pub passages: Vec<Passage>,
    /// Whether it was looked for by meaning, too.
    pub is_by_meaning: bool,
}

/// What answers a question, in a person's files.
///
/// # Errors
/// When the database fails. When the model for searching does, it is looked for by words alone.
pub async fn search(
    state: &AppState,
    db: &UserDb,
    question: &str,
    scope: &SearchScope,
    ways: Ways,
    count: usize,
) -> Result<Findings> {
    let (found, is_by_meaning) = find(state, db, question, scope, ways, count).await?;
    let places: Vec<_> = found.iter().map(|(found, _)| (found.file_id, found.chunk.seq)).collect();
    let texts = db.list_chunks_around(&places).await?;
    let to_passage = |(found, around): (FoundChunk, Vec<u32>)| {
        let text = around.iter().filter_map(|seq| texts.get(&(found.file_id, *seq)).map(String::as_str)).collect();
        Passage { found, text }
    };
    Ok(Findings { passages: found.into_iter().map(to_passage).collect(), is_by_meaning })
}

/// The same for a page, which shows nothing of what stands around it.
///
/// # Errors
/// When the database fails.
pub async fn search_for_page(state: &AppState, db: &UserDb, question: &str) -> Result<SearchResults> {
    let (scope, count) = (SearchScope::AllFiles, limits::SEARCH_RESULTS);
    let (found, is_by_meaning) = find(state, db, question, &scope, Ways::Both, count).await?;
    let shown = |(found, _): (FoundChunk, Vec<u32>)| FoundPassage {
        file_id: found.file_id,
        file_name: found.file_name,
        seq: found.chunk.seq,
        place: found.chunk.place,
        text: found.chunk.text,
    };
    Ok(SearchResults { passages: found.into_iter().map(shown).collect(), is_by_meaning })
}

/// The pieces that answer a question, the best first, each with the places that are its own around it; and whether it was
/// looked for by meaning, too.
async fn find(
    state: &AppState,
    db: &UserDb,
    question: &str,
    scope: &SearchScope,
    ways: Ways,
    count: usize,
) -> Result<(Vec<(FoundChunk, Vec<u32>)>, bool)> {
    let question = end_of(question, limits::SEARCH_QUESTION_CHARS_MAX);
    // Words such as "and what is that" are near to anything.
    if *scope == SearchScope::Files(Vec::new()) || words::words(question).is_empty() {
        return Ok((Vec::new(), false));
    }
    let sums = db.sum_up_texts(state.meanings.model()).boxed().shared();
    // Both at once: one waits for the database most of the time, the other for its model.
    let ((by_words, found), by_meaning) = try_join!(
        async {
            let sums = sums.clone();
            if ways == Ways::Meaning { Ok(Default::default()) } else { by_words(db, question, scope, sums).await }
        },
        async {
            if ways == Ways::Words {
                return Ok(None);
            }
            let question = end_of(question, limits::MEANING_CHARS_MAX);
            state.meanings.nearest(&state.models, db, question, scope, sums.clone(), LIST_LENGTH).await
        },
    )?;
    let is_by_meaning = by_meaning.is_some();
    let near_enough = |(_, nearness): &(i64, f32)| *nearness >= NEARNESS_MIN;
    let by_meaning: Vec<_> = by_meaning.unwrap_or_default().into_iter().filter(near_enough).collect();
    let best = |list: &[(i64, f32)]| list.iter().map(|(_, fitness)| *fitness).fold(0.0, f32::max);
    if best(&by_words) < BEST_SHARE_MIN && best(&by_meaning) < BEST_NEARNESS_MIN {
        return Ok((Vec::new(), is_by_meaning));
    }
    let by_words = by_words.into_iter().map(|(id, share)| (id, share * share)).collect();
    let ranked = fuse([by_words, by_meaning], count * SPARE);

    let mut found: HashMap<i64, FoundChunk> = found.into_iter().map(|found| (found.id, found)).collect();
    let others = ranked.iter().map(|(id, _)| *id).filter(|id| !found.contains_key(id)).collect();
    found.extend(db.list_found_chunks(others).await?.into_iter().map(|found| (found.id, found)));
    let ranked = ranked.into_iter().filter_map(|(id, _)| found.remove(&id));
    Ok((apart(ranked, count), is_by_meaning))
}

/// The first so many that do not stand right before or after a better one, each with the places of itself and of what stands
/// around it, as far as no better one has them.
fn apart(ranked: impl Iterator<Item = FoundChunk>, count: usize) -> Vec<(FoundChunk, Vec<u32>)> {
    let mut shown: HashSet<(FileId, u32)> = HashSet::new();
    let with_places = |found: FoundChunk| {
        let (file_id, seq) = (found.file_id, found.chunk.seq);
        if shown.contains(&(file_id, seq)) {
            return None;
        }
        let around = (seq.saturating_sub(1)..=seq.saturating_add(1)).filter(|seq| shown.insert((file_id, *seq)));
        let around = around.collect();
        Some((found, around))
    };
    ranked.filter_map(with_places).take(count).collect()
}

/// The end of what somebody wrote, where a question usually stands.
fn end_of(question: &str, chars_max: usize) -> &str {
    let skipped = question.chars().count().saturating_sub(chars_max);
    question.char_indices().nth(skipped).map_or(question, |(start, _)| &question[start..])
}

/// Pieces that have the words of a question, the most relevant first, each with how much it has of what they tell (0 to 1);
/// and those whose text was read for it.
async fn by_words(
    db: &UserDb,
    question: &str,
    scope: &SearchScope,
    sums: impl Future<Output = Result<TextSums>>,
) -> Result<(Vec<(i64, f32)>, Vec<FoundChunk>)> {
    let asked = asked_words(question);
    let terms: Vec<String> = asked.iter().map(|word| words::term(db.user_id(), word)).collect();
    let (mut hits, sums) = try_join!(db.find_terms(&terms, scope, false), sums)?;
    if sums.has_deleted {
        hits = db.find_terms(&terms, scope, true).await?;
    }
    let all = sums.chunks.max(PIECES_MIN);
    let weights: Vec<f32> = hits.iter().map(|hits| rarity(hits.len(), all)).collect();
    let shares = shares(&asked, &hits, &weights);
    let mut ranked: Vec<(i64, f32)> =
        shares.iter().map(|(id, share)| (*id, *share)).filter(|(_, share)| *share >= SHARE_MIN).collect();
    // Of those that have as much the newest: of a single word, all have all of it.
    ranked.sort_by(|one, other| other.1.total_cmp(&one.1).then(other.0.cmp(&one.0)));
    ranked.truncate(CANDIDATES);
    let candidates = db.list_found_chunks(ranked.iter().map(|(id, _)| *id).collect()).await?;
    let places: HashMap<Spelled, usize> =
        asked.iter().enumerate().map(|(place, word)| (word.spelled(), place)).collect();
    let of_form =
        |(word, weight): (&Word, f32)| if matches!(word, Word::Stem(_)) { weight * STEM_WEIGHT } else { weight };
    let weights: Vec<f32> = asked.iter().zip(weights).map(of_form).collect();
    let fitness = |found: &FoundChunk| (found.id, relevance(found, &places, &weights));
    let mut ranked: Vec<(i64, f32)> = candidates.iter().map(fitness).collect();
    ranked.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    let ranked = ranked.into_iter().take(LIST_LENGTH).map(|(id, _)| (id, shares[&id])).collect();
    Ok((ranked, candidates))
}

/// The words of a question, once each; of many the last ones, for it ends with what is asked.
fn asked_words(question: &str) -> Vec<Word> {
    let mut seen = HashSet::new();
    let last = words::words(question).into_iter().rev().filter(|word| seen.insert(word.clone()));
    last.take(limits::SEARCH_TERMS_MAX).collect()
}

/// How much each piece has of what the words of a question tell. A word that is nowhere, though forms of it are, tells as
/// much as these; one that is nowhere at all counts, too: a question of such words finds nothing.
fn shares(asked: &[Word], hits: &[Vec<i64>], weights: &[f32]) -> HashMap<i64, f32> {
    let mut shares: HashMap<i64, f32> = HashMap::new();
    let mut total = 0.0;
    for (place, word) in asked.iter().enumerate() {
        let Word::Whole(whole) = word else { continue };
        let is_its_stem = |other: &Word| matches!(other, Word::Stem(stem) if whole.starts_with(stem.as_str()));
        let stem = asked.iter().position(is_its_stem).filter(|_| whole.chars().count() > words::STEM_CHARS);
        let stem_hits = stem.map(|stem| hits[stem].as_slice()).unwrap_or_default();
        let weight = match stem {
            Some(stem) if hits[place].is_empty() && !stem_hits.is_empty() => weights[stem],
            _ => weights[place],
        };
        total += weight;
        let whole_hits: HashSet<i64> = hits[place].iter().copied().collect();
        for id in stem_hits.iter().filter(|id| !whole_hits.contains(id)) {
            *shares.entry(*id).or_default() += weight * STEM_SHARE;
        }
        for id in whole_hits {
            *shares.entry(id).or_default() += weight;
        }
    }
    shares.values_mut().for_each(|share| *share /= total);
    shares
}

/// How much a word tells: the rarer, the more.
#[expect(clippy::cast_precision_loss, reason = "it is compared")]
fn rarity(hits: usize, all: u64) -> f32 {
    // Of so many it is not known how many there are, but that it is a common word.
    let is_common = hits as u64 >= limits::SEARCH_HITS_MAX;
    let hits = if is_common { hits.max(usize::try_from(all / COMMON_SHARE).unwrap_or(hits)) } else { hits };
    (1.0 + (all as f32 - hits as f32 + 0.5).max(0.5) / (hits as f32 + 0.5)).ln()
}

/// Okapi BM25 (Robertson and Zaragoza, 2009) of one piece, for words with these places among the weights.
#[expect(clippy::cast_precision_loss, reason = "it is compared")]
fn relevance(found: &FoundChunk, places: &HashMap<Spelled, usize>, weights: &[f32]) -> f32 {
    let mut counts = vec![0.0; weights.len()];
    let mut words = 0;
    for text in [&found.chunk.heading, &found.chunk.text] {
        words::each(text, |word| {
            words += 1;
            if let Some(place) = places.get(&word) {
                counts[*place] += 1.0;
            }
        });
    }
    let length = 1.0 - LENGTH_WEIGHT + LENGTH_WEIGHT * words as f32 / USUAL_WORDS;
    let fitness = |(weight, count): (&f32, f32)| weight * count * (SATURATION + 1.0) / (count + SATURATION * length);
    weights.iter().zip(counts).map(fitness).sum()
}

/// One list of several, whose entries have votes: what stands high in one of them, and higher what stands in both.
#[expect(clippy::cast_precision_loss, reason = "lists are short")]
fn fuse(lists: [Vec<(i64, f32)>; 2], count: usize) -> Vec<(i64, f32)> {
    let mut scores: HashMap<i64, f32> = HashMap::new();
    for list in lists {
        for (place, (id, vote)) in list.into_iter().enumerate() {
            *scores.entry(id).or_default() += vote / (RANK_DAMPING + place as f32 + 1.0);
        }
    }
    let mut ranked: Vec<(i64, f32)> = scores.into_iter().collect();
    ranked.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    ranked.truncate(count);
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_both_lists_comes_first() {
        let list = |ids: [i64; 3]| ids.map(|id| (id, 1.0)).to_vec();
        let fused: Vec<i64> = fuse([list([1, 2, 3]), list([4, 2, 5])], 3).into_iter().map(|(id, _)| id).collect();
        assert_eq!(fused, [2, 1, 4]);
    }

    #[test]
    fn of_a_long_text_the_end_is_the_question() {
        assert_eq!(end_of("äöüxy?", 3), "xy?");
        assert_eq!(end_of("short", 10), "short");
        let many: String = (0..100).map(|n| format!("mail{n} ")).collect();
        let asked = asked_words(&format!("{many} notice period"));
        assert_eq!(asked.len(), limits::SEARCH_TERMS_MAX);
        for word in ["notice", "period"] {
            assert!(asked.contains(&Word::Whole(word.to_owned())), "{asked:?}");
        }
    }
}
