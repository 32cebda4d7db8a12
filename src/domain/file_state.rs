//! How far files are, and why some could not be read.

use serde::{Deserialize, Serialize};

/// How far a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "state", content = "reason", rename_all = "snake_case")]
pub enum FileState {
    /// Not all of it is here yet.
    Uploading,
    /// It waits to be read.
    Waiting,
    /// Its text is being taken out.
    Reading,
    /// Its text is being made findable.
    Indexing,
    Ready,
    Failed(FileFailure),
}

impl FileState {
    /// The word for it in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Waiting => "waiting",
            Self::Reading => "reading",
            Self::Indexing => "indexing",
            Self::Ready => "ready",
            Self::Failed(_) => "failed",
        }
    }

    /// Reads [`FileState::name`] and [`FileFailure::name`].
    pub fn from_names(name: &str, failure: Option<&str>) -> Self {
        match name {
            "uploading" => Self::Uploading,
            "waiting" => Self::Waiting,
            "reading" => Self::Reading,
            "indexing" => Self::Indexing,
            "ready" => Self::Ready,
            _ => Self::Failed(failure.map_or(FileFailure::Damaged, FileFailure::from_name)),
        }
    }

    /// What people read.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Uploading => "Not complete",
            Self::Waiting => "Waiting",
            Self::Reading => "Reading",
            Self::Indexing => "Indexing",
            Self::Ready => "Ready",
            Self::Failed(failure) => failure.text(),
        }
    }

    /// Whether something is still being done about it.
    pub const fn is_busy(self) -> bool {
        matches!(self, Self::Waiting | Self::Reading | Self::Indexing)
    }
}

/// Why a file could not be read. It is kept and given back all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFailure {
    /// It needs a password.
    Encrypted,
    /// There is no text in it: pages that were scanned, say.
    NoText,
    Damaged,
    /// It unpacks to more than is read.
    TooLargeUnpacked,
    /// Its text is longer than what is read.
    TooMuchText,
    /// Larger than what is read.
    TooLarge,
    /// An image with more pixels than are looked at.
    TooManyPixels,
    /// Its content is not what its name says.
    NotWhatItSays,
    /// A kind that is not read.
    Unsupported,
    /// Reading it took too long, or too much memory, too often.
    TooHard,
    /// Its content is gone from the storage.
    Missing,
}

impl FileFailure {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Encrypted,
        Self::NoText,
        Self::Damaged,
        Self::TooLargeUnpacked,
        Self::TooMuchText,
        Self::TooLarge,
        Self::TooManyPixels,
        Self::NotWhatItSays,
        Self::Unsupported,
        Self::TooHard,
        Self::Missing,
    ];

    /// The word for it in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::NoText => "no_text",
            Self::Damaged => "damaged",
            Self::TooLargeUnpacked => "too_large_unpacked",
            Self::TooMuchText => "too_much_text",
            Self::TooLarge => "too_large",
            Self::TooManyPixels => "too_many_pixels",
            Self::NotWhatItSays => "not_what_it_says",
            Self::Unsupported => "unsupported",
            Self::TooHard => "too_hard",
            Self::Missing => "missing",
        }
    }

    /// Reads [`FileFailure::name`].
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|failure| failure.name() == name).unwrap_or(Self::Damaged)
    }

    /// What people read.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Encrypted => "It is locked with a password. Remove the password and upload it again.",
            Self::NoText => {
                "No text was found in it. If its pages were scanned, run a text recognition (OCR) on it first."
            }
            Self::Damaged => "It is damaged and could not be read.",
            Self::TooLargeUnpacked => "It is too large when unpacked.",
            Self::TooMuchText => "It has more text than is read of one file: 8 million characters. Divide it.",
            Self::TooLarge => "It is kept, but not read: it has more than 67 MB.",
            Self::TooManyPixels => "It is kept, but not shown to models: it has more than 40 million pixels.",
            Self::NotWhatItSays => "Its content is not what its name says.",
            Self::Unsupported => "This kind of file is kept, but not read.",
            Self::TooHard => "Reading it took too long or too much memory.",
            Self::Missing => "Its content is missing from the storage.",
        }
    }

    /// Whether trying again can help.
    pub const fn can_pass(self) -> bool {
        matches!(self, Self::TooHard | Self::Missing | Self::Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{file::size_text, limits};

    #[test]
    fn what_is_said_of_too_much_is_its_limit() {
        for (failure, limit, most) in [
            (FileFailure::TooMuchText, limits::FILE_TEXT_CHARS_MAX as u64, "8 million"),
            (FileFailure::TooManyPixels, limits::IMAGE_PIXELS_MAX, "40 million"),
        ] {
            assert!(failure.text().contains(most) && format!("{} million", limit / 1_000_000) == most, "{failure:?}");
        }
        assert!(FileFailure::TooLarge.text().contains(&size_text(limits::FILE_READ_BYTES_MAX)));
    }

    #[test]
    fn every_failure_has_a_name_of_its_own() {
        for failure in FileFailure::ALL {
            let state = FileState::Failed(failure);
            assert_eq!(FileState::from_names(state.name(), Some(failure.name())), state);
        }
    }
}
