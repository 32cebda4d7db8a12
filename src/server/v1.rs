//! The API for programs, `/api/v1`: JSON in, JSON out, a token instead of a cookie.
//!
//! One file per noun; each handler says in its signature what its caller needs, parses, does and answers. What goes over the
//! wire is in `views` and nowhere else: the types of `domain` may change, these may not. To add a route: the handler with its
//! `utoipa::path`, its name in [`docs::Document`], its route in `router`, and its line in `tests/isolation.rs`.

pub mod caller;
pub mod chats;
pub mod docs;
pub mod files;
pub mod input;
pub mod messages;
pub mod sessions;
pub mod token;
pub mod views;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::refusal;
use crate::error::Error;

/// An error as an answer.
#[derive(Debug)]
pub struct Refusal(pub Error);

impl<E: Into<Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        refusal::json(self.0)
    }
}

/// Says with every 401 what would be welcome (RFC 6750).
pub async fn challenge(mut response: Response) -> Response {
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
