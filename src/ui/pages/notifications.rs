//! `/notifications`: all that the person was told and that is still kept.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    api::notifications::{ReadAllNotifications, list_all_notifications, read_all_notifications},
    domain::notification::Notification,
    ui::{
        components::{
            fetch_failed::FetchFailed, loading::Loading, notice::ErrorNotice, page_title::PageTitle,
            timestamp::Timestamp,
        },
        paths::{CHATS_PATH, notification_path},
        state::{live::use_live, submission::Submission},
    },
};

/// The list, the newest first, and the button that notes all of it as read.
#[component]
pub fn NotificationsPage() -> impl IntoView {
    let (live, submission) = (use_live(), Submission::new());
    let all = Resource::new(|| (), |()| list_all_notifications());
    Effect::new(move |is_first: Option<()>| {
        live.notifications_changed.track();
        if is_first.is_some() {
            all.refetch();
        }
    });

    view! {
        <PageTitle text="Notifications" />
        <div class="settings">
            <a class="settings-back" href=CHATS_PATH>
                "Chats"
            </a>
            <h1 class="settings-heading">"Notifications"</h1>
            <ErrorNotice error=submission.error />
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    match all.await {
                        Ok(all) => view! { <List all submission /> }.into_any(),
                        Err(error) => view! { <FetchFailed error /> }.into_any(),
                    }
                })}
            </Transition>
        </div>
    }
}

#[component]
fn List(all: Vec<Notification>, submission: Submission) -> impl IntoView {
    if all.is_empty() {
        return view! { <p class="settings-text">"Nothing yet. What happens while you look elsewhere is told here."</p> }
            .into_any();
    }
    let has_unread = all.iter().any(|item| !item.is_read);
    let on_submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        submission.send(read_all_notifications(), |()| {});
    };

    view! {
        <form method="post" action=ReadAllNotifications::url() on:submit=on_submit>
            <button
                class="button button-quiet"
                type="submit"
                disabled=move || !has_unread || submission.is_busy.get()
            >
                "Mark all as read"
            </button>
        </form>
        <ul class="notification-list">
            {all.into_iter().map(|item| view! { <Row item /> }).collect_view()}
        </ul>
    }
    .into_any()
}

#[component]
fn Row(item: Notification) -> impl IntoView {
    let about = format!("{} {}", item.kind.text(), item.detail);
    let href = notification_path(&item);

    view! {
        <li class="notification-row" class:notification-unread=!item.is_read>
            {(!item.is_read).then(|| view! { <span class="visually-hidden">"Unread: "</span> })}
            {match href {
                Some(href) => view! { <a href=href>{about}</a> }.into_any(),
                None => view! { <span>{about}</span> }.into_any(),
            }}
            <span class="notification-time">
                <Timestamp at_ms=item.created_at_ms />
            </span>
        </li>
    }
}
