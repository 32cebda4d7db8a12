//! Writes several replies at once: each step of the model gives every reply its next token, and reads a stretch of the
//! conversations that are not read yet, so that a long one does not hold the others up.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, RandomState},
    sync::mpsc::{Receiver, TryRecvError},
    time::{Duration, Instant},
};

use llama_cpp_2::{
    context::LlamaContext, llama_batch::LlamaBatch, model::LlamaModel, sampling::LlamaSampler, token::LlamaToken,
    vocab::LlamaVocab,
};

use super::{
    memory::Memory,
    prompt::{self, Reading},
    say,
    template::ChatTemplate,
    text::Utf8,
};
use crate::{
    domain::model::Prompt,
    server::ai::embedded::protocol::{End, Event, Request},
};

/// Tokens in one step.
pub const BATCH_TOKENS_MAX: u32 = 128;
/// What a step that reads conversations should take: the other replies wait for it, and so does a cancellation.
const STEP_TIME: Duration = Duration::from_millis(200);
/// Tokens of conversations that a step reads at least.
const STRETCH_TOKENS_MIN: usize = 16;
/// Requests that wait for a place here; the server sends no more than there are places.
const WAITING_MAX: usize = 256;

/// How words are chosen. The model is small: low enough to stay with the matter, with just enough freedom not to repeat
/// itself.
const TEMPERATURE: f32 = 0.3;
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
    /// Tokens of conversations that the next step reads at most.
    stretch_tokens: usize,
    /// The index is the sequence in the engine's memory.
    places: Vec<Place>,
    waiting: VecDeque<(u64, Prompt)>,
}

