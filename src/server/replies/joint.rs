//! How what a model writes now goes with what was written before its server went away.
//!
//! A model that continues is trusted only so far: not all that say they can do so. One that begins anew is not shown until
//! it has written as much as was there before; then its text takes the place of the other in one step.

/// Shorter than this, a beginning is not worth going on from.
pub const BEGINNING_BYTES_MIN: usize = 16;
/// So much of a beginning repeated is no coincidence.
const REPEATED_BYTES_MIN: usize = 24;

/// Puts pieces to a text.
#[derive(Debug)]
pub enum Joint {
    /// They are added.
    Adding,
    /// The first ones of what should be a continuation: kept back until it is clear that they do not begin anew.
    Listening(String),
    /// They are another text, in the place of the first once it is as long.
    Anew(String),
}

/// What became of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// More of it, or nothing yet.
    Grown,
    /// Another one.
    Replaced,
}

impl Joint {
    /// For a model that goes on from the beginning it is given, or for one that does not.
    pub fn new(text: &str, continues: bool) -> Self {
        match (text.is_empty(), continues) {
            (true, _) => Self::Adding,
            (false, true) => Self::Listening(String::new()),
            (false, false) => Self::Anew(String::new()),
        }
    }

    /// Takes a piece.
    pub fn add(&mut self, text: &mut String, piece: &str) -> Change {
        match self {
            Self::Adding => text.push_str(piece),
            Self::Listening(heard) => {
                heard.push_str(piece);
                let same_bytes = text.bytes().zip(heard.bytes()).take_while(|(one, other)| one == other).count();
                let is_repetition = same_bytes >= REPEATED_BYTES_MIN.min(text.len());
                if same_bytes == heard.len() && !is_repetition {
                    return Change::Grown;
                }
                let heard = std::mem::take(heard);
                if is_repetition {
                    *self = Self::Anew(String::new());
                    return self.add(text, &heard);
                }
                text.push_str(&heard);
                *self = Self::Adding;
            }
            Self::Anew(other) => {
                other.push_str(piece);
                if other.len() >= text.len() {
                    return self.end(text);
                }
            }
        }
        Change::Grown
    }

    /// The model has nothing more to say.
    pub fn end(&mut self, text: &mut String) -> Change {
        match std::mem::replace(self, Self::Adding) {
            Self::Anew(other) if !other.trim().is_empty() => {
                *text = other;
                Change::Replaced
            }
            Self::Listening(heard) => {
                text.push_str(&heard);
                Change::Grown
            }
            Self::Adding | Self::Anew(_) => Change::Grown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGINNING: &str = "Once upon a time there was a cat who";

    /// The text after each piece, and after the end; how often it was replaced.
    fn join(beginning: &str, continues: bool, pieces: &[&str]) -> (Vec<String>, usize) {
        let (mut text, mut texts, mut replaced) = (beginning.to_owned(), Vec::new(), 0);
        let mut joint = Joint::new(beginning, continues);
        for piece in pieces {
            replaced += usize::from(joint.add(&mut text, piece) == Change::Replaced);
            texts.push(text.clone());
        }
        replaced += usize::from(joint.end(&mut text) == Change::Replaced);
        texts.push(text);
        (texts, replaced)
    }

    #[test]
    fn a_continuation_is_added() {
        let (texts, replaced) = join(BEGINNING, true, &[" liked", " milk."]);
        let whole = format!("{BEGINNING} liked milk.");
        assert_eq!((texts, replaced), (vec![format!("{BEGINNING} liked"), whole.clone(), whole], 0));
        assert_eq!(join("", true, &["a", "b"]).0, ["a", "ab", "ab"]);
        // One that begins like the text for a word.
        assert_eq!(join(BEGINNING, true, &["Once", " more."]).0.pop().unwrap(), format!("{BEGINNING}Once more."));
        assert_eq!(join(BEGINNING, true, &["Once"]).0.pop().unwrap(), format!("{BEGINNING}Once"));
        assert_eq!(join(BEGINNING, true, &[]).0, [BEGINNING]);
    }

    #[test]
    fn what_begins_anew_takes_the_place_of_the_text_once_it_is_as_long() {
        for continues in [true, false] {
            let other = "Once upon a time there was a cat. It slept.";
            let pieces: Vec<&str> = other.split_inclusive(' ').collect();
            let (texts, replaced) = join(BEGINNING, continues, &pieces);
            assert_eq!(replaced, 1, "{continues}");
            assert!(texts.iter().all(|text| text == BEGINNING || other.starts_with(text)), "{texts:?}");
            assert!(texts.iter().all(|text| text.len() >= BEGINNING.len()), "{texts:?}");
            assert_eq!(texts.last().unwrap(), other);
        }
    }

    #[test]
    fn a_shorter_one_takes_it_at_its_end_and_an_empty_one_never() {
        assert_eq!(
            join(BEGINNING, false, &["A", " cat."]),
            (vec![BEGINNING.into(), BEGINNING.into(), "A cat.".into()], 1)
        );
        assert_eq!(join(BEGINNING, false, &[" "]), (vec![BEGINNING.into(), BEGINNING.into()], 0));
    }
}
