//! The form that makes the first account.

use leptos::prelude::*;

use super::notice::ErrorNotice;
use crate::{
    api::setup::CreateFirstAccount,
    domain::{limits, next::HOME_PATH},
    error::Error,
    ui::state::{answer::answer, session::load_page},
};

/// Asks for an address and a password; `failed_before` is why the last attempt failed when it was made without a script.
#[component]
pub fn SetupForm(token: String, failed_before: Option<Error>) -> impl IntoView {
    let create = ServerAction::<CreateFirstAccount>::new();
    let error = Signal::derive(move || match answer(create) {
        Some(answer) => answer.err(),
        None => failed_before,
    });
    let is_busy = move || create.pending().get() || matches!(answer(create), Some(Ok(())));
    Effect::new(move || {
        if let Some(Ok(())) = answer(create) {
            load_page(HOME_PATH);
        }
    });
    let hint = format!("At least {} characters.", limits::PASSWORD_CHARS_MIN);

    view! {
        <p class="door-text">"This account runs the site. The link works once."</p>
        <ErrorNotice error />
        <ActionForm action=create attr:novalidate="">
            <input type="hidden" name="token" value=token />
            <label class="field">
                <span class="field-label">"Email"</span>
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
            </label>
            <label class="field">
                <span class="field-label">"Password"</span>
                <input
                    class="field-input"
                    type="password"
                    name="password"
                    autocomplete="new-password"
                    aria-describedby="password-hint"
                    required
                />
            </label>
            <p class="field-hint" id="password-hint">
                {hint}
            </p>
            <button class="button button-wide" type="submit" disabled=is_busy>
                "Create account"
            </button>
        </ActionForm>
    }
}
