//! Log in, log out, who am I.

use leptos::prelude::*;

use crate::{domain::user::User, error::Error};

/// Starts a session; the token reaches the browser as a cookie. Leads to `next`, a path of this site.
#[server(name = LogIn, prefix = "/api", endpoint = "log_in")]
pub async fn log_in(email: String, password: String, next: Option<String>) -> Result<(), Error> {
    use crate::{
        domain::{next::NextPath, user::Password},
        server::{auth, request},
    };
    let state = request::state()?;
    let password = Password::parse(password)?;
    let next = NextPath::parse(next.as_deref().unwrap_or_default());
    auth::session::log_in(&state, &request::session()?, &request::client()?, &email, password).await?;
    request::show(next.as_str());
    Ok(())
}

/// Ends this session, here and in every tab that uses it. Leads to the log-in page.
#[server(name = LogOut, prefix = "/api", endpoint = "log_out")]
pub async fn log_out() -> Result<(), Error> {
    use crate::server::{auth, request};
    let state = request::state()?;
    auth::session::log_out(&state, &request::session()?).await?;
    request::show("/login?reason=logged_out");
    Ok(())
}

/// Who is logged in.
#[server(name = CurrentUser, prefix = "/api", endpoint = "current_user")]
pub async fn current_user() -> Result<User, Error> {
    use crate::server::request;
    Ok(request::user()?.user().clone())
}
