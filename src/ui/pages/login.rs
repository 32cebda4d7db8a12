//! `/login`: who are you?

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    api::session::LogIn,
    domain::next::NextPath,
    error::Error,
    ui::{
        components::{door::Door, notice::ErrorNotice, page_title::PageTitle},
        paths::LoginReason,
        state::{answer::answer, session::load_page},
    },
};

/// The log-in page. `?next=` is where it leads, `?reason=` why one is here, `?error=` why the last attempt failed when it
/// was made without a script; of the latter two only words that are known are shown.
#[component]
pub fn LoginPage() -> impl IntoView {
    let query = use_query_map();
    let log_in = ServerAction::<LogIn>::new();
    let param = move |name: &str| query.with(|query| query.get(name));
    let next = move || param("next").unwrap_or_default();
    let reason = move || param("reason").and_then(|code| LoginReason::from_code(&code)).map(LoginReason::text);
    let error = Signal::derive(move || match answer(log_in) {
        Some(answer) => answer.err(),
        None => param("error").and_then(|code| Error::from_code(&code)),
    });
    let is_busy = move || log_in.pending().get() || matches!(answer(log_in), Some(Ok(())));
    Effect::new(move || {
        if let Some(Ok(())) = answer(log_in) {
            load_page(NextPath::parse(&next()).as_str());
        }
    });

    view! {
        <PageTitle text="Log in" />
        <Door heading="Log in">
            {move || {
                reason()
                    .filter(|_| error.get().is_none())
                    .map(|text| {
                        view! {
                            <p class="notice" role="status">
                                {text}
                            </p>
                        }
                    })
            }}
            <ErrorNotice error />
            // Not the browser's own checks: what is wrong is said in one place and one way.
            <ActionForm action=log_in attr:novalidate="">
                <input type="hidden" name="next" value=next />
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
                        autocomplete="current-password"
                        required
                    />
                </label>
                <button class="button button-wide" type="submit" disabled=is_busy>
                    "Log in"
                </button>
            </ActionForm>
        </Door>
    }
}
