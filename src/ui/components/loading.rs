//! What is shown while something is being fetched.

use leptos::prelude::*;

/// A quiet placeholder that appears only when fetching takes a while.
#[component]
pub fn Loading() -> impl IntoView {
    view! {
        <p class="loading" role="status">
            "Loading…"
        </p>
    }
}
