//! Pages that few visits need: in parts of the browser half that are loaded when one of their pages is opened first.
//!
//! What only these pages use goes with them; what a page of the first load uses, too, stays in the first part. A part is
//! named after the first segment of its pages' paths, by which the document's head knows what to load early.

use std::future::pending;

use leptos::{
    prelude::*,
    wasm_split::{SplitLoaderError, wasm_split},
    web_sys::File as BrowserFile,
};
use leptos_router::ChooseView;

use super::{
    components::{
        attached_files::{self, AttachedFiles},
        fetch_failed::FetchFailed,
        message_edit::MessageEdit,
    },
    pages::{
        audit::AuditPage, chat_settings::ChatSettingsPage, connection::ConnectionPage, data::DataPage, file::FilePage,
        files::FilesPage, live_sessions::LiveSessionsPage, models::ModelsPage, notifications::NotificationsPage,
        password::PasswordPage, people::PeoplePage, preferences::PreferencesPage, second_factor::SecondFactorPage,
        sessions::SessionsPage, setup::SetupPage, site::SitePage, tokens::TokensPage, welcome::WelcomePage,
    },
    state::{conversation::Conversation, drafts::Draft, entry::Entry, uploads::Uploads},
};
use crate::error::Error;

/// A part: its pages, the function that is cut off from the rest, and the one that loads it ahead.
macro_rules! part {
    ($(#[$doc:meta])* $pages:ident, $function:ident, $preload:ident, { $($page:ident => $view:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $pages {
            $($page),+
        }

        #[wasm_split($function, wasm_split_path = leptos::wasm_split, fallible, preload($preload))]
        fn $function(page: $pages) -> Result<AnyView, SplitLoaderError> {
            Ok(match page {
                $($pages::$page => view! { <$view /> }.into_any()),+
            })
        }

        impl ChooseView for $pages {
            async fn choose(self) -> AnyView {
                loaded($function(self).await)
            }

            async fn preload(&self) {
                if $preload().await.is_err() && is_taking_over() {
                    // The server's HTML is complete and its forms work: better left as it is than replaced.
                    pending().await
                }
            }
        }
    };
}

part!(
    /// `/settings` and below.
    SettingsPages, settings, preload_settings, {
        Preferences => PreferencesPage,
        SecondFactor => SecondFactorPage,
        Data => DataPage,
        Sessions => SessionsPage,
        Password => PasswordPage,
        Tokens => TokensPage,
        Connection => ConnectionPage,
    }
);

part!(
    /// `/admin` and below.
    AdminPages, admin, preload_admin, {
        People => PeoplePage,
        LiveSessions => LiveSessionsPage,
        Audit => AuditPage,
        Models => ModelsPage,
        Site => SitePage,
    }
);

part!(
    /// `/notifications`.
    NotificationPages, notifications, preload_notifications, {
        All => NotificationsPage,
    }
);

part!(
    /// `/files` and below, and the files of a chat.
    FilePages, files, preload_files, {
        List => FilesPage,
        One => FilePage,
        OfChat => ChatSettingsPage,
    }
);

part!(
    /// What one sees once: the first account, and where a one-time link leads.
    WelcomePages, welcome, preload_welcome, {
        Setup => SetupPage,
        Welcome => WelcomePage,
    }
);

/// Has files come with the next message of a chat.
#[wasm_split(composing, wasm_split_path = leptos::wasm_split, fallible)]
pub fn attach(draft: Draft, uploads: Uploads, files: Vec<BrowserFile>) -> Result<(), SplitLoaderError> {
    attached_files::attach(draft, uploads, files);
    Ok(())
}

/// The files that are to come with the next message of a chat.
#[wasm_split(composing, wasm_split_path = leptos::wasm_split, fallible)]
pub fn attached_list(draft: Draft) -> Result<AnyView, SplitLoaderError> {
    Ok(view! { <AttachedFiles draft /> }.into_any())
}

/// Where one says a message otherwise.
#[wasm_split(composing, wasm_split_path = leptos::wasm_split, fallible)]
pub fn message_edit(
    entry: Entry,
    is_edited: RwSignal<bool>,
    conversation: Conversation,
) -> Result<AnyView, SplitLoaderError> {
    Ok(view! { <MessageEdit entry is_edited conversation /> }.into_any())
}

/// What came of another part.
pub fn loaded(view: Result<AnyView, SplitLoaderError>) -> AnyView {
    view.unwrap_or_else(|_| view! { <FetchFailed error=Error::Offline /> }.into_any())
}

/// Whether the browser half is just taking over the server's HTML.
fn is_taking_over() -> bool {
    Owner::current_shared_context().is_some_and(|context| context.during_hydration())
}
