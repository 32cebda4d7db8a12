//! A field of a form.

use leptos::prelude::*;

/// What it is called, above what is typed or chosen.
#[component]
pub fn Field(#[prop(into)] label: String, children: Children) -> impl IntoView {
    view! {
        <label class="field">
            <span class="field-label">{label}</span>
            {children()}
        </label>
    }
}
