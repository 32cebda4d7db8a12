//! The app: the table of its pages.
//!
//! The HTML document around it is `shell`'s. What a page shows is `ui::pages`'; the links to pages are `ui::paths`'. To add
//! a page, write it in `ui/pages/`, give it its path in `ui/paths.rs`, its line here, and one in `ui/lazy.rs` unless it
//! belongs to the first load. Every page is `SsrMode::Async`: it is complete in the server's HTML, so that it can be read
//! and its forms be sent before the browser half has arrived.

use leptos::{prelude::*, server_fn::redirect::set_redirect_hook};
use leptos_meta::provide_meta_context;
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};

use crate::ui::{
    components::layout::Layout,
    lazy::{AdminPages, FilePages, NotificationPages, SettingsPages, WelcomePages},
    pages::{chat::ChatPage, chat_list::ChatListPage, login::LoginPage, not_found::NotFoundPage},
    state::{
        chat_list::provide_chat_list, live::provide_live, session::provide_session, site::provide_site_name,
        unread::provide_unread, uploads::provide_uploads,
    },
};

/// Everything inside `<body>`.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_site_name();
    provide_unread();
    let session = provide_session();
    let live = provide_live(session, provide_chat_list());
    provide_uploads(live);
    // A server function also says where a plain form goes next. In the browser, whoever called it decides: somebody may
    // have opened another chat while the answer was under way.
    _ = set_redirect_hook(|_| {});

    view! {
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/login") view=LoginPage ssr=SsrMode::Async />
                <Route path=path!("/welcome") view=WelcomePages::Welcome ssr=SsrMode::Async />
                <Route path=path!("/setup") view=WelcomePages::Setup ssr=SsrMode::Async />
                <ParentRoute path=path!("") view=Layout ssr=SsrMode::Async>
                    <Route path=path!("/chats") view=ChatListPage ssr=SsrMode::Async />
                    <Route path=path!("/chats/:id") view=ChatPage ssr=SsrMode::Async />
                    <Route path=path!("/chats/:id/settings") view=FilePages::OfChat ssr=SsrMode::Async />
                    <Route path=path!("/files") view=FilePages::List ssr=SsrMode::Async />
                    <Route path=path!("/files/:id") view=FilePages::One ssr=SsrMode::Async />
                    <Route path=path!("/notifications") view=NotificationPages::All ssr=SsrMode::Async />
                    <Route path=path!("/admin") view=AdminPages::People ssr=SsrMode::Async />
                    <Route path=path!("/admin/sessions") view=AdminPages::LiveSessions ssr=SsrMode::Async />
                    <Route path=path!("/admin/audit") view=AdminPages::Audit ssr=SsrMode::Async />
                    <Route path=path!("/admin/models") view=AdminPages::Models ssr=SsrMode::Async />
                    <Route path=path!("/admin/site") view=AdminPages::Site ssr=SsrMode::Async />
                    <Route path=path!("/settings") view=SettingsPages::Preferences ssr=SsrMode::Async />
                    <Route path=path!("/settings/second-factor") view=SettingsPages::SecondFactor ssr=SsrMode::Async />
                    <Route path=path!("/settings/data") view=SettingsPages::Data ssr=SsrMode::Async />
                    <Route path=path!("/settings/sessions") view=SettingsPages::Sessions ssr=SsrMode::Async />
                    <Route path=path!("/settings/password") view=SettingsPages::Password ssr=SsrMode::Async />
                    <Route path=path!("/settings/tokens") view=SettingsPages::Tokens ssr=SsrMode::Async />
                    <Route path=path!("/settings/connection") view=SettingsPages::Connection ssr=SsrMode::Async />
                </ParentRoute>
            </Routes>
        </Router>
    }
}
