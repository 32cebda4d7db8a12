//! What is made of a server's faults: which of them pass, when it is left alone for a while, how long it asks to be.
//!
//! A server that fails again and again is not asked for a rest, so that nobody waits for what will not come; after it one
//! question goes through, and its fate decides for all. A server that answers 429 says itself when to come back. None of
//! this is shared: each provider has its own, on each server.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use reqwest::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};
use tokio::time::Instant;

use crate::{
    domain::{limits, message::ReplyFailure},
    server::clock,
};

/// The first pause before a question is asked again, doubled each time.
const PAUSE_MS: u64 = 500;
/// A question that is to show whether a server is back may take this long before another one may try, too: with the longest
/// rest less than half a minute.
const PROBE_SECONDS_MAX: u64 = 15;

/// Why a question was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub failure: ReplyFailure,
    /// Whether it speaks for an outage of the whole server.
    pub is_outage: bool,
    /// Whether the same question may be answered a moment later.
    pub is_passing: bool,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
    /// How many tokens a conversation can have, if it named them when one was too long.
    pub named_tokens: Option<usize>,
}

impl Fault {
    /// One that stays, and says nothing of the server.
    pub const fn lasting(failure: ReplyFailure) -> Self {
        Self { failure, is_outage: false, is_passing: false, retry_after: None, named_tokens: None }
    }

    /// What a status other than 200 means.
    pub fn of_status(status: StatusCode, headers: &HeaderMap) -> Self {
        tracing::warn!(status = status.as_u16(), "a model's server refused");
        let retry_after =
            || retry_after(headers, SystemTime::UNIX_EPOCH + Duration::from_millis(clock::now_ms().unsigned_abs()));
        match status.as_u16() {
            401 | 403 => Self::lasting(ReplyFailure::KeyRefused),
            404 => Self::lasting(ReplyFailure::ModelNotFound),
            429 => Self { is_passing: true, retry_after: retry_after(), ..Self::lasting(ReplyFailure::RateLimited) },
            201..=299 => Self::lasting(ReplyFailure::Garbled),
            500..=599 => Self {
                failure: ReplyFailure::ProviderError,
                is_outage: true,
                is_passing: true,
                retry_after: retry_after(),
                named_tokens: None,
            },
            _ => Self::lasting(ReplyFailure::ProviderError),
        }
    }

    /// What it means that the request itself was refused, by what it says of length.
    pub fn of_refusal(status: StatusCode, length: Option<Option<usize>>) -> Self {
        tracing::warn!(status = status.as_u16(), "a model's server refused a request");
        if length.is_none() && status != StatusCode::PAYLOAD_TOO_LARGE {
            return Self::lasting(ReplyFailure::RequestRefused);
        }
        Self { named_tokens: length.flatten(), ..Self::lasting(ReplyFailure::ContextTooLong) }
    }

    /// What it means that a request could not be sent, or lost its connection before any answer.
    pub fn of_sending(error: &reqwest::Error) -> Self {
        // `without_url` is not needed: only what kind of failure it is goes into the log.
        let failure =
            if error.is_connect() || error.is_timeout() { ReplyFailure::Unreachable } else { ReplyFailure::Cut };
        tracing::warn!(?failure, "a model's server cannot be asked");
        Self { is_outage: true, is_passing: true, ..Self::lasting(failure) }
    }

    /// What it means that a reply failed before its first word.
    pub fn of_beginning(failure: ReplyFailure) -> Self {
        let is_passing = matches!(failure, ReplyFailure::Cut | ReplyFailure::ProviderError);
        Self { is_outage: failure == ReplyFailure::NoAnswer, is_passing, ..Self::lasting(failure) }
    }

    /// The pause before the next attempt, `earlier` others having failed before; none when the server asks for a longer one
    /// than `longest`. Chosen anew each time, so that many do not come back at once.
    pub fn pause(&self, earlier: u32, longest: Duration) -> Option<Duration> {
        match self.retry_after {
            Some(asked) if asked > longest => None,
            Some(asked) => Some(asked + Duration::from_millis(rand::random_range(0..PAUSE_MS))),
            None => {
                let pause = Duration::from_millis(PAUSE_MS).saturating_mul(2_u32.saturating_pow(earlier)).min(longest);
                Some(pause.mul_f64(rand::random_range(0.5..=1.0)))
            }
        }
    }
}

/// What `Retry-After` says: seconds, however many, or a date. None when it says nothing that can be understood.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// Keeps questions from a server that does not answer them.
pub struct Breaker {
    /// How long it is left alone; more than that it cannot ask for, either.
    rest: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Outages in a row.
    outages: u32,
    /// Since the last of too many: not asked before this.
    rests_until: Option<Instant>,
    /// Since when one question is out that is to show whether it is back.
    probed_since: Option<Instant>,
    /// Models that are not asked before a moment, because the server said so.
    held: HashMap<String, Instant>,
}

/// The right to ask one question. Given up without a word, it says nothing of the server.
pub struct Passage<'a> {
    breaker: &'a Breaker,
    /// Since when it is the one that is to show whether the server is back.
    probes_since: Option<Instant>,
}

impl Breaker {
    pub fn new(rest: Duration) -> Self {
        Self { rest, state: Mutex::default() }
    }

    pub const fn rest(&self) -> Duration {
        self.rest
    }

