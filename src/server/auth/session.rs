//! A session: begun by the log-in, ended by the log-out, looked at by the guard.
//!
//! The record holds who and since when, nothing that another request would change: whole records are written, and the
//! last writer would win.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tower_sessions::{Expiry, Session, session};

use super::password::Verified;
use crate::{
    domain::{
        ids::UserId,
        live::CloseReason,
        user::{Email, Password},
    },
    error::{Error, Result},
    server::{clock, state::AppState},
};

/// The one key of a record.
const LOGIN: &str = "login";
/// What is kept of the browser's name.
const DEVICE_CHARS_MAX: usize = 200;

/// What a session holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Login {
    pub user_id: UserId,
    /// Milliseconds since 1970 (UTC).
    pub created_at_ms: i64,
    pub expires_at_ms: i64,
    /// The browser's `User-Agent`.
    pub device: String,
    /// Where the connection came from.
    pub address: String,
}

/// Names a session to other servers and in memory, without giving its secret away: a hash of its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SessionKey(String);

impl SessionKey {
    /// The key of the session with this id.
    pub fn new(id: &session::Id) -> Self {
        Self(Sha256::digest(id.0.to_be_bytes()).iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a request comes from.
#[derive(Clone, Debug, Default)]
pub struct Client {
    pub device: String,
    pub address: String,
}

/// Checks address and password and begins a session under a fresh id.
///
/// # Errors
/// [`Error::WrongCredentials`] for an unknown address, a wrong password and a disabled account alike, after the same work.
pub async fn log_in(
    state: &AppState,
    session: &Session,
    client: &Client,
    email: &str,
    password: Password,
) -> Result<()> {
    // A malformed address costs the same as an unknown one.
    let credentials = match Email::parse(email) {
        Ok(email) => state.db.find_credentials(&email).await?,
        Err(_) => None,
    };
    let hash = credentials.as_ref().map(|credentials| credentials.password_hash.clone());
    let verified = state.passwords.verify(password, hash.clone()).await?;
    let Some(credentials) = credentials.filter(|credentials| credentials.is_active && verified != Verified::No) else {
        tracing::info!(address = client.address, "a log-in was refused");
        return Err(Error::WrongCredentials);
    };
    if let (Verified::YesRehash(new_hash), Some(old_hash)) = (verified, hash) {
        state.db.rehash_password(credentials.user_id, old_hash, new_hash).await?;
    }
    begin(state, session, client, credentials.user_id).await
}

/// Begins a session for an account that has just proved itself.
///
/// # Errors
/// [`Error::Unavailable`] when the store does not answer; no session is begun then.
pub async fn begin(state: &AppState, session: &Session, client: &Client, user_id: UserId) -> Result<()> {
    // A fresh id: one that somebody planted in this browser before is worth nothing.
    session.cycle_id().await.map_err(store_failed)?;
    let created_at_ms = clock::now_ms();
    let expires_at_ms = created_at_ms + i64::from(state.config.limits.session_hours) * 3_600_000;
    let login = Login {
        user_id,
        created_at_ms,
        expires_at_ms,
        device: client.device.chars().take(DEVICE_CHARS_MAX).collect(),
        address: client.address.clone(),
    };
    session.insert(LOGIN, login).await.map_err(store_failed)?;
    let expiry = OffsetDateTime::from_unix_timestamp(expires_at_ms / 1_000).map_err(|_| Error::Internal)?;
    session.set_expiry(Some(Expiry::AtDateTime(expiry)));
    // Saved here and not only by the layer around us, so that a store that is away is told apart from a wrong password.
    session.save().await.map_err(store_failed)?;
    tracing::info!(user = %user_id, address = client.address, "logged in");
    Ok(())
}

/// What the session of this request holds: none when there is no session, or when its time is up.
///
/// # Errors
/// [`Error::Unavailable`] when the store does not answer: that is not "nobody".
pub async fn find_login(session: &Session) -> Result<Option<Login>> {
    let login: Option<Login> = session.get(LOGIN).await.map_err(store_failed)?;
    Ok(login.filter(|login| clock::now_ms() < login.expires_at_ms))
}

/// Ends the session and closes its live connections on every server.
///
/// # Errors
/// [`Error::Unavailable`] when the store does not answer; the session is still there then, and so is the cookie.
pub async fn log_out(state: &AppState, session: &Session) -> Result<()> {
    let key = session.id().map(|id| SessionKey::new(&id));
    let login = find_login(session).await?;
    session.flush().await.map_err(store_failed)?;
    if let (Some(key), Some(login)) = (key, login) {
        tracing::info!(user = %login.user_id, "logged out");
        state.live.close_session(&key, CloseReason::LoggedOut);
    }
    Ok(())
}

fn store_failed(error: session::Error) -> Error {
    tracing::error!(%error, "the session store failed");
    Error::Unavailable
}
