//! A way to go on with an upload that failed.

use leptos::prelude::*;

use super::focus::focus_on;
use crate::ui::state::uploads::use_uploads;

/// The button, as long as it is of use. Then the element with the id `focus_id` has the focus.
#[component]
pub fn RetryUpload(key: u32, name: String, focus_id: String, #[prop(into)] has_failed: Signal<bool>) -> impl IntoView {
    let uploads = use_uploads();
    let retry = move |focus_id: &str| {
        focus_on(focus_id);
        uploads.retry(key);
    };
    move || {
        let focus_id = focus_id.clone();
        has_failed.get().then(|| {
            view! {
                <button
                    class="button button-quiet"
                    type="button"
                    aria-label=format!("Retry the upload of {name}")
                    on:click=move |_| retry(&focus_id)
                >
                    "Retry"
                </button>
            }
        })
    }
}
