//! One-time links: an invitation, or a new password.

use leptos::prelude::*;

use crate::{domain::admin::LinkPurpose, error::Error};

/// What a link is for.
///
/// # Errors
/// [`Error::OneTimeLink`] when it is wrong, too old or used.
#[server(name = CheckLink, prefix = "/api", endpoint = "check_link")]
pub async fn check_link(token: String) -> Result<LinkPurpose, Error> {
    use crate::server::{auth, request};
    request::page(auth::links::check(&request::state()?, &request::client()?, &token).await)
}

/// Uses a link up with a password of one's own, and logs in.
///
/// # Errors
/// [`Error::OneTimeLink`], or what is wrong with the password.
#[server(name = AcceptLink, prefix = "/api", endpoint = "accept_link")]
pub async fn accept_link(token: String, password: String) -> Result<(), Error> {
    use crate::{
        domain::{next::HOME_PATH, user::Password},
        server::{auth, request},
    };
    let state = request::state()?;
    let password = Password::parse_new(password)?;
    auth::links::accept(&state, &request::session()?, &request::client()?, &token, password).await?;
    request::show(HOME_PATH);
    Ok(())
}
