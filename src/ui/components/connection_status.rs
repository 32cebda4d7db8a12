//! Whether news arrive.

use leptos::prelude::*;

use crate::ui::state::live::use_live;

/// Says so while the live connection is missing.
#[component]
pub fn ConnectionStatus() -> impl IntoView {
    let live = use_live();
    let trouble = move || match (live.is_missed.get(), live.is_offline.get()) {
        (true, true) => Some("You are offline"),
        (true, false) => Some("Reconnecting…"),
        (false, _) => None,
    };

    view! {
        <div class="connection-status" role="status">
            {move || trouble().map(|text| view! { <span class="connection-missing">{text}</span> })}
        </div>
    }
}
