//! Whether news arrive.

use leptos::prelude::*;

use crate::ui::state::live::use_live;

/// Says so while the live connection is missing.
#[component]
pub fn ConnectionStatus() -> impl IntoView {
    let live = use_live();

    view! {
        <div class="connection-status" role="status">
            {move || live.is_missed.get().then(|| view! { <span class="connection-missing">"Reconnecting…"</span> })}
        </div>
    }
}
