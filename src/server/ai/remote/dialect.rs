//! How servers are told to go on from the beginning of a reply. Nothing says which of the ways a server knows, so each is tried
//! with a task that has one right continuation.

use serde_json::{Value, json};

/// How a server is told to go on from the beginning of a reply, which is the last message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// By nothing else: llama.cpp, Anthropic, OpenRouter and others.
    Bare,
    /// By `prefix` in that message: Mistral, DeepSeek.
    Prefix,
    /// By two fields of vLLM and SGLang.
    ContinueFinal,
}

/// A task whose solution shows whether a model goes on from its beginning: it cannot be anything else.
const TRIAL_QUESTION: &str = "Write these words in this order and nothing else: river, candle, marble, thunder";
const TRIAL_BEGUN: &str = "river, candle, mar";
const TRIAL_REST: &str = "ble";
const TRIAL_TOKENS: u32 = 8;

impl Dialect {
    pub const ALL: [Self; 3] = [Self::Bare, Self::Prefix, Self::ContinueFinal];

    /// The word that is kept for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Prefix => "prefix",
            Self::ContinueFinal => "continue_final",
        }
    }

    /// Says it in the body of a request, which ends with the user's message.
    pub fn apply(self, body: &mut Value, begun: &str) {
        let mut message = json!({ "role": "assistant", "content": begun });
        match self {
            Self::Bare => {}
            Self::Prefix => message["prefix"] = json!(true),
            Self::ContinueFinal => {
                body["continue_final_message"] = json!(true);
                body["add_generation_prompt"] = json!(false);
            }
        }
        if let Some(messages) = body["messages"].as_array_mut() {
            messages.push(message);
        }
    }

    /// The request that shows whether a model goes on when it is told so.
    pub fn trial(self, model: &str) -> Value {
        let messages = json!([{ "role": "user", "content": TRIAL_QUESTION }]);
        let mut body = json!({ "model": model, "messages": messages, "stream": false, "temperature": 0, "max_tokens": TRIAL_TOKENS });
        self.apply(&mut body, TRIAL_BEGUN);
        body
    }

    /// Whether the answer to a trial is the rest of what was begun.
    pub fn is_continued(answer: &[u8]) -> bool {
        let value: Value = serde_json::from_slice(answer).unwrap_or_default();
        let text = value.pointer("/choices/0/message/content").and_then(Value::as_str).unwrap_or_default();
        text.starts_with(TRIAL_REST)
    }
}
