//! The form that makes the first account.

use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};

use super::{email_field::EmailField, notice::ErrorNotice, password_field::NewPasswordField};
use crate::{
    api::setup::{CreateFirstAccount, create_first_account},
    domain::next::HOME_PATH,
    error::Error,
    ui::state::{
        session::load_page,
        submission::{Submission, field},
    },
};

/// Asks for an address and a password; `failed_before` is why the last attempt failed when it was made without a script.
#[component]
pub fn SetupForm(token: String, failed_before: Option<Error>) -> impl IntoView {
    let submission = Submission::new();
    submission.error.set(failed_before);
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let request = create_first_account(field(&event, "token"), field(&event, "email"), field(&event, "password"));
        submission.send(request, move |()| {
            submission.is_busy.set(true);
            load_page(HOME_PATH);
        });
    };

    view! {
        <p class="door-text">"This account runs the site. The link works once."</p>
        <ErrorNotice error=submission.error />
        <form method="post" action=CreateFirstAccount::url() on:submit=on_submit novalidate>
            <input type="hidden" name="token" value=token />
            <EmailField />
            <NewPasswordField label="Password" />
            <button class="button button-wide" type="submit" disabled=move || submission.is_busy.get()>
                "Create account"
            </button>
        </form>
    }
}
