//! A way to go on with an upload that failed.

use leptos::prelude::*;

use crate::ui::state::uploads::use_uploads;

/// The button, as long as it is of use.
#[component]
pub fn RetryUpload(key: u32, #[prop(into)] has_failed: Signal<bool>) -> impl IntoView {
    let uploads = use_uploads();
    move || {
        has_failed.get().then(|| {
            view! {
                <button class="button button-quiet" type="button" on:click=move |_| uploads.retry(key)>
                    "Retry"
                </button>
            }
        })
    }
}
