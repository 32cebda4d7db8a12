//! The fields for passwords.

use leptos::prelude::*;

use super::field::Field;
use crate::domain::limits;

/// Asks for the password that somebody has.
#[component]
pub fn PasswordField(
    #[prop(default = "Password")] label: &'static str,
    #[prop(default = "password")] name: &'static str,
    #[prop(optional)] autofocus: bool,
) -> impl IntoView {
    view! {
        <Field label>
            <input class="field-input" type="password" name=name autocomplete="current-password" required autofocus=autofocus />
        </Field>
    }
}

/// Asks for another one and says what it must be like; `consequence` is a sentence about what else happens.
#[component]
pub fn NewPasswordField(
    #[prop(default = "New password")] label: &'static str,
    #[prop(default = "password")] name: &'static str,
    #[prop(optional)] consequence: &'static str,
    #[prop(optional)] autofocus: bool,
) -> impl IntoView {
    view! {
        <Field label>
            <input
                class="field-input"
                type="password"
                name=name
                autocomplete="new-password"
                aria-describedby="password-hint"
                required
                autofocus=autofocus
            />
        </Field>
        <p class="field-hint" id="password-hint">
            {format!("At least {} characters. {consequence}", limits::PASSWORD_CHARS_MIN)}
        </p>
    }
}
