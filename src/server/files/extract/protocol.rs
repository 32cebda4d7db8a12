//! What the process that reads a file says: a line of JSON for each thing, the last of them `done` or `failed`.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::domain::{file::Chunk, file_kind::FileKind, file_state::FileFailure, preview::Pages};

/// Longest line; an image that was made smaller is the longest thing that is said.
pub const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Something that was found in a file, or how reading it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "said", rename_all = "snake_case")]
pub enum Said {
    /// The next piece of its text. All of them, one after the other, are the text.
    Chunk(Chunk),
    /// What it looks like.
    Picture(Picture),
    /// How many pages it has.
    Pages(Pages),
    Done {
        /// What it is.
        kind: FileKind,
    },
    Failed {
        failure: FileFailure,
    },
}

/// A picture made of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    pub use_for: PictureUse,
    /// Of the image itself, in pixels.
    pub width: u32,
    pub height: u32,
    /// `image/jpeg` or `image/png`.
    pub is_png: bool,
    /// In base64.
    pub content: String,
}

/// What a picture is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureUse {
    /// Small, for lists.
    Thumbnail,
    /// To look at.
    View,
}

/// Writes one line to standard output.
///
/// # Errors
/// When nobody listens any more.
pub fn say(said: &Said) -> io::Result<()> {
    let mut line = serde_json::to_vec(said)?;
    line.push(b'\n');
    io::stdout().lock().write_all(&line)
}
