//! What the pages of settings have in common.

use leptos::prelude::*;
use leptos_router::components::A;

use super::page_title::PageTitle;
use crate::ui::paths::{
    CHATS_PATH, CONNECTION_PATH, DATA_PATH, PASSWORD_PATH, PREFERENCES_PATH, SECOND_FACTOR_PATH, SESSIONS_PATH,
    TOKENS_PATH,
};

/// A page of settings, with the way to the others.
#[component]
pub fn SettingsFrame(heading: &'static str, children: Children) -> impl IntoView {
    view! {
        <PageTitle text=heading />
        <div class="settings">
            <a class="settings-back" href=CHATS_PATH>
                "Chats"
            </a>
            <nav class="settings-nav" aria-label="Settings">
                <A href=PREFERENCES_PATH exact=true>"Preferences"</A>
                <A href=SESSIONS_PATH>"Sessions"</A>
                <A href=PASSWORD_PATH>"Password"</A>
                <A href=SECOND_FACTOR_PATH>"Two-factor"</A>
                <A href=TOKENS_PATH>"Tokens"</A>
                <A href=DATA_PATH>"Data"</A>
                <A href=CONNECTION_PATH>"Connection"</A>
            </nav>
            <h1 class="settings-heading">{heading}</h1>
            {children()}
        </div>
    }
}
