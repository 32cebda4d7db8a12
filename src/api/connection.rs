//! The self-test of the way between browser and server.

use leptos::prelude::*;

use crate::{domain::arrival::Arrival, error::Error};

/// How requests of this browser arrive.
#[server(name = FindArrival, prefix = "/api", endpoint = "find_arrival")]
pub async fn find_arrival() -> Result<Arrival, Error> {
    use crate::server::request;
    let db = request::user()?;
    request::arrival(db.user().role)
}

/// Takes a large body and gives its length: whether a proxy lets it through.
#[server(name = TestBody, prefix = "/api", endpoint = "test_body")]
pub async fn test_body(body: String) -> Result<usize, Error> {
    use crate::server::request;
    request::user()?;
    Ok(body.len())
}
