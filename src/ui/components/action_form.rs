//! A form that is one button: it posts hidden fields, with or without a script.

use leptos::{ev::SubmitEvent, prelude::*};

/// A button that posts some fields to a server function. `act` does the same with a script.
#[component]
pub fn ActionForm(
    url: &'static str,
    fields: Vec<(&'static str, String)>,
    label: &'static str,
    /// What it is about, for ears: several such buttons stand on a page.
    #[prop(into)]
    about: String,
    #[prop(into)] is_busy: Signal<bool>,
    act: impl Fn() + 'static,
) -> impl IntoView {
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        act();
    };

    view! {
        <form class="action-form" method="post" action=url on:submit=on_submit>
            {fields
                .into_iter()
                .map(|(name, value)| view! { <input type="hidden" name=name value=value /> })
                .collect_view()}
            <button
                class="button button-quiet"
                type="submit"
                aria-label=format!("{label}: {about}")
                disabled=move || is_busy.get()
            >
                {label}
            </button>
        </form>
    }
}
