//! One-time links in the hands of whoever has one: an invitation, or a new password for an account.

use tower_sessions::Session;

use super::{client::Client, password, secret, session};
use crate::{
    domain::{admin::LinkPurpose, user::Password},
    error::{Error, Result},
    server::state::AppState,
};

/// The kind of secret that attempts are counted for.
const LINK: &str = "link";

/// What a link is for.
///
/// # Errors
/// [`Error::OneTimeLink`] when it can not be used, [`Error::TooManyAttempts`].
pub async fn check(state: &AppState, client: &Client, token: &str) -> Result<LinkPurpose> {
    // What does not look like a secret is no attempt to guess one.
    if !secret::is_well_formed(token) {
        return Err(Error::OneTimeLink);
    }
    let attempt = state.throttle.begin(LINK, "", client.address).await?;
    let found = state.db.find_link(&secret::hash(token)).await?;
    if found.is_none() {
        attempt.failed().await?;
    }
    found.ok_or(Error::OneTimeLink)
}

/// Uses a link up with a new password, and logs in unless that takes a second factor, too.
///
/// # Errors
/// As [`check`]; what is wrong with the password.
pub async fn accept(
    state: &AppState,
    session: &Session,
    client: &Client,
    token: &str,
    password: Password,
) -> Result<()> {
    let purpose = check(state, client, token).await?;
    password::check_not_common(&password, &purpose.email)?;
    let password_hash = state.passwords.hash(password).await?;
    let user_id = state.db.use_link(secret::hash(token), password_hash, client.address.to_string()).await?;
    tracing::info!(user = %user_id, is_invitation = purpose.is_invitation, "a one-time link was used");
    session::close_all(state, user_id);
    // The link stands for the password only: who has a second factor logs in with both.
    if state.db.find_second_factor(user_id).await?.is_some_and(|factor| factor.is_confirmed) {
        return Ok(());
    }
    session::begin(state, session, client, user_id).await
}
