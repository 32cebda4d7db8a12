//! Nothing is here.

use leptos::prelude::*;

use crate::{error::Error, ui::paths::CHATS_PATH};

/// What is not there or not yours, with a way on. Both read the same.
#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <div class="not-found">
            <p>{Error::NotFound.text()}</p>
            <a class="button button-quiet" href=CHATS_PATH>
                "Go to your chats"
            </a>
        </div>
    }
}
