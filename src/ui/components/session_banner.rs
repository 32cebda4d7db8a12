//! Says shortly before the session's end that it comes, and offers to stay.

use std::time::Duration;

use leptos::{ev::SubmitEvent, prelude::*};

use super::{notice::ErrorNotice, password_field::PasswordField};
use crate::{
    api::session::renew_session,
    domain::limits,
    ui::state::{
        effect::effect,
        session::use_session,
        submission::{Submission, field},
    },
};

/// A quiet line above the page, with a form for the password behind a button.
#[component]
pub fn SessionBanner() -> impl IntoView {
    let (session, submission) = (use_session(), Submission::new());
    let (is_near, is_asking) = (RwSignal::new(false), RwSignal::new(false));
    // What else is told of the session leaves the form alone.
    let expires_at_ms = Memo::new(move |_| session.current.get().map(|current| current.expires_at_ms));
    effect(move || {
        let Some(expires_at_ms) = expires_at_ms.get() else { return };
        let left_ms = expires_at_ms as f64 - js_sys::Date::now() - limits::SESSION_WARNING_SECONDS as f64 * 1_000.0;
        is_near.set(left_ms <= 0.0);
        is_asking.set(false);
        if left_ms > 0.0
            && let Ok(timer) = set_timeout_with_handle(move || is_near.set(true), Duration::from_millis(left_ms as u64))
        {
            on_cleanup(move || timer.clear());
        }
    });
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        submission.send(renew_session(field(&event, "password")), move |()| session.refresh());
    };
    let form = move || {
        view! {
            <form class="session-banner-form" on:submit=on_submit novalidate>
                <PasswordField autofocus=true />
                <button class="button" type="submit" disabled=move || submission.is_busy.get()>
                    "Stay logged in"
                </button>
            </form>
            <ErrorNotice error=submission.error />
        }
    };

    move || {
        is_near.get().then(|| {
            view! {
                <section class="session-banner" aria-label="Session">
                    <p role="status">"Your session ends in a few minutes."</p>
                    {move || {
                        if is_asking.get() {
                            form().into_any()
                        } else {
                            view! {
                                <button class="button button-quiet" type="button" on:click=move |_| is_asking.set(true)>
                                    "Stay logged in"
                                </button>
                            }
                                .into_any()
                        }
                    }}
                </section>
            }
        })
    }
}
