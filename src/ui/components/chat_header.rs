//! Which chat this is.

use leptos::prelude::*;

use super::new_chat_form::NewChatForm;
use crate::ui::paths::CHATS_PATH;

/// The chat's title; on a narrow screen, where the sidebar is not beside it, also the way back and the way on.
#[component]
pub fn ChatHeader(title: Signal<String>) -> impl IntoView {
    view! {
        <header class="chat-header">
            <a class="chat-header-back" href=CHATS_PATH>
                "Chats"
            </a>
            <h1 class="chat-title" title=title>
                {title}
            </h1>
            <NewChatForm />
        </header>
    }
}
