//! A session: one log-in of one person on one device, from its beginning to its end.
//!
//! It is LOGIN while a second factor is awaited, ACTIVE while it can be used, and ends once, for one reason: EXPIRED when
//! its time is up, LOGOUT by the person on that device, or REVOKED by somebody else or by a new password.

use serde::{Deserialize, Serialize};

use super::{ids::SessionId, site::SiteView, user::User};

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionEnd {
    /// Its time is up, or nothing is known of it any more.
    Expired,
    /// Its person logged out.
    LoggedOut,
    /// Its person ended it from another session.
    Revoked,
    /// An administrator ended it, or disabled or deleted the account.
    RevokedByAdmin,
    /// The account has another password since.
    PasswordChanged,
}

impl SessionEnd {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Expired, Self::LoggedOut, Self::Revoked, Self::RevokedByAdmin, Self::PasswordChanged];

    /// The word for it in the database, in URLs and in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expired => "session_expired",
            Self::LoggedOut => "logged_out",
            Self::Revoked => "session_revoked",
            Self::RevokedByAdmin => "session_revoked_by_admin",
            Self::PasswordChanged => "password_changed",
        }
    }

    /// Reads [`SessionEnd::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|end| end.name() == name)
    }

    /// What the person reads.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Expired => "Your session has ended. Log in again to go on where you were.",
            Self::LoggedOut => "You are logged out.",
            Self::Revoked => "This session was ended from another device. Log in again to go on where you were.",
            Self::RevokedByAdmin => "An administrator ended this session.",
            Self::PasswordChanged => "Your password was changed, which ended this session. Log in with the new one.",
        }
    }
}

/// Some of a user's sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sessions {
    All,
    One(SessionId),
    AllBut(SessionId),
}

impl Sessions {
    /// Whether a session is among them.
    pub fn contains(self, id: SessionId) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => id == one,
            Self::AllBut(other) => id != other,
        }
    }
}

/// What a page knows of whoever is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrentSession {
    pub user: User,
    pub id: SessionId,
    /// When it ends by itself: milliseconds since 1970 (UTC).
    pub expires_at_ms: i64,
    pub site: SiteView,
}

/// A session in the list of those that are active.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveSession {
    pub id: SessionId,
    /// Browser and system, as far as they can be told; of a program's session the name that it was given.
    pub device: String,
    /// Where it was last used from.
    pub address: String,
    /// Milliseconds since 1970 (UTC).
    pub created_at_ms: i64,
    /// Milliseconds since 1970 (UTC); written at most once a minute.
    pub last_access_ms: i64,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_has_a_name_of_its_own() {
        for end in SessionEnd::ALL {
            assert_eq!(SessionEnd::from_name(end.name()), Some(end));
        }
        assert_eq!(SessionEnd::from_name("anything else"), None);
    }
}
