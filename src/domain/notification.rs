//! What a person is told while they may be looking elsewhere.

use serde::{Deserialize, Serialize};

use super::ids::NotificationId;

/// Something that a person is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    pub id: NotificationId,
    pub kind: NotificationKind,
    /// What it is about, in words.
    pub detail: String,
    /// Milliseconds since 1970 (UTC).
    pub created_at_ms: i64,
}

/// What it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationKind {
    /// Somebody logged in from a device that was not seen before.
    NewDevice,
    /// An administrator took the second factor away.
    SecondFactorRemoved,
}

impl NotificationKind {
    /// The word for it in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NewDevice => "new_device",
            Self::SecondFactorRemoved => "second_factor_removed",
        }
    }

    /// Reads [`NotificationKind::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::NewDevice, Self::SecondFactorRemoved].into_iter().find(|kind| kind.name() == name)
    }

    /// What the person reads before the detail.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NewDevice => "New log-in to your account:",
            Self::SecondFactorRemoved => "Your second factor was removed, and all your sessions ended, by",
        }
    }
}
