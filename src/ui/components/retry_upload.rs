//! A way to go on with an upload that failed.

use leptos::prelude::*;

use super::focus::focus_on;
use crate::ui::state::uploads::use_uploads;

/// The button, as long as it is of use. Then the one to give the upload up has the focus, whose id this is called with.
#[component]
pub fn RetryUpload(key: u32, name: String, cancel_id: String, #[prop(into)] has_failed: Signal<bool>) -> impl IntoView {
    let uploads = use_uploads();
    let retry = move |cancel_id: &str| {
        focus_on(cancel_id);
        uploads.retry(key);
    };
    move || {
        let cancel_id = cancel_id.clone();
        has_failed.get().then(|| {
            view! {
                <button
                    class="button button-quiet"
                    type="button"
                    aria-label=format!("Retry the upload of {name}")
                    on:click=move |_| retry(&cancel_id)
                >
                    "Retry"
                </button>
            }
        })
    }
}
