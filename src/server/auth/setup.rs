//! The first account of a fresh site: a link with a one-time secret, printed by the server for whoever runs it.

use tower_sessions::Session;

use super::{client::Client, password, secret, session};
use crate::{
    domain::user::{Email, Password},
    error::{Error, Result},
    server::{db::Db, state::AppState},
};

/// Makes a link when there is no account yet, and gives the path to print. Every start makes one of its own: the secrets
/// are kept as hashes only, and so cannot be shown again.
///
/// # Errors
/// When the database fails.
pub async fn new_link(db: &Db) -> Result<Option<String>> {
    if !db.is_setup_open().await? {
        return Ok(None);
    }
    let token = secret::new();
    db.add_setup_link(secret::hash(&token)).await?;
    Ok(Some(format!("/setup?token={token}")))
}

/// Whether a link can still be used.
///
/// # Errors
/// [`Error::SetupLink`] when not.
pub async fn check_link(state: &AppState, token: &str) -> Result<()> {
    let is_open = secret::is_well_formed(token) && state.db.has_setup_link(&secret::hash(token)).await?;
    if is_open { Ok(()) } else { Err(Error::SetupLink) }
}

/// Makes the first account, an admin, and logs it in.
///
/// # Errors
/// [`Error::SetupLink`] when somebody else was first; what is wrong with the password.
pub async fn create_first_account(
    state: &AppState,
    session: &Session,
    client: &Client,
    token: &str,
    email: Email,
    password: Password,
) -> Result<()> {
    password::check_not_common(&password, email.as_str())?;
    let password_hash = state.passwords.hash(password).await?;
    let user_id = state.db.add_first_account(secret::hash(token), &email, password_hash).await?;
    tracing::info!(user = %user_id, "the site is set up");
    session::begin(state, session, client, user_id).await
}
