//! What somebody changes about their own account.

use leptos::prelude::*;

use crate::error::Error;

/// Replaces the password, for whoever knows the one there is. Every other session of the account ends.
///
/// # Errors
/// [`Error::WrongCredentials`] when the current password is not right, [`Error::TooManyAttempts`], or what is wrong with the
/// new one.
#[server(name = ChangePassword, prefix = "/api", endpoint = "change_password")]
pub async fn change_password(current_password: String, new_password: String) -> Result<(), Error> {
    use crate::{
        domain::{next::PASSWORD_CHANGED_PATH, user::Password},
        server::{auth, request},
    };
    let (state, known) = (request::state()?, request::known()?);
    let current = Password::parse(current_password)?;
    let new = Password::parse_new(new_password)?;
    auth::session::change_password(&state, &request::session()?, &request::client()?, &known, current, new).await?;
    request::show(PASSWORD_CHANGED_PATH);
    Ok(())
}
