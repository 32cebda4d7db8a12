//! The session's cookie, where tower-sessions alone would not do.
//!
//! It removes the cookie from any browser whose session it does not find. A slow request with a stale cookie would so log
//! out somebody who has logged in meanwhile. Here only the log-out removes it, and with the attributes without which a
//! browser ignores the removal of a `__Host-` cookie.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use tower_sessions::{SessionManagerLayer, cookie::SameSite};

use super::store::Store;
use crate::{
    domain::{limits, next::TOKENS_PATH},
    error::{Error, Result},
    server::origin::Origins,
};

/// The cookie that hands a new access token over to the page that shows it.
pub const NEW_TOKEN: &str = "sardonyx-new-token";
/// The cookie that remembers which notice was dismissed here.
const DISMISSED: &str = "sardonyx-notice";
/// The path that ends a session.
const LOG_OUT_PATH: &str = "/api/log_out";
/// What a browser forgets with the log-out. Not the cookies: those of other programs under the same domain would go, too.
const CLEARED: HeaderValue = HeaderValue::from_static("\"cache\", \"storage\"");

/// The cookie's name: bound to this host and to https where there is https.
pub fn name(origins: &Origins) -> &'static str {
    if origins.is_https() { "__Host-sardonyx" } else { "sardonyx" }
}

/// The layer that finds a request's session and answers with its cookie.
pub fn session_layer(store: Store, origins: &Origins) -> SessionManagerLayer<Store> {
    SessionManagerLayer::new(store)
        .with_name(name(origins))
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_secure(origins.is_https())
        .with_path("/")
}

/// Goes around the session layer and mends its removals.
pub async fn mend_removal(State(origins): State<Origins>, request: Request, next: Next) -> Response {
    let is_log_out = request.uri().path() == LOG_OUT_PATH;
    let mut response = next.run(request).await;
    let removal = format!("{}=;", name(&origins));
    let cookies: Vec<HeaderValue> = response.headers().get_all(header::SET_COOKIE).iter().cloned().collect();
    if cookies.iter().any(|cookie| is_removal(cookie, &removal)) {
        response.headers_mut().remove(header::SET_COOKIE);
        for cookie in cookies {
            let cookie = match (is_removal(&cookie, &removal), is_log_out) {
                (false, _) => cookie,
                (true, false) => continue,
                (true, true) => {
                    response.headers_mut().insert(HeaderName::from_static("clear-site-data"), CLEARED);
                    whole_removal(&origins)
                }
            };
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

/// What a request's cookie with this name holds, when that is something.
pub fn find(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let pairs = all.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    pairs.filter(|(known, value)| *known == name && !value.is_empty()).map(|(_, value)| value.to_owned()).next()
}

/// Hands a new access token over.
///
/// # Errors
/// [`Error::Internal`] when it has characters that no token has.
pub fn new_token(origins: &Origins, text: &str) -> Result<HeaderValue> {
    for_tokens_page(origins, text, limits::NEW_TOKEN_SECONDS)
}

/// Takes it back.
///
/// # Errors
/// None.
pub fn no_new_token(origins: &Origins) -> Result<HeaderValue> {
    for_tokens_page(origins, "", 0)
}

/// Remembers which notice was dismissed in this browser.
///
/// # Errors
/// [`Error::Internal`] when the id has characters that no id has.
pub fn dismissed(origins: &Origins, notice_id: &str) -> Result<HeaderValue> {
    let secure = if origins.is_https() { "; Secure" } else { "" };
    let seconds = limits::NOTICE_DISMISSED_SECONDS;
    let cookie = format!("{DISMISSED}={notice_id}; HttpOnly; SameSite=Lax{secure}; Path=/; Max-Age={seconds}");
    HeaderValue::try_from(cookie).map_err(|_| Error::Internal)
}

/// Which notice was dismissed in this browser.
pub fn find_dismissed(headers: &HeaderMap) -> Option<String> {
    find(headers, DISMISSED)
}

fn for_tokens_page(origins: &Origins, value: &str, seconds: i64) -> Result<HeaderValue> {
    let secure = if origins.is_https() { "; Secure" } else { "" };
    let cookie =
        format!("{NEW_TOKEN}={value}; HttpOnly; SameSite=Strict{secure}; Path={TOKENS_PATH}; Max-Age={seconds}");
    HeaderValue::try_from(cookie).map_err(|_| Error::Internal)
}

fn is_removal(cookie: &HeaderValue, removal: &str) -> bool {
    cookie.to_str().is_ok_and(|cookie| cookie.starts_with(removal))
}

fn whole_removal(origins: &Origins) -> HeaderValue {
    let secure = if origins.is_https() { "; Secure" } else { "" };
    let cookie = format!("{}=; HttpOnly; SameSite=Lax{secure}; Path=/; Max-Age=0", name(origins));
    HeaderValue::try_from(cookie).unwrap_or_else(|_| HeaderValue::from_static(""))
}
