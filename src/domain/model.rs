//! What answers: a model of a provider.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::limits;
use crate::error::{Error, InvalidInput};

/// The provider of the model that comes with the server.
pub const EMBEDDED_PROVIDER: &str = "embedded";

/// Names a model across providers: `provider/model`, for example `openai/gpt-4o` or `embedded/smollm2-135m-instruct`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelName(String);

impl ModelName {
    /// Joins a provider's name with what that provider calls the model.
    ///
    /// # Errors
    /// As [`ModelName::parse`].
    pub fn new(provider: &str, model: &str) -> Result<Self, Error> {
        Self::parse(&format!("{provider}/{model}"))
    }

    /// Reads `provider/model`. Whether such a model exists is for `server::ai` to say.
    ///
    /// # Errors
    /// [`InvalidInput::Model`] when a part is missing, when it is too long, or has control characters.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let well_formed = text.chars().count() <= limits::MODEL_NAME_CHARS_MAX
            && !text.chars().any(char::is_control)
            && text.split_once('/').is_some_and(|(provider, model)| !provider.is_empty() && !model.trim().is_empty());
        if well_formed { Ok(Self(text.to_owned())) } else { Err(InvalidInput::Model.into()) }
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first slash.
    pub fn provider(&self) -> &str {
        self.0.split_once('/').map_or("", |(provider, _)| provider)
    }

    /// What the provider calls it.
    pub fn model(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(_, model)| model)
    }

    /// What people read: what the provider calls it, but of a path (llama.cpp names models by their files) only the name.
    pub fn label(&self) -> &str {
        let model = self.model();
        let file = if model.starts_with('/') { model.rsplit('/').next().unwrap_or(model) } else { model };
        file.strip_suffix(".gguf").filter(|name| !name.is_empty()).unwrap_or(file)
    }

    /// Whether it is the small demonstration model that comes with the server.
    pub fn is_embedded(&self) -> bool {
        self.provider() == EMBEDDED_PROVIDER
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a user can choose from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelList {
    pub models: Vec<ModelName>,
    /// What a chat uses when nothing was chosen; none when nothing is connected.
    pub default: Option<ModelName>,
}

/// Who said a line of the conversation that a model continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptRole {
    User,
    Assistant,
}

/// One line of the conversation that a model continues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptLine {
    pub role: PromptRole,
    pub text: String,
}

/// What a model is asked: the conversation, oldest line first, the last one the user's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    pub lines: Vec<PromptLine>,
    /// The beginning of its reply, to go on from; only for a model that can, empty for a reply from its start.
    pub begun: String,
    /// Pictures that go with the last line; only for a model that sees.
    #[serde(skip)]
    pub images: Vec<PromptImage>,
}

/// A piece of a text, of which a model for searching says what it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextPiece {
    /// What stands above it; may be empty.
    pub heading: String,
    pub text: String,
}

impl TextPiece {
    /// As one text.
    pub fn whole(&self) -> String {
        format!("{}\n{}", self.heading, self.text)
    }
}

/// A picture that a model is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptImage {
    /// `image/png` or `image/jpeg`.
    pub media_type: &'static str,
    /// Shared: the same picture is in several things while a reply is asked for.
    pub base64: Arc<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_name_has_a_provider_and_a_model() {
        let name = ModelName::parse("openai/meta/llama-3").unwrap();
        assert_eq!((name.provider(), name.model(), name.label()), ("openai", "meta/llama-3", "meta/llama-3"));
        let file = ModelName::parse("openai//models/Smol.Q4.gguf").unwrap();
        assert_eq!((file.model(), file.label()), ("/models/Smol.Q4.gguf", "Smol.Q4"));
        for text in ["", "openai", "/x", "openai/", "openai/ ", "openai/a\nb"] {
            assert!(ModelName::parse(text).is_err(), "{text:?}");
        }
        assert!(ModelName::parse(&format!("openai/{}", "x".repeat(200))).is_err());
    }
}
