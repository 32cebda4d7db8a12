//! Says a message otherwise.

use leptos::{ev, html::Textarea, prelude::*, task::spawn_local};
use uuid::Uuid;

use crate::{
    api::versions::edit_message,
    domain::ids::ClientMessageId,
    ui::state::{
        conversation::Conversation,
        effect::effect,
        entry::{Entry, EntryBody},
        live::use_live,
        session::use_session,
    },
};

/// The field in the place of a message, with what it says now. It is there with a script only.
#[component]
pub fn MessageEdit(entry: Entry, is_edited: RwSignal<bool>, conversation: Conversation) -> impl IntoView {
    let (field, is_busy) = (NodeRef::<Textarea>::new(), RwSignal::new(false));
    let before = match &entry.body {
        EntryBody::Text(text) => text.to_string(),
        EntryBody::Html { .. } => String::new(),
    };
    effect(move || {
        if let Some(field) = field.get() {
            // By the next frame it is in the document, where alone it can have the focus.
            request_animation_frame(move || _ = field.focus());
        }
    });
    let send = sender(entry.key, field, is_edited, is_busy, conversation);
    let on_key = {
        let send = send.clone();
        move |event: ev::KeyboardEvent| match event.key().as_str() {
            "Escape" => is_edited.set(false),
            "Enter" if !event.shift_key() && !event.is_composing() && event.key_code() != 229 => {
                event.prevent_default();
                send();
            }
            _ => {}
        }
    };
    let on_submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        send();
    };

    view! {
        <form class="message-edit" on:submit=on_submit>
            <textarea
                class="message-edit-field"
                aria-label="Edit message"
                rows="3"
                prop:value=before
                node_ref=field
                on:keydown=on_key
            ></textarea>
            <div class="message-edit-bar">
                <button class="button button-quiet" type="button" on:click=move |_| is_edited.set(false)>
                    "Cancel"
                </button>
                <button class="button" type="submit" disabled=move || is_busy.get()>
                    "Save and send"
                </button>
            </div>
        </form>
    }
}

/// Sends what is in the field in the place of the message.
fn sender(
    key: Uuid,
    field: NodeRef<Textarea>,
    is_edited: RwSignal<bool>,
    is_busy: RwSignal<bool>,
    conversation: Conversation,
) -> impl Fn() + Clone + 'static {
    let (session, live, client_id) = (use_session(), use_live(), ClientMessageId::random());
    move || {
        let (Some(id), Some(field)) = (conversation.id_of(key), field.get_untracked()) else { return };
        let text = field.value();
        if text.trim().is_empty() || is_busy.get_untracked() {
            return;
        }
        is_busy.set(true);
        conversation.error.set(None);
        let conversation = conversation.clone();
        spawn_local(async move {
            let model = conversation.model.get_untracked();
            match edit_message(id.to_string(), text, client_id.to_string(), model).await {
                Ok(sent) => {
                    is_edited.try_set(false);
                    live.catch_up(&conversation, sent.reply_id);
                }
                Err(error) => conversation.fail(session, error),
            }
            is_busy.try_set(false);
        });
    }
}
