//! The guard: who a request is from, found once, in front of every page, server function and live connection, and of the
//! API for programs, which shows a token instead of a cookie.
//!
//! The account is read from the database each time, so that disabling it or changing its role holds from the next request.

use axum::{
    extract::{Request, State},
    http::{Extensions, StatusCode},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use tower_sessions::Session;

use super::{
    client::Client,
    session::{self, Login},
    token,
};
use crate::{
    domain::{
        ids::{SessionId, UserId},
        limits,
        next::NextPath,
        session::SessionEnd,
        token::{Scope, Scopes},
    },
    error::{Error, Result},
    server::{
        auth::cookie,
        clock,
        db::{OpenSession, OpenToken, UserDb},
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

/// What somebody showed to the API for programs.
#[derive(Clone)]
pub enum Shown {
    /// A browser's cookie.
    Cookie(Known),
    /// A signed token, which belongs to a session.
    Signed(Known),
    /// A personal access token, which is kept under this hash.
    Personal { db: UserDb, token_hash: String, scopes: Scopes },
}

/// Who a request to the API for programs is from, or why that is nobody. The guard puts it among the request's extensions.
#[derive(Clone)]
pub struct Program(pub Result<Box<Shown>>);

impl Shown {
    /// The user's own part of the database.
    pub fn db(&self) -> &UserDb {
        match self {
            Self::Cookie(known) | Self::Signed(known) => &known.db,
            Self::Personal { db, .. } => db,
        }
    }

    /// Whether it allows something. A session may do everything.
    ///
    /// # Errors
    /// [`Error::Scope`].
    pub fn check(&self, scope: Scope) -> Result<()> {
        match self {
            Self::Personal { scopes, .. } if !scopes.contain(scope) => Err(Error::Scope),
            _ => Ok(()),
        }
    }

    /// The session that it belongs to.
    ///
    /// # Errors
    /// [`Error::Scope`] for a personal access token: it has none, and no say over others.
    pub fn session(&self) -> Result<&Known> {
        match self {
            Self::Cookie(known) | Self::Signed(known) => Ok(known),
            Self::Personal { .. } => Err(Error::Scope),
        }
    }
}

/// Finds out who the request is from. When the store or the database cannot say, the answer is 503 and the cookie stays:
/// nobody is taken for a stranger because Redis is away.
pub async fn identify(State(state): State<AppState>, session: Session, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let client = Client::of(&parts, &state.config.trusted_proxies);
    let claims_session = cookie::find(&parts.headers, cookie::name(&state.origins)).is_some();
    match find_caller(&state, &session, &client, claims_session).await {
        Ok(caller) => {
            parts.extensions.insert(caller);
            parts.extensions.insert(client);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(error) => refusal::answer(&parts.headers, error),
    }
}

/// Finds out who a request to the API for programs is from. One that shows a token is that token's, whatever cookie comes
/// with it. Each route says what it needs; here nobody is refused.
pub async fn identify_program(
    State(state): State<AppState>,
    session: Session,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let client = Client::of(&parts, &state.config.trusted_proxies);
    let shown = match token::shown(&parts.headers) {
        Ok(Some(text)) => find_by_token(&state, &client, &text).await,
        Ok(None) => {
            let claims_session = cookie::find(&parts.headers, cookie::name(&state.origins)).is_some();
            let caller = find_caller(&state, &session, &client, claims_session).await;
            caller.and_then(|caller| caller.known().cloned().map(Shown::Cookie))
        }
        Err(error) => Err(error),
    };
    parts.extensions.insert(Program(shown.map(Box::new)));
    parts.extensions.insert(client);
    next.run(Request::from_parts(parts, body)).await
}

/// Leaves a line in the log when somebody is denied something.
pub async fn log_denied(request: Request, next: Next) -> Response {
    let user_id = find_user(request.extensions());
    let response = next.run(request).await;
    note_if_denied(user_id, response.status().as_u16());
    response
}

/// Who a request is from, by what the guard has put among its extensions.
pub fn find_user(extensions: &Extensions) -> Option<UserId> {
    let caller = extensions.get::<Caller>().and_then(|caller| caller.known().ok());
    let program = || extensions.get::<Program>().and_then(|program| program.0.as_ref().ok());
    caller.map(|known| known.db.user_id()).or_else(|| program().map(|shown| shown.db().user_id()))
}

/// Leaves a line in the log when an answer is that something is not for the caller, or not theirs, or not there at all. The
/// last two are not told apart here, either.
pub fn note_if_denied(user_id: Option<UserId>, status: u16) {
    if [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND].iter().any(|denied| *denied == status) {
        let by = user_id.map_or_else(|| "nobody".to_owned(), |user_id| user_id.to_string());
        tracing::info!(by, status, "denied");
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
    Ok(match find_known(state, client, login).await? {
        Ok(known) => Caller::User(Box::new(known)),
        Err(end) => Caller::Ended(end),
    })
}

/// Whose session this is, if it can still be used.
async fn find_known(state: &AppState, client: &Client, login: Login) -> Result<std::result::Result<Known, SessionEnd>> {
    let open = match open(state, login).await? {
        Ok(open) => open,
        Err(end) => return Ok(Err(end)),
    };
    if clock::now_ms() - open.last_access_ms >= limits::SESSION_TOUCH_SECONDS * 1_000 {
        note_access(state, &open, client);
    }
    Ok(Ok(Known { db: open.db, session_id: open.id, session_expires_at_ms: open.expires_at_ms }))
}

/// Whose token this is.
async fn find_by_token(state: &AppState, client: &Client, text: &str) -> Result<Shown> {
    if let Some(user_id) = token::owner(text) {
        let token_hash = token::hash(text);
        let open = open_personal(state, user_id, &token_hash).await?.ok_or(Error::Token)?;
        if open.last_used_at_ms.is_none_or(|at_ms| clock::now_ms() - at_ms >= limits::SESSION_TOUCH_SECONDS * 1_000) {
            note_use(state, &open);
        }
        return Ok(Shown::Personal { db: open.db, token_hash, scopes: open.scopes });
    }
    let claims = state.keys.check(text)?;
    let login = Login { user_id: claims.sub, session_id: claims.sid };
    find_known(state, client, login).await?.map(Shown::Signed).map_err(Error::SessionEnded)
}

/// Looks again whether what was shown before can still be used: for what takes its time.
///
/// # Errors
/// [`Error::SessionEnded`], [`Error::Token`]; [`Error::Unavailable`] when the database does not answer.
pub async fn recheck(state: &AppState, shown: &Shown) -> Result<()> {
    match shown {
        Shown::Cookie(known) | Shown::Signed(known) => {
            let login = Login { user_id: known.db.user_id(), session_id: known.session_id };
            open(state, login).await?.map(|_| ()).map_err(Error::SessionEnded)
        }
        Shown::Personal { db, token_hash, .. } => {
            open_personal(state, db.user_id(), token_hash).await?.map(|_| ()).ok_or(Error::Token)
        }
    }
}

/// A session as it is now, account included: for each request, and for each frame of a live connection.
///
/// # Errors
/// [`Error::Unavailable`] when the database does not answer.
#[expect(clippy::disallowed_methods, reason = "the guard is the one place that turns a session into a UserDb")]
pub async fn open(state: &AppState, login: Login) -> Result<std::result::Result<OpenSession, SessionEnd>> {
    state.db.open_session(login.user_id, login.session_id).await
}

#[expect(clippy::disallowed_methods, reason = "the guard is the one place that turns a token into a UserDb")]
async fn open_personal(state: &AppState, user_id: UserId, token_hash: &str) -> Result<Option<OpenToken>> {
    state.db.open_token(user_id, token_hash).await
}

/// Writes that a token is in use; nobody waits for it.
fn note_use(state: &AppState, open: &OpenToken) {
    let (db, id) = (open.db.clone(), open.id);
    state.tasks.spawn(async move {
        // Lost when the database is away, which that has logged.
        let _ = db.touch_token(id).await;
    });
}

/// Writes that a session is in use; nobody waits for it.
fn note_access(state: &AppState, open: &OpenSession, client: &Client) {
    let (db, id, address) = (open.db.clone(), open.id, client.address.to_string());
    state.tasks.spawn(async move {
        // Lost when the database is away, which that has logged.
        let _ = db.touch_session(id, address).await;
    });
}
