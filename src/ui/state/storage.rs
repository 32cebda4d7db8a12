//! What the browser keeps for this site. One that is full or forbidden keeps nothing, which nothing here can help.

use js_sys::Reflect;
use leptos::{prelude::*, wasm_bindgen::JsValue};

/// For how long it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// As long as the tab is there, for it alone.
    Tab,
    /// Until it is removed, for every tab.
    Browser,
}

impl Storage {
    pub fn get(self, key: &str) -> Option<String> {
        Reflect::get(&self.object()?, &key.into()).ok()?.as_string()
    }

    pub fn set(self, key: &str, text: &str) {
        if let Some(object) = self.object() {
            _ = Reflect::set(&object, &key.into(), &text.into());
        }
    }

    pub fn remove(self, key: &str) {
        if let Some(object) = self.object() {
            _ = Reflect::delete_property(&object.into(), &key.into());
        }
    }

    fn object(self) -> Option<JsValue> {
        let name = match self {
            Self::Tab => "sessionStorage",
            Self::Browser => "localStorage",
        };
        Reflect::get(&window(), &name.into()).ok().filter(JsValue::is_object)
    }
}
