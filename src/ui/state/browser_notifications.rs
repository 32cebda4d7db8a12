//! Notifications that the browser itself shows while no tab of this site is in front (Notifications API, WHATWG).
//!
//! They are turned on in each browser, by each person: the permission is the browser's, and whose it is stays in its storage,
//! so that whoever logs in here next is not shown anything unasked. Every tab hears the news. One that is behind asks the
//! others whether they are, and shows them when nobody objects; of several, the last takes the place of the others.

use std::{cell::Cell, rc::Rc};

use js_sys::Date;
use leptos::{
    prelude::*,
    task::spawn_local,
    wasm_bindgen::{JsCast, closure::Closure},
};
use web_sys::{BroadcastChannel, MessageEvent, Notification as Shown, NotificationOptions, NotificationPermission};

use super::{effect::after, storage::Storage};
use crate::{
    domain::{ids::UserId, notification::Notification},
    ui::paths::{NOTIFICATIONS_PATH, notification_path},
};

/// Whose they are, in the browser's storage.
const KEY: &str = "sardonyx.notifications";
/// What tabs ask each other, and what one answers that is in front.
const CHANNEL: &str = "sardonyx.front";
const ASK: &str = "who is in front?";
const HERE: &str = "this one";
/// Time for the others to answer.
const ANSWER_MS: u64 = 300;

/// Whether they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// The browser has none, or not for a page without TLS.
    Missing,
    /// The browser was told to show none of this site.
    Denied,
    Off,
    On,
}

/// Whether this person is shown them.
pub fn permission(user_id: UserId) -> Permission {
    let is_there = js_sys::Reflect::has(&window(), &"Notification".into()).unwrap_or(false);
    if !is_there || !window().is_secure_context() {
        return Permission::Missing;
    }
    match Shown::permission() {
        NotificationPermission::Denied => Permission::Denied,
        NotificationPermission::Granted if Storage::Browser.get(KEY) == Some(user_id.to_string()) => Permission::On,
        _ => Permission::Off,
    }
}

/// Asks the browser, which asks the person; `then` hears what came of it.
pub fn turn_on(user_id: UserId, then: impl Fn(Permission) + 'static) {
    let asked = Shown::request_permission();
    spawn_local(async move {
        // A browser that gives no promise is asked below all the same.
        if let Ok(asked) = asked {
            _ = asked.await;
        }
        Storage::Browser.set(KEY, &user_id.to_string());
        then(permission(user_id));
    });
}

/// Shows no more.
pub fn turn_off() {
    Storage::Browser.remove(KEY);
}

/// The tabs of this browser, as one of them knows them.
#[derive(Clone)]
pub struct Tabs(Rc<Met>);

struct Met {
    channel: BroadcastChannel,
    /// When another tab was last heard to be in front.
    answered_at_ms: Rc<Cell<f64>>,
    /// Called as long as the channel is open.
    _on_message: Closure<dyn FnMut(MessageEvent)>,
}

impl Drop for Met {
    fn drop(&mut self) {
        self.channel.close();
    }
}

impl Tabs {
    /// Answers the others from now on. None where a browser knows nothing of them.
    pub fn meet() -> Option<Self> {
        let channel = BroadcastChannel::new(CHANNEL).ok()?;
        let answered_at_ms = Rc::new(Cell::new(0.0));
        let (answers, answered) = (channel.clone(), Rc::clone(&answered_at_ms));
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            match event.data().as_string().as_deref() {
                // Without an answer, the person is told twice: no reason to fail.
                Some(ASK) if !document().hidden() => _ = answers.post_message(&HERE.into()),
                Some(HERE) => answered.set(Date::now()),
                _ => {}
            }
        });
        channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Some(Self(Rc::new(Met { channel, answered_at_ms, _on_message: on_message })))
    }

    /// Shows what is new, if nobody sees it anyway; `open` leads to the page of the one that is clicked.
    pub fn show(&self, news: Vec<Notification>, open: impl Fn(&str) + Clone + 'static) {
        let met = Rc::clone(&self.0);
        let asked_at_ms = Date::now();
        if !document().hidden() || news.is_empty() || met.channel.post_message(&ASK.into()).is_err() {
            return;
        }
        let show = move || {
            if document().hidden() && met.answered_at_ms.get() < asked_at_ms {
                news.iter().for_each(|item| show(item, open.clone()));
            }
        };
        after(ANSWER_MS, show);
    }
}

fn show(item: &Notification, open: impl Fn(&str) + 'static) {
    let options = NotificationOptions::new();
    options.set_body(&item.detail);
    options.set_tag(&item.id.to_string());
    // Some phones leave this to a service worker, which would be a second way for the same.
    let Ok(shown) = Shown::new_with_options(item.kind.text().trim_end_matches(':'), &options) else { return };
    let path = notification_path(item).unwrap_or_else(|| NOTIFICATIONS_PATH.to_owned());
    let closed = shown.clone();
    let on_click = Closure::once_into_js(move || {
        _ = window().focus();
        open(&path);
        closed.close();
    });
    shown.set_onclick(Some(on_click.unchecked_ref()));
}
