//! What surrounds every page of somebody who is logged in: the sidebar, and the pane beside it.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::{
    NavigateOptions,
    components::Outlet,
    hooks::{use_location, use_navigate, use_query_map},
};

use super::{
    account_menu::AccountMenu,
    chat_links::ChatLinks,
    connection_status::ConnectionStatus,
    fetch_failed::FetchFailed,
    later::{later, loading},
    log_in_dialog::LogInDialog,
    logo::Logo,
    new_chat_form::NewChatForm,
    notification_bell::NotificationBell,
    notifications::Notifications,
    session_banner::SessionBanner,
    site_notice::SiteNotice,
};
use crate::{
    api::{chats::list_chats, models::list_models, notifications::list_notifications, session::current_session},
    domain::{chat::ChatPage, model::ModelList, notification::Notification, session::CurrentSession},
    error::Error,
    ui::{
        paths::{CHATS_PATH, FILES_PATH},
        state::{
            browser_notifications::{Permission, Tabs, permission},
            chat_list::use_chat_list,
            effect::effect,
            live::{Live, use_live},
            session::{Session, use_session},
            unread::{Unread, use_unread},
        },
    },
};

/// The models that can be asked, fetched once for all chats.
pub type Models = OnceResource<Result<ModelList, Error>>;
type FirstPage = OnceResource<Result<ChatPage, Error>>;
type FirstUnread = OnceResource<Result<Vec<Notification>, Error>>;
type Current = OnceResource<Result<CurrentSession, Error>>;

/// The sidebar and the pane. On a narrow screen one of the two is shown: the list at its own URL, else the pane.
#[component]
pub fn Layout() -> impl IntoView {
    // Whatever is fetched is asked for here, outside every `Suspense`: the browser finds what the server has fetched by
    // the order in which it is asked for, and inside a `Suspense` that order is by chance.
    let query = use_query_map();
    let param = move |name: &str| query.with_untracked(|query| query.get(name));
    let before_ms = param("before_ms").and_then(|text| text.parse().ok());
    let first_page = OnceResource::new(list_chats(before_ms, param("before_id")));
    let current = OnceResource::new(current_session());
    provide_context::<Models>(OnceResource::new(list_models()));

    let first_unread = OnceResource::new(list_notifications());

    let live = use_live();
    live.run();
    use_session().drafts.save_when_left();
    keep_unread(live, use_session(), use_unread());
    let path = use_location().pathname;
    let is_at_list = move || path.with(|path| path.trim_end_matches('/') == CHATS_PATH);

    view! {
        <div class="app" class:app-at-list=is_at_list>
            // Not the router's, which would scroll there and leave the focus behind.
            <a class="skip-link" href="#pane" rel="external">
                "Skip to the content"
            </a>
            <Sidebar first_page first_unread current />
            <main class="pane" id="pane" tabindex="-1">
                <Bars first_unread current />
                <Outlet />
            </main>
            <LogInDialog />
        </div>
    }
}

/// The way home, what was not read, the chats, and the account.
#[component]
fn Sidebar(first_page: FirstPage, first_unread: FirstUnread, current: Current) -> impl IntoView {
    let (chats, session) = (use_chat_list(), use_session());
    let path = use_location().pathname;
    let is_at_files = move || path.with(|path| path.starts_with(FILES_PATH));

    view! {
        <aside class="sidebar">
            <div class="sidebar-top">
                <a class="sidebar-home" href=CHATS_PATH>
                    <Logo />
                </a>
                {later(
                    move || {
                        let unread = use_unread();
                        async move {
                            unread.start(first_unread.await.unwrap_or_default());
                            view! { <NotificationBell /> }.into_any()
                        }
                    },
                    None,
                )}
            </div>
            <NewChatForm />
            <a class="sidebar-link" href=FILES_PATH aria-current=move || is_at_files().then_some("page")>
                "Files"
            </a>
            {later(
                move || async move {
                    match first_page.await {
                        Ok(page) => {
                            chats.start(page);
                            view! { <ChatLinks /> }.into_any()
                        }
                        Err(error) => view! { <FetchFailed error /> }.into_any(),
                    }
                },
                Some(loading),
            )}
            {later(
                move || async move {
                    let Ok(current) = current.await else { return ().into_any() };
                    let user = current.user.clone();
                    effect(move || session.begin(current.clone()));
                    view! { <AccountMenu user /> }.into_any()
                },
                None,
            )}
        </aside>
    }
}

/// What stands above every page.
#[component]
fn Bars(first_unread: FirstUnread, current: Current) -> impl IntoView {
    view! {
        <ConnectionStatus />
        <SessionBanner />
        {later(
            move || async move {
                let Ok(current) = current.await else { return ().into_any() };
                let first = current.site.notice;
                view! { <SiteNotice first /> }.into_any()
            },
            None,
        )}
        {later(
            move || {
                let unread = use_unread();
                async move {
                    let first = first_unread.await.unwrap_or_default();
                    unread.start(first.clone());
                    view! { <Notifications first /> }.into_any()
                }
            },
            None,
        )}
    }
}

/// Fetches what was not read whenever that may be something else. What is new is shown where it is seen.
fn keep_unread(live: Live, session: Session, unread: Unread) {
    let navigate = use_navigate();
    Effect::new(move |tabs: Option<Option<Tabs>>| {
        live.notifications_changed.track();
        let Some(tabs) = tabs else { return Tabs::meet() };
        let (unread, navigate, met) = (unread.clone(), navigate.clone(), tabs.clone());
        spawn_local(async move {
            let Ok(now) = list_notifications().await else { return };
            let newest_before = unread.with_untracked(|before| before.first().map(|item| item.id));
            let news = now.iter().filter(|item| Some(item.id) > newest_before).cloned().collect();
            unread.start(now);
            if let Some(met) = met.filter(|_| session.user_id().is_some_and(|id| permission(id) == Permission::On)) {
                met.show(news, move |path| navigate(path, NavigateOptions::default()));
            }
        });
        tabs
    });
}
