//! Asks for a reply again, or for the rest of it. The new one takes its place, as another version.

use leptos::{ev, prelude::*, server_fn::ServerFn, task::spawn_local};

use crate::{
    api::messages::{RetryReply, retry_reply},
    domain::ids::MessageId,
    ui::state::{conversation::Conversation, live::use_live, session::use_session},
};

/// One button that has the reply `id` made anew, or, when it `goes_on`, from where it ended, by the model that is chosen
/// now.
#[component]
pub fn RetryForm(
    id: MessageId,
    #[prop(optional)] goes_on: bool,
    /// What the button says.
    label: &'static str,
    conversation: Conversation,
) -> impl IntoView {
    let (session, live) = (use_session(), use_live());
    let is_busy = RwSignal::new(false);
    let on_submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        is_busy.set(true);
        conversation.error.set(None);
        let conversation = conversation.clone();
        spawn_local(async move {
            let goes_on = goes_on.then(|| "1".to_owned());
            match retry_reply(id.to_string(), conversation.model.get_untracked(), goes_on).await {
                Ok(reply_id) => live.catch_up(&conversation, reply_id),
                Err(error) => conversation.fail(session, error),
            }
            is_busy.try_set(false);
        });
    };

    view! {
        <form class="retry-form" method="post" action=RetryReply::url() on:submit=on_submit>
            <input type="hidden" name="message_id" value=id.to_string() />
            {goes_on.then(|| view! { <input type="hidden" name="goes_on" value="1" /> })}
            <button class="button button-quiet" type="submit" disabled=move || is_busy.get()>
                {label}
            </button>
        </form>
    }
}
