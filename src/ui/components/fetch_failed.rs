//! Something that should be here could not be fetched.

use leptos::prelude::*;

use super::notice::ErrorNotice;
use crate::{
    error::Error,
    ui::state::{effect::effect, session::use_session},
};

/// Stands where something should be that could not be fetched. Leaves for the log-in page when that is the remedy.
#[component]
pub fn FetchFailed(error: Error) -> impl IntoView {
    let session = use_session();
    effect(move || session.leave_if_ended(error));

    view! {
        <div class="fetch-failed">
            <ErrorNotice error=Some(error) />
            // Not the router's: the page is asked for again as a whole.
            <a class="button button-quiet" href="" rel="external">
                "Try again"
            </a>
        </div>
    }
}
