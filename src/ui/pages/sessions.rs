//! `/settings/sessions`: where one is logged in, and the end of each.

use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

use crate::{
    api::session::{EndOtherSessions, EndSession, end_other_sessions, end_session, list_sessions},
    domain::session::ActiveSession,
    error::Error,
    ui::{
        components::{
            fetch_failed::FetchFailed, loading::Loading, notice::ErrorNotice, settings_frame::SettingsFrame,
            timestamp::Timestamp,
        },
        state::{live::use_live, submission::Submission},
    },
};

/// The list of active sessions; it follows what happens elsewhere while it is open.
#[component]
pub fn SessionsPage() -> impl IntoView {
    let query = use_query_map();
    let (live, submission) = (use_live(), Submission::new());
    submission.error.set(query.with_untracked(|query| query.get("error")).and_then(|code| Error::from_code(&code)));
    let sessions = Resource::new(|| (), |()| list_sessions());
    Effect::new(move |is_first: Option<()>| {
        live.sessions_changed.track();
        if is_first.is_some() {
            sessions.refetch();
        }
    });

    view! {
        <SettingsFrame heading="Active sessions">
            <p class="settings-text">"Everywhere you are logged in. End what you do not know."</p>
            <ErrorNotice error=submission.error />
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    match sessions.await {
                        Ok(list) => view! { <SessionList list submission /> }.into_any(),
                        Err(error) => view! { <FetchFailed error /> }.into_any(),
                    }
                })}
            </Transition>
        </SettingsFrame>
    }
}

#[component]
fn SessionList(list: Vec<ActiveSession>, submission: Submission) -> impl IntoView {
    let has_others = list.len() > 1;
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        // The list follows by the live connection.
        submission.send(end_other_sessions(), |_| {});
    };

    view! {
        <ul class="sessions">
            {list
                .into_iter()
                .map(|session| view! { <SessionItem session submission /> })
                .collect_view()}
        </ul>
        {has_others
            .then(|| {
                view! {
                    <form method="post" action=EndOtherSessions::url() on:submit=on_submit>
                        <button
                            class="button button-quiet"
                            type="submit"
                            disabled=move || submission.is_busy.get()
                        >
                            "End all other sessions"
                        </button>
                    </form>
                }
            })}
    }
}

#[component]
fn SessionItem(session: ActiveSession, submission: Submission) -> impl IntoView {
    let id = session.id.to_string();
    let end = {
        let id = id.clone();
        move |event: SubmitEvent| {
            event.prevent_default();
            submission.send(end_session(id.clone()), |()| {});
        }
    };
    let label = format!("End the session of {}", session.device);

    view! {
        <li class="session" class:session-current=session.is_current>
            <div class="session-facts">
                <p class="session-device">
                    {session.device.clone()}
                    {session.is_current.then(|| view! { <span class="session-mark">"this one"</span> })}
                </p>
                <p class="session-detail">
                    {session.address.clone()} " · last used " <Timestamp at_ms=session.last_access_ms /> " · since "
                    <Timestamp at_ms=session.created_at_ms />
                </p>
            </div>
            {(!session.is_current)
                .then(|| {
                    view! {
                        <form method="post" action=EndSession::url() on:submit=end>
                            <input type="hidden" name="session_id" value=id />
                            <button
                                class="button button-quiet"
                                type="submit"
                                aria-label=label
                                disabled=move || submission.is_busy.get()
                            >
                                "End"
                            </button>
                        </form>
                    }
                })}
        </li>
    }
}
