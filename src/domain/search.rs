//! What is found in files.

use serde::{Deserialize, Serialize};

use super::{file::FileName, ids::FileId, place::Place};

/// Pieces of text that have to do with a question, the best first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchResults {
    pub passages: Vec<FoundPassage>,
    /// Whether they were looked for by meaning, too, and not by words alone.
    pub is_by_meaning: bool,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundPassage {
    pub file_id: FileId,
    pub file_name: FileName,
    /// Its place among the pieces of the file.
    pub seq: u32,
    pub place: Place,
    pub text: String,
}
