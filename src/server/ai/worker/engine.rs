//! Writes several replies at once: each step of the model gives every reply its next token, and reads a stretch of the
//! conversations that are not read yet, so that a long one does not hold the others up.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, RandomState},
    sync::mpsc::{Receiver, TryRecvError},
};

use llama_cpp_2::{
    context::LlamaContext, llama_batch::LlamaBatch, model::LlamaModel, sampling::LlamaSampler, token::LlamaToken, vocab::LlamaVocab,
};

use super::{
    prompt::{self, Reading},
    say,
    template::ChatTemplate,
    text::Utf8,
};
use crate::{
    domain::model::PromptLine,
    server::ai::embedded::protocol::{End, Event, Request},
};

/// Tokens in one step. More would read conversations hardly faster, and let the other replies wait longer.
pub const BATCH_TOKENS_MAX: u32 = 128;
/// Requests that wait for a place here; the server sends no more than there are places.
const WAITING_MAX: usize = 256;

/// How words are chosen. The model is small: low enough to stay with the matter, with just enough freedom not to repeat
/// itself.
const TEMPERATURE: f32 = 0.7;
const TOP_K: i32 = 40;
const TOP_P: f32 = 0.9;
/// Applied to what the reply itself has said, not to the conversation: else the model avoids the words of the question.
const REPEAT_PENALTY: f32 = 1.1;
const REPEAT_TOKENS_MAX: i32 = 256;

/// The model at work.
pub struct Engine<'model> {
    vocab: LlamaVocab<'model>,
    context: LlamaContext<'model>,
    batch: LlamaBatch<'static>,
    template: ChatTemplate,
    /// The token that must begin a text, for models that want one.
    begin_of_text: Option<LlamaToken>,
    context_tokens: usize,
    reply_tokens_max: usize,
    /// The index is the sequence in the engine's memory.
    places: Vec<Option<Reply>>,
    waiting: VecDeque<(u64, Vec<PromptLine>)>,
}

/// A reply that is being written.
struct Reply {
    id: u64,
    /// The conversation, then the reply so far.
    tokens: Vec<LlamaToken>,
    /// How many of them the model has read.
    read: usize,
    written: usize,
    /// Where in the present step its next token comes out.
    output: Option<i32>,
    sampler: LlamaSampler,
    text: Utf8,
}

impl<'model> Engine<'model> {
    pub fn new(
        model: &'model LlamaModel,
        context: LlamaContext<'model>,
        parallel: usize,
        context_tokens: usize,
        reply_tokens_max: usize,
    ) -> Self {
        let vocab = model.vocab();
        let word = |token: LlamaToken| match token {
            LlamaToken(0..) => vocab.text(token).map(|text| text.to_string_lossy().into_owned()).unwrap_or_default(),
            // The model has no such token.
            LlamaToken(_) => String::new(),
        };
        let source = model.chat_template(None).ok().and_then(|template| template.to_string().ok());
        Self {
            template: ChatTemplate::new(source, &word(vocab.bos()), &word(vocab.eos())),
            begin_of_text: (vocab.should_add_bos() && vocab.bos().0 >= 0).then(|| vocab.bos()),
            vocab,
            context,
            batch: LlamaBatch::new(BATCH_TOKENS_MAX as usize, 1),
            context_tokens,
            // Room for the question must stay.
            reply_tokens_max: reply_tokens_max.min(context_tokens / 2),
            places: (0..parallel).map(|_| None).collect(),
            waiting: VecDeque::new(),
        }
    }

    /// Serves until the requests end.
    ///
    /// # Errors
    /// When the engine fails, or the server does not listen any more.
    pub fn serve(mut self, requests: &Receiver<Request>) -> Result<(), String> {
        loop {
            let idle = self.waiting.is_empty() && self.places.iter().all(Option::is_none);
            let request = if idle { requests.recv().map_err(|_| TryRecvError::Disconnected) } else { requests.try_recv() };
            match request {
                Ok(Request::Generate { id, .. }) if self.waiting.len() >= WAITING_MAX => done(id, End::Refused)?,
                Ok(Request::Generate { id, lines }) => self.waiting.push_back((id, lines)),
                Ok(Request::Cancel { id }) => self.cancel(id)?,
                Err(TryRecvError::Disconnected) => return Ok(()),
                Err(TryRecvError::Empty) => {
                    self.begin_waiting()?;
                    self.step()?;
                }
            }
        }
    }

    /// Gives free places to those who wait.
    fn begin_waiting(&mut self) -> Result<(), String> {
        for place in 0..self.places.len() {
            while self.places[place].is_none() {
                let Some((id, lines)) = self.waiting.pop_front() else { return Ok(()) };
                self.places[place] = self.begin(id, &lines);
                if self.places[place].is_none() {
                    done(id, End::Refused)?;
                }
            }
        }
        Ok(())
    }

