//! The mark of the product and the name of the site.

use leptos::prelude::*;

use crate::ui::state::site::use_site_name;

/// The mark, with the name beside it.
#[component]
pub fn Logo() -> impl IntoView {
    let name = use_site_name();

    view! {
        <span class="logo">
            <img class="logo-mark" src="/favicon.svg" alt="" width="28" height="28" />
            <span class="logo-name">{move || name.get()}</span>
        </span>
    }
}
