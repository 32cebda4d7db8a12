//! Makes a new chat.

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};

use super::notice::ErrorNotice;
use crate::{
    api::chats::CreateChat,
    ui::{
        paths::chat_path,
        state::{answer::answer, chat_list::use_chat_list, session::use_session},
    },
};

/// One button that makes a chat and opens it.
#[component]
pub fn NewChatForm() -> impl IntoView {
    let create = ServerAction::<CreateChat>::new();
    let (chats, session, navigate) = (use_chat_list(), use_session(), use_navigate());
    Effect::new(move || match answer(create) {
        Some(Ok(chat)) => {
            let path = chat_path(chat.id);
            chats.upsert(chat);
            navigate(&path, NavigateOptions::default());
        }
        Some(Err(error)) => session.leave_if_ended(error),
        None => {}
    });
    let error = Signal::derive(move || answer(create).and_then(Result::err));

    view! {
        <div class="new-chat">
            <ActionForm action=create>
                <button class="button new-chat-button" type="submit" disabled=move || create.pending().get()>
                    "New chat"
                </button>
            </ActionForm>
            <ErrorNotice error />
        </div>
    }
}
