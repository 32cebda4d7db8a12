//! What the person is told until they have read it, above every page.

use leptos::{prelude::*, server_fn::ServerFn};

use super::{action_form::ActionForm, timestamp::Timestamp};
use crate::{
    api::notifications::{ReadNotification, list_notifications, read_notification},
    domain::notification::Notification,
    ui::{
        paths::SESSIONS_PATH,
        state::{live::use_live, submission::Submission},
    },
};

/// The unread ones; they come and go live.
#[component]
pub fn Notifications() -> impl IntoView {
    let (live, submission) = (use_live(), Submission::new());
    let unread = Resource::new(|| (), |()| list_notifications());
    Effect::new(move |is_first: Option<()>| {
        live.notifications_changed.track();
        if is_first.is_some() {
            unread.refetch();
        }
    });

    view! {
        <div class="notifications" role="status">
            <Transition>
                {move || Suspend::new(async move {
                    let unread = unread.await.unwrap_or_default();
                    unread.into_iter().map(|item| view! { <Item item submission /> }).collect_view()
                })}
            </Transition>
        </div>
    }
}

#[component]
fn Item(item: Notification, submission: Submission) -> impl IntoView {
    let id = item.id.to_string();
    let fields = vec![("notification_id", id.clone())];
    let act = move || submission.send(read_notification(id.clone()), |()| {});

    view! {
        <div class="notification">
            <p>{item.kind.text()} " " {item.detail.clone()} " · " <Timestamp at_ms=item.created_at_ms /></p>
            <a class="button button-quiet" href=SESSIONS_PATH>
                "See sessions"
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
