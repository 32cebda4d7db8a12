//! How much of a conversation a model can have at a time: what its server says, what the settings say, what a refusal taught.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

use crate::domain::limits;

/// Tokens of a conversation, the reply included. What is measured against it are estimates that are rather too high
/// ([`tokens`](super::tokens)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window(usize);

impl Window {
    /// So many tokens, within what is believed.
    pub fn new(tokens: usize) -> Self {
        Self(tokens.clamp(limits::CONTEXT_TOKENS_MIN, limits::CONTEXT_TOKENS_MAX))
    }

    /// What there is besides the reply.
    pub fn prompt_tokens(self) -> usize {
        self.0 - (self.0 / 4).min(limits::REPLY_TOKENS_KEPT)
    }

    /// A smaller one, after a conversation of `asked` tokens was refused: what the server named, else a quarter less than
    /// was tried. None when what was asked was so little that its length cannot be the reason.
    fn narrowed(self, named: Option<usize>, asked: usize) -> Option<Self> {
        let tried = self.0.min(asked + (asked / 3).min(limits::REPLY_TOKENS_KEPT));
        let named = named.filter(|named| (limits::CONTEXT_TOKENS_MIN..self.0).contains(named));
        // What was named and is more than was tried is counted in another way.
        let tokens = named.filter(|named| *named < tried).unwrap_or(tried - tried / 4);
        (tokens >= limits::CONTEXT_TOKENS_MIN).then_some(Self(tokens))
    }
}

/// The windows of a server's models.
pub struct Windows {
    /// Where nothing is said.
    usual: Window,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// By the server's list of models.
    said: HashMap<String, Window>,
    /// By its refusals.
    taught: HashMap<String, Window>,
}

impl Windows {
    pub fn new(usual: usize) -> Self {
        Self { usual: Window::new(usual), known: Mutex::default() }
    }

    /// A model's.
    pub fn of(&self, model: &str) -> Window {
        let known = self.known();
        let said = known.said.get(model).copied().unwrap_or(self.usual);
        known.taught.get(model).map_or(said, |taught| said.min(*taught))
    }

    /// Takes note of what a list of models says.
    pub fn hear(&self, models: &[Value]) {
        let said = models.iter().filter_map(|model| {
            let name = model.get("id")?.as_str()?;
            said_of(model).map(|window| (name.to_owned(), window))
        });
        self.known().said = said.take(limits::MODELS_PER_PROVIDER_MAX).collect();
    }

