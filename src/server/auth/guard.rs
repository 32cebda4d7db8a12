//! The guard: who a request is from, found once, in front of every page, server function and live connection.
//!
//! The account is read from the database each time, so that disabling it or changing its role holds from the next request.

use axum::{
    extract::{Request, State},
    http::header,
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use tower_sessions::Session;

use super::session::{self, SessionKey};
use crate::{
    domain::next::NextPath,
    error::{Error, Result},
    server::{auth::cookie, db::UserDb, refusal, state::AppState},
};

/// Who a request is from. The guard puts it among the request's extensions.
#[derive(Clone)]
pub enum Caller {
    /// No session was claimed.
    Nobody,
    /// A session was claimed that is over: expired, logged out, or its account is disabled.
    Ended,
    /// Somebody, with what is theirs.
    User(Box<Known>),
}

/// Somebody who is logged in.
#[derive(Clone)]
pub struct Known {
    pub db: UserDb,
    pub session_key: SessionKey,
    pub session_expires_at_ms: i64,
}

impl Caller {
    /// The user's own part of the database.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`], [`Error::SessionEnded`].
    pub fn known(&self) -> Result<&Known> {
        match self {
            Self::Nobody => Err(Error::NotLoggedIn),
            Self::Ended => Err(Error::SessionEnded),
            Self::User(known) => Ok(known),
        }
    }
}

/// Finds out who the request is from. When the store or the database cannot say, the answer is 503 and the cookie stays:
/// nobody is taken for a stranger because Redis is away.
pub async fn identify(State(state): State<AppState>, session: Session, mut request: Request, next: Next) -> Response {
    let claims_session = has_cookie(&request, cookie::name(&state.origins));
    match find_caller(&state, &session, claims_session).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => refusal::answer(request.headers(), error),
    }
}

/// Sends a page's reader to the log-in, and back afterwards.
pub async fn require_user(request: Request, next: Next) -> Response {
    let reason = match request.extensions().get::<Caller>() {
        Some(Caller::User(_)) => return next.run(request).await,
        Some(Caller::Ended) => "&reason=session_ended",
        Some(Caller::Nobody) | None => "",
    };
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let next_path: String = form_urlencoded::byte_serialize(NextPath::parse(path).as_str().as_bytes()).collect();
    Redirect::to(&format!("/login?next={next_path}{reason}")).into_response()
}

/// Sends somebody who is logged in from the log-in page to where they wanted to go.
pub async fn skip_log_in(request: Request, next: Next) -> Response {
    if let Some(Caller::User(_)) = request.extensions().get::<Caller>() {
        let wanted = request
            .uri()
            .query()
            .and_then(|query| form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "next"))
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default();
        return Redirect::to(NextPath::parse(&wanted).as_str()).into_response();
    }
    next.run(request).await
}

/// The caller of a session, looked up anew: for each request, and for each frame of a live connection.
///
/// # Errors
/// [`Error::Unavailable`] when the session store or the database does not answer.
#[expect(clippy::disallowed_methods, reason = "the guard is the one place that turns a session into a UserDb")]
pub async fn find_caller(state: &AppState, session: &Session, claims_session: bool) -> Result<Caller> {
    if !claims_session {
        return Ok(Caller::Nobody);
    }
    let Some(login) = session::find_login(session).await? else { return Ok(Caller::Ended) };
    let Some(id) = session.id() else { return Ok(Caller::Ended) };
    let Some(db) = state.db.load_active_user(login.user_id).await? else { return Ok(Caller::Ended) };
    let session_key = SessionKey::new(&id);
    Ok(Caller::User(Box::new(Known { db, session_key, session_expires_at_ms: login.expires_at_ms })))
}

fn has_cookie(request: &Request, name: &str) -> bool {
    request.headers().get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok()).any(|cookies| {
        cookies.split(';').any(|cookie| {
            cookie.trim().split_once('=').is_some_and(|(known, value)| known == name && !value.is_empty())
        })
    })
}
