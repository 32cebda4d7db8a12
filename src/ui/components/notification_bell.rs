//! The way to what the person was told.

use leptos::prelude::*;

use crate::ui::{paths::NOTIFICATIONS_PATH, state::unread::use_unread};

/// A link with the number of what was not read, in its name and beside it.
#[component]
pub fn NotificationBell() -> impl IntoView {
    let unread = use_unread();
    let count = Memo::new(move |_| unread.with(Vec::len));
    let name = move || match count.get() {
        0 => "Notifications".to_owned(),
        count => format!("Notifications, {count} unread"),
    };

    view! {
        <a class="bell" href=NOTIFICATIONS_PATH aria-label=name>
            <span class="bell-mark" aria-hidden="true"></span>
            {move || Some(count.get()).filter(|count| *count > 0).map(|count| view! { <span class="bell-count">{count}</span> })}
        </a>
    }
}
