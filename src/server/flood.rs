//! What one person can do only so often: limits per user in front of everything that knows its user.
//!
//! Each user has a bucket of each kind, which holds a minute's (or hour's) worth and fills up evenly (GCRA, by `governor`).
//! The buckets are in the memory of each server: against a flood that is enough, and asking a database about every request
//! would help the flood. So several servers together let through several times as much, and a start fills every bucket.
//! What must hold over all servers is counted elsewhere: running replies and failed attempts in the database.
//!
//! To add a kind: a [`Quota`], its place in [`Buckets`], and what it counts in [`counted`].

use std::{num::NonZeroU32, sync::Arc};

use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};
use governor::{DefaultKeyedRateLimiter, Quota as Rate, RateLimiter, clock::Clock};

use super::{
    auth::guard::{Caller, Program},
    config::LimitConfig,
    refusal,
    state::AppState,
};
use crate::{
    domain::{ids::UserId, limits, quota::Quota},
    error::{Error, Result},
};

/// Counts what each user does. Cheap to clone.
#[derive(Clone)]
pub struct Flood(Arc<Buckets>);

type Bucket = DefaultKeyedRateLimiter<UserId>;

struct Buckets {
    requests: Bucket,
    program_requests: Bucket,
    uploads: Bucket,
    messages: Bucket,
    chats: Bucket,
    exports: Bucket,
    /// A flood is worth a line in the log, not one for each of its requests.
    lines: Bucket,
}

impl Flood {
    /// Full buckets of these sizes.
    pub fn new(limits: &LimitConfig) -> Self {
        let a_minute = |times: u32| RateLimiter::keyed(Rate::per_minute(at_least_one(times)));
        Self(Arc::new(Buckets {
            requests: a_minute(limits.requests_per_minute),
            program_requests: a_minute(limits.requests_per_minute),
            uploads: a_minute(limits.requests_per_minute),
            messages: a_minute(limits.messages_per_minute),
            chats: a_minute(limits.messages_per_minute),
            exports: RateLimiter::keyed(Rate::per_hour(at_least_one(limits::EXPORTS_PER_HOUR_MAX))),
            lines: a_minute(1),
        }))
    }

    /// Counts one more, unless it is one too many.
    ///
    /// # Errors
    /// [`Error::TooOften`].
    pub fn count(&self, user_id: UserId, what: Quota) -> Result<()> {
        let bucket = match what {
            Quota::Requests => &self.0.requests,
            Quota::ProgramRequests => &self.0.program_requests,
            Quota::Uploads => &self.0.uploads,
            Quota::Messages => &self.0.messages,
            Quota::Chats => &self.0.chats,
            Quota::Exports => &self.0.exports,
        };
        let Err(too_early) = bucket.check_key(&user_id) else { return Ok(()) };
        if self.0.lines.check_key(&user_id).is_ok() {
            tracing::warn!(user = %user_id, what = what.code(), "refused for a while: too often");
        }
        let wait = too_early.wait_time_from(bucket.clock().now());
        let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        Err(Error::TooOften { what, seconds })
    }

    /// Forgets users whose buckets are full again.
    pub fn forget_the_quiet(&self) {
        let Buckets { requests, program_requests, uploads, messages, chats, exports, lines } = &*self.0;
        for bucket in [requests, program_requests, uploads, messages, chats, exports, lines] {
            bucket.retain_recent();
            bucket.shrink_to_fit();
        }
    }
}

/// In front of pages, files and the live connection.
pub async fn limit(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match count_request(&state, &request) {
        Ok(()) => next.run(request).await,
        Err(error) => refusal::answer(request.headers(), error),
    }
}

/// In front of the API for programs.
pub async fn limit_program(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let user_id = match request.extensions().get::<Program>() {
        Some(Program(Ok(shown))) => shown.db().user_id(),
        _ => return next.run(request).await,
    };
    match count_all(&state, user_id, Quota::ProgramRequests, &request) {
        Ok(()) => next.run(request).await,
        Err(error) => refusal::json(error),
    }
}

