//! `/chats`: the list, with nothing open yet. The list itself is the layout's.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    error::Error,
    ui::components::{notice::ErrorNotice, page_title::PageTitle},
};

/// What stands beside the list while no chat is open.
#[component]
pub fn ChatListPage() -> impl IntoView {
    let query = use_query_map();
    let error = Signal::derive(move || query.with(|query| query.get("error")).and_then(|code| Error::from_code(&code)));

    view! {
        <PageTitle text="Chats" />
        <div class="welcome">
            <ErrorNotice error />
            <img class="welcome-mark" src="/favicon.svg" alt="" width="56" height="56" />
            <h1>"What is on your mind?"</h1>
            <p>"Open a chat, or start a new one."</p>
        </div>
    }
}
