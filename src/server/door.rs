//! The door that every server function stands behind.
//!
//! Leptos answers every error with 500, and a plain form with a redirect to whatever the `Referer` header says, with the
//! error in its URL. Here errors get their status, and a plain form leads to the page that the function named, or back to
//! the page of this site that it stands on, with `?error=<code>` when it failed. What functions see is always a call for
//! JSON.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use reqwest::Url;
use tokio::time::timeout;

use super::{auth::guard, refusal};
use crate::{domain::limits, error::Error};

/// The header by which Leptos tells its own client to move on.
const LEPTOS_REDIRECT: &str = "serverfnredirect";
/// The header by which Leptos marks an error.
const LEPTOS_ERROR: &str = "serverfnerror";
/// Of a body that is too large, so much is read all the same.
const DISCARDED_BYTES_MAX: usize = 8 * 1024 * 1024;
const DISCARD_SECONDS_MAX: u64 = 5;
/// Bodies that carry a password, or a provider's key, have a lower limit.
const PASSWORD_PATHS: [&str; 8] = [
    "/api/accept_link",
    "/api/change_password",
    "/api/create_first_account",
    "/api/delete_account",
    "/api/log_in",
    "/api/renew_session",
    "/api/save_provider",
    "/api/test_provider",
];

/// Marks the request of a page without a script: it is not answered with what the function gives, but with a redirect.
#[derive(Clone, Copy)]
pub struct PlainForm;

/// Around every server function.
pub async fn answer(mut request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let is_form = refusal::accepts_html(request.headers());
    let form_page = form_page(request.headers());
    if is_form {
        request.extensions_mut().insert(PlainForm);
    }
    let headers = request.headers_mut();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.remove(header::REFERER);
    let user_id = guard::find_user(request.extensions());
    let response = match check_body(request).await {
        Ok(request) => with_status(next.run(request).await).await,
        Err(error) => refusal::json(error),
    };
    guard::note_if_denied(user_id, response.status().as_u16());
    if is_form { to_redirect(response, form_page).await } else { response }
}

/// Unknown server functions, as text for programs.
pub async fn unknown() -> Response {
    refusal::json(Error::NotFound)
}

/// Reads the body within its limit, and refuses what is no form.
async fn check_body(request: Request) -> Result<Request, Error> {
    let is_form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return Err(Error::Malformed);
    }
    let bytes_max = if PASSWORD_PATHS.contains(&request.uri().path()) {
        limits::PASSWORD_BODY_BYTES_MAX
    } else {
        limits::REQUEST_BODY_BYTES_MAX
    };
    let (parts, body) = request.into_parts();
    let body = read_body(body, bytes_max).await?;
    // What is not UTF-8 once decoded would be stored as replacement characters.
    if !form_urlencoded_is_utf8(&body) {
        return Err(Error::Malformed);
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// Reads a body of at most `bytes_max`. What is more is read, too, up to a point, and forgotten: a client that is still
/// sending when the connection closes would not hear the answer.
pub async fn read_body(body: Body, bytes_max: usize) -> Result<Vec<u8>, Error> {
    let (mut kept, mut total) = (Vec::new(), 0);
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Error::Malformed)?;
        total += chunk.len();
        if total <= bytes_max {
            kept.extend_from_slice(&chunk);
        } else if total > DISCARDED_BYTES_MAX {
            break;
        }
    }
    if total > bytes_max { Err(Error::TooLarge) } else { Ok(kept) }
}

/// Reads on for a while what is not wanted any more, and forgets it, for the same reason.
pub async fn discard<E>(mut chunks: impl Stream<Item = Result<Bytes, E>> + Unpin) {
    let read = async {
        let mut total = 0;
        while let Some(Ok(chunk)) = chunks.next().await {
            total += chunk.len();
            if total > DISCARDED_BYTES_MAX {
                break;
            }
        }
    };
    let _ = timeout(Duration::from_secs(DISCARD_SECONDS_MAX), read).await;
}

/// Whether the body is UTF-8, and its percent-encoded bytes, too.
fn form_urlencoded_is_utf8(body: &[u8]) -> bool {
    percent_encoding::percent_decode(body).decode_utf8().is_ok()
}

/// Gives an error its own status.
async fn with_status(response: Response) -> Response {
    if response.headers().get(LEPTOS_ERROR).is_none() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, limits::REQUEST_BODY_BYTES_MAX).await.unwrap_or_default();
    let error: Error = serde_json::from_slice(&body).unwrap_or(Error::Internal);
    parts.status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    refusal::set_retry_after(&mut parts.headers, error);
    parts.headers.remove(header::CONTENT_LENGTH);
    // Names the function, so that answers of two could be told apart.
    parts.headers.remove(LEPTOS_ERROR);
    Response::from_parts(parts, Body::from(body))
}

/// What a plain form gets instead of JSON. Cookies and the like stay.
async fn to_redirect(response: Response, form_page: String) -> Response {
    let (parts, body) = response.into_parts();
    let target = if parts.status.is_success() || parts.status.is_redirection() {
        let named = parts.headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        named.unwrap_or(form_page)
    } else {
        let body = to_bytes(body, limits::REQUEST_BODY_BYTES_MAX).await.unwrap_or_default();
        let error: Error = serde_json::from_slice(&body).unwrap_or(Error::Internal);
        let separator = if form_page.contains('?') { '&' } else { '?' };
        format!("{form_page}{separator}error={}", error.code())
    };
    let mut redirect = Redirect::to(&target).into_response();
    for (name, value) in &parts.headers {
        let is_about_body = [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::LOCATION].contains(name);
        if !is_about_body && name != LEPTOS_REDIRECT && name != LEPTOS_ERROR {
            redirect.headers_mut().append(name, value.clone());
        }
    }
    redirect
}

/// The page that a form stands on, as a path without its last error. Only ever a path, so never another site.
fn form_page(headers: &HeaderMap) -> String {
    let referer = headers.get(header::REFERER).and_then(|value| value.to_str().ok());
    let Some(url) = referer.and_then(|referer| Url::parse(referer).ok()) else { return "/".to_owned() };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(url.query_pairs().filter(|(name, _)| name != "error" && name != "__err" && name != "__path"));
    let query = query.finish();
    let path = format!("/{}", url.path().trim_start_matches(['/', '\\']));
    if query.is_empty() { path } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(referer: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(header::REFERER, referer.parse().unwrap());
        form_page(&headers)
    }

    #[test]
    fn a_form_leads_back_to_a_path_of_this_site() {
        assert_eq!(page_of("http://127.0.0.1:3000/login?next=%2Fchats&error=malformed"), "/login?next=%2Fchats");
        assert_eq!(page_of("https://evil.example/p?x=1"), "/p?x=1");
        assert_eq!(page_of("https://evil.example//evil.example/p"), "/evil.example/p");
        assert_eq!(page_of("nonsense"), "/");
        assert_eq!(page_of("http://h/login?__err=abc&__path=x"), "/login");
    }
}
