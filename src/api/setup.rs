//! The first account of a fresh site.

use leptos::prelude::*;

use crate::error::Error;

/// Whether this set-up link can still make the first account.
///
/// # Errors
/// [`Error::SetupLink`] when it is wrong, or when there is an account already.
#[server(name = CheckSetupLink, prefix = "/api", endpoint = "check_setup_link")]
pub async fn check_setup_link(token: String) -> Result<(), Error> {
    use crate::server::{auth, request};
    request::page(auth::setup::check_link(&request::state()?, &token).await)
}

/// Makes the first account, an admin, and logs it in. Of many at once, one wins.
///
/// # Errors
/// [`Error::SetupLink`], or what is wrong with the address or the password.
#[server(name = CreateFirstAccount, prefix = "/api", endpoint = "create_first_account")]
pub async fn create_first_account(token: String, email: String, password: String) -> Result<(), Error> {
    use crate::{
        domain::{
            next::HOME_PATH,
            user::{Email, Password},
        },
        server::{auth, request},
    };
    let state = request::state()?;
    auth::setup::check_link(&state, &token).await?;
    let email = Email::parse(&email)?;
    let password = Password::parse_new(password)?;
    auth::setup::create_first_account(&state, &request::session()?, &request::client()?, &token, email, password)
        .await?;
    request::show(HOME_PATH);
    Ok(())
}
