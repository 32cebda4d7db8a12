//! Who is logged in here, and how it ends.
//!
//! A session can end at any moment: in another tab, on another device, by the clock. Then this tab goes to the log-in page
//! with a full page load, so that nothing of one person is left in memory when the next one logs in. What was typed and not
//! sent is laid aside in the tab's own storage, with the person's id, and given back to that person only.

use std::collections::HashMap;

use leptos::{prelude::*, wasm_bindgen::JsValue};
use serde::{Deserialize, Serialize};

use super::drafts::Drafts;
use crate::{
    domain::ids::{ChatId, UserId},
    error::Error,
    ui::paths::{LoginReason, login_path},
};

/// Where drafts wait for their author, in the tab's own storage.
const LAID_ASIDE_KEY: &str = "sardonyx.drafts";

/// Who is logged in here.
#[derive(Clone, Copy)]
pub struct Session {
    pub drafts: Drafts,
    user_id: StoredValue<Option<UserId>>,
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
    let session =
        Session { drafts: Drafts::new(), user_id: StoredValue::new(None), is_leaving: StoredValue::new(false) };
    provide_context(session);
    session
}

/// The session that the app provides.
pub fn use_session() -> Session {
    expect_context()
}

impl Session {
    /// Says who it is, and gives back what they had typed when their last session ended.
    pub fn begin(self, user_id: UserId) {
        self.user_id.set_value(Some(user_id));
        if let Some(laid_aside) = take_laid_aside().filter(|laid_aside| laid_aside.user_id == user_id) {
            self.drafts.restore(laid_aside.drafts);
        }
    }

    /// Says that the user is logging out here, or that this failed. Meanwhile the news that the session is over are no
    /// news, and nothing leads back to where this tab was.
    pub fn set_logging_out(self, is_logging_out: bool) {
        self.is_leaving.set_value(is_logging_out);
    }

    /// Leaves when `error` says that nobody is logged in any more.
    pub fn leave_if_ended(self, error: Error) {
        if matches!(error, Error::NotLoggedIn | Error::SessionEnded) {
            self.leave(LoginReason::SessionEnded);
        }
    }

    /// Goes to the log-in page; when the session ended by itself, the way back leads to where this tab is now. After a
    /// log-out the next to log in may be somebody else.
    pub fn leave(self, reason: LoginReason) {
        if self.is_leaving.get_value() {
            return;
        }
        self.is_leaving.set_value(true);
        let drafts = self.drafts.unsent();
        if let (LoginReason::SessionEnded, Some(user_id), false) =
            (reason, self.user_id.try_get_value().flatten(), drafts.is_empty())
        {
            lay_aside(&LaidAside { user_id, drafts });
        }
        let location = window().location();
        let here = location.pathname().unwrap_or_default() + &location.search().unwrap_or_default();
        let next = (reason == LoginReason::SessionEnded).then_some(here.as_str());
        load_page(&login_path(next, Some(reason)));
    }
}

/// Goes to a page of this site by loading it, so that nothing in memory survives.
pub fn load_page(path: &str) {
    // Refused only while the page is being left anyway.
    _ = window().location().set_href(path);
}

fn tab_storage() -> Option<JsValue> {
    js_sys::Reflect::get(&window(), &"sessionStorage".into()).ok().filter(JsValue::is_object)
}

fn lay_aside(drafts: &LaidAside) {
    if let (Some(storage), Ok(json)) = (tab_storage(), serde_json::to_string(drafts)) {
        // A full or forbidden storage means that the draft is lost, which nothing here can help.
        _ = js_sys::Reflect::set(&storage, &LAID_ASIDE_KEY.into(), &json.into());
    }
}

fn take_laid_aside() -> Option<LaidAside> {
    let storage = tab_storage()?;
    let json = js_sys::Reflect::get(&storage, &LAID_ASIDE_KEY.into()).ok()?.as_string()?;
    _ = js_sys::Reflect::delete_property(&storage.into(), &LAID_ASIDE_KEY.into());
    serde_json::from_str(&json).ok()
}
