//! `/login`: who are you?

use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

use crate::{
    api::session::{LogIn, log_in},
    domain::{next::NextPath, session::SessionEnd},
    error::Error,
    ui::{
        components::{
            code_field::CodeField, door::Door, email_field::EmailField, notice::ErrorNotice, page_title::PageTitle,
            password_field::PasswordField,
        },
        state::{
            session::load_page,
            submission::{Submission, field, needs_code},
        },
    },
};

/// The log-in page. `?next=` is where it leads, `?reason=` why one is here, `?error=` why the last attempt failed when it
/// was made without a script; of the latter two only words that are known are shown.
#[component]
pub fn LoginPage() -> impl IntoView {
    let query = use_query_map();
    let submission = Submission::new();
    let param = move |name: &str| query.with(|query| query.get(name));
    let next = move || param("next").unwrap_or_default();
    let reason = move || param("reason").and_then(|code| SessionEnd::from_name(&code)).map(SessionEnd::text);
    // Once: a later attempt has an answer of its own.
    submission.error.set(query.with_untracked(|query| query.get("error")).and_then(|code| Error::from_code(&code)));
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let next = field(&event, "next");
        let code = Some(field(&event, "code"));
        let request = log_in(field(&event, "email"), field(&event, "password"), code, Some(next.clone()));
        submission.send(request, move |()| {
            submission.is_busy.set(true);
            load_page(NextPath::parse(&next).as_str());
        });
    };

    view! {
        <PageTitle text="Log in" />
        <Door heading="Log in">
            {move || {
                reason()
                    .filter(|_| submission.error.get().is_none())
                    .map(|text| {
                        view! {
                            <p class="notice" role="status">
                                {text}
                            </p>
                        }
                    })
            }}
            <ErrorNotice error=submission.error />
            // Not the browser's own checks: what is wrong is said in one place and one way.
            <form method="post" action=LogIn::url() on:submit=on_submit novalidate>
                <input type="hidden" name="next" value=next />
                <EmailField />
                <PasswordField />
                {move || needs_code(submission.error.get()).then(|| view! { <CodeField /> })}
                <button class="button button-wide" type="submit" disabled=move || submission.is_busy.get()>
                    "Log in"
                </button>
            </form>
        </Door>
    }
}
