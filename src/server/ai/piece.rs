//! What comes from a model: text, what it thinks, what it counted. And how what it thinks is told from what it says.

use std::pin::Pin;

use futures::{Stream, StreamExt, stream};

use crate::domain::message::ReplyFailure;

/// The pieces of a reply as they come. Its end means that the reply is complete; dropping it ends the work on it.
pub type PieceStream = Pin<Box<dyn Stream<Item = Result<Piece, ReplyFailure>> + Send>>;

/// A piece of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Of the answer.
    Text(String),
    /// Of what the model thinks before it answers.
    Reasoning(String),
    /// How many tokens it was; the last one counts.
    Counted { prompt_tokens: u64, completion_tokens: u64 },
}

/// What many models write around their reasoning, at the very beginning of a reply.
const OPENING: &str = "<think>";
const CLOSING: &str = "</think>";

/// Tells reasoning that a model writes into its reply from the answer. One that goes on with a reply is past it.
pub fn apart(pieces: PieceStream, goes_on: bool) -> PieceStream {
    let place = if goes_on { Place::Answer } else { Place::Beginning };
    let state = Some((pieces, Splitter { place, kept_back: String::new() }));
    Box::pin(
        stream::unfold(state, |state| async move {
            let (mut pieces, mut splitter) = state?;
            let (out, is_over) = match pieces.next().await {
                Some(Ok(Piece::Text(text))) => (splitter.split(&text), false),
                Some(Ok(piece)) => (vec![Ok(piece)], false),
                Some(Err(failure)) => (splitter.rest().into_iter().chain([Err(failure)]).collect(), true),
                None => (splitter.rest().into_iter().collect(), true),
            };
            Some((stream::iter(out), (!is_over).then_some((pieces, splitter))))
        })
        .flatten(),
    )
}

/// Where in a reply one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing was said but what may be the opening.
    Beginning,
    /// After the opening; blank lines are left out here, too.
    Opened,
    Reasoning,
    /// After it; blank lines before the answer are left out.
    Gap,
    Answer,
}

struct Splitter {
    place: Place,
    /// What may be the beginning of a mark.
    kept_back: String,
}

impl Splitter {
    fn split(&mut self, text: &str) -> Vec<Result<Piece, ReplyFailure>> {
        let mut out = Vec::new();
        let mut text = std::mem::take(&mut self.kept_back) + text;
        loop {
            match self.place {
                Place::Beginning => {
                    let said = text.trim_start();
                    if let Some(rest) = said.strip_prefix(OPENING) {
                        (self.place, text) = (Place::Opened, rest.to_owned());
                    } else if OPENING.starts_with(said) {
                        self.kept_back = text;
                        return out;
                    } else {
                        self.place = Place::Answer;
                    }
                }
                Place::Reasoning => {
                    let Some((thought, rest)) = text.split_once(CLOSING) else {
                        let kept = (1..CLOSING.len()).rev().find(|len| text.ends_with(&CLOSING[..*len])).unwrap_or(0);
                        self.kept_back = text.split_off(text.len() - kept);
                        push(&mut out, Piece::Reasoning(text));
                        return out;
                    };
                    push(&mut out, Piece::Reasoning(thought.to_owned()));
                    (self.place, text) = (Place::Gap, rest.to_owned());
                }
                Place::Opened | Place::Gap => {
                    text = text.trim_start().to_owned();
                    if text.is_empty() {
                        return out;
                    }
                    self.place = if self.place == Place::Opened { Place::Reasoning } else { Place::Answer };
                }
                Place::Answer => {
                    push(&mut out, Piece::Text(text));
                    return out;
                }
            }
        }
    }

    /// What was kept back and turned out to be no mark.
    fn rest(&mut self) -> Option<Result<Piece, ReplyFailure>> {
        let rest = std::mem::take(&mut self.kept_back);
        let piece =
            if self.place == Place::Reasoning { Piece::Reasoning(rest.clone()) } else { Piece::Text(rest.clone()) };
        (!rest.is_empty()).then_some(Ok(piece))
    }
}

fn push(out: &mut Vec<Result<Piece, ReplyFailure>>, piece: Piece) {
    if !matches!(&piece, Piece::Text(text) | Piece::Reasoning(text) if text.is_empty()) {
        out.push(Ok(piece));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reasoning and answer of a reply that comes a few characters at a time.
    async fn read(text: &str, size: usize, goes_on: bool) -> (String, String) {
        let letters: Vec<char> = text.chars().collect();
        let pieces: Vec<_> = letters.chunks(size).map(|part| Ok(Piece::Text(part.iter().collect()))).collect();
        let mut pieces = apart(Box::pin(stream::iter(pieces)), goes_on);
        let (mut reasoning, mut answer) = (String::new(), String::new());
        while let Some(piece) = pieces.next().await {
            match piece.unwrap() {
                Piece::Text(text) => answer.push_str(&text),
                Piece::Reasoning(text) => reasoning.push_str(&text),
                Piece::Counted { .. } => {}
            }
        }
        (reasoning, answer)
    }

    #[tokio::test]
    async fn reasoning_is_told_from_the_answer_however_it_is_cut() {
        for (text, reasoning, answer) in [
            ("\n<think>\nOne < two, </thin\n</think>\n\nYes.", "One < two, </thin\n", "Yes."),
            ("<think></think>Yes. <think>no</think>", "", "Yes. <think>no</think>"),
            ("<think>Never closed </thi", "Never closed </thi", ""),
            ("<thin ice>", "", "<thin ice>"),
            ("  <thi", "", "  <thi"),
            ("A word, <think>no</think>", "", "A word, <think>no</think>"),
            ("<think>Grüße</think>日本語", "Grüße", "日本語"),
        ] {
            for size in 1..=text.chars().count() {
                let expected = (reasoning.to_owned(), answer.to_owned());
                assert_eq!(read(text, size, false).await, expected, "{text:?} by {size}");
            }
        }
        assert_eq!(read("<think>x</think>", 4, true).await, (String::new(), "<think>x</think>".to_owned()));
    }
}
