//! What the person is told until they have read it, above every page.

use leptos::{prelude::*, server_fn::ServerFn};

use super::{action_form::ActionForm, timestamp::Timestamp};
use crate::{
    api::notifications::{ReadNotification, read_notification},
    domain::{ids::NotificationId, limits, notification::Notification},
    ui::{
        paths::notification_path,
        state::{live::use_live, submission::Submission, unread::use_unread},
    },
};

/// The unread ones that are about the account's safety, and what came in while this page was open; `first` is what was
/// unread when it was opened. They come and go live, are read out when it suits, and take no focus.
#[component]
pub fn Notifications(first: Vec<Notification>) -> impl IntoView {
    let (live, unread, submission) = (use_live(), use_unread(), Submission::new());
    let newest_before: Option<NotificationId> = first.first().map(|item| item.id);
    let shown = Memo::new(move |_| {
        let is_new =
            |item: &Notification| Some(item.id) > newest_before && !item.chat_id.is_some_and(|id| live.shows(id));
        unread.with(|unread| {
            let items =
                unread.iter().filter(|item| item.kind.is_about_safety() || (item.chat_id.is_some() && is_new(item)));
            items.take(limits::NOTIFICATIONS_SHOWN_MAX).cloned().collect::<Vec<_>>()
        })
    });

    view! {
        <div class="notifications" role="status">
            <For each=move || shown.get() key=|item| item.id let:item>
                <Item item submission />
            </For>
        </div>
    }
}

#[component]
fn Item(item: Notification, submission: Submission) -> impl IntoView {
    let id = item.id.to_string();
    let fields = vec![("notification_id", id.clone())];
    let act = move || submission.send(read_notification(id.clone()), |()| {});
    let href = notification_path(&item);
    let label = if item.chat_id.is_some() { "Open chat" } else { "See sessions" };

    view! {
        <div class="notification">
            <p>{item.kind.text()} " " {item.detail.clone()} " · " <Timestamp at_ms=item.created_at_ms /></p>
            <a class="button button-quiet" href=href>
                {label}
            </a>
            <ActionForm
                url=ReadNotification::url()
                fields
                label="Dismiss"
                about=item.detail
                is_busy=submission.is_busy
                act
            />
        </div>
    }
}
