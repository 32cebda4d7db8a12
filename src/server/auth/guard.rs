//! The guard: who a request is from, found once, in front of every page, server function and live connection.
//!
//! The account is read from the database each time, so that disabling it or changing its role holds from the next request.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use tower_sessions::Session;

use super::{
    client::Client,
    session::{self, Login},
};
use crate::{
    domain::{ids::SessionId, limits, next::NextPath, session::SessionEnd},
    error::{Error, Result},
    server::{
        auth::cookie,
        clock,
        db::{OpenSession, UserDb},
        refusal,
        state::AppState,
    },
};

/// Who a request is from. The guard puts it among the request's extensions.
#[derive(Clone)]
pub enum Caller {
    /// No session was claimed.
    Nobody,
    /// A session was claimed that is over.
    Ended(SessionEnd),
    /// Somebody, with what is theirs.
    User(Box<Known>),
}

/// Somebody who is logged in.
#[derive(Clone)]
pub struct Known {
    pub db: UserDb,
    pub session_id: SessionId,
    pub session_expires_at_ms: i64,
}

impl Caller {
    /// The user's own part of the database, and their session.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`], [`Error::SessionEnded`].
    pub fn known(&self) -> Result<&Known> {
        match self {
            Self::Nobody => Err(Error::NotLoggedIn),
            Self::Ended(end) => Err(Error::SessionEnded(*end)),
            Self::User(known) => Ok(known),
        }
    }
}

/// Finds out who the request is from. When the store or the database cannot say, the answer is 503 and the cookie stays:
/// nobody is taken for a stranger because Redis is away.
pub async fn identify(State(state): State<AppState>, session: Session, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let client = Client::of(&parts, &state.config.trusted_proxies);
    let claims_session = has_cookie(&parts.headers, cookie::name(&state.origins));
    match find_caller(&state, &session, &client, claims_session).await {
        Ok(caller) => {
            parts.extensions.insert(caller);
            parts.extensions.insert(client);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(error) => refusal::answer(&parts.headers, error),
    }
}

/// Sends a page's reader to the log-in, and back afterwards.
pub async fn require_user(request: Request, next: Next) -> Response {
    let reason = match request.extensions().get::<Caller>() {
        Some(Caller::User(_)) => return next.run(request).await,
        Some(Caller::Ended(end)) => format!("&reason={}", end.name()),
        Some(Caller::Nobody) | None => String::new(),
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

/// Whose request this is, by its cookie.
async fn find_caller(state: &AppState, session: &Session, client: &Client, claims_session: bool) -> Result<Caller> {
    if !claims_session {
        return Ok(Caller::Nobody);
    }
    let Some(login) = session::find_login(session).await? else { return Ok(Caller::Ended(SessionEnd::Expired)) };
    let open = match open(state, login).await? {
        Ok(open) => open,
        Err(end) => return Ok(Caller::Ended(end)),
    };
    if clock::now_ms() - open.last_access_ms >= limits::SESSION_TOUCH_SECONDS * 1_000 {
        note_access(state, &open, client);
    }
    Ok(Caller::User(Box::new(Known { db: open.db, session_id: open.id, session_expires_at_ms: open.expires_at_ms })))
}

/// A session as it is now, account included: for each request, and for each frame of a live connection.
///
/// # Errors
/// [`Error::Unavailable`] when the database does not answer.
#[expect(clippy::disallowed_methods, reason = "the guard is the one place that turns a session into a UserDb")]
pub async fn open(state: &AppState, login: Login) -> Result<std::result::Result<OpenSession, SessionEnd>> {
    state.db.open_session(login.user_id, login.session_id).await
}

/// Writes that a session is in use; nobody waits for it.
fn note_access(state: &AppState, open: &OpenSession, client: &Client) {
    let (db, id, address) = (open.db.clone(), open.id, client.address.to_string());
    state.tasks.spawn(async move {
        // Lost when the database is away, which that has logged.
        let _ = db.touch_session(id, address).await;
    });
}

fn has_cookie(headers: &HeaderMap, name: &str) -> bool {
    headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok()).any(|cookies| {
        cookies.split(';').any(|cookie| {
            cookie.trim().split_once('=').is_some_and(|(known, value)| known == name && !value.is_empty())
        })
    })
}
