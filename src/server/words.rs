//! The words of a text, as full-text search knows them, and the opaque terms under which a person's words are indexed.
//!
//! A term is a hash of its owner's id and the word. So the index, which is one for everybody, holds no word that could be
//! read in it, and no question of one person meets what is another's, whatever a query forgets.

use std::{collections::HashSet, sync::LazyLock};

use sha2::{Digest, Sha256};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::domain::ids::UserId;

/// A longer word is known by its beginning.
const WORD_CHARS_MAX: usize = 40;
/// Words with this beginning in common are likely forms of one word.
pub const STEM_CHARS: usize = 5;
/// Characters of a term.
const TERM_CHARS: usize = 12;

/// Words so common that they say nothing about a text, in the languages that most texts are in.
const STOP_WORDS: &str = "a about after all also am an and any are as at be because been before being between both but by can \
    could did do does doing during each few for from further had has have having he her here hers him his how i if in into \
    is it its itself just me more most my no nor not now of off on once only or other our ours out over own same she should \
    so some such than that the their theirs them then there these they this those through to too under until up very was we \
    were what when where which while who whom why will with would you your yours \
    aber als am an auch auf aus bei bin bis bist da das dass dem den der des die dir doch du durch ein eine einem einen \
    einer eines er es fur hat hatte ich ihr im in ist ja kann man mich mir mit nach nicht noch nur oder sein sich sie sind \
    so uber um und uns unter vom von vor war was wenn wer wie wir wird wo zu zum zur \
    au aux avec ce ces cette dans de des du elle en est et il ils je la le les leur lui mais me meme ne nous on ou par pas \
    pour qu que qui sa sans se ses son sont sur te tu un une vous";

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Word {
    Whole(String),
    /// What several forms of a word begin with.
    Stem(String),
}

/// A word, wherever its letters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spelled<'a> {
    Whole(&'a str),
    Stem(&'a str),
}

impl Word {
    /// The same for comparing.
    pub fn spelled(&self) -> Spelled<'_> {
        match self {
            Self::Whole(word) => Spelled::Whole(word),
            Self::Stem(word) => Spelled::Stem(word),
        }
    }
}

/// The words of a text in their order, each with its stem if it is longer than that: small letters without accents. A code
/// such as `ZX-4417` is also one word; of writing without spaces every two letters in a row are one.
pub fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    each(text, |word| {
        words.push(match word {
            Spelled::Whole(word) => Word::Whole(word.to_owned()),
            Spelled::Stem(word) => Word::Stem(word.to_owned()),
        });
    });
    words
}

/// The same one after the other, for those who keep none of them.
pub fn each(text: &str, mut take: impl FnMut(Spelled<'_>)) {
    // Of a run of letters without a space: its parts one after the other, plain, and where they end.
    let (mut run_text, mut ends) = (String::new(), Vec::new());
    for run in text.split(|letter: char| letter.is_whitespace() || letter.is_control()) {
        run_text.clear();
        ends.clear();
        for part in run.split(|letter: char| !letter.is_alphanumeric() && !is_combining_mark(letter)) {
            push_plain(&mut run_text, part);
            if run_text.len() > ends.last().copied().unwrap_or_default() {
                ends.push(run_text.len());
            }
        }
        if (2..=4).contains(&ends.len()) && run_text.contains(|letter: char| letter.is_ascii_digit()) {
            take_word(&mut take, &run_text);
        }
        let mut start = 0;
        for end in &ends {
            let part = &run_text[start..*end];
            start = *end;
            if part.contains(is_unspaced) { take_unspaced(&mut take, part) } else { take_word(&mut take, part) }
        }
    }
}

/// The term under which a person's word is indexed.
pub fn term(user_id: UserId, word: &Word) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let (kind, word) = match word {
        Word::Whole(word) => (b'w', word),
        Word::Stem(word) => (b's', word),
    };
    let hash = Sha256::new().chain_update(user_id.0).chain_update([kind]).chain_update(word).finalize();
    hash.iter().take(TERM_CHARS).map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
}

/// All terms of a text, once each, with spaces between them.
pub fn terms(user_id: UserId, text: &str) -> String {
    let mut seen = HashSet::new();
    let mut terms = String::new();
    for word in words(text) {
        if !seen.contains(&word) {
            terms.push_str(&term(user_id, &word));
            terms.push(' ');
            seen.insert(word);
        }
    }
    terms
}

fn push_plain(plain: &mut String, part: &str) {
    if part.is_ascii() {
        plain.extend(part.chars().map(|letter| letter.to_ascii_lowercase()));
    } else {
        plain.extend(part.nfkd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase));
    }
}

fn take_word(take: &mut impl FnMut(Spelled<'_>), word: &str) {
    let begins_with_digit = word.starts_with(|letter: char| letter.is_ascii_digit());
    if (word.len() == 1 && !begins_with_digit) || is_stop_word(word) {
        return;
    }
    let beginning = |chars| word.char_indices().nth(chars).map(|(end, _)| &word[..end]);
    if let Some(stem) = beginning(STEM_CHARS).filter(|_| !begins_with_digit) {
        take(Spelled::Stem(stem));
    }
    take(Spelled::Whole(beginning(WORD_CHARS_MAX).unwrap_or(word)));
}

fn take_unspaced(take: &mut impl FnMut(Spelled<'_>), part: &str) {
    let starts: Vec<usize> = part.char_indices().map(|(start, _)| start).chain([part.len()]).collect();
    if starts.len() == 2 {
        take(Spelled::Whole(part));
    }
    for pair in starts.windows(3) {
        take(Spelled::Whole(&part[pair[0]..pair[2]]));
    }
}

/// Whether this is of a writing that puts no spaces between words.
fn is_unspaced(letter: char) -> bool {
    matches!(letter, '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}'
        | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{323AF}')
}

fn is_stop_word(word: &str) -> bool {
    static WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| STOP_WORDS.split_whitespace().collect());
    static LONGEST: LazyLock<usize> = LazyLock::new(|| WORDS.iter().map(|word| word.len()).max().unwrap_or_default());
    word.len() <= *LONGEST && WORDS.contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Vec<String> {
        let whole = |word| match word {
            Word::Whole(word) => Some(word),
            Word::Stem(_) => None,
        };
        words(text).into_iter().filter_map(whole).collect()
    }

    #[test]
    fn words_are_small_plain_and_tell_something() {
        assert_eq!(whole("The Café's prices, and the Größe!"), ["cafe", "prices", "große"]);
        assert_eq!(whole("Part ZX-4417 costs 3.50"), ["part", "zx4417", "zx", "4417", "costs", "350", "3", "50"]);
        assert_eq!(whole("日本語 text"), ["日本", "本語", "text"]);
        assert!(words("of the and is").is_empty());
        assert!(words("refunds").contains(&Word::Stem("refun".to_owned())));
        assert!(words("refunding").contains(&Word::Stem("refun".to_owned())));
    }

    #[test]
    fn x12_the_same_word_is_another_term_for_everybody() {
        let (alice, bob) = (UserId(uuid::Uuid::from_u128(1)), UserId(uuid::Uuid::from_u128(2)));
        let word = Word::Whole("canary".to_owned());
        assert_ne!(term(alice, &word), term(bob, &word));
        assert_ne!(term(alice, &word), term(alice, &Word::Stem("canary".to_owned())));
        assert_eq!(terms(alice, "canary, canary!").split(' ').filter(|term| !term.is_empty()).count(), 2);
        assert!(!terms(alice, "canary").contains("canary"));
    }
}
