//! A worker process as such: how it is started, and what becomes of its output. The talk with it is in `talk`.

use std::{io, process::Stdio};

use tokio::{
    io::{AsyncRead, BufReader},
    process::{Child, ChildStdin, Command},
    sync::mpsc,
};
use tracing::{debug, info, warn};

use super::{
    protocol::{Event, PROTOCOL_LINE_BYTES_MAX},
    settings::EmbeddedSettings,
};
use crate::server::lines::{Line, next_line};

/// Events that were read and not yet looked at; more stay in the pipe.
const EVENTS_QUEUED_MAX: usize = 64;
/// Longest line of the worker's log; the rest of a longer one is lost.
const LOG_LINE_BYTES_MAX: usize = 4 * 1024;
/// What the worker gets of this process' environment: no address and no key of anything else.
const ENVIRONMENT_KEPT: [&str; 6] = ["PATH", "LD_LIBRARY_PATH", "UNI", "KVQ", "THR", "BT"];

/// A started worker.
pub struct Process {
    pub child: Child,
    pub requests: ChildStdin,
    /// Ends after the last thing that the worker said.
    pub events: mpsc::Receiver<Event>,
}

impl Process {
    /// Starts the worker. It is killed when this is dropped, and ends by itself when its stdin ends.
    pub fn start(settings: &EmbeddedSettings) -> io::Result<Self> {
        let mut child = Command::new(&settings.program)
            // What a list of processes shows.
            .arg0("sardonyx")
            .args(settings.worker_words())
            .env_clear()
            .envs(ENVIRONMENT_KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Its own group: a Ctrl-C in the server's terminal must not end it before the running replies.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let (Some(requests), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other("a pipe is missing"));
        };
        let (heard, events) = mpsc::channel(EVENTS_QUEUED_MAX);
        tokio::spawn(read_events(stdout, heard));
        tokio::spawn(forward_log(stderr));
        info!(pid = child.id(), model_file = %settings.model_file.display(), "the embedded model's process is started");
        Ok(Self { child, requests, events })
    }
}

/// Reads events until the worker closes its stdout or nobody wants them. What is no event is counted and left out: it may
/// be a user's text, so that the log does not show it.
async fn read_events(stdout: impl AsyncRead + Unpin, heard: mpsc::Sender<Event>) {
    let mut stdout = BufReader::new(stdout);
    let mut line = Vec::new();
    loop {
        let event = match next_line(&mut stdout, &mut line, PROTOCOL_LINE_BYTES_MAX).await {
            Ok(Line::Whole) => serde_json::from_slice(&line).ok(),
            Ok(Line::TooLong) => None,
            Ok(Line::End) | Err(_) => return,
        };
        match event {
            Some(event) => {
                if heard.send(event).await.is_err() {
                    return;
                }
            }
            None => {
                warn!(bytes = line.len(), "the embedded model's process wrote a line that is no event; it is ignored");
            }
        }
    }
}

/// Passes the worker's log on, engine messages included.
async fn forward_log(stderr: impl AsyncRead + Unpin) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    while let Ok(Line::Whole | Line::TooLong) = next_line(&mut stderr, &mut line, LOG_LINE_BYTES_MAX).await {
        debug!(target: "sardonyx::model_worker", "{}", String::from_utf8_lossy(&line).trim_end());
    }
}
