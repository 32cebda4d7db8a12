//! The mark and the name of the product.

use leptos::prelude::*;

/// The mark, with the name beside it.
#[component]
pub fn Logo() -> impl IntoView {
    view! {
        <span class="logo">
            <img class="logo-mark" src="/favicon.svg" alt="" width="28" height="28" />
            <span class="logo-name">"Sardonyx"</span>
        </span>
    }
}
