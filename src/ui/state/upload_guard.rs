//! What watches over uploads: that they are not ended by accident, by leaving the page; and that they go on when the same person
//! has logged in again. And over the app, that no file which is dropped beside its place takes that, as browsers have it.

use std::cell::Cell;

use leptos::{ev::Event, leptos_dom::helpers::window_event_listener_untyped, prelude::*, wasm_bindgen::JsCast};
use web_sys::DragEvent;

use super::{
    effect::effect,
    uploads::{Uploads, brings_files},
};

thread_local! {
    static IS_WATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Begins to watch over uploads, if that was not begun.
pub fn guard(uploads: Uploads) {
    if !IS_WATCHING.replace(true) {
        root().unwrap_or_default().with(|| watch(uploads));
    }
}

/// Whose all of the app is: what belongs to a page ends with it.
fn root() -> Option<Owner> {
    let mut owner = Owner::current()?;
    while let Some(parent) = owner.parent() {
        owner = parent;
    }
    Some(owner)
}

fn watch(uploads: Uploads) {
    let is_sending =
        move || uploads.all.with_untracked(|all| all.iter().any(|upload| upload.state.get_untracked().is_open()));
    _ = window_event_listener_untyped("beforeunload", move |event: Event| {
        if is_sending() && !uploads.session.is_leaving() {
            event.prevent_default();
        }
    });
    effect(move || {
        if uploads.session.ended.with(Option::is_none) {
            uploads.start_waiting();
        }
    });
}

/// Refuses files that are dropped where nothing takes them.
pub fn refuse_drops() {
    for name in ["dragover", "drop"] {
        _ = window_event_listener_untyped(name, |event: Event| {
            let event: &DragEvent = event.unchecked_ref();
            if brings_files(event) && !event.default_prevented() {
                event.prevent_default();
                if let Some(data) = event.data_transfer() {
                    data.set_drop_effect("none");
                }
            }
        });
    }
}
