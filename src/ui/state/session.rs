//! Who is logged in here, and how it ends.
//!
//! A session can end at any moment: in another tab, on another device, by the clock. After a log-out this tab goes to the
//! log-in page with a full page load, so that nothing of one person is left in memory when the next one logs in. However
//! else a session ends, the page stays behind a log-in of the same person, with its drafts, its place and its running
//! reply; what was typed and not sent is also laid aside in the tab's own storage, in case the page is loaded anew, with
//! the person's id, and given back to that person only.

use std::collections::HashMap;

use leptos::{prelude::*, task::spawn_local};
use serde::{Deserialize, Serialize};

use super::{drafts::Drafts, site::use_site_name, storage::Storage};
use crate::{
    api::session::current_session,
    domain::{
        ids::{ChatId, UserId},
        preferences::Preferences,
        session::{CurrentSession, SessionEnd},
    },
    error::Error,
    ui::paths::{CHATS_PATH, login_path},
};

/// Where drafts wait for their author, in the tab's own storage.
const LAID_ASIDE_KEY: &str = "sardonyx.drafts";

/// Who is logged in here.
#[derive(Clone, Copy)]
pub struct Session {
    pub drafts: Drafts,
    /// None until it is known.
    pub current: RwSignal<Option<CurrentSession>>,
    /// Why nobody is logged in any more, while the page waits behind a log-in.
    pub ended: RwSignal<Option<SessionEnd>>,
    site_name: StoredValue<ArcRwSignal<String>>,
    /// Whether this tab is on its way to the log-in page. Several things tell that a session is over, all at once; the
    /// first one decides, for a second navigation would abort its own.
    is_leaving: StoredValue<bool>,
}

#[derive(Serialize, Deserialize)]
struct LaidAside {
    user_id: UserId,
    drafts: HashMap<ChatId, String>,
}

/// Makes the session known to everything below.
pub fn provide_session() -> Session {
    let session = Session {
        drafts: Drafts::new(),
        current: RwSignal::new(None),
        ended: RwSignal::new(None),
        site_name: StoredValue::new(use_site_name()),
        is_leaving: StoredValue::new(false),
    };
    provide_context(session);
    session
}

/// The session that the app provides.
pub fn use_session() -> Session {
    expect_context()
}

impl Session {
    /// Says who it is, and gives back what they had typed when their last session ended. Somebody else than before gets a
    /// page of their own.
    pub fn begin(self, current: CurrentSession) {
        let user_id = current.user.id;
        if self.user_id().is_some_and(|before| before != user_id) {
            // Nothing of the one before holds it up.
            self.is_leaving.set_value(true);
            return load_page(CHATS_PATH);
        }
        apply(&current.user.preferences);
        self.site_name.with_value(|name| name.maybe_update(|name| set_if_other(name, &current.site.name)));
        self.current.set(Some(current));
        if let Some(laid_aside) = take_laid_aside().filter(|laid_aside| laid_aside.user_id == user_id) {
            self.drafts.restore(laid_aside.drafts);
        }
        self.ended.set(None);
        self.drafts.save_all(self);
    }

    /// Asks the server who is logged in, and until when.
    pub fn refresh(self) {
        spawn_local(async move {
            match current_session().await {
                Ok(current) => self.begin(current),
                Err(error) => self.leave_if_ended(error),
            }
        });
    }

    /// Says that the user is logging out here, or that this failed. Meanwhile the news that the session is over are no
    /// news, and nothing leads back to where this tab was.
    pub fn set_logging_out(self, is_logging_out: bool) {
        self.is_leaving.set_value(is_logging_out);
    }

    /// Whether this tab is on its way to another page, whatever is under way here.
    pub fn is_leaving(self) -> bool {
        self.is_leaving.get_value()
    }

    /// Ends here when `error` says that nobody is logged in any more.
    pub fn leave_if_ended(self, error: Error) {
        match error {
            Error::SessionEnded(end) => self.end(end),
            Error::NotLoggedIn => self.end(SessionEnd::Expired),
            _ => {}
        }
    }

    /// Nobody is logged in any more: asks for the log-in over the page, or, after a log-out and when it was never known
    /// who it is, on a page of its own.
    pub fn end(self, end: SessionEnd) {
        if self.is_leaving.get_value() {
            return;
        }
        let Some(user_id) = self.user_id().filter(|_| end != SessionEnd::LoggedOut) else {
            return self.leave(end);
        };
        let drafts = self.drafts.unsent();
        if !drafts.is_empty() {
            lay_aside(&LaidAside { user_id, drafts });
        }
        // The first reason stands: what fails afterwards only knows that there is no session.
        if self.ended.with_untracked(Option::is_none) {
            self.ended.set(Some(end));
        }
    }

    /// Goes to the log-in page. The way back leads to where this tab is now, but not after a log-out: the next to log in
    /// may be somebody else.
    fn leave(self, end: SessionEnd) {
        self.is_leaving.set_value(true);
        let location = window().location();
        let here = location.pathname().unwrap_or_default() + &location.search().unwrap_or_default();
        let next = (end != SessionEnd::LoggedOut).then_some(here.as_str());
        load_page(&login_path(next, Some(end)));
    }

    /// Who it is, once that is known.
    pub fn user_id(self) -> Option<UserId> {
        self.current.try_with_untracked(|current| current.as_ref().map(|current| current.user.id)).flatten()
    }
}

/// True when it was another.
fn set_if_other(text: &mut String, new: &str) -> bool {
    let is_other = text != new;
    if is_other {
        new.clone_into(text);
    }
    is_other
}

/// Shows the page as its reader likes it.
fn apply(likes: &Preferences) {
    if let Some(root) = document().document_element() {
        // Refused for names that are no names; these are.
        _ = root.set_attribute("data-theme", likes.theme.name());
        _ = root.set_attribute("data-language", likes.language.name());
    }
}

/// Goes to a page of this site by loading it, so that nothing in memory survives.
pub fn load_page(path: &str) {
    // Refused only while the page is being left anyway.
    _ = window().location().set_href(path);
}

fn lay_aside(drafts: &LaidAside) {
    if let Ok(json) = serde_json::to_string(drafts) {
        Storage::Tab.set(LAID_ASIDE_KEY, &json);
    }
}

fn take_laid_aside() -> Option<LaidAside> {
    let json = Storage::Tab.get(LAID_ASIDE_KEY)?;
    Storage::Tab.remove(LAID_ASIDE_KEY);
    serde_json::from_str(&json).ok()
}
