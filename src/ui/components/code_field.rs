//! The field for a code of the second factor.

use leptos::prelude::*;

use super::field::Field;

/// Takes a code from an authenticator, or a recovery code.
#[component]
pub fn CodeField() -> impl IntoView {
    view! {
        <Field label="Code from your authenticator, or a recovery code">
            <input
                class="field-input"
                type="text"
                name="code"
                inputmode="text"
                autocomplete="one-time-code"
                autocapitalize="none"
                spellcheck="false"
                maxlength="32"
                required
            />
        </Field>
    }
}
