//! The models that can be asked.

use leptos::prelude::*;

use crate::{domain::model::ModelList, error::Error};

/// The models of every connected provider. A provider that does not answer is left out, or shown as last known.
#[server(name = ListModels, prefix = "/api", endpoint = "list_models")]
pub async fn list_models() -> Result<ModelList, Error> {
    use crate::server::request;
    request::user()?;
    Ok(request::state()?.models.list().await)
}
