//! A provider of models, as those see it who connect it. Its key goes in and never comes out again.

use serde::{Deserialize, Serialize};

use super::{
    ids::ProviderId,
    limits,
    message::ReplyFailure,
    model::{EMBEDDED_PROVIDER, ModelName},
};
use crate::error::{Error, InvalidInput};

/// The first part of the names of a provider's models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderName(String);

impl ProviderName {
    /// Takes a name as typed. Whether another provider has it is for the database to say.
    ///
    /// # Errors
    /// [`InvalidInput::ProviderName`] unless it is small letters, digits, and hyphens between them.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let is_well_formed = (1..=limits::PROVIDER_NAME_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
            && text != EMBEDDED_PROVIDER;
        if is_well_formed { Ok(Self(text.to_owned())) } else { Err(InvalidInput::ProviderName.into()) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a provider wants to be shown. Neither printable nor serialisable.
#[derive(Clone)]
pub struct ProviderKey(String);

impl ProviderKey {
    /// Takes a key as typed; none when nothing was. Outer blank space goes.
    ///
    /// # Errors
    /// [`InvalidInput::ProviderKey`] when it is too long or has characters that no key has.
    pub fn parse(text: &str) -> Result<Option<Self>, Error> {
        let text = text.trim();
        let is_well_formed =
            text.len() <= limits::PROVIDER_KEY_CHARS_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
        match (text.is_empty(), is_well_formed) {
            (true, _) => Ok(None),
            (false, true) => Ok(Some(Self(text.to_owned()))),
            (false, false) => Err(InvalidInput::ProviderKey.into()),
        }
    }

    /// The key itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Its last four characters; nothing of one that is so short that they would tell much of it.
    pub fn hint(&self) -> &str {
        if self.0.len() < limits::PROVIDER_KEY_HINT_CHARS_MIN { "" } else { &self.0[self.0.len() - 4..] }
    }
}

/// Why a provider cannot be used: a class, never a word of what it answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderFailure {
    Unreachable,
    TimedOut,
    KeyRefused,
    TooManyRequests,
    NotCompatible,
    ServerError,
}

impl ProviderFailure {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Unreachable,
        Self::TimedOut,
        Self::KeyRefused,
        Self::TooManyRequests,
        Self::NotCompatible,
        Self::ServerError,
    ];

    /// The word for it in URLs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::KeyRefused => "key_refused",
            Self::TooManyRequests => "too_many_requests",
            Self::NotCompatible => "not_compatible",
            Self::ServerError => "server_error",
        }
    }

    /// Reads [`ProviderFailure::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|failure| failure.name() == name)
    }

    /// What those read who run the site.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Unreachable => "It cannot be reached. Check that it is running and that the address is right.",
            Self::TimedOut => "It did not answer in time.",
            Self::KeyRefused => "It refused the key.",
            Self::TooManyRequests => "It is receiving too many requests.",
            Self::NotCompatible => {
                "It gave no OpenAI-compatible list of models. Check the address; most need a version at the end, such as /v1."
            }
            Self::ServerError => "It answered with an error or a redirect.",
        }
    }
}

impl From<ReplyFailure> for ProviderFailure {
    fn from(failure: ReplyFailure) -> Self {
        match failure {
            ReplyFailure::Unreachable | ReplyFailure::Outage => Self::Unreachable,
            ReplyFailure::NoAnswer | ReplyFailure::Stalled => Self::TimedOut,
            ReplyFailure::KeyRefused => Self::KeyRefused,
            ReplyFailure::RateLimited => Self::TooManyRequests,
            ReplyFailure::ModelNotFound
            | ReplyFailure::RequestRefused
            | ReplyFailure::ContextTooLong
            | ReplyFailure::Garbled
            | ReplyFailure::Empty
            | ReplyFailure::TooLong => Self::NotCompatible,
            ReplyFailure::ProviderError
            | ReplyFailure::Cut
            | ReplyFailure::EmbeddedMissing
            | ReplyFailure::EmbeddedDied
            | ReplyFailure::EmbeddedBusy
            | ReplyFailure::Internal => Self::ServerError,
        }
    }
}

