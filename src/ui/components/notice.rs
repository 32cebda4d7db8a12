//! What went wrong, in one look everywhere.

use leptos::prelude::*;

use crate::error::Error;

/// What went wrong, announced at once. Shows nothing while nothing did.
#[component]
pub fn ErrorNotice(#[prop(into)] error: Signal<Option<Error>>) -> impl IntoView {
    view! {
        {move || {
            error
                .get()
                .map(|error| {
                    view! {
                        <p class="notice notice-error" role="alert">
                            {error.text()}
                        </p>
                    }
                })
        }}
    }
}
