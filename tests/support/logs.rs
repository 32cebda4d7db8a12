//! What the servers of this process log, all of it: so that a test can look for what must not be there.

use std::{
    io,
    sync::{Mutex, Once, PoisonError},
};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Starts to keep the log, once for all tests.
pub fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // As chatty as an operator can make it without asking libraries to print their data.
        let filter = EnvFilter::new("info,sardonyx=trace,sqlx=warn,sea_orm=warn,fred=warn");
        let lines = fmt::layer().with_ansi(false).with_writer(|| Keeper);
        tracing_subscriber::registry().with(filter).with(lines).init();
    });
}

/// Everything logged so far, by all tests.
pub fn text() -> String {
    String::from_utf8_lossy(&LOG.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}

/// How much that is, in bytes.
pub fn len() -> usize {
    LOG.lock().unwrap_or_else(PoisonError::into_inner).len()
}

/// What was logged after so many bytes.
pub fn text_from(place: usize) -> String {
    String::from_utf8_lossy(&LOG.lock().unwrap_or_else(PoisonError::into_inner)[place..]).into_owned()
}

/// The last warnings and errors, of all tests: what may explain a failure.
pub fn troubles() -> String {
    let text = text();
    let lines: Vec<&str> =
        text.lines().rev().filter(|line| line.contains(" WARN ") || line.contains("ERROR ")).collect();
    lines.into_iter().take(20).collect::<Vec<_>>().join("\n")
}

struct Keeper;

impl io::Write for Keeper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
