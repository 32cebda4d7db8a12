//! The process that holds the model for searching, behind the hidden subcommand `meaning-worker`: texts in, vectors out, a
//! line of JSON each (`embedded::meaning`). It has no database and knows no users. When stdin ends, so does the process.
//!
//! The model is one of Sentence Transformers' (BERT): the mean of its tokens' vectors, made as long as 1, is the text's
//! (<https://www.sbert.net>).

use std::{
    io::{self, BufRead, Write},
    path::PathBuf,
};

use clap::Args;
use rten::{Model, NodeId};
use rten_tensor::{NdTensor, prelude::*};
use rten_text::Tokenizer;

use super::embedded::meaning::{Answer, Question};

/// Tokens of a text; the model has learnt from texts of this length.
const TOKENS_MAX: usize = 256;
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
        let answer = Answer { vectors: engine.embed(&question.texts)? };
        let mut answer = serde_json::to_vec(&answer).map_err(|error| error.to_string())?;
        answer.push(b'\n');
        io::stdout().lock().write_all(&answer).map_err(|error| error.to_string())?;
    }
}

struct Engine {
    model: Model,
    tokenizer: Tokenizer,
    output: NodeId,
}

impl Engine {
    fn load(args: &MeaningWorkerArgs) -> Result<Self, String> {
        let model = Model::load_file(&args.model).map_err(|error| error.to_string())?;
        let tokenizer = Tokenizer::from_file(&args.tokenizer).map_err(|error| error.to_string())?;
        let output = *model.output_ids().first().ok_or("the model gives nothing")?;
        Ok(Self { model, tokenizer, output })
    }

    fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, String> {
        texts.iter().map(|text| self.embed_one(text)).collect()
    }

    /// One at a time: texts of different lengths side by side would be filled up with nothing, which takes as long.
    fn embed_one(&self, text: &str) -> Result<Vec<f32>, String> {
        let encoded = self.tokenizer.encode(text, None).map_err(|error| error.to_string())?;
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
        let [output] = self.model.run_n(inputs, [self.output], None).map_err(|error| error.to_string())?;
        let output: NdTensor<f32, 3> = output.try_into().map_err(|_| "the model gives something else".to_owned())?;
        Ok(mean(&output))
    }
}

/// The mean over the tokens, as long as 1.
fn mean(output: &NdTensor<f32, 3>) -> Vec<f32> {
    let [_, tokens, dimensions] = output.shape();
    let mut mean = vec![0.0; dimensions];
    for token in 0..tokens {
        for (dimension, sum) in mean.iter_mut().enumerate() {
            *sum += output[[0, token, dimension]];
        }
    }
    let length = mean.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    mean.iter().map(|value| value / length).collect()
}
