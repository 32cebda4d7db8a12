//! `/welcome`: what a one-time link leads to: a new account, or a new password.

use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

use crate::{
    api::links::{AcceptLink, accept_link, check_link},
    domain::{admin::LinkPurpose, next::HOME_PATH},
    error::Error,
    ui::{
        components::{
            door::Door, field::Field, loading::Loading, notice::ErrorNotice, page_title::PageTitle,
            password_field::NewPasswordField,
        },
        paths::login_path,
        state::{
            session::load_page,
            submission::{Submission, field},
        },
    },
};

/// Asks for a password of one's own; a link that cannot be used shows why instead.
#[component]
pub fn WelcomePage() -> impl IntoView {
    let query = use_query_map();
    let param = move |name: &str| query.with_untracked(|query| query.get(name));
    let token = param("token").unwrap_or_default();
    let failed_before = param("error").and_then(|code| Error::from_code(&code));
    let link = OnceResource::new(check_link(token.clone()));

    view! {
        <PageTitle text="Welcome" />
        <Door heading="Choose a password">
            <Suspense fallback=Loading>
                {move || {
                    let token = token.clone();
                    Suspend::new(async move {
                        match link.await {
                            Ok(purpose) => view! { <WelcomeForm token purpose failed_before /> }.into_any(),
                            Err(error) => {
                                view! {
                                    <ErrorNotice error=Some(error) />
                                    <p>
                                        <a href=login_path(None, None)>"Log in"</a>
                                    </p>
                                }
                                    .into_any()
                            }
                        }
                    })
                }}
            </Suspense>
        </Door>
    }
}

#[component]
fn WelcomeForm(token: String, purpose: LinkPurpose, failed_before: Option<Error>) -> impl IntoView {
    let submission = Submission::new();
    submission.error.set(failed_before);
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        submission.send(accept_link(field(&event, "token"), field(&event, "password")), move |()| {
            submission.is_busy.set(true);
            load_page(HOME_PATH);
        });
    };
    let text = if purpose.is_invitation {
        "You are invited. With a password you have an account."
    } else {
        "A new password for your account. All your sessions will end."
    };

    view! {
        <p class="door-text">{text}</p>
        <ErrorNotice error=submission.error />
        <form method="post" action=AcceptLink::url() on:submit=on_submit novalidate>
            <input type="hidden" name="token" value=token />
            <Field label="Email">
                <input class="field-input" type="email" autocomplete="username" readonly value=purpose.email />
            </Field>
            <NewPasswordField autofocus=true />
            <button class="button button-wide" type="submit" disabled=move || submission.is_busy.get()>
                "Continue"
            </button>
        </form>
    }
}
