//! The field that one writes a message in.

use leptos::{ev, html::Textarea, prelude::*};

use crate::ui::state::{drafts::Draft, live::use_live, session::use_session};

/// A text field that grows with its text. Enter calls `on_enter`, Shift+Enter breaks the line. `has_script` is raised once
/// the browser half has taken over and knows what was typed before.
///
/// The text is set as a property in an effect and in no other way: as a child it would not be escaped in the server's HTML
/// (Leptos 0.8), and a property that is part of the view would wipe out what was typed before the browser half arrived.
#[component]
pub fn MessageField(
    draft: Draft,
    field: NodeRef<Textarea>,
    has_script: RwSignal<bool>,
    on_enter: impl Fn() + 'static,
) -> impl IntoView {
    let (session, live) = (use_session(), use_live());
    let (text, typed, left) = (draft.text.clone(), draft.clone(), draft.clone());
    Effect::new(move |is_later: Option<bool>| {
        let Some(field) = field.get() else { return false };
        let shown = field.value();
        if is_later != Some(true) && !shown.is_empty() {
            draft.add(shown.clone());
            draft.save_soon(session);
        }
        if text.with(|text| *text != shown) {
            field.set_value(&text.get());
        }
        has_script.set(true);
        true
    });
    let on_input = move |event: ev::Event| {
        typed.text.set(event_target_value(&event));
        typed.save_soon(session);
        live.say_typing();
    };
    let on_key = move |event: ev::KeyboardEvent| {
        // While an input method is composing, Enter belongs to it; 229 is what some browsers say then.
        let is_composing = event.is_composing() || event.key_code() == 229;
        if event.key() == "Enter" && !event.shift_key() && !is_composing {
            event.prevent_default();
            on_enter();
        }
    };

    view! {
        <label class="visually-hidden" for="message-field">
            "Message"
        </label>
        <textarea
            class="message-field"
            id="message-field"
            name="text"
            rows="1"
            placeholder="Write a message"
            node_ref=field
            on:input=on_input
            on:blur=move |_| left.catch_up()
            on:keydown=on_key
        ></textarea>
    }
}
