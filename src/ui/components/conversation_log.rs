//! The messages of a chat.

use leptos::{ev, prelude::*};

use super::{context_mark::ContextMark, message::MessageView};
use crate::ui::{
    paths::{chat_path, older_messages_path},
    state::{conversation::Conversation, reading::Reading, session::use_session},
};

/// How close to the oldest message one is when older ones are fetched.
const NEAR_PIXELS: i32 = 600;

/// The conversation; an `invitation` stands where nothing was said.
#[component]
pub fn ConversationLog(conversation: Conversation, invitation: String) -> impl IntoView {
    let reading = Reading::new();
    let session = use_session();
    let changed = conversation.changed.clone();
    Effect::new(move |is_later: Option<()>| {
        changed.track();
        if is_later.is_some() { reading.stay_at_end() } else { reading.begin() }
    });
    let resized = window_event_listener(ev::resize, move |_| reading.stay_at_end());
    on_cleanup(move || resized.remove());

    let load_older = {
        let conversation = conversation.clone();
        move || conversation.load_older(session, move || reading.stay_here())
    };
    let on_scroll = {
        let load_older = load_older.clone();
        move |_| {
            reading.take_note();
            if reading.log.get_untracked().is_some_and(|log| log.scroll_top() < NEAR_PIXELS) {
                load_older();
            }
        }
    };
    let on_older = move |event: ev::MouseEvent| {
        event.prevent_default();
        load_older();
    };

    view! {
        <div class="conversation">
            <div
                class="conversation-log"
                role="log"
                aria-label="Conversation"
                tabindex="0"
                node_ref=reading.log
                on:scroll=on_scroll
            >
                {older_link(conversation.clone(), on_older)}
                {messages(conversation.clone(), invitation)}
                {refresh_link(conversation)}
                <div class="conversation-end"></div>
            </div>
            {move || {
                (!reading.is_at_end.get())
                    .then(|| {
                        view! {
                            <button class="conversation-jump" type="button" on:click=move |_| reading.go_to_end()>
                                "Jump to latest"
                            </button>
                        }
                    })
            }}
        </div>
    }
}

fn older_link(conversation: Conversation, on_older: impl Fn(ev::MouseEvent) + Clone + Send + 'static) -> impl IntoView {
    let chat_id = conversation.chat_id();
    move || {
        let before_seq = conversation.has_older.get().then(|| conversation.oldest_seq()).flatten()?;
        Some(view! {
            <a class="conversation-older" href=older_messages_path(chat_id, before_seq) on:click=on_older.clone()>
                "Older messages"
            </a>
        })
    }
}

fn messages(conversation: Conversation, invitation: String) -> impl IntoView {
    let entries = conversation.entries.clone();
    let cut = {
        let conversation = conversation.clone();
        Memo::new(move |_| conversation.cut())
    };
    let context_before = move |key| cut.with(|cut| cut.as_ref().filter(|cut| cut.0 == key).map(|cut| cut.1.clone()));
    let nothing_yet = {
        let conversation = conversation.clone();
        move || {
            let text = invitation.clone();
            conversation.is_empty().then(|| view! { <p class="conversation-empty">{text}</p> })
        }
    };
    view! {
        {nothing_yet}
        <For each=move || entries.get() key=|entry| entry.key let:entry>
            {move || context_before(entry.key).map(|context| view! { <ContextMark context /> })}
            <MessageView entry conversation=conversation.clone() />
        </For>
    }
}

/// Without a script nothing arrives by itself; the style sheet hides this from everybody else.
fn refresh_link(conversation: Conversation) -> impl IntoView {
    let href = chat_path(conversation.chat_id());
    move || {
        conversation.has_unfinished().then(|| {
            view! {
                <p class="without-script">
                    <a href=href.clone()>"Look whether there is more"</a>
                </p>
            }
        })
    }
}
