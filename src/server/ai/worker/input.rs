//! Reads requests in a thread of its own, so that the end of stdin is noticed whatever the engine is doing.

use std::{
    io::{self, BufRead, Read},
    process,
    sync::mpsc::{self, Receiver, SyncSender},
    thread,
    time::Duration,
};

use tracing::warn;

use crate::server::ai::embedded::protocol::{PROTOCOL_LINE_BYTES_MAX, Request};

/// Requests that were read and not yet looked at; more stay in the pipe.
const REQUESTS_QUEUED_MAX: usize = 1024;
/// Time that the engine has to end when stdin has ended; loading a model cannot be interrupted.
const END_SECONDS_MAX: u64 = 2;

/// Starts to read. The channel ends when stdin ends; soon after that, so does the process.
pub fn listen() -> Receiver<Request> {
    let (read, requests) = mpsc::sync_channel(REQUESTS_QUEUED_MAX);
    thread::spawn(move || {
        forward(&mut io::stdin().lock(), read);
        thread::sleep(Duration::from_secs(END_SECONDS_MAX));
        process::exit(0);
    });
    requests
}

fn forward(stdin: &mut impl BufRead, read: SyncSender<Request>) {
    let mut line = Vec::new();
    loop {
        line.clear();
        match stdin.by_ref().take(PROTOCOL_LINE_BYTES_MAX as u64).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if line.len() == PROTOCOL_LINE_BYTES_MAX && !line.ends_with(b"\n") {
            warn!("a request of more than {PROTOCOL_LINE_BYTES_MAX} bytes is ignored");
            if stdin.skip_until(b'\n').is_err() {
                return;
            }
            continue;
        }
        match serde_json::from_slice(&line) {
            Ok(request) => {
                if read.send(request).is_err() {
                    return;
                }
            }
            Err(error) => warn!("a line of {} bytes is no request; it is ignored: {error}", line.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_request_is_left_out() {
        let long = "x".repeat(PROTOCOL_LINE_BYTES_MAX + 1);
        let text = format!("{long}\nhello\n{{\"type\":\"cancel\",\"id\":3}}\n");
        let (read, requests) = mpsc::sync_channel(8);
        forward(&mut text.as_bytes(), read);
        assert_eq!(requests.iter().collect::<Vec<_>>(), [Request::Cancel { id: 3 }]);
    }
}
