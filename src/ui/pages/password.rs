//! `/settings/password`: another password.

use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

use crate::{
    api::account::{ChangePassword, change_password},
    error::Error,
    ui::{
        components::{
            code_field::CodeField,
            notice::ErrorNotice,
            password_field::{NewPasswordField, PasswordField},
            settings_frame::SettingsFrame,
        },
        state::{
            session::use_session,
            submission::{Submission, field, needs_code, reset_form},
        },
    },
};

/// Asks for the current password and a new one. `?done=` and `?error=` say how it went without a script.
#[component]
pub fn PasswordPage() -> impl IntoView {
    let query = use_query_map();
    let (session, submission) = (use_session(), Submission::new());
    let param = move |name: &str| query.with_untracked(|query| query.get(name));
    submission.error.set(param("error").and_then(|code| Error::from_code(&code)));
    let is_done = RwSignal::new(param("done").is_some() && param("error").is_none());
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        is_done.set(false);
        let form = event.clone();
        let code = Some(field(&event, "code"));
        let request = change_password(field(&event, "current_password"), field(&event, "new_password"), code);
        submission.send(request, move |()| {
            reset_form(&form);
            is_done.set(true);
            session.refresh();
        });
    };
    let email = move || session.current.get().map(|current| current.user.email).unwrap_or_default();

    view! {
        <SettingsFrame heading="Password">
            <div role="status">
                {move || {
                    is_done
                        .get()
                        .then(|| view! { <p class="notice">"The password is changed. All other sessions have ended."</p> })
                }}
            </div>
            <ErrorNotice error=submission.error />
            <form class="settings-form" method="post" action=ChangePassword::url() on:submit=on_submit novalidate>
                // For password managers, which ask whose password it is.
                <input type="text" name="username" autocomplete="username" value=email readonly hidden />
                <PasswordField label="Current password" name="current_password" />
                <NewPasswordField name="new_password" consequence="All your other sessions will end." />
                {move || needs_code(submission.error.get()).then(|| view! { <CodeField /> })}
                <button class="button" type="submit" disabled=move || submission.is_busy.get()>
                    "Change password"
                </button>
            </form>
        </SettingsFrame>
    }
}
