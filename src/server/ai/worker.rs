//! The model worker: the process that holds the embedded model, behind the hidden subcommand `model-worker`.
//!
//! It reads requests from stdin and writes events to stdout (`embedded::protocol`); stderr is its log. It has no
//! database, no network, and knows no users; how conversations are kept apart all the same is in `memory`. When stdin
//! ends, so does the process.
//!
//! `input` reads requests, `template` turns a conversation into the text that the model was trained on, `prompt` makes
//! it fit, `engine` writes the replies, `text` puts characters together. Only this file and `engine` name the engine's
//! crate.

use std::{
    io::{self, Write},
    num::NonZeroU32,
};

use llama_cpp_2::{
    LogOptions,
    context::params::{KvCacheType, LlamaContextParams},
    llama_backend::LlamaBackend,
    model::{LlamaModel, params::LlamaModelParams},
};

use self::engine::Engine;
use super::embedded::protocol::{Event, WorkerArgs};

mod engine;
mod input;
mod memory;
mod prompt;
mod template;
mod text;

/// Whether this build has the model's engine.
pub const BUILT_IN: bool = true;

/// Threads that compute. More than one make a single reply a little faster and everything else slower.
const THREADS: i32 = 1;

/// Loads the model and writes replies until stdin ends.
///
/// # Errors
/// When the model cannot be loaded or the engine fails, with the reason for the log.
pub fn run(args: &WorkerArgs) -> Result<(), String> {
    let requests = input::listen();
    // The engine's own messages go the same way. That a log is there already is no matter.
    let _ = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(tracing::Level::INFO)
        .with_ansi(false)
        .without_time()
        .try_init();
    llama_cpp_2::send_logs_to_tracing(LogOptions::default());
    if let Some(name) = missing_instructions() {
        return Err(unusable(format!("this processor lacks {name}, for which the embedded model's engine was built")));
    }
    if !args.model.is_file() {
        return Err(unusable(format!("there is no file {}", args.model.display())));
    }
    let backend = LlamaBackend::init().map_err(|error| error.to_string())?;
    let model = LlamaModel::load_from_file(&backend, &args.model, &LlamaModelParams::default()).map_err(|error| {
        unusable(format!("{} is damaged, or not a model that can be used ({error})", args.model.display()))
    })?;

    let parallel = args.parallel.max(1);
    let context_tokens = args.context_tokens.min(usize::try_from(model.n_ctx_train()).unwrap_or(usize::MAX));
    let params = LlamaContextParams::default()
        .with_n_ctx(u32::try_from(context_tokens.saturating_mul(parallel)).ok().and_then(NonZeroU32::new))
        .with_n_seq_max(u32::try_from(parallel).unwrap_or(u32::MAX))
        .with_n_batch(engine::BATCH_TOKENS_MAX)
        .with_n_ubatch(engine::BATCH_TOKENS_MAX)
        .with_n_threads(THREADS)
        .with_n_threads_batch(THREADS)
        .with_no_perf(true);
    // Half the memory, and no slower; a few kinds of models cannot have it.
    let small = params.clone().with_type_k(KvCacheType::Q8_0).with_type_v(KvCacheType::Q8_0);
    let context = model.new_context(&backend, small).or_else(|_| model.new_context(&backend, params));
    let context = context.map_err(|error| error.to_string())?;

    let engine = Engine::new(&model, context, parallel, context_tokens, args.reply_tokens_max);
    say(&Event::Ready)?;
    engine.serve(&requests)
}

/// Tells the server that trying again is pointless, and gives the reason back.
fn unusable(reason: String) -> String {
    // Whether the server still listens changes nothing: this process ends either way.
    let _ = say(&Event::Unusable { reason: reason.clone() });
    reason
}

/// Tells the server something.
fn say(event: &Event) -> Result<(), String> {
    let mut line = serde_json::to_vec(event).map_err(|error| error.to_string())?;
    line.push(b'\n');
    let mut stdout = io::stdout().lock();
    stdout.write_all(&line).and_then(|()| stdout.flush()).map_err(|error| error.to_string())
}

/// What the engine was built for and this processor does not have. The engine itself would die of an illegal
/// instruction. Its build takes these instruction sets by default; a builder who takes one out does so with the
/// variable that stands here, for example `GGML_AVX2=OFF`.
#[cfg(target_arch = "x86_64")]
fn missing_instructions() -> Option<&'static str> {
    let needed = [
        ("SSE4.2", is_x86_feature_detected!("sse4.2"), option_env!("GGML_SSE42")),
        ("AVX", is_x86_feature_detected!("avx"), option_env!("GGML_AVX")),
        ("AVX2", is_x86_feature_detected!("avx2"), option_env!("GGML_AVX2")),
        ("BMI2", is_x86_feature_detected!("bmi2"), option_env!("GGML_BMI2")),
        ("FMA", is_x86_feature_detected!("fma"), option_env!("GGML_FMA")),
        ("F16C", is_x86_feature_detected!("f16c"), option_env!("GGML_F16C")),
    ];
    needed.into_iter().find(|(_, here, built)| !here && *built != Some("OFF")).map(|(name, ..)| name)
}

/// Elsewhere the engine is built for the oldest processor of the architecture.
#[cfg(not(target_arch = "x86_64"))]
const fn missing_instructions() -> Option<&'static str> {
    None
}
