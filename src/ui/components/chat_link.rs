//! One chat of the list.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::ui::{
    paths::chat_path,
    state::{chat_list::ChatRow, unread::use_unread},
};

/// A link to a chat, marked when it is the one on the screen.
#[component]
pub fn ChatLink(row: ChatRow) -> impl IntoView {
    let path = use_location().pathname;
    let href = chat_path(row.id);
    let is_current = {
        let href = href.clone();
        Memo::new(move |_| path.with(|path| *path == href))
    };
    let chat = row.chat.clone();
    let (unread, id) = (use_unread(), row.id);
    // The list may have been asked for before the news and have come after it; what is told is asked for afterwards.
    let is_told = move || unread.with(|unread| unread.iter().any(|item| item.chat_id == Some(id)));
    let is_unread = Memo::new(move |_| !is_current.get() && (chat.with(|chat| chat.is_unread) || is_told()));
    let title = Signal::derive(move || row.chat.with(|chat| chat.display_title().to_owned()));

    view! {
        <li>
            <a class="chat-link" href=href title=title aria-current=move || is_current.get().then_some("page")>
                {move || is_unread.get().then(|| view! { <span class="chat-link-unread"></span> })}
                {title}
                {move || is_unread.get().then(|| view! { <span class="visually-hidden">" (unread)"</span> })}
            </a>
        </li>
    }
}
