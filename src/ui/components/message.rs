//! One message.

use leptos::{either::Either, prelude::*};

use super::{
    later::part,
    markdown::Markdown,
    message_actions::MessageActions,
    reply_details::{ReplyReasoning, ReplyUsage},
    reply_outcome::ReplyOutcome,
    timestamp::Timestamp,
};
use crate::{
    domain::message::SafeHtml,
    ui::{
        lazy::{loaded, message_edit},
        state::{
            conversation::Conversation,
            entry::{Entry, EntryBody},
        },
    },
};

/// What somebody said, and when.
#[component]
pub fn MessageView(entry: Entry, conversation: Conversation) -> impl IntoView {
    let (label, name) = (entry.author.label().to_owned(), entry.author.label().to_owned());
    let created_at_ms = entry.created_at_ms;

    match entry.body.clone() {
        EntryBody::Text(text) => {
            let (is_edited, is_on_its_way) = (RwSignal::new(false), entry.is_on_its_way.clone());
            let edit = {
                let (entry, conversation) = (entry.clone(), conversation.clone());
                move || {
                    let edit = message_edit(entry.clone(), is_edited, conversation.clone());
                    part(async move { loaded(edit.await) })
                }
            };
            Either::Left(view! {
                <article
                    class="message message-from-you"
                    class:message-on-its-way=move || is_on_its_way.get()
                    class:message-edited=move || is_edited.get()
                    aria-label=name
                >
                    <p class="message-text">{text.to_string()}</p>
                    <MessageFiles files=entry.files.clone() />
                    {move || is_edited.get().then(edit.clone())}
                    <footer class="message-foot">
                        <Timestamp at_ms=created_at_ms />
                        <MessageActions entry conversation is_edited />
                    </footer>
                </article>
            })
        }
        EntryBody::Html { blocks, tail } => {
            let state = entry.state.clone();
            let is_running = move || !state.get().is_final();
            Either::Right(view! {
                // Busy while it is written, so that it is read out once and as a whole.
                <article
                    class="message message-from-model"
                    class:message-running=is_running.clone()
                    aria-label=name
                    aria-busy=move || is_running().then_some("true")
                >
                    <header class="message-head">
                        <span class="message-author">{label}</span>
                        <Timestamp at_ms=created_at_ms />
                    </header>
                    <ReplyReasoning reasoning=entry.reasoning.clone() />
                    <Markdown blocks tail />
                    <MessageFiles files=entry.files.clone() />
                    <ReplyUsage usage=entry.usage.clone() />
                    <ReplyOutcome entry=entry.clone() conversation=conversation.clone() />
                    <MessageActions entry conversation />
                </article>
            })
        }
    }
}

/// The files that came with a message, or the sources of a reply, as the server's sanitizer wrote them.
#[component]
fn MessageFiles(files: ArcRwSignal<SafeHtml>) -> impl IntoView {
    move || {
        let html = files.get().as_str().to_owned();
        (!html.is_empty()).then(|| view! { <div class="message-extras" inner_html=html></div> })
    }
}
