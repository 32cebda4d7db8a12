//! What the pages of administration have in common.

use leptos::prelude::*;
use leptos_router::components::A;

use super::page_title::PageTitle;
use crate::ui::paths::{AUDIT_PATH, CHATS_PATH, LIVE_SESSIONS_PATH, MODELS_PATH, PEOPLE_PATH, SITE_PATH};

/// A page of administration, with the way to the others.
#[component]
pub fn AdminFrame(heading: &'static str, children: Children) -> impl IntoView {
    view! {
        <PageTitle text=heading />
        <div class="settings settings-wide">
            <a class="settings-back" href=CHATS_PATH>
                "Chats"
            </a>
            <nav class="settings-nav" aria-label="Administration">
                <A href=PEOPLE_PATH exact=true>
                    "People"
                </A>
                <A href=LIVE_SESSIONS_PATH>"Sessions"</A>
                <A href=MODELS_PATH>"Models"</A>
                <A href=SITE_PATH>"Site"</A>
                <A href=AUDIT_PATH>"Audit log"</A>
            </nav>
            <h1 class="settings-heading">{heading}</h1>
            {children()}
        </div>
    }
}
