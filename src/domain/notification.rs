//! What a person is told while they may be looking elsewhere.

use serde::{Deserialize, Serialize};

use super::ids::{ChatId, FileId, NotificationId};

/// Something that a person is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    pub id: NotificationId,
    pub kind: NotificationKind,
    /// What it is about, in words.
    pub detail: String,
    /// The chat that it is about, if it is about one.
    pub chat_id: Option<ChatId>,
    /// The file that it is about, if it is about one.
    pub file_id: Option<FileId>,
    pub is_read: bool,
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
    /// A reply is there, in a chat that nobody looked at.
    ReplyReady,
    /// A reply failed, in a chat that nobody looked at.
    ReplyFailed,
    /// A reply lost its server and cannot go on, in a chat that nobody looked at.
    ReplyInterrupted,
    /// A file was read, and can be asked about.
    FileReady,
    /// A file could not be read.
    FileFailed,
    /// The notice to everybody is a new one.
    SiteNotice,
}

impl NotificationKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::NewDevice,
        Self::SecondFactorRemoved,
        Self::ReplyReady,
        Self::ReplyFailed,
        Self::ReplyInterrupted,
        Self::FileReady,
        Self::FileFailed,
        Self::SiteNotice,
    ];

    /// The word for it in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NewDevice => "new_device",
            Self::SecondFactorRemoved => "second_factor_removed",
            Self::ReplyReady => "reply_ready",
            Self::ReplyFailed => "reply_failed",
            Self::ReplyInterrupted => "reply_interrupted",
            Self::FileReady => "file_ready",
            Self::FileFailed => "file_failed",
            Self::SiteNotice => "site_notice",
        }
    }

    /// Reads [`NotificationKind::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What the person reads before the detail.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NewDevice => "New log-in to your account:",
            Self::SecondFactorRemoved => "Your second factor was removed, and all your sessions ended, by",
            Self::ReplyReady => "Reply ready:",
            Self::ReplyFailed => "Reply failed:",
            Self::ReplyInterrupted => "Reply interrupted:",
            Self::FileReady => "File ready:",
            Self::FileFailed => "File could not be read:",
            Self::SiteNotice => "Notice to everybody:",
        }
    }

    /// Whether it is about the account's safety: said above every page until it was read.
    pub const fn is_about_safety(self) -> bool {
        matches!(self, Self::NewDevice | Self::SecondFactorRemoved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        for kind in NotificationKind::ALL {
            assert_eq!(NotificationKind::from_name(kind.name()), Some(kind));
        }
    }
}
