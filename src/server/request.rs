//! What a server function may ask of the request that it answers. Each of these reads the context that the router gives.

use axum::http::{StatusCode, header, request::Parts};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use tower_sessions::Session;

use super::{
    arrival,
    auth::{
        client::Client,
        cookie,
        guard::{Caller, Known},
    },
    db::UserDb,
    door::PlainForm,
    state::AppState,
};
use crate::{
    domain::{arrival::Arrival, limits, site::SiteView, user::Role},
    error::{Error, InvalidInput, Result},
};

/// The server's state.
///
/// # Errors
/// [`Error::Internal`] outside a request, as when routes are collected.
pub fn state() -> Result<AppState> {
    use_context::<AppState>().ok_or(Error::Internal)
}

/// The caller's own part of the database; the first line of every server function that is not for everybody.
///
/// # Errors
/// [`Error::NotLoggedIn`], [`Error::SessionEnded`].
pub fn user() -> Result<UserDb> {
    Ok(known()?.db)
}

/// The caller with their session, for what concerns that.
///
/// # Errors
/// [`Error::NotLoggedIn`], [`Error::SessionEnded`].
pub fn known() -> Result<Known> {
    parts()?.extensions.get::<Caller>().ok_or(Error::NotLoggedIn)?.known().cloned()
}

/// The request's session, which may be nobody's yet.
///
/// # Errors
/// [`Error::Internal`] outside a request.
pub fn session() -> Result<Session> {
    parts()?.extensions.get::<Session>().cloned().ok_or(Error::Internal)
}

/// Where the request comes from.
///
/// # Errors
/// [`Error::Internal`] outside a request.
pub fn client() -> Result<Client> {
    parts()?.extensions.get::<Client>().cloned().ok_or(Error::Internal)
}

/// How the request arrived.
///
/// # Errors
/// [`Error::Internal`] outside a request.
pub fn arrival(role: Role) -> Result<Arrival> {
    Ok(arrival::of(&state()?, &parts()?, role))
}

/// What somebody looks for.
///
/// # Errors
/// [`InvalidInput::Search`] when it is too long.
pub fn search_text(text: &str) -> Result<&str> {
    let text = text.trim();
    let is_bounded = text.chars().count() <= limits::SEARCH_CHARS_MAX && !text.contains('\0');
    if is_bounded { Ok(text) } else { Err(InvalidInput::Search.into()) }
}

/// Hands a new access token over to the page that a plain form leads to: in a cookie that this page alone is sent, once.
/// A script has the token in its answer and needs none.
///
/// # Errors
/// [`Error::Internal`] outside a request.
pub fn hand_over_token(text: &str) -> Result<()> {
    if parts()?.extensions.get::<PlainForm>().is_some() {
        let response = use_context::<ResponseOptions>().ok_or(Error::Internal)?;
        response.append_header(header::SET_COOKIE, cookie::new_token(&state()?.origins, text)?);
    }
    Ok(())
}

/// The new access token that was handed over; it is not given again.
///
/// # Errors
/// [`Error::Internal`] outside a request.
pub fn take_new_token() -> Result<Option<String>> {
    let Some(text) = cookie::find(&parts()?.headers, cookie::NEW_TOKEN) else { return Ok(None) };
    let response = use_context::<ResponseOptions>().ok_or(Error::Internal)?;
    response.append_header(header::SET_COOKIE, cookie::no_new_token(&state()?.origins)?);
    Ok(Some(text))
}

/// The site as the caller sees it, without a notice that was dismissed in this browser.
///
/// # Errors
/// [`Error::Internal`] outside a request.
pub fn site_view() -> Result<SiteView> {
    Ok(state()?.site.view(cookie::find_dismissed(&parts()?.headers).as_deref()))
}

/// Remembers in this browser that a notice was dismissed.
///
/// # Errors
/// [`Error::NotFound`] when it is not the one that is shown; [`Error::Internal`] outside a request.
pub fn dismiss_notice(id: &str) -> Result<()> {
    let state = state()?;
    if state.site.view(None).notice.is_none_or(|notice| notice.id != id) {
        return Err(Error::NotFound);
    }
    let response = use_context::<ResponseOptions>().ok_or(Error::Internal)?;
    response.append_header(header::SET_COOKIE, cookie::dismissed(&state.origins, id)?);
    Ok(())
}

/// Leads the browser to a page of this site: a plain form by a redirect, a hydrated page by its router.
pub fn show(path: &str) {
    leptos_axum::redirect(path);
}

/// Gives a page the status of what it shows: 404 for what is not there, instead of 200.
pub fn page<T>(result: Result<T>) -> Result<T> {
    if let (Err(error), Some(response)) = (&result, use_context::<ResponseOptions>()) {
        response.set_status(StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    }
    result
}

fn parts() -> Result<Parts> {
    use_context::<Parts>().ok_or(Error::Internal)
}
