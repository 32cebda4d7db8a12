//! `/settings/tokens`: tokens for programs, each shown once.

use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

use crate::{
    api::tokens::{CreateToken, RevokeToken, create_token, list_tokens, revoke_token},
    domain::{
        limits,
        token::{AccessToken, Scope},
    },
    error::Error,
    ui::{
        components::{
            action_form::ActionForm, fetch_failed::FetchFailed, field::Field, loading::Loading, notice::ErrorNotice,
            settings_frame::SettingsFrame, timestamp::Timestamp,
        },
        paths::API_DOCS_PATH,
        state::submission::{Submission, field, reset_form, ticked},
    },
};

/// How long a token can last, in days.
const DAYS: [i64; 4] = [7, 30, 90, limits::TOKEN_DAYS_MAX];
/// What the form's fields for the scopes are called, in the order of [`Scope::ALL`].
const SCOPE_FIELDS: [&str; 4] = ["chats_read", "chats_write", "files_read", "files_write"];

/// The list of tokens and the form for a new one.
#[component]
pub fn TokensPage() -> impl IntoView {
    let query = use_query_map();
    let submission = Submission::new();
    submission.error.set(query.with_untracked(|query| query.get("error")).and_then(|code| Error::from_code(&code)));
    let tokens = Resource::new(|| (), |()| list_tokens());
    let made = RwSignal::new(None::<String>);
    let refetch = Callback::new(move |()| tokens.refetch());

    view! {
        <SettingsFrame heading="Access tokens">
            <p class="settings-text">
                "With a token, a program of yours can use this site as you. See the "
                <a href=API_DOCS_PATH rel="external">
                    "description of the API"
                </a> "."
            </p>
            <ErrorNotice error=submission.error />
            <div role="status">{move || made.get().map(|text| view! { <NewToken text /> })}</div>
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    match tokens.await {
                        Ok(list) => {
                            view! {
                                {list.new_token.map(|text| view! { <NewToken text /> })}
                                {if list.may_make {
                                    view! { <NewTokenForm submission made refetch /> }.into_any()
                                } else {
                                    view! { <p class="notice">{Error::TokensOff.text()}</p> }.into_any()
                                }}
                                <TokenList list=list.tokens submission refetch />
                            }
                                .into_any()
                        }
                        Err(error) => view! { <FetchFailed error /> }.into_any(),
                    }
                })}
            </Transition>
        </SettingsFrame>
    }
}

#[component]
fn NewToken(text: String) -> impl IntoView {
    view! {
        <p class="notice">
            "This is your new token. Copy it now: it will not be shown again."
            <code class="new-token">{text}</code>
        </p>
    }
}

#[component]
fn NewTokenForm(submission: Submission, made: RwSignal<Option<String>>, refetch: Callback<()>) -> impl IntoView {
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        made.set(None);
        let form = event.clone();
        let [chats_read, chats_write, files_read, files_write] = SCOPE_FIELDS.map(|name| ticked(&event, name));
        let (name, days) = (field(&event, "name"), field(&event, "days"));
        let request = create_token(name, days, chats_read, chats_write, files_read, files_write);
        submission.send(request, move |text| {
            reset_form(&form);
            made.set(Some(text));
            refetch.run(());
        });
    };

    view! {
        <form class="settings-form" method="post" action=CreateToken::url() on:submit=on_submit novalidate>
            <Field label="Name">
                <input class="field-input" type="text" name="name" autocomplete="off" required />
            </Field>
            <Field label="Ends after">
                <select class="field-input" name="days">
                    {DAYS.map(|days| view! { <option value=days>{days} " days"</option> }).collect_view()}
                </select>
            </Field>
            <fieldset class="scopes">
                <legend class="field-label">"It may"</legend>
                {Scope::ALL
                    .into_iter()
                    .zip(SCOPE_FIELDS)
                    .map(|(scope, name)| {
                        view! {
                            <label class="scope">
                                <input type="checkbox" name=name value="yes" />
                                {scope.text()}
                            </label>
                        }
                    })
                    .collect_view()}
            </fieldset>
            <button class="button" type="submit" disabled=move || submission.is_busy.get()>
                "Make a token"
            </button>
        </form>
    }
}

#[component]
fn TokenList(list: Vec<AccessToken>, submission: Submission, refetch: Callback<()>) -> impl IntoView {
    view! {
        <ul class="sessions">
            {list
                .into_iter()
                .map(|token| view! { <TokenItem token submission refetch /> })
                .collect_view()}
        </ul>
    }
}

#[component]
fn TokenItem(token: AccessToken, submission: Submission, refetch: Callback<()>) -> impl IntoView {
    let id = token.id.to_string();
    let fields = vec![("token_id", id.clone())];
    let about = token.name.clone();
    let revoke = move || submission.send(revoke_token(id.clone()), move |()| refetch.run(()));

    view! {
        <li class="session">
            <div class="session-facts">
                <p class="session-device">
                    {token.name}
                    {token.is_expired.then(|| view! { <span class="session-mark">"expired"</span> })}
                </p>
                <p class="session-detail">
                    {token.scopes.names()} " · ends " <Timestamp at_ms=token.expires_at_ms />
                    {token
                        .last_used_at_ms
                        .map(|at_ms| view! { " · last used " <Timestamp at_ms /> })}
                </p>
            </div>
            <ActionForm url=RevokeToken::url() fields label="Revoke" about is_busy=submission.is_busy act=revoke />
        </li>
    }
}