fn count_request(state: &AppState, request: &Request) -> Result<()> {
    match request.extensions().get::<Caller>() {
        Some(Caller::User(known)) => count_all(state, known.db.user_id(), Quota::Requests, request),
        _ => Ok(()),
    }
}

fn count_all(state: &AppState, user_id: UserId, of_all: Quota, request: &Request) -> Result<()> {
    if sends_files(request.method(), request.uri().path()) {
        return state.flood.count(user_id, Quota::Uploads);
    }
    state.flood.count(user_id, of_all)?;
    match counted(request.method(), request.uri().path()) {
        Some(what) => state.flood.count(user_id, what),
        None => Ok(()),
    }
}

/// Whether it belongs to a resumable upload: a file takes two, and somebody may send thousands of files.
fn sends_files(method: &Method, path: &str) -> bool {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    method != Method::GET && (path == "/files/uploads" || path.starts_with("/files/uploads/"))
}

/// As what a request counts beside being one.
fn counted(method: &Method, path: &str) -> Option<Quota> {
    match path {
        "/api/send_message" | "/api/retry_reply" | "/api/edit_message" => Some(Quota::Messages),
        "/api/create_chat" | "/api/ask_about_files" | "/api/fork_chat" => Some(Quota::Chats),
        "/settings/data.json" | "/admin/audit.csv" => Some(Quota::Exports),
        "/api/v1/chats" if method == Method::POST => Some(Quota::Chats),
        path if path.starts_with("/api/v1/chats/") && method == Method::POST => Some(Quota::Messages),
        _ => None,
    }
}

fn at_least_one(times: u32) -> NonZeroU32 {
    NonZeroU32::new(times).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn flood(messages_per_minute: u32) -> Flood {
        Flood::new(&LimitConfig { messages_per_minute, ..LimitConfig::default() })
    }

    #[test]
    fn p6_one_users_flood_is_refused_and_nobody_elses_message() {
        let (flood, alice, bob) = (flood(3), UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        for _ in 0..3 {
            assert_eq!(flood.count(alice, Quota::Messages), Ok(()));
        }
        for _ in 0..2 {
            let Err(Error::TooOften { what: Quota::Messages, seconds }) = flood.count(alice, Quota::Messages) else {
                panic!("one too many was let through");
            };
            assert!((1..=21).contains(&seconds), "{seconds}");
        }
        assert_eq!(flood.count(alice, Quota::Requests), Ok(()));
        assert_eq!(flood.count(bob, Quota::Messages), Ok(()));
    }

    #[test]
    fn whoever_still_waits_is_not_forgotten() {
        let (flood, alice) = (flood(1), UserId(Uuid::from_u128(1)));
        flood.count(alice, Quota::Messages).unwrap();
        flood.forget_the_quiet();
        assert!(flood.count(alice, Quota::Messages).is_err());
    }

    #[test]
    fn uploads_are_counted_apart_from_the_rest() {
        for path in ["/files/uploads", "/files/uploads/1", "/api/v1/files/uploads/1"] {
            assert!(sends_files(&Method::PATCH, path), "{path}");
        }
        assert!(!sends_files(&Method::GET, "/files/uploads/1") && !sends_files(&Method::POST, "/files/uploadsx"));
        let flood = Flood::new(&LimitConfig { requests_per_minute: 1, ..LimitConfig::default() });
        let alice = UserId(Uuid::from_u128(1));
        flood.count(alice, Quota::Uploads).unwrap();
        assert!(flood.count(alice, Quota::Uploads).is_err());
        assert_eq!(flood.count(alice, Quota::Requests), Ok(()));
    }

    #[test]
    fn every_way_to_send_counts_as_a_message() {
        let what = |method, path| counted(&method, path);
        assert_eq!(what(Method::POST, "/api/send_message"), Some(Quota::Messages));
        assert_eq!(what(Method::POST, "/api/v1/chats/1/messages"), Some(Quota::Messages));
        assert_eq!(what(Method::GET, "/api/v1/chats/1/messages"), None);
        assert_eq!(what(Method::POST, "/api/v1/chats"), Some(Quota::Chats));
        assert_eq!(what(Method::GET, "/chats"), None);
    }
}
