//! How far a reply is, or how it ended when that was not by itself.

use leptos::prelude::*;

use super::{retry_form::RetryForm, stop_form::CancelForm};
use crate::{
    domain::message::MessageState,
    ui::state::{conversation::Conversation, entry::Entry},
};

/// What is to be said of a reply besides its text; the chat's last one can be asked for again, and, where it
/// broke off, for its rest.
#[component]
pub fn ReplyOutcome(entry: Entry, conversation: Conversation) -> impl IntoView {
    let state = entry.state.clone();
    let said = {
        let entry = entry.clone();
        move || match entry.state.get() {
            MessageState::Queued { ahead } => Some(note(waits_for(ahead), "reply-queued")),
            MessageState::Generating => {
                let phase = entry.phase.get().text().filter(|_| entry.is_empty());
                phase.map(|phase| note(phase, "reply-thinking"))
            }
            MessageState::Complete => None,
            MessageState::Stopped => Some(note("Stopped", "reply-stopped")),
            MessageState::Failed(failure) => Some(alert(failure.text())),
            MessageState::Interrupted => Some(alert(
                "The server was lost several times before this reply was complete. What was written is kept.",
            )),
        }
    };
    let is_queued = {
        let state = state.clone();
        Memo::new(move |_| matches!(state.get(), MessageState::Queued { .. }))
    };
    let cancel = {
        let (id, conversation) = (entry.id, conversation.clone());
        move || {
            let id = id.filter(|_| is_queued.get())?;
            Some(view! { <CancelForm id conversation=conversation.clone() /> })
        }
    };
    let retry = move || {
        let id = entry.id.filter(|_| state.get().is_incomplete() && conversation.last_key() == Some(entry.key))?;
        let can_go_on = state.get().can_continue() && !entry.is_empty();
        Some(view! {
            <div class="reply-again">
                {can_go_on.then(|| view! { <RetryForm id goes_on=true label="Continue" conversation=conversation.clone() /> })}
                <RetryForm id label="Retry" conversation=conversation.clone() />
            </div>
        })
    };

    view! { <div class="reply-outcome">{said} {cancel} {retry}</div> }
}

/// How long a queued reply has to wait.
fn waits_for(ahead: Option<u32>) -> String {
    match ahead {
        None => "Waits for the reply before it".to_owned(),
        Some(0) => "Waits for a free place: it is the next one".to_owned(),
        Some(1) => "Waits for a free place: 1 other reply comes first".to_owned(),
        Some(ahead) => format!("Waits for a free place: {ahead} other replies come first"),
    }
}

fn note(text: impl Into<String>, class: &'static str) -> AnyView {
    let text: String = text.into();
    view! { <p class=format!("reply-note {class}")>{text}</p> }.into_any()
}

fn alert(text: &'static str) -> AnyView {
    view! {
        <p class="notice notice-error" role="alert">
            {text}
        </p>
    }
    .into_any()
}
