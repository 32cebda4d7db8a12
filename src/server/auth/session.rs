//! A session: begun by the log-in, ended by the log-out or from elsewhere, looked at by the guard.
//!
//! Three things belong to it. The browser has a secret in a cookie. The store (Redis, or the database) keeps under that
//! secret whose session it is, and nothing that another request would change: whole records are written, and the last
//! writer would win. The index in the database (`login_session`) says whether it can still be used, and has the last word.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tower_sessions::{Expiry, Session, session};
use uuid::Uuid;

use super::{
    client::Client,
    guard::Known,
    password::{self, Verified},
    second_factor,
};
use crate::{
    domain::{
        admin::AuditAction,
        ids::{SessionId, UserId},
        live::CloseReason,
        session::{SessionEnd, Sessions},
        user::{Email, Password, Role},
    },
    error::{Error, Result},
    server::{
        clock,
        db::{AuditEntry, NewSession},
        state::AppState,
    },
};

/// The one key of a record.
const LOGIN: &str = "login";
/// Store and cookie outlive the session by this, so that it can be told from no session: it says that its time is up.
const TELL_SECONDS: i64 = 3_600;
/// The kind of secret that attempts are counted for.
const PASSWORD: &str = "password";

/// What the store keeps of a session.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Login {
    pub user_id: UserId,
    pub session_id: SessionId,
}

/// Somebody who has just proved who they are.
pub struct Proven {
    pub user_id: UserId,
    /// Their address as the account has it.
    pub email: String,
    pub role: Role,
}

