//! Reads a file in a child process (`extract`), from the server's side: starts it, bounds it, and takes what it says.

use std::{fs::File, io, path::Path, process::Stdio};

use tokio::{
    io::BufReader,
    process::{Child, ChildStdout, Command},
};

use super::extract::protocol::{LINE_BYTES_MAX, Said};
use crate::{
    domain::{file_kind::FileKind, file_state::FileFailure},
    error::{Error, Result},
    server::lines::{Line, next_line},
};

/// A panic ends a process with this code.
const PANICKED: i32 = 101;

/// A process that reads a file. It is killed when this is dropped.
pub struct Reader {
    child: Child,
    output: BufReader<ChildStdout>,
    line: Vec<u8>,
}

impl Reader {
    /// Starts one; it finds the file as its standard input.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no process can be started.
    pub fn start(program: &Path, kind: FileKind, input: File) -> Result<Self> {
        Self::spawn(program, kind, input).map_err(|error| {
            tracing::error!(%error, "no process can be started to read a file");
            Error::Unavailable
        })
    }

    fn spawn(program: &Path, kind: FileKind, input: File) -> io::Result<Self> {
        let mut child = Command::new(program)
            // What a list of processes shows.
            .arg0("sardonyx")
            .args(["extract", kind.name()])
            .env_clear()
            // Else the allocator reserves more address space for each thread than the process may have.
            .env("MALLOC_ARENA_MAX", "1")
            .current_dir("/")
            .stdin(input)
            .stdout(Stdio::piped())
            // Messages of libraries have pieces of the file in them.
            .stderr(Stdio::null())
            // Its own group: a Ctrl-C in the server's terminal is not meant for it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("a pipe is missing"))?;
        Ok(Self { child, output: BufReader::new(output), line: Vec::new() })
    }

    /// What it says next; the last thing is [`Said::Done`] or [`Said::Failed`]. However it ends, that is said: a process that
    /// died failed, and so did one that says what cannot be.
    pub async fn next(&mut self) -> Said {
        let failure = match next_line(&mut self.output, &mut self.line, LINE_BYTES_MAX).await {
            Ok(Line::Whole) => match serde_json::from_slice(&self.line) {
                Ok(said) => return said,
                Err(_) => FileFailure::Damaged,
            },
            Ok(Line::TooLong) => FileFailure::TooLargeUnpacked,
            Ok(Line::End) | Err(_) => self.cause_of_death().await,
        };
        Said::Failed { failure }
    }

    /// A process that takes more memory or time than it may have is ended by a signal, and so is one whose stack is full.
    async fn cause_of_death(&mut self) -> FileFailure {
        match self.child.wait().await {
            Ok(status) if status.code() == Some(PANICKED) => FileFailure::Damaged,
            _ => FileFailure::TooHard,
        }
    }

    /// Ends the process, if it has not ended.
    pub async fn end(mut self) {
        // That it has ended already is no matter.
        let _ = self.child.kill().await;
    }
}
