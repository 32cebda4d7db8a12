//! The second factor of one's own account.

use leptos::prelude::*;

use crate::{domain::second_factor::SecondFactor, error::Error};

/// Whether there is one; while it waits for its first code, its secret and recovery codes.
#[server(name = FindSecondFactor, prefix = "/api", endpoint = "find_second_factor")]
pub async fn find_second_factor() -> Result<SecondFactor, Error> {
    use crate::server::{auth, request};
    auth::second_factor::find(&request::state()?, &request::known()?).await
}

/// Makes a secret, which comes into force with the first code that is made from it.
#[server(name = BeginSecondFactor, prefix = "/api", endpoint = "begin_second_factor")]
pub async fn begin_second_factor() -> Result<(), Error> {
    use crate::{
        domain::next::SECOND_FACTOR_PATH,
        server::{auth, request},
    };
    auth::second_factor::begin(&request::known()?).await?;
    request::show(SECOND_FACTOR_PATH);
    Ok(())
}

/// Puts it in force.
///
/// # Errors
/// [`Error::WrongCredentials`], [`Error::WrongCode`], [`Error::TooManyAttempts`]; [`Error::Conflict`] when nothing waits for
/// that.
#[server(name = ConfirmSecondFactor, prefix = "/api", endpoint = "confirm_second_factor")]
pub async fn confirm_second_factor(password: String, code: String) -> Result<(), Error> {
    use crate::{
        domain::{next::SECOND_FACTOR_PATH, user::Password},
        server::{auth, request},
    };
    let (state, known) = (request::state()?, request::known()?);
    let password = Password::parse(password)?;
    auth::second_factor::confirm(&state, &request::client()?, &known, password, &code).await?;
    request::show(SECOND_FACTOR_PATH);
    Ok(())
}

/// Switches it off.
///
/// # Errors
/// [`Error::WrongCredentials`], [`Error::CodeNeeded`], [`Error::WrongCode`], [`Error::TooManyAttempts`].
#[server(name = SwitchOffSecondFactor, prefix = "/api", endpoint = "switch_off_second_factor")]
pub async fn switch_off_second_factor(password: String, code: String) -> Result<(), Error> {
    use crate::{
        domain::{next::SECOND_FACTOR_PATH, user::Password},
        server::{auth, request},
    };
    let (state, known) = (request::state()?, request::known()?);
    let password = Password::parse(password)?;
    auth::second_factor::switch_off(&state, &request::client()?, &known, password, &code).await?;
    request::show(SECOND_FACTOR_PATH);
    Ok(())
}
