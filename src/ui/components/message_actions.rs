//! What can be done with a message: look at its other versions, have it again, say it otherwise, copy it, or go on from it in
//! another chat.

use leptos::{ev, html::Input, prelude::*, server_fn::ServerFn, task::spawn_local, wasm_bindgen::JsCast, web_sys};

use super::retry_form::RetryForm;
use crate::{
    api::versions::{ForkChat, ShowVersion, read_message, show_version},
    domain::{
        ids::{ClientMessageId, MessageId},
        message::{Author, Versions},
    },
    ui::state::{
        conversation::Conversation,
        effect::after,
        entry::{Entry, EntryBody},
        session::use_session,
    },
};

/// The row of buttons below a message. Nothing while it is on its way, or not yet written.
#[component]
pub fn MessageActions(
    entry: Entry,
    conversation: Conversation,
    /// Raised to say a message otherwise; of replies there is none.
    #[prop(optional)]
    is_edited: Option<RwSignal<bool>>,
) -> impl IntoView {
    move || {
        // What was sent from here has its id since it arrived.
        let is_there = entry.state.get().is_final() && !entry.is_on_its_way.get();
        let id = conversation.id_of(entry.key).filter(|_| is_there)?;
        let is_last = conversation.last_key() == Some(entry.key);
        // Retry stands with the reason why there is something to retry.
        let can_have_again =
            matches!(entry.author, Author::Model(_)) && !(is_last && entry.state.get().is_incomplete());
        let (of_versions, of_copy) = (conversation.clone(), entry.clone());
        let versions = entry.versions.clone();
        Some(view! {
            <div class="message-actions" class:message-actions-last=is_last>
                {move || {
                    versions
                        .get()
                        .map(|versions| view! { <VersionPicker versions conversation=of_versions.clone() /> })
                }}
                {can_have_again
                    .then(|| view! { <RetryForm id label="Regenerate" conversation=conversation.clone() /> })}
                {is_edited
                    .map(|is_edited| {
                        view! {
                            <button class="button button-quiet script-only" type="button" on:click=move |_| is_edited.set(true)>
                                "Edit"
                            </button>
                        }
                    })}
                <CopyButton id entry=of_copy conversation=conversation.clone() />
                <ForkForm id />
            </div>
        })
    }
}

/// The place among the versions, and the way to the ones before and after.
#[component]
fn VersionPicker(versions: Versions, conversation: Conversation) -> impl IntoView {
    let Versions { place, count, previous, next } = versions;
    view! {
        <div class="version-picker" role="group" aria-label="Versions">
            <VersionForm id=previous label="Previous version" sign="‹" conversation=conversation.clone() />
            <span>{format!("{place} / {count}")}</span>
            <VersionForm id=next label="Next version" sign="›" conversation />
        </div>
    }
}

#[component]
fn VersionForm(
    id: Option<MessageId>,
    label: &'static str,
    sign: &'static str,
    conversation: Conversation,
) -> impl IntoView {
    let session = use_session();
    let on_submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let Some(id) = id else { return };
        let conversation = conversation.clone();
        conversation.error.set(None);
        spawn_local(async move {
            match show_version(id.to_string()).await {
                Ok(()) => conversation.refresh(session, || {}),
                Err(error) => conversation.fail(session, error),
            }
        });
    };

    view! {
        <form method="post" action=ShowVersion::url() on:submit=on_submit>
            <input type="hidden" name="message_id" value=id.map(|id| id.to_string()) />
            <button class="button button-quiet" type="submit" aria-label=label disabled=id.is_none()>
                {sign}
            </button>
        </form>
    }
}

/// Puts what was written, of a reply its markdown, on the clipboard.
#[component]
fn CopyButton(id: MessageId, entry: Entry, conversation: Conversation) -> impl IntoView {
    /// How long the button says what it has done.
    const SAID_MS: u64 = 2_000;
    let (session, is_copied) = (use_session(), RwSignal::new(false));
    let on_click = move |_| {
        let (entry, conversation) = (entry.clone(), conversation.clone());
        conversation.error.set(None);
        spawn_local(async move {
            let text = match &entry.body {
                EntryBody::Text(text) => Ok(text.to_string()),
                EntryBody::Html { .. } => read_message(id.to_string()).await,
            };
            match text {
                Ok(text) => {
                    is_copied.set(copy(&text));
                    after(SAID_MS, move || _ = is_copied.try_set(false));
                }
                Err(error) => conversation.fail(session, error),
            }
        });
    };

    view! {
        <button class="button button-quiet script-only" type="button" on:click=on_click>
            <span aria-live="polite">{move || if is_copied.get() { "Copied" } else { "Copy" }}</span>
        </button>
    }
}

/// In the old way, which works where a page did not come over TLS, too.
fn copy(text: &str) -> bool {
    let document = document();
    let (Some(body), Ok(field)) = (document.body(), document.create_element("textarea")) else { return false };
    let focused = document.active_element();
    let field: web_sys::HtmlTextAreaElement = field.unchecked_into();
    field.set_class_name("visually-hidden");
    field.set_value(text);
    let is_copied = body.append_child(&field).is_ok() && {
        field.select();
        document.unchecked_into::<web_sys::HtmlDocument>().exec_command("copy").unwrap_or(false)
    };
    field.remove();
    if let Some(focused) = focused.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
        _ = focused.focus();
    }
    is_copied
}

/// One button that makes a chat which begins with what was said so far. The browser's own way to send a form will do: it
/// leads to another page.
#[component]
fn ForkForm(id: MessageId) -> impl IntoView {
    let client_id = NodeRef::<Input>::new();
    // Without a script, a message is forked once.
    let on_submit = move |_| {
        if let Some(field) = client_id.get_untracked().filter(|field| field.value() == id.to_string()) {
            field.set_value(&ClientMessageId::random().to_string());
        }
    };

    view! {
        <form method="post" action=ForkChat::url() on:submit=on_submit>
            <input type="hidden" name="message_id" value=id.to_string() />
            <input type="hidden" name="client_id" value=id.to_string() autocomplete="off" node_ref=client_id />
            <button class="button button-quiet" type="submit" title="Go on from here in another chat">
                "Fork"
            </button>
        </form>
    }
}
