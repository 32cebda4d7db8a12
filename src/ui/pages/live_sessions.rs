//! `/admin/sessions`: everybody's sessions, and the end of each.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

use crate::{
    api::admin::{EndSessionsOf, end_sessions_of, list_live_sessions},
    domain::{admin::LiveSession, limits},
    error::{Error, Result},
    ui::{
        components::{
            action_form::ActionForm, admin_frame::AdminFrame, fetch_failed::FetchFailed, loading::Loading,
            notice::ErrorNotice, timestamp::Timestamp,
        },
        state::submission::Submission,
    },
};

/// The list of everybody's sessions, the last used one first.
#[component]
pub fn LiveSessionsPage() -> impl IntoView {
    let query = use_query_map();
    let submission = Submission::new();
    submission.error.set(query.with_untracked(|query| query.get("error")).and_then(|code| Error::from_code(&code)));
    let sessions = Resource::new(|| (), |()| list_live_sessions());
    let text = format!("Who is logged in, the last used first; at most {} are shown.", limits::LIVE_SESSIONS_SHOWN_MAX);

    view! {
        <AdminFrame heading="Sessions">
            <p class="settings-text">{text}</p>
            <ErrorNotice error=submission.error />
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    match sessions.await {
                        Ok(list) => {
                            let items = list.into_iter().map(|session| item(session, submission, sessions)).collect_view();
                            view! { <ul class="sessions">{items}</ul> }.into_any()
                        }
                        Err(error) => view! { <FetchFailed error /> }.into_any(),
                    }
                })}
            </Transition>
        </AdminFrame>
    }
}

fn item(
    session: LiveSession,
    submission: Submission,
    sessions: Resource<Result<Vec<LiveSession>>>,
) -> impl IntoView + use<> {
    let (user_id, id) = (session.user_id.to_string(), session.id.to_string());
    let fields = vec![("user_id", user_id.clone()), ("session_id", id.clone())];
    let about = format!("{}, {}", session.email, session.device);
    let act = move || {
        submission.send(end_sessions_of(user_id.clone(), Some(id.clone())), move |()| sessions.refetch());
    };

    view! {
        <li class="session">
            <div class="session-facts">
                <p class="session-device">{session.email.clone()}</p>
                <p class="session-detail">
                    {session.device.clone()} " · " {session.address.clone()} " · last used "
                    <Timestamp at_ms=session.last_access_ms /> " · since " <Timestamp at_ms=session.created_at_ms />
                </p>
            </div>
            <ActionForm url=EndSessionsOf::url() fields label="End" about is_busy=submission.is_busy act />
        </li>
    }
}
