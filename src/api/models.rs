//! The models that can be asked.

use leptos::prelude::*;

use crate::{domain::model::ModelList, error::Error};

/// The models of every connected provider. A provider that does not answer is left out, or shown as last known.
#[server(name = ListModels, prefix = "/api", endpoint = "list_models")]
pub async fn list_models() -> Result<ModelList, Error> {
    use crate::server::request;
    let (state, db) = (request::state()?, request::user()?);
    let mut list = state.models.list().await;
    let preferred = db.user().preferences.default_model.clone().filter(|name| list.models.contains(name));
    list.default = preferred.or(list.default);
    Ok(list)
}
