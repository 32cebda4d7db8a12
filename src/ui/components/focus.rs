//! Where the focus goes when what had it is gone.

use leptos::{prelude::*, wasm_bindgen::JsCast, web_sys::HtmlElement};

/// Gives the focus to the element with this id, if it is there.
pub fn focus_on(id: &str) {
    let element = document().get_element_by_id(id).and_then(|element| element.dyn_into::<HtmlElement>().ok());
    if let Some(element) = element {
        // Refused only for what is not on the screen.
        _ = element.focus();
    }
}
