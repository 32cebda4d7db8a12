//! Sends, or stops what is being answered.

use leptos::{either::Either, ev, prelude::*};

use super::stop_form::STOP_FORM_ID;

/// Send; while a reply is running, Stop in its place.
#[component]
pub fn SendButton(#[prop(into)] is_running: Signal<bool>, #[prop(into)] is_disabled: Signal<bool>) -> impl IntoView {
    // The second click of a double click on Send meets Stop in its place, and is not meant for it.
    let on_stop = |event: ev::MouseEvent| {
        if event.detail() > 1 {
            event.prevent_default();
        }
    };
    move || {
        if is_running.get() {
            Either::Left(view! {
                <button class="button send-button send-button-stop" type="submit" form=STOP_FORM_ID on:click=on_stop>
                    "Stop"
                </button>
            })
        } else {
            Either::Right(view! {
                <button class="button send-button" type="submit" disabled=move || is_disabled.get()>
                    "Send"
                </button>
            })
        }
    }
}
