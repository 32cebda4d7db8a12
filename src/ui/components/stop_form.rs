//! Stops the reply that is being generated, or gives up one that waits for its turn.

use leptos::{ev, prelude::*, server_fn::ServerFn, task::spawn_local};

use crate::{
    api::messages::{StopReply, stop_reply},
    domain::ids::MessageId,
    ui::state::{conversation::Conversation, live::use_live, session::use_session},
};

/// The form's id. It stands beside the composer's form, for forms cannot be nested; the button in the composer names it.
const STOP_FORM_ID: &str = "stop-reply";

/// The form of the composer's Stop button; `running` is the reply that it stops.
#[component]
pub fn StopForm(running: Memo<Option<MessageId>>, conversation: Conversation) -> impl IntoView {
    let on_submit = stop(conversation, move || running.get_untracked());
    let id = move || running.get().map(|id| id.to_string()).unwrap_or_default();

    view! {
        <form id=STOP_FORM_ID method="post" action=StopReply::url() on:submit=on_submit hidden>
            <input type="hidden" name="message_id" value=id />
        </form>
    }
}

/// The button of the [`StopForm`].
#[component]
pub fn StopButton() -> impl IntoView {
    view! {
        <button class="button stop-button" type="submit" form=STOP_FORM_ID>
            "Stop"
        </button>
    }
}

/// One button that gives up the queued reply `id`.
#[component]
pub fn CancelForm(id: MessageId, conversation: Conversation) -> impl IntoView {
    view! {
        <form method="post" action=StopReply::url() on:submit=stop(conversation, move || Some(id))>
            <input type="hidden" name="message_id" value=id.to_string() />
            <button class="button button-quiet" type="submit">
                "Cancel"
            </button>
        </form>
    }
}

fn stop(
    conversation: Conversation,
    id: impl Fn() -> Option<MessageId> + 'static,
) -> impl Fn(ev::SubmitEvent) + 'static {
    let (session, live) = (use_session(), use_live());
    move |event| {
        event.prevent_default();
        let Some(id) = id() else { return };
        conversation.error.set(None);
        let conversation = conversation.clone();
        spawn_local(async move {
            match stop_reply(id.to_string()).await {
                Ok(()) => live.catch_up(&conversation, id),
                Err(error) => conversation.fail(session, error),
            }
        });
    }
}
