//! What office documents and books are: files packed in one. Looked through before a library unpacks them, for sizes can lie.

use std::io::{self, Cursor, Read};

use zip::{ZipArchive, result::ZipError};

use super::Outcome;
use crate::domain::{file_state::FileFailure, limits};

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// Unpacks everything once, to nowhere: what it takes is counted, not believed.
///
/// # Errors
/// [`FileFailure::TooLargeUnpacked`], [`FileFailure::Encrypted`], [`FileFailure::Damaged`].
pub fn check(bytes: &[u8]) -> Outcome {
    let mut archive = open(bytes)?;
    if archive.len() > limits::FILE_PACKED_FILES_MAX {
        return Err(FileFailure::TooLargeUnpacked);
    }
    let mut left = limits::FILE_UNPACKED_BYTES_MAX;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| failure(&error))?;
        let unpacked = io::copy(&mut (&mut entry).take(left), &mut io::sink()).map_err(|_| FileFailure::Damaged)?;
        left -= unpacked;
        if left == 0 {
            return Err(FileFailure::TooLargeUnpacked);
        }
    }
    Ok(())
}

/// One of the packed files. Checked before.
pub fn unpack(bytes: &[u8], name: &str) -> Result<Vec<u8>, FileFailure> {
    let mut archive = open(bytes)?;
    let entry = archive.by_name(name).map_err(|_| FileFailure::NotWhatItSays)?;
    let mut content = Vec::new();
    entry.take(limits::FILE_UNPACKED_BYTES_MAX).read_to_end(&mut content).map_err(|_| FileFailure::Damaged)?;
    Ok(content)
}

/// Whether there is a packed file of this name.
pub fn has(bytes: &[u8], name: &str) -> bool {
    open(bytes).is_ok_and(|archive| archive.index_for_name(name).is_some())
}

fn open(bytes: &[u8]) -> Result<Archive<'_>, FileFailure> {
    ZipArchive::new(Cursor::new(bytes)).map_err(|error| failure(&error))
}

fn failure(error: &ZipError) -> FileFailure {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => FileFailure::Encrypted,
        _ => FileFailure::Damaged,
    }
}
