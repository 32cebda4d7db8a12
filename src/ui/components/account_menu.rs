//! Who is logged in, and the way out.

use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};

use super::notice::ErrorNotice;
use crate::{
    api::session::{LogOut, log_out},
    domain::{
        session::SessionEnd,
        user::{Role, User},
    },
    error::Error,
    ui::{
        paths::{PEOPLE_PATH, PREFERENCES_PATH, login_path},
        state::{
            session::{load_page, use_session},
            submission::Submission,
        },
    },
};

/// A button that opens the account menu. A popover needs no script, closes by Escape, and tells assistive technology
/// whether it is open.
#[component]
pub fn AccountMenu(user: User) -> impl IntoView {
    let (session, submission) = (use_session(), Submission::new());
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let request = async move {
            session.set_logging_out(true);
            match log_out().await {
                // Nobody being logged in any more is what was asked for.
                Ok(()) | Err(Error::NotLoggedIn | Error::SessionEnded(_)) => Ok(()),
                Err(error) => {
                    session.set_logging_out(false);
                    Err(error)
                }
            }
        };
        submission.send(request, |()| load_page(&login_path(None, Some(SessionEnd::LoggedOut))));
    };
    let is_admin = user.role == Role::Admin;
    let initial: String = user.name().chars().take(1).flat_map(char::to_uppercase).collect();

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
                <a class="button button-quiet" href=PREFERENCES_PATH>
                    "Settings"
                </a>
                {is_admin
                    .then(|| {
                        view! {
                            <a class="button button-quiet" href=PEOPLE_PATH>
                                "Administration"
                            </a>
                        }
                    })}
                <form method="post" action=LogOut::url() on:submit=on_submit>
                    <button class="button button-quiet" type="submit" disabled=move || submission.is_busy.get()>
                        "Log out"
                    </button>
                </form>
                <ErrorNotice error=submission.error />
            </div>
        </div>
    }
}
