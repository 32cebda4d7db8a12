//! Who is logged in, and the way out.

use leptos::prelude::*;

use super::notice::ErrorNotice;
use crate::{
    api::session::LogOut,
    domain::user::User,
    error::Error,
    ui::{
        paths::{LoginReason, login_path},
        state::{answer::answer, session::load_page},
    },
};

/// A button that opens the account menu. A popover needs no script, closes by Escape, and tells assistive technology
/// whether it is open.
#[component]
pub fn AccountMenu(user: User) -> impl IntoView {
    let log_out = ServerAction::<LogOut>::new();
    Effect::new(move || {
        // Nobody being logged in any more is what was asked for.
        if let Some(Ok(()) | Err(Error::NotLoggedIn | Error::SessionEnded)) = answer(log_out) {
            load_page(&login_path(None, Some(LoginReason::LoggedOut)));
        }
    });
    let error = Signal::derive(move || answer(log_out).and_then(Result::err));
    let initial: String = user.email.chars().take(1).flat_map(char::to_uppercase).collect();

    view! {
        <div class="account">
            <button class="account-button" type="button" popovertarget="account-menu">
                <span class="account-initial" aria-hidden="true">
                    {initial}
                </span>
                "Account"
            </button>
            <div class="account-menu" id="account-menu" popover="auto">
                <p class="account-email">
                    "Logged in as " <strong>{user.email}</strong>
                </p>
                <ActionForm action=log_out>
                    <button class="button button-quiet" type="submit" disabled=move || log_out.pending().get()>
                        "Log out"
                    </button>
                </ActionForm>
                <ErrorNotice error />
            </div>
        </div>
    }
}
