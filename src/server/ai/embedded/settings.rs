//! What the embedded model may use, and how long things may take.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use super::{super::worker, protocol::WorkerArgs};

/// Everything about the embedded model that differs between installations.
#[derive(Clone, Debug)]
pub struct EmbeddedSettings {
    /// Whether this build has the engine.
    pub built_in: bool,
    /// The model: a GGUF file.
    pub model_file: PathBuf,
    /// The program that is the worker: this one.
    pub program: PathBuf,
    /// The words before the worker's own arguments: the hidden subcommand.
    pub program_words: Vec<OsString>,
    /// Replies that are written at a time.
    pub parallel: usize,
    /// Replies that may wait for their turn.
    pub queue_max: usize,
    /// The worker is ended when nobody needed it for this long.
    pub idle_seconds: u64,
    /// Tokens of one reply; a longer one is cut.
    pub reply_tokens_max: usize,
    /// Tokens of one conversation, the reply included. Each of the `parallel` replies keeps memory for so many.
    pub context_tokens: usize,
    pub times: EmbeddedTimes,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedTimes {
    /// Wait for a turn; past it the model is called busy.
    pub queue_max: Duration,
    /// Time in which the worker must have loaded the model.
    pub load_max: Duration,
    /// Silence of a worker that has something to write, after which it is killed.
    pub silence_max: Duration,
    /// Time that the worker gets to end by itself.
    pub end_max: Duration,
    /// Pause after the worker died while it loaded; doubled each time.
    pub back_off_min: Duration,
    /// Longest such pause.
    pub back_off_max: Duration,
}

impl EmbeddedSettings {
    /// Good values for the small model on a small machine.
    pub fn new(model_file: PathBuf, program: PathBuf) -> Self {
        Self {
            built_in: worker::BUILT_IN,
            model_file,
            program,
            program_words: vec!["model-worker".into()],
            parallel: 4,
            queue_max: 64,
            idle_seconds: 300,
            reply_tokens_max: 512,
            context_tokens: 2_048,
            times: EmbeddedTimes::default(),
        }
    }

    /// The worker's command line, without the program.
    pub(super) fn worker_words(&self) -> Vec<OsString> {
        let args = WorkerArgs {
            model: self.model_file.clone(),
            parallel: self.parallel,
            context_tokens: self.context_tokens,
            reply_tokens_max: self.reply_tokens_max,
        };
        self.program_words.iter().cloned().chain(args.to_words()).collect()
    }
}

impl Default for EmbeddedTimes {
    fn default() -> Self {
        Self {
            queue_max: Duration::from_secs(120),
            load_max: Duration::from_secs(60),
            silence_max: Duration::from_secs(60),
            end_max: Duration::from_secs(5),
            back_off_min: Duration::from_secs(1),
            back_off_max: Duration::from_secs(60),
        }
    }
}
