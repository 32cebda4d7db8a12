//! What a program shows instead of a password: its name, what it may do, how long it lasts.
//!
//! A *personal access token* is made in the settings and lasts until it expires or is revoked. The signed token that the
//! API gives for a password belongs to a session instead, and may do everything.

use serde::{Deserialize, Serialize};

use super::{ids::AccessTokenId, limits};
use crate::error::{Error, InvalidInput};

/// Something that a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    #[serde(rename = "chats:read")]
    ChatsRead,
    #[serde(rename = "chats:write")]
    ChatsWrite,
    #[serde(rename = "files:read")]
    FilesRead,
    #[serde(rename = "files:write")]
    FilesWrite,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ChatsRead, Self::ChatsWrite, Self::FilesRead, Self::FilesWrite];

    /// The word for it, in the database and in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChatsRead => "chats:read",
            Self::ChatsWrite => "chats:write",
            Self::FilesRead => "files:read",
            Self::FilesWrite => "files:write",
        }
    }

    /// What the person reads.
    pub const fn text(self) -> &'static str {
        match self {
            Self::ChatsRead => "Read chats and messages",
            Self::ChatsWrite => "Start chats and send messages",
            Self::FilesRead => "Read files",
            Self::FilesWrite => "Add and delete files",
        }
    }
}

/// Everything that a token may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// All there are: what a session may.
    pub fn all() -> Self {
        Self(Scope::ALL.to_vec())
    }

    /// Some of them.
    ///
    /// # Errors
    /// [`InvalidInput::TokenScopes`] when there are none.
    pub fn of(scopes: impl IntoIterator<Item = Scope>) -> Result<Self, Error> {
        let scopes: Vec<Scope> = scopes.into_iter().collect();
        if scopes.is_empty() { Err(InvalidInput::TokenScopes.into()) } else { Ok(Self(scopes)) }
    }

    /// Reads [`Scopes::names`]; a word that this version does not know allows nothing.
    pub fn from_names(names: &str) -> Self {
        Self(Scope::ALL.into_iter().filter(|scope| names.split(' ').any(|name| name == scope.name())).collect())
    }

    /// Their words with a space between them.
    pub fn names(&self) -> String {
        self.0.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(" ")
    }

    /// Whether one is among them.
    pub fn contain(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }
}

/// What a person calls a token, or a program's session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenName(String);

impl TokenName {
    /// Takes a name as typed; outer blank space goes.
    ///
    /// # Errors
    /// [`InvalidInput::TokenName`] when it is empty, too long, or has control characters.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let is_well_formed = !text.is_empty()
            && text.chars().count() <= limits::TOKEN_NAME_CHARS_MAX
            && !text.chars().any(char::is_control);
        if is_well_formed { Ok(Self(text.to_owned())) } else { Err(InvalidInput::TokenName.into()) }
    }

    /// The name.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// How long a personal access token lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenDays(i64);

impl TokenDays {
    /// Reads a number of days.
    ///
    /// # Errors
    /// [`InvalidInput::TokenDays`] when it is none, or out of bounds.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.trim().parse() {
            Ok(days @ 1..=limits::TOKEN_DAYS_MAX) => Ok(Self(days)),
            _ => Err(InvalidInput::TokenDays.into()),
        }
    }

    /// The same in milliseconds.
    pub const fn as_ms(self) -> i64 {
        self.0 * 24 * 3_600_000
    }
}

/// A personal access token in the list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessToken {
    pub id: AccessTokenId,
    pub name: String,
    pub scopes: Scopes,
    /// Milliseconds since 1970 (UTC), like the others.
    pub created_at_ms: i64,
    pub expires_at_ms: i64,
    /// Written at most once a minute.
    pub last_used_at_ms: Option<i64>,
    pub is_expired: bool,
}

/// The list of tokens, and the text of the one that was just made: it is shown once and nobody can show it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokens {
    pub tokens: Vec<AccessToken>,
    pub new_token: Option<String>,
    /// Whether another one may be made.
    pub may_make: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_kept_as_words_and_an_unknown_word_allows_nothing() {
        let scopes = Scopes::of([Scope::ChatsRead, Scope::FilesWrite]).unwrap();
        assert_eq!(scopes.names(), "chats:read files:write");
        assert_eq!(Scopes::from_names(&scopes.names()), scopes);
        assert!(!scopes.contain(Scope::ChatsWrite));
        assert_eq!(Scopes::from_names("chats:readwrite everything "), Scopes(vec![]));
        assert!(Scopes::of([]).is_err());
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.name());
        }
    }

    #[test]
    fn a_token_lasts_a_year_at_most() {
        assert_eq!(TokenDays::parse("1").unwrap().as_ms(), 86_400_000);
        assert!(TokenDays::parse("365").is_ok());
        for text in ["", "0", "-1", "366", "1.5", "99999999999999999999", "ever"] {
            assert!(TokenDays::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_token_has_a_name() {
        assert_eq!(TokenName::parse("  my script ").unwrap().into_string(), "my script");
        for text in ["", "  ", "a\nb", "a\0", &"x".repeat(limits::TOKEN_NAME_CHARS_MAX + 1)] {
            assert!(TokenName::parse(text).is_err(), "{text:?}");
        }
    }
}
