//! `/settings/second-factor`: codes from an authenticator beside the password.

use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

use crate::{
    api::second_factor::{
        BeginSecondFactor, ConfirmSecondFactor, SwitchOffSecondFactor, begin_second_factor, confirm_second_factor,
        find_second_factor, switch_off_second_factor,
    },
    domain::second_factor::SecondFactor,
    error::{Error, Result},
    ui::{
        components::{
            code_field::CodeField, fetch_failed::FetchFailed, loading::Loading, notice::ErrorNotice,
            password_field::PasswordField, settings_frame::SettingsFrame,
        },
        paths::SECOND_FACTOR_PICTURE_PATH,
        state::submission::{Submission, field},
    },
};

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct Shared {
    submission: Submission,
    factor: Resource<Result<SecondFactor>>,
}

/// Switches the second factor on and off.
#[component]
pub fn SecondFactorPage() -> impl IntoView {
    let query = use_query_map();
    let submission = Submission::new();
    submission.error.set(query.with_untracked(|query| query.get("error")).and_then(|code| Error::from_code(&code)));
    let factor = Resource::new(|| (), |()| find_second_factor());
    let shared = Shared { submission, factor };

    view! {
        <SettingsFrame heading="Two-factor log-in">
            <ErrorNotice error=submission.error />
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    match factor.await {
                        Ok(SecondFactor::Off) => view! { <Off shared /> }.into_any(),
                        Ok(SecondFactor::Pending { secret, recovery_codes }) => {
                            view! { <Pending secret recovery_codes shared /> }.into_any()
                        }
                        Ok(SecondFactor::On { recovery_codes_left }) => {
                            view! { <On recovery_codes_left shared /> }.into_any()
                        }
                        Err(error) => view! { <FetchFailed error /> }.into_any(),
                    }
                })}
            </Transition>
        </SettingsFrame>
    }
}

#[component]
fn Off(shared: Shared) -> impl IntoView {
    let Shared { submission, factor } = shared;
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        submission.send(begin_second_factor(), move |()| factor.refetch());
    };

    view! {
        <p class="settings-text">
            "With it, logging in takes a code from an authenticator app on your phone beside the password."
        </p>
        <form method="post" action=BeginSecondFactor::url() on:submit=on_submit>
            <button class="button" type="submit" disabled=move || submission.is_busy.get()>
                "Set it up"
            </button>
        </form>
    }
}

#[component]
fn Pending(secret: String, recovery_codes: Vec<String>, shared: Shared) -> impl IntoView {
    let Shared { submission, factor } = shared;
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let request = confirm_second_factor(field(&event, "password"), field(&event, "code"));
        submission.send(request, move |()| factor.refetch());
    };

    view! {
        <ol class="steps">
            <li>
                <p>"Scan this with an authenticator app, or type the key into it:"</p>
                <img class="second-factor-picture" src=SECOND_FACTOR_PICTURE_PATH alt="The key as a QR code" />
                <p>
                    <code class="one-time-link">{secret}</code>
                </p>
            </li>
            <li>
                <p>"Keep these codes in a safe place. Each works once when the phone is lost; they are not shown again:"</p>
                <ul class="recovery-codes">
                    {recovery_codes.into_iter().map(|code| view! { <li><code>{code}</code></li> }).collect_view()}
                </ul>
            </li>
            <li>
                <p>"Switch it on with a code from the app:"</p>
                <form class="settings-form" method="post" action=ConfirmSecondFactor::url() on:submit=on_submit novalidate>
                    <PasswordField />
                    <CodeField />
                    <button class="button" type="submit" disabled=move || submission.is_busy.get()>
                        "Switch it on"
                    </button>
                </form>
            </li>
        </ol>
    }
}

#[component]
fn On(recovery_codes_left: u32, shared: Shared) -> impl IntoView {
    let Shared { submission, factor } = shared;
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let request = switch_off_second_factor(field(&event, "password"), field(&event, "code"));
        submission.send(request, move |()| factor.refetch());
    };

    view! {
        <p class="settings-text">
            "Two-factor log-in is on. Recovery codes left: " {recovery_codes_left} "."
        </p>
        <form class="settings-form" method="post" action=SwitchOffSecondFactor::url() on:submit=on_submit novalidate>
            <PasswordField />
            <CodeField />
            <button class="button button-quiet" type="submit" disabled=move || submission.is_busy.get()>
                "Switch it off"
            </button>
        </form>
    }
}
