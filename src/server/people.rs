//! What those do who manage people: done in the database, then made felt at once.

use super::{
    auth::{client::Client, guard::Known, secret, session},
    db::AccountChange,
    state::AppState,
};
use crate::{
    domain::{
        admin::Permission,
        ids::UserId,
        live::CloseReason,
        session::{SessionEnd, Sessions},
        user::{Email, Password, Role},
    },
    error::{Error, Result},
};

/// Changes an account.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`], [`Error::LastAdmin`].
pub async fn change_account(
    state: &AppState,
    known: &Known,
    client: &Client,
    id: UserId,
    change: AccountChange,
) -> Result<()> {
    let admin = known.db.admin(Permission::ManagePeople)?;
    admin.change_account(id, change, client.address.to_string()).await?.ok_or(Error::NotFound)?;
    tracing::info!(by = %known.db.user_id(), user = %id, ?change, "an account was changed");
    match change {
        AccountChange::Disable => end_live_connections(state, id, Sessions::All),
        AccountChange::Delete => {
            end_live_connections(state, id, Sessions::All);
            state.intake.sweep_soon();
        }
        AccountChange::Role(_) | AccountChange::Enable => state.live.account_changed(id),
    }
    Ok(())
}

/// Deletes somebody's own account, for whoever knows its password: everything of theirs is gone, and every session ends.
///
/// # Errors
/// [`Error::WrongCredentials`], [`Error::TooManyAttempts`], [`Error::LastAdmin`].
pub async fn delete_own_account(state: &AppState, known: &Known, client: &Client, password: Password) -> Result<()> {
    session::check_password(state, client, known, password).await?;
    known.db.delete_account(client.address.to_string()).await?;
    state.intake.sweep_soon();
    tracing::info!(user = %known.db.user_id(), "an account was deleted by its owner");
    state.live.close_sessions(known.db.user_id(), Sessions::All, CloseReason::SessionEnded(SessionEnd::LoggedOut));
    Ok(())
}

/// Ends somebody's sessions.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`] when there is no such account or session.
pub async fn end_sessions(
    state: &AppState,
    known: &Known,
    client: &Client,
    id: UserId,
    sessions: Sessions,
) -> Result<()> {
    let admin = known.db.admin(Permission::ManageSessions)?;
    if !admin.end_sessions_of(id, sessions, client.address.to_string()).await? {
        return Err(Error::NotFound);
    }
    tracing::info!(by = %known.db.user_id(), user = %id, "somebody's sessions were ended");
    end_live_connections(state, id, sessions);
    Ok(())
}

/// Takes somebody's second factor away, for who has lost it: they log in with their password alone then. Their sessions end,
/// and they are told. Nobody does so for themselves: that takes a code (`auth::second_factor`).
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Conflict`] for oneself; [`Error::NotFound`] when there is no such account, or it has none.
pub async fn remove_second_factor(state: &AppState, known: &Known, client: &Client, id: UserId) -> Result<()> {
    let admin = known.db.admin(Permission::ManagePeople)?;
    if id == known.db.user_id() {
        return Err(Error::Conflict);
    }
    if !admin.remove_second_factor_of(id, client.address.to_string()).await? {
        return Err(Error::NotFound);
    }
    tracing::info!(by = %known.db.user_id(), user = %id, "somebody's second factor was removed");
    end_live_connections(state, id, Sessions::All);
    Ok(())
}

/// Makes a link by which somebody makes their own account; gives its address.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Conflict`] when there is such an account already.
pub async fn invite(state: &AppState, known: &Known, client: &Client, email: &Email, role: Role) -> Result<String> {
    let admin = known.db.admin(Permission::ManagePeople)?;
    let token = secret::new();
    let days = state.site.settings().invitation_days;
    admin.add_invitation(secret::hash(&token), email, role, days, client.address.to_string()).await?;
    Ok(link(state, &token))
}

/// Makes a link by which somebody gives their account a new password; gives its address.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`].
pub async fn make_password_link(state: &AppState, known: &Known, client: &Client, id: UserId) -> Result<String> {
    let admin = known.db.admin(Permission::ManagePeople)?;
    let token = secret::new();
    admin.add_password_link(secret::hash(&token), id, client.address.to_string()).await?.ok_or(Error::NotFound)?;
    Ok(link(state, &token))
}

fn link(state: &AppState, token: &str) -> String {
    format!("{}/welcome?token={token}", state.origins.base_url())
}

fn end_live_connections(state: &AppState, id: UserId, sessions: Sessions) {
    state.live.close_sessions(id, sessions, CloseReason::SessionEnded(SessionEnd::RevokedByAdmin));
    state.live.sessions_changed(id);
}
