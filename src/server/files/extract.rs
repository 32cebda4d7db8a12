//! Takes the text out of a file: what the hidden subcommand `extract` does, in a process of its own.
//!
//! Libraries that read other programs' files panic, overflow their stack and unpack bombs, and not all of that can be caught.
//! So a file is read in a child of the server that has little memory, little time, no environment and nothing but the file as
//! its standard input (`confine`); what it finds goes to its standard output, a line of JSON each (`protocol`). The server's side is
//! `reader`.
//!
//! One file here for each sort of files: bytes in, [`Findings`] out. To add a kind: a variant of
//! [`FileKind`](crate::domain::file_kind::FileKind), an arm in [`read`], and files of that kind in `tests/corpus`.

mod book;
mod confine;
mod findings;
mod image;
mod magic;
mod mail;
mod markup;
mod office;
mod opendocument;
mod packed;
mod pdf;
pub mod protocol;
mod sheets;
mod table;
mod text;
mod xml;

use std::{
    io::{self, Read},
    panic::catch_unwind,
    process::ExitCode,
};

use self::{findings::Findings, protocol::Said};
use crate::domain::{file_kind::FileKind, file_state::FileFailure, limits};

/// What most kinds end with.
type Outcome = Result<(), FileFailure>;

/// Reads the file on standard input, which seems to be of this kind, and says what is in it.
pub fn run(kind: FileKind) -> ExitCode {
    confine::before_threads();
    let reading = std::thread::Builder::new().stack_size(confine::STACK_BYTES).spawn(move || {
        confine::with_threads();
        // What a library cannot cope with is a damaged file.
        catch_unwind(|| read_input(kind)).unwrap_or(Err(FileFailure::Damaged))
    });
    let outcome =
        reading.map_or(Err(FileFailure::TooHard), |reading| reading.join().unwrap_or(Err(FileFailure::Damaged)));
    let last = match outcome {
        Ok(kind) => Said::Done { kind },
        Err(failure) => Said::Failed { failure },
    };
    if protocol::say(&last).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read_input(kind: FileKind) -> Result<FileKind, FileFailure> {
    let mut bytes = Vec::new();
    let input = io::stdin().lock().take(limits::FILE_READ_BYTES_MAX + 1).read_to_end(&mut bytes);
    if input.is_err() {
        return Err(FileFailure::Missing);
    }
    if bytes.len() as u64 > limits::FILE_READ_BYTES_MAX {
        return Err(FileFailure::TooLarge);
    }
    let kind = magic::true_kind(kind, &bytes)?;
    let mut findings = Findings::new(protocol::say);
    read(kind, bytes, &mut findings)?;
    findings.end()?;
    Ok(kind)
}

/// Reads a file of this kind.
fn read(kind: FileKind, bytes: Vec<u8>, findings: &mut Findings) -> Outcome {
    match kind {
        FileKind::Text | FileKind::Code => text::read(&bytes, findings),
        FileKind::Json => text::read_json(&bytes, findings),
        FileKind::Markdown => text::read_markdown(&bytes, findings),
        FileKind::Html => markup::read(&bytes, findings),
        FileKind::Csv | FileKind::Tsv => table::read(kind, &bytes, findings),
        FileKind::Xlsx | FileKind::Xls | FileKind::Ods => sheets::read(kind, bytes, findings),
        FileKind::Docx | FileKind::Pptx => office::read(kind, bytes, findings),
        FileKind::Odt => opendocument::read(&bytes, findings),
        FileKind::Pdf => pdf::read(bytes, findings),
        FileKind::Epub => book::read(bytes, findings),
        FileKind::Eml => mail::read(&bytes, findings),
        FileKind::Png | FileKind::Jpeg | FileKind::Webp => image::read(kind, &bytes, findings),
        FileKind::Other => Err(FileFailure::Unsupported),
    }
}

/// Cuts a text after so many characters.
fn cut(text: &str, chars_max: usize) -> &str {
    text.char_indices().nth(chars_max).map_or(text, |(end, _)| &text[..end])
}