    fn begin(&self, id: u64, lines: &[PromptLine]) -> Option<Reply> {
        let tokens_max = self.context_tokens - self.reply_tokens_max - usize::from(self.begin_of_text.is_some());
        let tokenize = |text: &str, reading| self.vocab.tokenize(text.as_bytes(), false, reading == Reading::Markup);
        let mut tokens = prompt::tokens(&self.template, lines, tokens_max, tokenize)?;
        if let Some(begin) = self.begin_of_text.filter(|begin| tokens.first() != Some(begin)) {
            tokens.insert(0, begin);
        }
        Some(Reply {
            id,
            tokens,
            read: 0,
            written: 0,
            output: None,
            sampler: sampler(self.vocab.n_tokens()),
            text: Utf8::default(),
        })
    }

    fn cancel(&mut self, id: u64) -> Result<(), String> {
        self.waiting.retain(|(waiting, _)| *waiting != id);
        if let Some(place) = self.places.iter().position(|reply| reply.as_ref().is_some_and(|reply| reply.id == id)) {
            self.clear(place)?;
        }
        // The server waits for this word, also where the reply has ended in the meantime.
        done(id, End::Cancelled)
    }

    /// Frees a place and wipes what was read there.
    fn clear(&mut self, place: usize) -> Result<(), String> {
        self.places[place] = None;
        let sequence = u32::try_from(place).map_err(|error| error.to_string())?;
        self.context.clear_kv_cache_seq(Some(sequence), None, None).map_err(|error| error.to_string())?;
        Ok(())
    }

    /// One step of the model for all replies.
    fn step(&mut self) -> Result<(), String> {
        self.fill_batch()?;
        if self.batch.n_tokens() == 0 {
            return Ok(());
        }
        self.context.decode(&mut self.batch).map_err(|error| format!("the model failed at its work: {error}"))?;
        let mut silent = true;
        for place in 0..self.places.len() {
            let Some((id, outcome)) = self.next_token(place) else { continue };
            silent &= outcome.text.is_empty();
            if !outcome.text.is_empty() {
                say(&Event::Piece { id, text: outcome.text })?;
            }
            if let Some(end) = outcome.end {
                self.clear(place)?;
                done(id, end)?;
            }
        }
        if silent { say(&Event::Working) } else { Ok(()) }
    }

    /// Puts into the batch what each reply has to read next: one token where it is written, a stretch where its
    /// conversation is read, the oldest request first.
    fn fill_batch(&mut self) -> Result<(), String> {
        self.batch.clear();
        let mut order: Vec<(usize, &mut Reply)> =
            self.places.iter_mut().enumerate().filter_map(|(place, reply)| Some((place, reply.as_mut()?))).collect();
        order.sort_by_key(|(_, reply)| (reply.tokens.len() - reply.read > 1, reply.id));
        let mut room = BATCH_TOKENS_MAX as usize;
        for (place, reply) in order {
            let sequence = i32::try_from(place).map_err(|error| error.to_string())?;
            let stretch = room.min(reply.tokens.len() - reply.read);
            for _ in 0..stretch {
                let position = i32::try_from(reply.read).map_err(|error| error.to_string())?;
                let last = reply.read + 1 == reply.tokens.len();
                if last {
                    reply.output = Some(self.batch.n_tokens());
                }
                let token = reply.tokens[reply.read];
                self.batch.add(token, position, &[sequence], last).map_err(|error| error.to_string())?;
                reply.read += 1;
            }
            room -= stretch;
        }
        Ok(())
    }

    /// Chooses the next token of the reply in this place, if its turn came in this step.
    fn next_token(&mut self, place: usize) -> Option<(u64, Outcome)> {
        let reply = self.places[place].as_mut()?;
        let token = reply.sampler.sample(&self.context, reply.output.take()?);
        if self.vocab.is_eog(token) {
            return Some((reply.id, Outcome { text: String::new(), end: Some(End::Complete) }));
        }
        let text = reply.text.push(&self.vocab.token_to_piece(token, false, None));
        reply.tokens.push(token);
        reply.written += 1;
        let full = reply.written >= self.reply_tokens_max || reply.tokens.len() >= self.context_tokens;
        Some((reply.id, Outcome { text, end: full.then_some(End::TooLong) }))
    }
}

/// What a step brought one reply.
struct Outcome {
    /// Empty where a character is not complete yet.
    text: String,
    end: Option<End>,
}

fn done(id: u64, end: End) -> Result<(), String> {
    say(&Event::Done { id, end })
}

fn sampler(words: i32) -> LlamaSampler {
    // Only for choosing words, so that any number will do as long as it differs each time.
    let seed = RandomState::new().hash_one(());
    let steps = [
        LlamaSampler::penalties(words, REPEAT_TOKENS_MAX, REPEAT_PENALTY, 0.0, 0.0),
        LlamaSampler::top_k(TOP_K),
        LlamaSampler::top_p(TOP_P, 1),
        LlamaSampler::temp(TEMPERATURE),
        LlamaSampler::dist(seed as u32),
    ];
    LlamaSampler::chain(steps, true)
}
