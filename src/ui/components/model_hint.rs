//! What to expect of the chosen model, where that is not plain from its name.

use leptos::prelude::*;

use crate::{domain::model::ModelName, ui::state::conversation::Conversation};

/// Says so when the built-in demonstration model answers, or none can.
#[component]
pub fn ModelHint(conversation: Conversation) -> impl IntoView {
    let text = move || {
        let Some(name) = conversation.model.get() else {
            return Some("No model is connected. Whoever runs this site can connect one (see the README).");
        };
        ModelName::parse(&name).is_ok_and(|name| name.is_embedded()).then_some(
            "The built-in model is a small demonstration and often wrong. Whoever runs this site can connect a better one \
             (see the README).",
        )
    };

    view! { {move || text().map(|text| view! { <p class="model-hint">{text}</p> })} }
}
