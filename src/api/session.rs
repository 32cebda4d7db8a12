//! Log in, log out, who am I, and where else am I logged in.

use leptos::prelude::*;

use crate::{
    domain::session::{ActiveSession, CurrentSession},
    error::Error,
};

/// Starts a session; the token reaches the browser as a cookie. Leads to `next`, a path of this site.
///
/// # Errors
/// [`Error::WrongCredentials`]; [`Error::CodeNeeded`] and [`Error::WrongCode`] for who has a second factor;
/// [`Error::TooManyAttempts`].
#[server(name = LogIn, prefix = "/api", endpoint = "log_in")]
pub async fn log_in(email: String, password: String, code: Option<String>, next: Option<String>) -> Result<(), Error> {
    use crate::{
        domain::{next::NextPath, user::Password},
        server::{auth, request},
    };
    let state = request::state()?;
    let password = Password::parse(password)?;
    let next = NextPath::parse(next.as_deref().unwrap_or_default());
    let code = code.unwrap_or_default();
    auth::session::log_in(&state, &request::session()?, &request::client()?, &email, password, &code).await?;
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

/// Who is logged in, and until when.
#[server(name = FindCurrentSession, prefix = "/api", endpoint = "current_session")]
pub async fn current_session() -> Result<CurrentSession, Error> {
    use crate::server::request;
    let known = request::known()?;
    let (user, id) = (known.db.user().clone(), known.session_id);
    Ok(CurrentSession { user, id, expires_at_ms: known.session_expires_at_ms, site: request::site_view()? })
}

/// Gives this session its full time again, for whoever knows the password.
#[server(name = RenewSession, prefix = "/api", endpoint = "renew_session")]
pub async fn renew_session(password: String) -> Result<(), Error> {
    use crate::{
        domain::user::Password,
        server::{auth, request},
    };
    let (state, known) = (request::state()?, request::known()?);
    let password = Password::parse(password)?;
    auth::session::renew(&state, &request::session()?, &request::client()?, &known, password).await
}

/// Every session that can be used: this one, then the last used one first.
#[server(name = ListSessions, prefix = "/api", endpoint = "list_sessions")]
pub async fn list_sessions() -> Result<Vec<ActiveSession>, Error> {
    use crate::server::request;
    let known = request::known()?;
    known.db.list_sessions(known.session_id).await
}

/// Ends another session.
///
/// # Errors
/// [`Error::NotFound`] when there is no such active session, or it is somebody else's.
#[server(name = EndSession, prefix = "/api", endpoint = "end_session")]
pub async fn end_session(session_id: String) -> Result<(), Error> {
    use crate::{
        domain::{next::SESSIONS_PATH, session::Sessions},
        server::{auth, request},
    };
    let (state, known) = (request::state()?, request::known()?);
    let session_id = session_id.parse()?;
    if auth::session::revoke(&state, &known, Sessions::One(session_id)).await? == 0 {
        return Err(Error::NotFound);
    }
    request::show(SESSIONS_PATH);
    Ok(())
}

/// Ends every session but this one; gives how many there were.
#[server(name = EndOtherSessions, prefix = "/api", endpoint = "end_other_sessions")]
pub async fn end_other_sessions() -> Result<u64, Error> {
    use crate::{
        domain::{next::SESSIONS_PATH, session::Sessions},
        server::{auth, request},
    };
    let (state, known) = (request::state()?, request::known()?);
    let ended = auth::session::revoke(&state, &known, Sessions::AllBut(known.session_id)).await?;
    request::show(SESSIONS_PATH);
    Ok(ended)
}
