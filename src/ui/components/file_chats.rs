//! Where a file is used.

use leptos::prelude::*;

use crate::{domain::file::FileInChat, ui::paths::chat_path};

/// Links to so many chats at the most; of the others, how many.
const SHOWN_MAX: usize = 3;

/// The chats in which a file is used, if there are any.
#[component]
pub fn UsedIn(chats: Vec<FileInChat>) -> impl IntoView {
    (!chats.is_empty()).then(|| {
        let more = chats.len().saturating_sub(SHOWN_MAX);
        let links = chats.into_iter().take(SHOWN_MAX).enumerate().map(|(place, chat)| {
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
