//! An answer that says no before any page could be rendered: as a small page for people, as JSON for programs.
//!
//! It depends on nothing (no database, no files), for it is what is left when those are away.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use crate::error::Error;

/// Whether a request is a browser's for a page, or its plain form.
pub fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

/// An error as JSON, with its status.
pub fn json(error: Error) -> Response {
    with_retry(error, (status(error), axum::Json(error)).into_response())
}

/// An error in the form that the request asks for.
pub fn answer(headers: &HeaderMap, error: Error) -> Response {
    if !accepts_html(headers) {
        return json(error);
    }
    // The text is a constant of ours; nothing of the request is in it.
    let text = error.text();
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>That did not work</title></head><body><main>\
         <h1>That did not work</h1><p role=\"alert\">{text}</p><p><a href=\"/chats\">Try again</a></p></main></body></html>"
    );
    with_retry(error, (status(error), Html(page)).into_response())
}

/// Says when to ask again, for an error that passes.
pub fn set_retry_after(headers: &mut HeaderMap, error: Error) {
    if let Some(seconds) = error.retry_after_seconds() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
}

fn status(error: Error) -> StatusCode {
    StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn with_retry(error: Error, mut response: Response) -> Response {
    set_retry_after(response.headers_mut(), error);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
