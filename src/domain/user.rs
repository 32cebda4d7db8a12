//! Who a person is: address, role, and the rules for a password.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ids::UserId, limits, preferences::Preferences};
use crate::error::{Error, InvalidInput};

/// What a person and their own pages may know of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub role: Role,
    pub preferences: Preferences,
}

impl User {
    /// What they are called.
    pub fn name(&self) -> &str {
        let name = &self.preferences.display_name;
        if name.is_empty() { &self.email } else { name }
    }
}

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Uses the chat.
    Member,
    /// Also runs the site.
    Admin,
}

impl Role {
    /// The word that the database and the command line use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }

    /// Reads [`Role::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Member, Self::Admin].into_iter().find(|role| role.name() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An e-mail address in its one canonical form: trimmed, lower case, ASCII.
///
/// ASCII only, so that no two addresses look the same and differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// Reads an address as typed.
    ///
    /// # Errors
    /// [`InvalidInput::Email`] when it is too long or is not `local@domain`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let well_formed = text.len() <= limits::EMAIL_CHARS_MAX
            && text.bytes().all(|byte| byte.is_ascii_graphic())
            && text.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty()
                    && !domain.contains('@')
                    && domain.split('.').all(|label| !label.is_empty())
                    && domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-')
            })
            && !text.contains(['<', '>', '"', '(', ')', ',', ';', ':', '\\']);
        if well_formed { Ok(Self(text.to_ascii_lowercase())) } else { Err(InvalidInput::Email.into()) }
    }

    /// The canonical form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A password as typed. Never printed, never serialised.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Takes what a person typed to log in; only its length is checked, for the hash would cost the same.
    ///
    /// # Errors
    /// [`InvalidInput::PasswordTooLong`].
    pub fn parse(text: String) -> Result<Self, Error> {
        if text.chars().count() > limits::PASSWORD_CHARS_MAX {
            return Err(InvalidInput::PasswordTooLong.into());
        }
        Ok(Self(text))
    }

    /// Takes a password that somebody wants to have. Whether it is a common one is for `server::auth` to say, which
    /// holds the list.
    ///
    /// # Errors
    /// [`InvalidInput::PasswordTooShort`], [`InvalidInput::PasswordTooLong`].
    pub fn parse_new(text: String) -> Result<Self, Error> {
        if text.chars().count() < limits::PASSWORD_CHARS_MIN {
            return Err(InvalidInput::PasswordTooShort.into());
        }
        Self::parse(text)
    }

    /// The bytes to hash.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_canonical_form() {
        for text in ["Alice@Example.org", " alice@example.org ", "ALICE@EXAMPLE.ORG"] {
            assert_eq!(Email::parse(text).unwrap().as_str(), "alice@example.org");
        }
    }

    #[test]
    fn look_alike_and_malformed_addresses_are_refused() {
        for text in [
            "",
            "alice",
            "@example.org",
            "alice@",
            "а@example.org",
            "a\u{200b}@example.org",
            "a\0@x.org",
            "a@b@c.org",
            "a@b..c",
            "a b@c.org",
        ] {
            assert!(Email::parse(text).is_err(), "{text:?}");
        }
        assert!(Email::parse(&format!("{}@example.org", "a".repeat(243))).is_err());
    }

    #[test]
    fn a_password_is_taken_as_typed_within_its_bounds() {
        assert!(Password::parse_new("1234567".into()).is_err());
        assert_eq!(Password::parse_new("  ünïcode 🔑  ".into()).unwrap().expose(), "  ünïcode 🔑  ");
        assert!(Password::parse_new("x".repeat(1_024)).is_ok());
        assert!(Password::parse_new("x".repeat(1_025)).is_err());
        assert_eq!(format!("{:?}", Password::parse("secret".into()).unwrap()), "Password(…)");
    }
}
