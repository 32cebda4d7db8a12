//! The process that holds the model for searching, behind the hidden subcommand `meaning-worker`: texts in, vectors out, a
//! line of JSON each (`embedded::meaning`). It has no database and knows no users. When stdin ends, so does the process.
//!
//! The model is one of Sentence Transformers' (BERT): the mean of its tokens' vectors, made as long as 1, is the text's
//! (<https://www.sbert.net>). The mean of the tokens of a part of it says what that part means where it stands, without
//! being asked again ("late chunking", Günther and others, 2024): a question is often near one sentence, and far from all.

use std::{
    io::{self, BufRead, Write},
    num::NonZero,
    ops::Range,
    path::PathBuf,
    sync::Arc,
};

use clap::Args;
use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool};
use rten_tensor::{NdTensor, prelude::*};
use rten_text::Tokenizer;

use super::embedded::meaning::{Answer, Question};

/// Tokens of a text; the model has learnt from texts of this length.
const TOKENS_MAX: usize = 256;
/// The least that a part of a piece has, but for the last one: a sentence, as a rule. Its meaning is kept beside the whole's.
const PART_BYTES_MIN: usize = 60;
/// Of a longer piece the parts are larger.
const PARTS_MAX: usize = 10;
/// Longest question.
const QUESTION_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Where the model is.
#[derive(Args, Debug)]
pub struct MeaningWorkerArgs {
    model: PathBuf,
    tokenizer: PathBuf,
}

/// Answers questions until stdin ends.
///
/// # Errors
/// When the model cannot be used, with the reason for the log.
pub fn run(args: &MeaningWorkerArgs) -> Result<(), String> {
    let engine = Engine::load(args)?;
    let mut questions = io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        let count = io::Read::take(&mut questions, QUESTION_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .map_err(|error| error.to_string())?;
        if count == 0 {
            return Ok(());
        }
        let question: Question = serde_json::from_slice(&line).map_err(|error| error.to_string())?;
        let answer = Answer { vectors: engine.embed(&question)? };
        let mut answer = serde_json::to_vec(&answer).map_err(|error| error.to_string())?;
        answer.push(b'\n');
        io::stdout().lock().write_all(&answer).map_err(|error| error.to_string())?;
    }
}

struct Engine {
    model: Model,
    tokenizer: Tokenizer,
    output: NodeId,
    for_texts: RunOptions,
    for_pieces: RunOptions,
}

impl Engine {
    fn load(args: &MeaningWorkerArgs) -> Result<Self, String> {
        // Packed once, not for each text.
        let model = ModelOptions::with_all_ops()
            .prepack_weights(true)
            .load_file(&args.model)
            .map_err(|error| error.to_string())?;
        let tokenizer = Tokenizer::from_file(&args.tokenizer).map_err(|error| error.to_string())?;
        let output = *model.output_ids().first().ok_or("the model gives nothing")?;
        // Whoever asks what a text means looks for its words at the same time; of a few cores, half are for that.
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let some = Arc::new(ThreadPool::with_num_threads((cores / 2).max(1)));
        let for_texts = RunOptions::default().with_thread_pool(Some(some));
        Ok(Self { model, tokenizer, output, for_texts, for_pieces: RunOptions::default() })
    }

    fn embed(&self, question: &Question) -> Result<Vec<Vec<Vec<f32>>>, String> {
        let texts = question.texts.iter().map(|text| self.embed_one(text, &[], &self.for_texts));
        let pieces = question.pieces.iter().map(|piece| {
            let whole = piece.whole();
            let begin = whole.len() - piece.text.len();
            let parts: Vec<Range<usize>> =
                parts(&piece.text).into_iter().map(|part| part.start + begin..part.end + begin).collect();
            self.embed_one(&whole, &parts, &self.for_pieces)
        });
        texts.chain(pieces).collect()
    }