/// How a provider does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderState {
    /// It gave its list of models.
    Reachable,
    /// It was asked and has not answered yet.
    Asked,
    Failed(ProviderFailure),
    /// Switched off.
    Disabled,
    /// Its key was sealed with a secret that this server does not have.
    KeyLocked,
    /// What is kept of its address cannot be used.
    AddressRefused,
    /// The settings that the server was started with have a provider of this name.
    NameTaken,
}

impl ProviderState {
    /// What those read who run the site; nothing where all is well.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Reachable => "",
            Self::Asked => "It has not answered yet.",
            Self::Failed(failure) => failure.text(),
            Self::Disabled => "It is switched off.",
            Self::KeyLocked => {
                "Its key was saved under another secret and cannot be opened here. Type the key again, or start every server with the SARDONYX_SECRET of then (or list that in SARDONYX_SECRET_PREVIOUS)."
            }
            Self::AddressRefused => "Its address cannot be used here. Give it another one.",
            Self::NameTaken => {
                "A provider of the same name is set where this server is started, and takes its place. Remove one of the two."
            }
        }
    }
}

/// Where a provider comes from, with what can be known of it there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredView {
    pub id: ProviderId,
    pub has_key: bool,
    /// The end of its key; empty when nothing of it is shown.
    pub key_hint: String,
    pub is_enabled: bool,
}

/// A provider in the list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderView {
    pub name: String,
    /// Empty for the embedded model, which has none.
    pub base_url: String,
    pub state: ProviderState,
    /// None when it comes from the settings that the server was started with.
    pub stored: Option<StoredView>,
    pub models: Vec<OfferedModel>,
}

/// The model that tells what the text of files means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchModelView {
    /// None when the server was started without one.
    pub name: Option<ModelName>,
    /// Whether it is connected and did what it was last asked.
    pub is_at_work: bool,
}

/// A model, and whether people are offered it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedModel {
    pub name: ModelName,
    pub is_offered: bool,
}

/// What a test of a provider gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderTest {
    /// It works, and has so many models.
    Works {
        models: usize,
    },
    Failed(ProviderFailure),
}

impl ProviderTest {
    /// What those read who run the site.
    pub fn text(self) -> String {
        match self {
            Self::Works { models: 1 } => "It works, and offers one model.".to_owned(),
            Self::Works { models } => format!("It works, and offers {models} models."),
            Self::Failed(failure) => failure.text().to_owned(),
        }
    }

    /// The word for it in URLs.
    pub fn code(self) -> String {
        match self {
            Self::Works { models } => models.to_string(),
            Self::Failed(failure) => failure.name().to_owned(),
        }
    }

    /// Reads [`ProviderTest::code`].
    pub fn from_code(code: &str) -> Option<Self> {
        let works = code.parse().ok().map(|models| Self::Works { models });
        works.or_else(|| ProviderFailure::from_name(code).map(Self::Failed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_has_a_name_that_can_stand_before_a_slash() {
        assert_eq!(ProviderName::parse(" my-ollama-2 ").unwrap().as_str(), "my-ollama-2");
        for text in ["", "a b", "a/b", "A", "-a", "a-", "ä", "a\r\nb", "embedded", &"x".repeat(33)] {
            assert!(ProviderName::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn u9_of_a_key_at_most_the_end_is_shown() {
        let hint = |text: &str| ProviderKey::parse(text).unwrap().unwrap().hint().to_owned();
        assert_eq!((hint(" sk-0123456789abcd ").as_str(), hint("short-key!!").as_str()), ("abcd", ""));
        assert!(ProviderKey::parse("  ").unwrap().is_none());
        for text in ["a b", "a\r\nX-Header: 1", "schlüssel", &"x".repeat(501)] {
            assert!(ProviderKey::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_a_test_gave_survives_a_url() {
        for failure in ProviderFailure::ALL {
            let test = ProviderTest::Failed(failure);
            assert_eq!(ProviderTest::from_code(&test.code()), Some(test));
        }
        assert_eq!(ProviderTest::from_code("3"), Some(ProviderTest::Works { models: 3 }));
        assert_eq!(ProviderTest::from_code("<b>"), None);
    }
}
