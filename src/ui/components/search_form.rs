//! A form that searches what a page shows.

use leptos::{ev::SubmitEvent, html, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};

use super::field::Field;
use crate::{
    domain::limits,
    ui::{
        paths::query,
        state::{effect::effect, submission::field},
    },
};

/// A field for what to search for, and maybe one for the order. With a script, without a page load: that would end uploads.
#[component]
pub fn SearchForm(
    /// The page.
    action: String,
    label: &'static str,
    search: String,
    has_script: RwSignal<bool>,
    #[prop(optional)] order: Option<AnyView>,
) -> impl IntoView {
    let (navigate, path) = (use_navigate(), action.clone());
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let fields = query(&[("search", &field(&event, "search")), ("order", &field(&event, "order"))]);
        navigate(&format!("{path}?{fields}"), NavigateOptions::default());
    };
    let form = NodeRef::<html::Form>::new();
    // The fields stay when the page shows something else, and would keep what was typed before one went back. What was typed
    // before the browser half was here stays.
    if has_script.get_untracked() {
        effect(move || {
            if let Some(form) = form.get() {
                form.reset();
            }
        });
    }

    view! {
        <form class="search-form" method="get" action=action role="search" node_ref=form on:submit=on_submit>
            <Field label>
                <input
                    class="field-input"
                    type="search"
                    name="search"
                    value=search
                    maxlength=limits::SEARCH_CHARS_MAX.to_string()
                    autocomplete="off"
                />
            </Field>
            {order}
            <button class="button button-quiet" type="submit">
                "Search"
            </button>
        </form>
    }
}
