//! Makes a new chat.

use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};
use leptos_router::{NavigateOptions, hooks::use_navigate};

use super::notice::ErrorNotice;
use crate::{
    api::chats::{CreateChat, create_chat},
    ui::{
        paths::chat_path,
        state::{chat_list::use_chat_list, submission::Submission},
    },
};

/// One button that makes a chat and opens it.
#[component]
pub fn NewChatForm() -> impl IntoView {
    let (chats, submission, navigate) = (use_chat_list(), Submission::new(), use_navigate());
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let navigate = navigate.clone();
        submission.send(create_chat(), move |chat| {
            let path = chat_path(chat.id);
            chats.upsert(chat);
            navigate(&path, NavigateOptions::default());
        });
    };

    view! {
        <div class="new-chat">
            <form method="post" action=CreateChat::url() on:submit=on_submit>
                <button class="button new-chat-button" type="submit" disabled=move || submission.is_busy.get()>
                    <span class="new-chat-words">"New chat"</span>
                </button>
            </form>
            <ErrorNotice error=submission.error />
        </div>
    }
}