    /// The vectors of a text and of parts of it. One text at a time: several of different lengths side by side would be
    /// filled up with nothing, which takes as long.
    fn embed_one(&self, text: &str, parts: &[Range<usize>], options: &RunOptions) -> Result<Vec<Vec<f32>>, String> {
        let encoded = self.tokenizer.encode(text, None).map_err(|error| error.to_string())?;
        let starts = encoded.token_offsets();
        let mut ids: Vec<i32> = encoded.token_ids().iter().map(|id| i32::try_from(*id).unwrap_or_default()).collect();
        if ids.len() > TOKENS_MAX {
            // The last token says that the text ends there.
            let end = ids[ids.len() - 1];
            ids.truncate(TOKENS_MAX - 1);
            ids.push(end);
        }
        let count = ids.len();
        let ids = NdTensor::from_data([1, count], ids);
        let mask = NdTensor::<i32, 2>::full([1, count], 1);
        let types = NdTensor::<i32, 2>::zeros([1, count]);
        let mut inputs = Vec::new();
        for (name, tensor) in [("input_ids", &ids), ("attention_mask", &mask), ("token_type_ids", &types)] {
            if let Some(id) = self.model.find_node(name) {
                inputs.push((id, tensor.view().into()));
            }
        }
        let options = Some(options.clone());
        let [output] = self.model.run_n(inputs, [self.output], options).map_err(|error| error.to_string())?;
        let output: NdTensor<f32, 3> = output.try_into().map_err(|_| "the model gives something else".to_owned())?;
        let mut vectors = vec![mean(&output, 0..count)];
        // The first and the last token stand for the text as a whole.
        let inner = 1..count.saturating_sub(1);
        for part in parts {
            let tokens = inner.clone().filter(|token| starts.get(*token).is_some_and(|start| part.contains(start)));
            let tokens: Vec<usize> = tokens.collect();
            if !tokens.is_empty() {
                vectors.push(mean(&output, tokens.into_iter()));
            }
        }
        Ok(vectors)
    }
}

/// Where the parts of a text are, in bytes: a sentence or a few each, about [`PARTS_MAX`] at the most.
fn parts(text: &str) -> Vec<Range<usize>> {
    let least = PART_BYTES_MIN.max(text.len() / PARTS_MAX);
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    let mut before = None;
    for (at, letter) in text.char_indices() {
        let ends = letter == '\n' || (letter.is_whitespace() && matches!(before, Some('.' | '!' | '?' | ';')));
        if ends && at - start >= least {
            parts.push(start..at);
            start = at;
        }
        before = Some(letter);
    }
    parts.push(start..text.len());
    parts
}

/// The mean over some tokens, as long as 1.
fn mean(output: &NdTensor<f32, 3>, tokens: impl Iterator<Item = usize>) -> Vec<f32> {
    let [_, _, dimensions] = output.shape();
    let mut mean = vec![0.0; dimensions];
    for token in tokens {
        for (dimension, sum) in mean.iter_mut().enumerate() {
            *sum += output[[0, token, dimension]];
        }
    }
    let length = mean.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    mean.iter().map(|value| value / length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_sentences_and_together_the_text() {
        let sentence = "A sentence stands here, of some length, so that it is a part. ";
        let text = sentence.repeat(8);
        let found = parts(text.trim_end());
        assert_eq!(found.len(), 8, "{found:?}");
        assert_eq!(found.iter().map(|part| &text[part.clone()]).collect::<String>(), text.trim_end());
        assert!(found[1..].iter().all(|part| text[..part.start].ends_with('.')));
        let long = sentence.repeat(100);
        assert!(parts(&long).len() <= PARTS_MAX + 1);
        for short in ["", "One sentence. And another.", &"x".repeat(500)] {
            assert!(parts(short) == vec![0..short.len(); 1], "{short}");
        }
        let lines = "äöü\n".repeat(100);
        assert_eq!(parts(&lines).iter().map(|part| &lines[part.clone()]).collect::<String>(), lines);
    }
}
