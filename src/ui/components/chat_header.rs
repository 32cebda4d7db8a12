//! Which chat this is.

use leptos::prelude::*;

use super::new_chat_form::NewChatForm;
use crate::{
    domain::ids::ChatId,
    ui::paths::{CHATS_PATH, chat_settings_path},
};

/// The chat's title, and the way to its files; on a narrow screen, where the sidebar is not beside it, also the way back and the way on.
#[component]
pub fn ChatHeader(chat_id: ChatId, title: Signal<String>) -> impl IntoView {
    view! {
        <header class="chat-header">
            <a class="chat-header-back" href=CHATS_PATH>
                "Chats"
            </a>
            <h1 class="chat-title" title=title>
                {title}
            </h1>
            <a class="chat-header-settings" href=chat_settings_path(chat_id)>
                "Files"<span class="visually-hidden">" and settings of this chat"</span>
            </a>
            <NewChatForm />
        </header>
    }
}