    /// Takes note of a refusal.
    pub fn narrow(&self, model: &str, named: Option<usize>, asked: usize) {
        let Some(window) = self.of(model).narrowed(named, asked) else { return };
        tracing::info!(model, tokens = window.0, "a model can have less of a conversation than was thought");
        let mut known = self.known();
        if known.taught.len() < limits::MODELS_PER_PROVIDER_MAX || known.taught.contains_key(model) {
            known.taught.insert(model.to_owned(), window);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Every change is complete by itself, so that a panic elsewhere leaves nothing half done.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a list says of a model, under the names that servers have for it. Of several the least: what the model was made
/// for is more than what it was started with.
fn said_of(model: &Value) -> Option<Window> {
    const NAMES: [&str; 10] = [
        "/context_length",
        "/max_model_len",
        "/context_window",
        "/max_context_length",
        "/loaded_context_length",
        "/max_input_tokens",
        "/meta/n_ctx",
        "/meta/n_ctx_train",
        "/top_provider/context_length",
        "/model_info/max_input_tokens",
    ];
    let said = NAMES.iter().filter_map(|name| usize::try_from(model.pointer(name)?.as_u64()?).ok());
    said.filter(|tokens| *tokens >= limits::CONTEXT_TOKENS_MIN).min().map(Window::new)
}

/// Words by which servers say that a conversation is too long, in small letters.
const TOO_LONG: [&str; 15] = [
    "context length",
    "context_length",
    "context size",
    "context window",
    "exceed_context",
    "maximum context",
    "maximum model length",
    "prompt is too long",
    "too many tokens",
    "too many input tokens",
    "input tokens exceed",
    "number of tokens",
    "reduce the length of",
    "must have less than",
    "inputs` tokens + `max_new_tokens`",
];

/// Words that a server's limit comes soon after.
const BEFORE_LIMIT: [&str; 9] = [
    "n_ctx",
    "context length is",
    "context length of",
    "maximum model length of",
    "tokens allowed",
    "cannot exceed",
    "must be <=",
    "less than",
    "limit",
];

/// What a refusal says of length: none when it is about something else, else the limit, if it names one.
pub fn refused_for_length(body: &[u8]) -> Option<Option<usize>> {
    let text = String::from_utf8_lossy(body).to_lowercase();
    TOO_LONG.iter().any(|words| text.contains(words)).then(|| named_limit(&text))
}

fn named_limit(text: &str) -> Option<usize> {
    let after =
        BEFORE_LIMIT.iter().flat_map(|words| text.match_indices(words).map(|(at, _)| &text[at + words.len()..]));
    let named = after.filter_map(|rest| {
        // Past a few words such as "only" or "of", but not into the next sentence.
        let digits = rest.find(|letter: char| letter.is_ascii_digit())?;
        (digits <= 16 && !rest[..digits].contains('.')).then(|| number(&rest[digits..])).flatten()
    });
    // "… > 200000 maximum", "… for model with 32768 maximum context length"
    let before = text.match_indices(" maximum").filter_map(|(at, _)| {
        let word = text[..at].rsplit(' ').next()?;
        number(word)
    });
    named.chain(before).find(|tokens| *tokens >= limits::CONTEXT_TOKENS_MIN)
}

/// The number that a text begins with, also one with commas in it.
fn number(text: &str) -> Option<usize> {
    let digits = text.split(|letter: char| !letter.is_ascii_digit() && letter != ',' && letter != '_').next()?;
    digits.replace([',', '_'], "").parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_says_it_under_many_names() {
        for (entry, window) in [
            (json!({ "id": "m", "context_length": 131_072, "top_provider": { "context_length": 65_536 } }), 65_536),
            (json!({ "id": "m", "max_model_len": 4_096 }), 4_096),
            (json!({ "id": "m", "context_window": 1e300 }), 8_192),
            (json!({ "id": "m", "context_window": u64::MAX }), limits::CONTEXT_TOKENS_MAX),
            (json!({ "id": "m", "max_context_length": 0 }), 8_192),
            (json!({ "id": "m", "max_context_length": "many" }), 8_192),
            (json!({ "id": "m", "meta": { "n_ctx_train": 32_768, "n_ctx": 2_048 } }), 2_048),
            (json!({ "id": "other", "context_length": 4_096 }), 8_192),
            (json!(7), 8_192),
        ] {
            let windows = Windows::new(8_192);
            windows.hear(std::slice::from_ref(&entry));
            assert_eq!(windows.of("m"), Window(window), "{entry}");
        }
    }

    #[test]
    fn refusals_for_length_are_told_from_others_and_their_limit_is_read() {
        for (body, limit) in [
            (
                "This model's maximum context length is 4097 tokens. However, your messages resulted in 5010 tokens.",
                Some(4_097),
            ),
            (
                "maximum context length is 2048 tokens. However, you requested 3000 tokens (2500 in the messages",
                Some(2_048),
            ),
            (
                "{\"error\":{\"type\":\"exceed_context_size_error\",\"n_prompt_tokens\":5000,\"n_ctx\":4096}}",
                Some(4_096),
            ),
            ("prompt is too long: 210000 tokens > 200000 maximum", Some(200_000)),
            ("Prompt contains 40000 tokens, too large for model with 32768 maximum context length", Some(32_768)),
            (
                "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
                Some(1_048_576),
            ),
            ("The decoder prompt (length 5000) is longer than the maximum model length of 4096.", Some(4_096)),
            ("However, the model is loaded with context length of only 4096 tokens", Some(4_096)),
            ("`inputs` tokens + `max_new_tokens` must be <= 4097. Given: 5000", Some(4_097)),
            ("`inputs` must have less than 1,024 tokens. Given: 2000", Some(1_024)),
            ("Input tokens exceed the configured limit of 272000 tokens.", Some(272_000)),
            ("Please reduce the length of the messages or completion.", None),
            ("{\"code\":\"context_length_exceeded\"}", None),
            ("the context length is 3. 9000 is another matter", None),
        ] {
            assert_eq!(refused_for_length(body.as_bytes()), Some(limit), "{body}");
        }
        for body in ["", "temperature must be at most 2", "unknown field stream_options", "\u{fffd}\u{fffd}"] {
            assert_eq!(refused_for_length(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn a_refusal_makes_the_window_smaller_for_good_and_never_absurd() {
        let windows = Windows::new(8_192);
        windows.narrow("m", Some(4_096), 6_000);
        assert_eq!(windows.of("m"), Window(4_096));
        // Named as more than was asked: the server counts otherwise.
        windows.narrow("m", Some(4_096), 3_000);
        assert_eq!(windows.of("m"), Window(3_000));
        windows.narrow("m", None, 2_250);
        assert_eq!(windows.of("m"), Window(2_250));
        for named in [0, 1, 7, usize::MAX] {
            windows.narrow("m", Some(named), 30);
        }
        assert_eq!(windows.of("m"), Window(2_250));
        windows.hear(&[json!({ "id": "m", "context_length": 100_000 })]);
        assert_eq!(windows.of("m"), Window(2_250));
        assert_eq!(windows.of("other"), Window(8_192));
    }
}
