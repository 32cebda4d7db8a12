//! Takes the text out of a file: what the hidden subcommand `extract` does, in a process of its own.
//!
//! Libraries that read other programs' files panic, overflow their stack and unpack bombs, and not all of that can be caught.
//! So a file is read in a child of the server that has little memory, little time, no environment and nothing but the file as
//! its standard input; what it finds goes to its standard output, a line of JSON each (`protocol`). The server's side is
//! `reader`.
//!
//! One file here for each sort of files: bytes in, [`Findings`] out. To add a kind: a variant of
//! [`FileKind`](crate::domain::file_kind::FileKind), an arm in [`read`], and files of that kind in `tests/corpus`.

mod book;
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

/// Libraries go down into nested things by calling themselves.
const STACK_BYTES: usize = 32 * 1024 * 1024;

/// Reads the file on standard input, which seems to be of this kind, and says what is in it.
pub fn run(kind: FileKind) -> ExitCode {
    limit_process();
    let reading = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
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

/// Takes away what reading a file does not need. What the system does not know how to limit stays as it is: the server ends
/// what takes too long in any case.
fn limit_process() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let set = |resource, most: u64| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
        // What the program itself is mapped to is not what the file takes.
        let _ = set(Resource::As, mapped_bytes().saturating_add(limits::FILE_READER_BYTES_MAX));
        let _ = set(Resource::Cpu, limits::FILE_READER_CPU_SECONDS_MAX);
        let _ = set(Resource::Core, 0);
        let _ = set(Resource::Nproc, 2);
        lock_away();
    }
}

/// The address space that this process has now.
#[cfg(target_os = "linux")]
fn mapped_bytes() -> u64 {
    let pages: u64 = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse().ok())
        .unwrap_or_default();
    pages * rustix::param::page_size() as u64 + STACK_BYTES as u64
}

/// No file can be opened and no connection made from here on, where the kernel can see to that (Landlock).
#[cfg(target_os = "linux")]
fn lock_away() {
    use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr};
    let locked = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V5))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(ABI::V5)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self);
    if let Err(error) = locked {
        eprintln!("not locked away: {error}");
    }
}

/// Cuts a text after so many characters.
fn cut(text: &str, chars_max: usize) -> &str {
    text.char_indices().nth(chars_max).map_or(text, |(end, _)| &text[..end])
}
