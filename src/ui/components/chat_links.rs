//! The chat list.

use leptos::{ev, html::Nav, prelude::*};

use super::{chat_link::ChatLink, notice::ErrorNotice};
use crate::ui::{
    paths::older_chats_path,
    state::{chat_list::use_chat_list, session::use_session},
};

/// How close to the list's end one is when more is fetched.
const NEAR_PIXELS: i32 = 400;

/// Links to the chats, newest first. More come on scrolling, or by the link at the end.
#[component]
pub fn ChatLinks() -> impl IntoView {
    let (chats, session) = (use_chat_list(), use_session());
    let nav = NodeRef::<Nav>::new();
    let on_scroll = move |_| {
        if let Some(nav) = nav.get_untracked()
            && nav.scroll_height() - nav.scroll_top() - nav.client_height() < NEAR_PIXELS
        {
            chats.load_more(session);
        }
    };
    let on_more = move |event: ev::MouseEvent| {
        event.prevent_default();
        chats.load_more(session);
    };

    view! {
        <nav class="chat-links" aria-label="Chats" node_ref=nav on:scroll=on_scroll>
            {move || {
                chats.rows().with(Vec::is_empty).then(|| view! { <p class="chat-links-empty">"No chats yet."</p> })
            }}
            <ul>
                <For each=move || chats.rows().with(Clone::clone) key=|row| row.id let:row>
                    <ChatLink row />
                </For>
            </ul>
            {move || {
                chats
                    .next()
                    .with(Clone::clone)
                    .map(|next| {
                        view! {
                            <a class="chat-links-more" href=older_chats_path(next) on:click=on_more>
                                "Older chats"
                            </a>
                        }
                    })
            }}
            <ErrorNotice error=chats.error />
        </nav>
    }
}
