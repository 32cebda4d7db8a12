//! The field for the address that somebody logs in with.

use leptos::prelude::*;

use super::field::Field;

/// Asks for it, before anything else on the page.
#[component]
pub fn EmailField() -> impl IntoView {
    view! {
        <Field label="Email">
            <input
                class="field-input"
                type="email"
                name="email"
                autocomplete="username"
                autocapitalize="none"
                spellcheck="false"
                required
                autofocus
            />
        </Field>
    }
}