    /// Lets a question through, unless the server rests.
    pub fn enter(&self, now: Instant) -> Option<Passage<'_>> {
        let mut state = self.state();
        let Some(rests_until) = state.rests_until else { return Some(Passage { breaker: self, probes_since: None }) };
        let is_probed =
            state.probed_since.is_some_and(|since| now.duration_since(since) < Duration::from_secs(PROBE_SECONDS_MAX));
        if now < rests_until || is_probed {
            return None;
        }
        state.probed_since = Some(now);
        Some(Passage { breaker: self, probes_since: Some(now) })
    }

    /// Nobody asks this model for a while.
    pub fn hold(&self, model: &str, asked: Duration, now: Instant) {
        let mut state = self.state();
        state.held.retain(|_, until| *until > now);
        if state.held.len() < limits::MODELS_PER_PROVIDER_MAX {
            state.held.insert(model.to_owned(), now + asked.min(self.rest));
        }
    }

    /// Until when nobody asks this model.
    pub fn held_until(&self, model: &str, now: Instant) -> Option<Instant> {
        self.state().held.get(model).copied().filter(|until| *until > now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete by itself, so that a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Passage<'_> {
    /// The server is there, whatever it said.
    pub fn answered(self) {
        let mut state = self.breaker.state();
        if state.rests_until.take().is_some() {
            tracing::info!("a model's server answers again");
        }
        (state.outages, state.probed_since) = (0, None);
    }

    /// It is not.
    pub fn failed(self, now: Instant) {
        let mut state = self.breaker.state();
        state.outages = state.outages.saturating_add(1);
        let is_open = state.rests_until.is_some();
        if self.probes_since.is_some() || (!is_open && state.outages >= limits::PROVIDER_OUTAGES_MAX) {
            tracing::warn!(outages = state.outages, "a model's server does not answer and is left alone for a while");
            state.rests_until = Some(now + self.breaker.rest);
        }
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        let mut state = self.breaker.state();
        // Another one may be out by now.
        if self.probes_since.is_some() && state.probed_since == self.probes_since {
            state.probed_since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(10);

    fn open(now: Instant) -> Breaker {
        let breaker = Breaker::new(REST);
        for _ in 0..limits::PROVIDER_OUTAGES_MAX {
            breaker.enter(now).unwrap().failed(now);
        }
        breaker
    }

    #[test]
    fn d37_a_server_that_fails_rests_then_one_question_decides() {
        let now = Instant::now();
        let breaker = open(now);
        assert!(breaker.enter(now).is_none());
        let later = now + REST;
        let probe = breaker.enter(later).unwrap();
        assert!(breaker.enter(later).is_none(), "one at a time");
        probe.failed(later);
        assert!(breaker.enter(later).is_none());
        let back = later + REST;
        breaker.enter(back).unwrap().answered();
        assert!(breaker.enter(back).is_some() && breaker.enter(back).is_some());
    }

    #[test]
    fn d37_a_probe_that_was_given_up_or_hangs_keeps_nobody_out() {
        let now = Instant::now();
        let breaker = open(now);
        let later = now + REST;
        drop(breaker.enter(later).unwrap());
        let hanging = breaker.enter(later).unwrap();
        assert!(breaker.enter(later).is_none());
        let much_later = later + Duration::from_secs(PROBE_SECONDS_MAX);
        assert!(much_later - now <= Duration::from_secs(30));
        let another = breaker.enter(much_later).unwrap();
        // It belongs to another time.
        drop(hanging);
        assert!(breaker.enter(much_later).is_none());
        another.answered();
        assert!(breaker.enter(much_later).is_some());
    }

    #[test]
    fn d37_failures_apart_from_each_other_open_nothing() {
        let (breaker, now) = (Breaker::new(REST), Instant::now());
        for _ in 0..limits::PROVIDER_OUTAGES_MAX * 3 {
            breaker.enter(now).unwrap().failed(now);
            breaker.enter(now).unwrap().answered();
        }
        assert!(breaker.enter(now).is_some());
    }

    #[test]
    fn d20_a_model_is_held_for_a_bounded_time_and_no_other_is() {
        let (breaker, now) = (Breaker::new(REST), Instant::now());
        breaker.hold("one", Duration::from_secs(1_000_000_000), now);
        assert!(breaker.held_until("other", now).is_none());
        assert_eq!(breaker.held_until("one", now), Some(now + REST));
        assert!(breaker.held_until("one", now + REST).is_none());
    }

    #[test]
    fn d20_retry_after_is_read_in_all_its_forms() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(read(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(read(&"9".repeat(40)), Some(Duration::from_secs(u64::MAX)));
        assert_eq!(read("Sun, 09 Sep 2001 01:46:50 GMT"), Some(Duration::from_secs(10)));
        assert_eq!(read("Sun, 09 Sep 2001 01:46:30 GMT"), Some(Duration::ZERO));
        for text in ["", "soon", "-1", "1.5"] {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn d36_pauses_grow_differ_and_are_bounded() {
        let fault = Fault::of_beginning(ReplyFailure::Cut);
        let pauses: Vec<Duration> = (0..20).filter_map(|_| fault.pause(1, REST)).collect();
        assert!(pauses.iter().all(|pause| (500..=1_000).contains(&pause.as_millis())), "{pauses:?}");
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
        assert!(fault.pause(60, REST).unwrap() <= REST);
        let asked = |seconds| Fault { retry_after: Some(Duration::from_secs(seconds)), ..fault };
        assert!(asked(3).pause(0, REST).unwrap() >= Duration::from_secs(3));
        assert_eq!(asked(1_000_000_000).pause(0, REST), None);
    }
}
