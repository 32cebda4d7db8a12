//! Places at which a test can end the process, as a power cut would: `FAILPOINTS="reply_read=return"` ends it at the first
//! time that this place is reached, `"1*off->return"` at the second.
//!
//! In what is shipped there is nothing here: only the tests build the crate `fail` with its points. To add a place: its
//! call, and its line in `tests/kills.rs`.

/// Ends the process here, if a test has asked for that.
pub fn reach(_name: &str) {
    fail::fail_point!(_name, |_| std::process::abort());
}

/// Reads what a test has asked for, if this was built for tests; it holds for as long as the value is there.
pub fn listen() -> Option<fail::FailScenario<'static>> {
    fail::has_failpoints().then(fail::FailScenario::setup)
}
