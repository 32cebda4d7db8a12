//! Where a file is used.

use leptos::prelude::*;

use crate::{domain::file::FileChats, ui::paths::chat_path};

/// The chats in which a file is used, if there are any.
#[component]
pub fn UsedIn(chats: FileChats) -> impl IntoView {
    let FileChats { shown, more } = chats;
    (!shown.is_empty()).then(|| {
        let links = shown.into_iter().enumerate().map(|(place, chat)| {
            view! {
                {(place > 0).then_some(", ")}
                <a href=chat_path(chat.chat_id)>{chat.title}</a>
            }
        });
        view! {
            <p class="file-detail">
                "Used in " {links.collect_view()} {(more > 0).then(|| format!(" and {more} more"))}
            </p>
        }
    })
}
