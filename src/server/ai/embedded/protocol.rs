//! What the server and its model worker say to each other: one JSON object a line, requests on the worker's stdin,
//! events on its stdout. Its stderr is log text. Compiled into every build, with or without the model.
//!
//! To add a kind of request or event, add a variant here; the compiler lists the two places that must know it.

use std::{ffi::OsString, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::domain::model::Prompt;

/// Longest line in either direction. A conversation that fits the model, with every character escaped, is a small part of it.
pub const PROTOCOL_LINE_BYTES_MAX: usize = 1024 * 1024;

/// The arguments of the hidden subcommand `model-worker`.
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub struct WorkerArgs {
    /// The model: a GGUF file.
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,

    /// Replies that are written at a time.
    #[arg(long, default_value_t = 4)]
    pub parallel: usize,

    /// Tokens of one conversation, the reply included.
    #[arg(long, default_value_t = 2_048)]
    pub context_tokens: usize,

    /// Tokens of one reply; a longer one is cut.
    #[arg(long, default_value_t = 512)]
    pub reply_tokens_max: usize,
}

impl WorkerArgs {
    /// The same as words of a command line.
    pub fn to_words(&self) -> Vec<OsString> {
        vec![
            "--model".into(),
            self.model.clone().into(),
            "--parallel".into(),
            self.parallel.to_string().into(),
            "--context-tokens".into(),
            self.context_tokens.to_string().into(),
            "--reply-tokens-max".into(),
            self.reply_tokens_max.to_string().into(),
        ]
    }
}

/// What the server asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Request {
    /// Continue this conversation. The id is the server's choice and new each time.
    Generate { id: u64, prompt: Prompt },
    /// Nobody wants this reply any more.
    Cancel { id: u64 },
}

/// What the worker answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The model is loaded; requests that came before are begun now.
    Ready,
    /// It cannot work, and would not the next time either. The process ends after this.
    Unusable { reason: String },
    /// It is reading a conversation and has nothing to say yet.
    Working,
    /// The next words of a reply.
    Piece { id: u64, text: String },
    /// The last thing about a reply.
    Done { id: u64, end: End },
}

/// How a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The model had no more to say.
    Complete,
    /// It reached the limit.
    TooLong,
    /// It was cancelled.
    Cancelled,
    /// There was nothing to answer.
    Refused,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::{PromptLine, PromptRole};

    #[test]
    fn requests_and_events_are_one_line_each() {
        let lines = vec![PromptLine { role: PromptRole::User, text: "one\ntwo".to_owned() }];
        let prompt = Prompt { lines, begun: String::new(), images: Vec::new() };
        let request = serde_json::to_string(&Request::Generate { id: 7, prompt }).unwrap();
        assert_eq!(
            request,
            r#"{"type":"generate","id":7,"prompt":{"lines":[{"role":"user","text":"one\ntwo"}],"begun":""}}"#
        );
        let event = serde_json::to_string(&Event::Done { id: 7, end: End::TooLong }).unwrap();
        assert_eq!(event, r#"{"type":"done","id":7,"end":"too_long"}"#);
        assert_eq!(serde_json::from_str::<Event>(&event).unwrap(), Event::Done { id: 7, end: End::TooLong });
    }

    #[test]
    fn the_words_of_a_command_line_give_the_same_arguments() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: WorkerArgs,
        }
        let args = WorkerArgs { model: "a b.gguf".into(), parallel: 3, context_tokens: 1_024, reply_tokens_max: 99 };
        let words = std::iter::once("sardonyx".into()).chain(args.to_words());
        assert_eq!(<Line as clap::Parser>::parse_from(words).args, args);
    }
}