/// The name under which a secret may be kept: a hash of it.
pub fn id_hash(id: &session::Id) -> String {
    Sha256::digest(id.0.to_be_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Checks address and password and begins a session under a fresh id.
///
/// # Errors
/// As [`prove`].
pub async fn log_in(
    state: &AppState,
    session: &Session,
    client: &Client,
    email: &str,
    password: Password,
    code: &str,
) -> Result<()> {
    let Proven { user_id, email, .. } = prove(state, client, email, password, code).await?;
    begin(state, session, client, user_id).await?;
    audit(state, client, AuditAction::LogIn, &email).await
}

/// Whose address and password these are, with a code where the account has a second factor.
///
/// # Errors
/// [`Error::WrongCredentials`] for an unknown address, a wrong password and a disabled account alike, after the same work;
/// [`Error::CodeNeeded`], [`Error::WrongCode`] after the right password; [`Error::TooManyAttempts`].
pub async fn prove(state: &AppState, client: &Client, email: &str, password: Password, code: &str) -> Result<Proven> {
    // A malformed address costs the same as an unknown one.
    let email = Email::parse(email).ok();
    let name = email.as_ref().map_or("", Email::as_str);
    let attempt = state.throttle.begin(PASSWORD, name, client.address).await?;
    let credentials = match &email {
        Some(email) => state.db.find_credentials(email).await?,
        None => None,
    };
    let hash = credentials.as_ref().map(|credentials| credentials.password_hash.clone());
    let verified = state.passwords.verify(password, hash.clone()).await?;
    let Some(credentials) = credentials.filter(|credentials| credentials.is_active && verified != Verified::No) else {
        tracing::info!(address = %client.address, "a log-in was refused");
        attempt.failed().await?;
        audit(state, client, AuditAction::LogInFailed, name).await?;
        return Err(Error::WrongCredentials);
    };
    attempt.succeeded().await?;
    if let (Verified::YesRehash(new_hash), Some(old_hash)) = (verified, hash) {
        state.db.rehash_password(credentials.user_id, old_hash, new_hash).await?;
    }
    second_factor::check(state, client, credentials.user_id, name, code).await?;
    Ok(Proven { user_id: credentials.user_id, email: name.to_owned(), role: credentials.role })
}

/// Begins a session for an account that has just proved itself.
///
/// # Errors
/// [`Error::Unavailable`] when the store does not answer; no session is begun then.
pub async fn begin(state: &AppState, session: &Session, client: &Client, user_id: UserId) -> Result<()> {
    let before = find_login(session).await?;
    let expires_at_ms = next_expiry_ms(state);
    let session_id = SessionId(Uuid::now_v7());
    // The store first: without its entry in the index, what it keeps is worth nothing.
    keep(session, Login { user_id, session_id }, expires_at_ms).await?;
    let (device, address) = (client.device.clone(), client.address.to_string());
    state.db.add_session(user_id, NewSession { id: session_id, device, name: None, address, expires_at_ms }).await?;
    // Whoever was logged in here before is not any more.
    if let Some(before) = before {
        end(state, before, SessionEnd::LoggedOut).await?;
    }
    tracing::info!(user = %user_id, session = %session_id, address = %client.address, "logged in");
    state.live.sessions_changed(user_id);
    state.live.notifications_changed(user_id);
    Ok(())
}

/// Gives a session its full time again, under a fresh id, for somebody who has proved who they are once more.
///
/// # Errors
/// [`Error::WrongCredentials`], [`Error::TooManyAttempts`]; [`Error::Unavailable`] when the store does not answer.
pub async fn renew(
    state: &AppState,
    session: &Session,
    client: &Client,
    known: &Known,
    password: Password,
) -> Result<()> {
    check_password(state, client, known, password).await?;
    let expires_at_ms = next_expiry_ms(state);
    known.db.extend_session(known.session_id, expires_at_ms).await?;
    let login = Login { user_id: known.db.user_id(), session_id: known.session_id };
    keep(session, login, expires_at_ms).await?;
    state.live.close_sessions(login.user_id, Sessions::One(login.session_id), CloseReason::SessionRenewed);
    state.live.sessions_changed(login.user_id);
    Ok(())
}

/// Checks the password of somebody who is logged in, before what needs it once more.
///
/// # Errors
/// [`Error::WrongCredentials`], [`Error::TooManyAttempts`].
pub async fn check_password(state: &AppState, client: &Client, known: &Known, password: Password) -> Result<()> {
    let email = Email::parse(&known.db.user().email)?;
    let attempt = state.throttle.begin(PASSWORD, email.as_str(), client.address).await?;
    let hash = state.db.find_credentials(&email).await?.map(|credentials| credentials.password_hash);
    if state.passwords.verify(password, hash).await? == Verified::No {
        attempt.failed().await?;
        return Err(Error::WrongCredentials);
    }
    attempt.succeeded().await
}

/// Gives the account another password. All its other sessions end; this one goes on under a fresh id.
///
/// # Errors
/// As [`check_password`]; what is wrong with the new password.
pub async fn change_password(
    state: &AppState,
    session: &Session,
    client: &Client,
    known: &Known,
    current: Password,
    new: Password,
    code: &str,
) -> Result<()> {
    check_password(state, client, known, current).await?;
    second_factor::check(state, client, known.db.user_id(), &known.db.user().email, code).await?;
    password::check_not_common(&new, &known.db.user().email)?;
    let hash = state.passwords.hash(new).await?;
    known.db.change_password(hash, known.session_id).await?;
    let login = Login { user_id: known.db.user_id(), session_id: known.session_id };
    tracing::info!(user = %login.user_id, "the password was changed");
    audit(state, client, AuditAction::PasswordChanged, &known.db.user().email).await?;
    let (others, this) = (Sessions::AllBut(login.session_id), Sessions::One(login.session_id));
    state.live.close_sessions(login.user_id, others, CloseReason::SessionEnded(SessionEnd::PasswordChanged));
    keep(session, login, known.session_expires_at_ms).await?;
    state.live.close_sessions(login.user_id, this, CloseReason::SessionRenewed);
    Ok(())
}

/// Ends some of somebody's sessions, here and now: their next request is refused, their live connections close.
/// Gives how many there were.
///
/// # Errors
/// When the database fails.
pub async fn revoke(state: &AppState, known: &Known, sessions: Sessions) -> Result<u64> {
    let user_id = known.db.user_id();
    let ended = known.db.end_sessions(sessions, SessionEnd::Revoked).await?;
    if ended > 0 {
        tracing::info!(user = %user_id, ended, "sessions were ended");
        state.live.close_sessions(user_id, sessions, CloseReason::SessionEnded(SessionEnd::Revoked));
        state.live.sessions_changed(user_id);
    }
    Ok(ended)
}

/// Closes every live connection of an account whose sessions have just ended because of a new password.
pub fn close_all(state: &AppState, user_id: UserId) {
    let reason = CloseReason::SessionEnded(SessionEnd::PasswordChanged);
    state.live.close_sessions(user_id, Sessions::All, reason);
}

/// What the store keeps of this request's session, whether that can still be used or not.
///
/// # Errors
/// [`Error::Unavailable`] when the store does not answer: that is not "nobody".
pub async fn find_login(session: &Session) -> Result<Option<Login>> {
    session.get(LOGIN).await.or_else(|error| match error {
        // Another version's record.
        session::Error::SerdeJson(_) => Ok(None),
        error => Err(store_failed(error)),
    })
}

/// Ends the session and closes its live connections on every server.
///
/// # Errors
/// [`Error::Unavailable`] when the store does not answer; the session is still there then, and so is the cookie.
pub async fn log_out(state: &AppState, session: &Session) -> Result<()> {
    let login = find_login(session).await?;
    // The index first: a store that loses the deletion cannot undo this.
    if let Some(login) = login {
        end(state, login, SessionEnd::LoggedOut).await?;
        tracing::info!(user = %login.user_id, "logged out");
    }
    session.flush().await.map_err(store_failed)
}

/// Writes down what somebody did about themselves, or what was tried in their name.
pub async fn audit(state: &AppState, client: &Client, action: AuditAction, email: &str) -> Result<()> {
    let (actor, subject) = match action {
        AuditAction::LogInFailed => (String::new(), email.to_owned()),
        _ => (email.to_owned(), email.to_owned()),
    };
    state.db.audit(AuditEntry { actor, action, subject, address: client.address.to_string() }).await
}

async fn end(state: &AppState, login: Login, end: SessionEnd) -> Result<()> {
    state.db.end_session(login.user_id, login.session_id, end).await?;
    state.live.close_sessions(login.user_id, Sessions::One(login.session_id), CloseReason::SessionEnded(end));
    state.live.sessions_changed(login.user_id);
    Ok(())
}

/// Puts a log-in into the store under a fresh id: one that somebody planted in this browser before is worth nothing.
async fn keep(session: &Session, login: Login, expires_at_ms: i64) -> Result<()> {
    session.cycle_id().await.map_err(store_failed)?;
    session.insert(LOGIN, login).await.map_err(store_failed)?;
    let until = OffsetDateTime::from_unix_timestamp(expires_at_ms / 1_000 + TELL_SECONDS);
    session.set_expiry(Some(Expiry::AtDateTime(until.map_err(|_| Error::Internal)?)));
    // Saved here and not only by the layer around us, so that a store that is away is told apart from a wrong password.
    session.save().await.map_err(store_failed)
}

/// When a session that begins now ends.
pub fn next_expiry_ms(state: &AppState) -> i64 {
    clock::now_ms() + state.config.limits.session_seconds * 1_000
}

fn store_failed(error: session::Error) -> Error {
    tracing::error!(%error, "the session store failed");
    Error::Unavailable
}
