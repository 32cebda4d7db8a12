//! What comes in: bodies, queries, ids in paths. Each is read whole, within its limit, and refused when it has anything that
//! nobody asked for.

use std::str::FromStr;

use axum::{
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{header, request::Parts},
};
use serde::de::DeserializeOwned;

use super::Refusal;
use crate::{
    domain::limits,
    error::{Error, Result},
    server::{door, state::AppState},
};

/// A body: JSON.
pub struct Body<T>(pub T);

/// What a body may be.
pub trait Input: DeserializeOwned {
    const BYTES_MAX: usize = limits::REQUEST_BODY_BYTES_MAX;
}

/// The query of an address.
pub struct Params<T>(pub T);

/// The id in a path. One that is none answers like one that nobody knows.
pub struct Id<T>(pub T);

impl<T: Input> FromRequest<AppState> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, Refusal> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(Error::Malformed.into());
        }
        let body = door::read_body(request.into_body(), T::BYTES_MAX).await?;
        // serde takes a list for an object, too.
        if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(Error::Malformed.into());
        }
        Ok(Self(serde_json::from_slice(&body).map_err(|_| Error::Malformed)?))
    }
}

impl<T: DeserializeOwned> FromRequestParts<AppState> for Params<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Refusal> {
        Ok(Self(Query::try_from_uri(&parts.uri).map_err(|_| Error::Malformed)?.0))
    }
}

impl<T: FromStr> FromRequestParts<AppState> for Id<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| Error::NotFound)?;
        Ok(Self(text.parse().map_err(|_| Error::NotFound)?))
    }
}
