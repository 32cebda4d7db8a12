//! Stops the reply that is being generated.

use leptos::{ev, prelude::*, server_fn::ServerFn, task::spawn_local};

use crate::{
    api::messages::{StopReply, stop_reply},
    domain::ids::MessageId,
    ui::state::{conversation::Conversation, live::use_live, session::use_session},
};

/// The form's id. It stands beside the composer's form, for forms cannot be nested; the button in the composer names it.
pub const STOP_FORM_ID: &str = "stop-reply";

/// The form of the composer's Stop button; `running` is the reply that it stops.
#[component]
pub fn StopForm(running: Memo<Option<MessageId>>, conversation: Conversation) -> impl IntoView {
    let (session, live) = (use_session(), use_live());
    let on_submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let Some(id) = running.get_untracked() else { return };
        conversation.error.set(None);
        let conversation = conversation.clone();
        spawn_local(async move {
            match stop_reply(id.to_string()).await {
                Ok(()) => live.catch_up(&conversation, id),
                Err(error) => {
                    conversation.error.set(Some(error));
                    session.leave_if_ended(error);
                }
            }
        });
    };
    let id = move || running.get().map(|id| id.to_string()).unwrap_or_default();

    view! {
        <form id=STOP_FORM_ID method="post" action=StopReply::url() on:submit=on_submit hidden>
            <input type="hidden" name="message_id" value=id />
        </form>
    }
}
