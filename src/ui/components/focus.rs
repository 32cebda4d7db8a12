//! Where the focus goes when what had it is gone.

use leptos::{prelude::*, wasm_bindgen::JsCast, web_sys::HtmlElement};

/// Gives the focus to the element with this id, if it is there.
pub fn focus_on(id: &str) {
    if let Some(element) = element(id) {
        // Refused only for what is not on the screen.
        _ = element.focus();
    }
}

/// The same once the page is made, and has one read from there on.
pub fn go_on_at(id: &'static str) {
    request_animation_frame(move || {
        if let Some(element) = element(id) {
            element.scroll_into_view();
            _ = element.focus();
        }
    });
}

fn element(id: &str) -> Option<HtmlElement> {
    document().get_element_by_id(id)?.dyn_into().ok()
}
