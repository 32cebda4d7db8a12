//! An open chat: its header, its conversation, and where one writes.

use leptos::prelude::*;

use super::{
    attach_button::taking_drops, chat_header::ChatHeader, composer::Composer, conversation_log::ConversationLog,
    page_title::PageTitle,
};
use crate::{
    domain::{chat::ChatView as OpenedChat, ids::ClientMessageId, model::ModelList},
    error::Error,
    ui::state::{
        conversation::Conversation,
        drafts::DraftFile,
        effect::{effect, every},
        live::{Live, POLL_SECONDS, use_live},
        session::{Session, use_session},
        uploads::use_uploads,
    },
};

/// One chat. A new one of these is made for each chat that is opened.
#[component]
pub fn ChatView(
    opened: OpenedChat,
    models: ModelList,
    client_message_id: ClientMessageId,
    failed_before: Option<Error>,
) -> impl IntoView {
    let (session, live) = (use_session(), use_live());
    let draft = session.drafts.of(opened.chat.id, client_message_id);
    draft.hear(opened.draft.clone().into());
    let (unsent, uploads, restored) = (opened.unsent_files.clone(), use_uploads(), draft.clone());
    // After the page is what it was on the server, which cannot list them.
    effect(move || restored.restore_files(unsent.clone(), uploads));
    let invitation = opened.invitation.clone();
    let conversation = Conversation::new(opened);
    let (said, files) = (conversation.clone(), draft.files.clone());
    // What another tab has sent is no longer to come with a message.
    effect(move || {
        let is_sent = |file: &DraftFile| file.file_id.as_ref().is_some_and(|id| said.leads_to(id));
        if files.with(|files| files.iter().any(is_sent)) {
            files.update(|files| files.retain(|file| !is_sent(file)));
        }
    });
    conversation.error.set(failed_before);
    show_while_mounted(conversation.clone(), live);
    poll_while_needed(conversation.clone(), session, live);
    let chat = conversation.chat.clone();
    let title = move || chat.with(|chat| chat.display_title().to_owned());

    // A closure's view is built anew, while a plain one would be patched into that of the chat before, whose field keeps
    // what was typed into it.
    move || {
        let (conversation, draft, models) = (conversation.clone(), draft.clone(), models.clone());
        let invitation = invitation.clone();
        let is_over = RwSignal::new(false);
        let (on_drag, on_leave, on_drop) = taking_drops(&draft, uploads, is_over);
        view! {
            <PageTitle text=title.clone() />
            <div class="chat" on:dragover=on_drag on:dragleave=on_leave on:drop=on_drop>
                <ChatHeader chat_id=conversation.chat_id() title=Signal::derive(title.clone()) />
                {view! { <ConversationLog conversation=conversation.clone() invitation /> }.into_any()}
                {view! { <Composer conversation draft models client_message_id is_over /> }.into_any()}
            </div>
        }
    }
}

fn show_while_mounted(conversation: Conversation, live: Live) {
    let shown = conversation.clone();
    effect(move || live.show(shown.clone()));
    if !is_server() {
        on_cleanup(move || live.hide(&conversation));
    }
}

/// Fetches a running reply again and again while nothing is announced.
fn poll_while_needed(conversation: Conversation, session: Session, live: Live) {
    let running = conversation.clone();
    let is_needed = Memo::new(move |_| !live.is_connected.get() && running.running_reply().is_some());
    effect(move || {
        if !is_needed.get() {
            return;
        }
        let conversation = conversation.clone();
        // To fetch it is to look at it, which nobody does behind.
        let poll = move || {
            if !document().hidden() {
                conversation.refresh(session, || {});
            }
        };
        if let Some(interval) = every(POLL_SECONDS * 1_000, poll) {
            on_cleanup(move || interval.clear());
        }
    });
}
