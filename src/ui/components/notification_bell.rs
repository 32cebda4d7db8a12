//! The way to what the person was told.

use leptos::prelude::*;

use crate::ui::{paths::NOTIFICATIONS_PATH, state::unread::use_unread};

/// A link with the number of what was not read, in its name and beside it.
#[component]
pub fn NotificationBell() -> impl IntoView {
    let (unread, named) = (use_unread(), use_unread());
    let name = move || match named.with(Vec::len) {
        0 => "Notifications".to_owned(),
        count => format!("Notifications, {count} unread"),
    };

    view! {
        <a class="bell" href=NOTIFICATIONS_PATH aria-label=name>
            <span class="bell-mark" aria-hidden="true"></span>
            {move || Some(unread.with(Vec::len)).filter(|count| *count > 0).map(|count| view! { <span class="bell-count">{count}</span> })}
        </a>
    }
}