/// Room for one reply.
#[derive(Default)]
struct Place {
    reply: Option<Reply>,
    /// What the reply before left behind.
    memory: Memory<LlamaToken>,
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

/// What a step brought one reply.
struct Outcome {
    id: u64,
    /// Empty where a character is not complete yet.
    text: String,
    end: Option<End>,
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
            stretch_tokens: STRETCH_TOKENS_MIN,
            places: (0..parallel).map(|_| Place::default()).collect(),
            waiting: VecDeque::new(),
        }
    }

    /// Serves until the requests end.
    ///
    /// # Errors
    /// When the engine fails, or the server does not listen any more.
    pub fn serve(mut self, requests: &Receiver<Request>) -> Result<(), String> {
        loop {
            let idle = self.waiting.is_empty() && self.places.iter().all(|place| place.reply.is_none());
            let request =
                if idle { requests.recv().map_err(|_| TryRecvError::Disconnected) } else { requests.try_recv() };
            match request {
                Ok(Request::Generate { id, .. }) if self.waiting.len() >= WAITING_MAX => done(id, End::Refused)?,
                Ok(Request::Generate { id, prompt }) => self.waiting.push_back((id, prompt)),
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
        while self.places.iter().any(|place| place.reply.is_none()) {
            let Some((id, prompt)) = self.waiting.pop_front() else { return Ok(()) };
            match self.read(&prompt) {
                Some(tokens) => self.begin(id, tokens)?,
                None => done(id, End::Refused)?,
            }
        }
        Ok(())
    }

    /// A conversation as tokens, with room left for the reply.
    fn read(&self, prompt: &Prompt) -> Option<Vec<LlamaToken>> {
        let tokens_max = self.context_tokens - self.reply_tokens_max - usize::from(self.begin_of_text.is_some());
        let tokenize = |text: &str, reading| self.vocab.tokenize(text.as_bytes(), false, reading == Reading::Markup);
        let mut tokens = prompt::tokens(&self.template, prompt, tokens_max, tokenize)?;
        if let Some(begin) = self.begin_of_text.filter(|begin| tokens.first() != Some(begin)) {
            tokens.insert(0, begin);
        }
        // A text without a token gives nothing to continue.
        (!tokens.is_empty()).then_some(tokens)
    }

    /// Gives a conversation the free place that remembers most of it, else the one that was left longest ago.
    fn begin(&mut self, id: u64, tokens: Vec<LlamaToken>) -> Result<(), String> {
        let free = self.places.iter().enumerate().filter(|(_, place)| place.reply.is_none());
        let known = free.map(|(index, place)| (place.memory.known(&tokens), place.memory.left_at(), index));
        let best = known.max_by_key(|(known, left_at, _)| (*known, std::cmp::Reverse(*left_at)));
        let Some((mut read, _, index)) = best else { return Ok(()) };
        if !self.forget(index, read)? {
            // Not every kind of model can forget only the end.
            self.forget(index, 0)?;
            read = 0;
        }
        let place = &mut self.places[index];
        place.memory = Memory::default();
        place.reply = Some(Reply {
            id,
            tokens,
            read,
            written: 0,
            output: None,
            sampler: sampler(self.vocab.n_tokens()),
            text: Utf8::default(),
        });
        Ok(())
    }

    /// Wipes what was read in a place after its first `kept` tokens; tells whether that was possible.
    fn forget(&mut self, index: usize, kept: usize) -> Result<bool, String> {
        let sequence = u32::try_from(index).map_err(|error| error.to_string())?;
        let kept = u32::try_from(kept).map_err(|error| error.to_string())?;
        self.context.clear_kv_cache_seq(Some(sequence), Some(kept), None).map_err(|error| error.to_string())
    }

    fn cancel(&mut self, id: u64) -> Result<(), String> {
        self.waiting.retain(|(waiting, _)| *waiting != id);
        let place = self.places.iter_mut().find(|place| place.reply.as_ref().is_some_and(|reply| reply.id == id));
        if let Some(place) = place {
            place.leave();
        }
        // The server waits for this word, also where the reply has ended in the meantime.
        done(id, End::Cancelled)
    }

    /// One step of the model for all replies.
    fn step(&mut self) -> Result<(), String> {
        let stretch = self.fill_batch()?;
        if self.batch.n_tokens() == 0 {
            return Ok(());
        }
        let begin = Instant::now();
        self.context.decode(&mut self.batch).map_err(|error| format!("the model failed at its work: {error}"))?;
        if stretch > 0 {
            let fitting = stretch as f64 * STEP_TIME.as_secs_f64() / begin.elapsed().as_secs_f64();
            self.stretch_tokens = (fitting as usize).clamp(STRETCH_TOKENS_MIN, BATCH_TOKENS_MAX as usize);
        }
        let mut silent = true;
        for index in 0..self.places.len() {
            let Some(Outcome { id, text, end }) = self.next_token(index) else { continue };
            if !text.is_empty() {
                silent = false;
                say(&Event::Piece { id, text })?;
            }
            if let Some(end) = end {
                self.places[index].leave();
                done(id, end)?;
            }
        }
        if silent { say(&Event::Working) } else { Ok(()) }
    }

    /// Puts into the batch what each reply has to read next: one token where it is written, a stretch where its
    /// conversation is read, the oldest request first. Gives the tokens of conversations among them.
    fn fill_batch(&mut self) -> Result<usize, String> {
        self.batch.clear();
        let replies = self.places.iter_mut().enumerate();
        let mut order: Vec<(usize, &mut Reply)> =
            replies.filter_map(|(index, place)| Some((index, place.reply.as_mut()?))).collect();
        order.sort_by_key(|(_, reply)| (reply.written == 0, reply.id));
        let mut stretch = 0;
        let mut room = BATCH_TOKENS_MAX as usize;
        for (index, reply) in order {
            let sequence = i32::try_from(index).map_err(|error| error.to_string())?;
            let mut take = room.min(reply.tokens.len() - reply.read);
            if reply.written == 0 {
                take = take.min(self.stretch_tokens - stretch);
                stretch += take;
            }
            room -= take;
            for _ in 0..take {
                let position = i32::try_from(reply.read).map_err(|error| error.to_string())?;
                let token = reply.tokens[reply.read];
                reply.read += 1;
                let last = reply.read == reply.tokens.len();
                reply.output = last.then(|| self.batch.n_tokens());
                self.batch.add(token, position, &[sequence], last).map_err(|error| error.to_string())?;
            }
        }
        Ok(stretch)
    }

    /// Chooses the next token of the reply in this place, if its turn came in this step.
    fn next_token(&mut self, index: usize) -> Option<Outcome> {
        let reply = self.places[index].reply.as_mut()?;
        let token = reply.sampler.sample(&self.context, reply.output.take()?);
        if self.vocab.is_eog(token) {
            return Some(Outcome { id: reply.id, text: String::new(), end: Some(End::Complete) });
        }
        let text = reply.text.push(&self.vocab.token_to_piece(token, false, None));
        reply.tokens.push(token);
        reply.written += 1;
        let full = reply.written >= self.reply_tokens_max || reply.tokens.len() >= self.context_tokens;
        Some(Outcome { id: reply.id, text, end: full.then_some(End::TooLong) })
    }
}

impl Place {
    /// Ends the reply. What was read stays for the conversation's next turn.
    fn leave(&mut self) {
        if let Some(mut reply) = self.reply.take() {
            let conversation = reply.tokens.len() - reply.written;
            reply.tokens.truncate(reply.read);
            self.memory = Memory::new(reply.id, reply.tokens, conversation);
        }
    }
}

fn done(id: u64, end: End) -> Result<(), String> {
    say(&Event::Done { id, end })
}

fn sampler(words: i32) -> LlamaSampler {
    // Only for choosing words: any number will do as long as it differs each time.
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
