//! What somebody changes about their own account.

use leptos::prelude::*;

use crate::{domain::stored::Stored, error::Error};

/// Replaces what the person likes, in every tab at once. A box that is not ticked is not sent.
///
/// # Errors
/// What is wrong with a field.
#[server(name = SavePreferences, prefix = "/api", endpoint = "save_preferences")]
pub async fn save_preferences(
    display_name: String,
    theme: String,
    language: String,
    default_model: String,
    tells_new_device: Option<String>,
) -> Result<(), Error> {
    use crate::{
        domain::{next::PREFERENCES_SAVED_PATH, preferences::Preferences},
        error::InvalidInput,
        server::request,
    };
    let (state, db) = (request::state()?, request::user()?);
    let likes = Preferences::parse(&display_name, &theme, &language, &default_model, tells_new_device.is_some())?;
    // One that was chosen before stays, offered or not; where a model is wanted, only what is offered counts.
    let is_new = likes.default_model != db.user().preferences.default_model;
    if let Some(model) = likes.default_model.as_ref().filter(|_| is_new)
        && !state.models.is_offered(model)
    {
        return Err(InvalidInput::Model.into());
    }
    db.save_preferences(likes).await?;
    state.live.account_changed(db.user_id());
    request::show(PREFERENCES_SAVED_PATH);
    Ok(())
}

/// How much is stored about the user.
#[server(name = MeasureStored, prefix = "/api", endpoint = "measure_stored")]
pub async fn measure_stored() -> Result<Vec<Stored>, Error> {
    use crate::server::request;
    request::user()?.measure_stored().await
}

/// Replaces the password, for whoever knows the one there is. Every other session of the account ends.
///
/// # Errors
/// [`Error::WrongCredentials`] when the current password is not right, [`Error::TooManyAttempts`], or what is wrong with the
/// new one.
#[server(name = ChangePassword, prefix = "/api", endpoint = "change_password")]
pub async fn change_password(
    current_password: String,
    new_password: String,
    code: Option<String>,
) -> Result<(), Error> {
    use crate::{
        domain::{next::PASSWORD_CHANGED_PATH, user::Password},
        server::{auth, request},
    };
    let (state, known) = (request::state()?, request::known()?);
    let current = Password::parse(current_password)?;
    let new = Password::parse_new(new_password)?;
    let (session, client, code) = (request::session()?, request::client()?, code.unwrap_or_default());
    auth::session::change_password(&state, &session, &client, &known, current, new, &code).await?;
    request::show(PASSWORD_CHANGED_PATH);
    Ok(())
}

/// Deletes the account and everything of its own, for whoever knows the password. Leads to the log-in page.
///
/// # Errors
/// [`Error::WrongCredentials`], [`Error::TooManyAttempts`]; [`Error::LastAdmin`] when nobody else runs the site.
#[server(name = DeleteAccount, prefix = "/api", endpoint = "delete_account")]
pub async fn delete_account(password: String) -> Result<(), Error> {
    use crate::{
        domain::user::Password,
        server::{people, request},
    };
    let (state, known) = (request::state()?, request::known()?);
    let password = Password::parse(password)?;
    people::delete_own_account(&state, &known, &request::client()?, password).await?;
    request::show("/login?reason=logged_out");
    Ok(())
}
