//! Files in a conversation: what came with a message, and what a reply was given to read.

use serde::{Deserialize, Serialize};

use super::{file::FileName, ids::FileId, place::Place};

/// A file of a message, or a source of a reply, table `message_file`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageFile {
    /// From 1 on; of a source the number that the reply names it by.
    pub number: u32,
    /// None once the file is deleted.
    pub file_id: Option<FileId>,
    pub name: FileName,
    pub used_as: FileUse,
}

/// What a file is to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileUse {
    /// It came with what a person wrote.
    Attached,
    /// The model was given this piece of its text, and perhaps what stands around it.
    Piece { seq: u32, place: Place },
    /// The model was shown the picture.
    Picture,
    /// Nothing of it was given.
    Left(LeftOut),
}

/// Why a model was given nothing of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOut {
    /// It could not be read.
    Failed,
    /// It was still being read.
    Late,
    /// It is a picture, and the model sees none.
    Unseen,
    /// There was no room for it.
    TooLong,
}

impl LeftOut {
    const ALL: [(Self, &str); 4] =
        [(Self::Failed, "failed"), (Self::Late, "late"), (Self::Unseen, "unseen"), (Self::TooLong, "too_long")];

    /// What people, and models, read after the file's name.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Failed => "could not be read",
            Self::Late => "was not read in time",
            Self::Unseen => "is a picture, and this model sees none",
            Self::TooLong => "did not fit any more",
        }
    }
}

impl FileUse {
    /// The word for it in the database.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Attached => "attached",
            Self::Piece { .. } => "piece",
            Self::Picture => "picture",
            Self::Left(why) => LeftOut::ALL.iter().find(|(known, _)| known == why).map_or("failed", |(_, code)| code),
        }
    }

    /// Reads [`FileUse::code`]; of a piece, with where it stands.
    pub fn from_code(code: &str, piece: Option<(u32, Place)>) -> Self {
        match (code, piece) {
            ("attached", _) => Self::Attached,
            ("picture", _) => Self::Picture,
            (_, Some((seq, place))) => Self::Piece { seq, place },
            (code, None) => {
                let why = LeftOut::ALL.iter().find(|(_, known)| *known == code);
                Self::Left(why.map_or(LeftOut::Failed, |(why, _)| *why))
            }
        }
    }
}

/// What a reply was given of its person's files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grounds {
    pub sources: Vec<MessageFile>,
    /// None when files were not searched for it.
    pub searched: Option<FilesSearched>,
}

impl Grounds {
    /// Whether there is nothing to say of it.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.searched.is_none()
    }
}

/// How files were searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilesSearched {
    /// By words alone: what finds by meaning was away, or is off.
    Words,
    /// By words and by meaning.
    Both,
}

impl FilesSearched {
    /// The word for it in the database.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Both => "both",
        }
    }

    /// Reads [`FilesSearched::code`].
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Words, Self::Both].into_iter().find(|known| known.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_use_is_read_back_from_its_code() {
        let piece = (3, Place::Page { page: 2 });
        let left = LeftOut::ALL.map(|(why, _)| FileUse::Left(why));
        for used_as in left.into_iter().chain([FileUse::Attached, FileUse::Picture]) {
            assert_eq!(FileUse::from_code(used_as.code(), None), used_as);
            assert!(used_as.code().len() <= 8);
        }
        let used_as = FileUse::Piece { seq: piece.0, place: piece.1.clone() };
        assert_eq!(FileUse::from_code(used_as.code(), Some(piece)), used_as);
    }
}
