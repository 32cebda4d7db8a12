//! What there is of a reply besides its text: what the model thought, and how many tokens it was.

use leptos::prelude::*;

use crate::domain::reply::Usage;

/// What the model thought before it answered, folded: plain text, as it came.
#[component]
pub fn ReplyReasoning(reasoning: ArcRwSignal<String>) -> impl IntoView {
    let has_any = {
        let reasoning = reasoning.clone();
        // Whoever has unfolded it reads on while it grows.
        Memo::new(move |_| reasoning.with(|reasoning| !reasoning.is_empty()))
    };
    move || {
        let reasoning = has_any.get().then(|| reasoning.clone())?;
        Some(view! {
            <details class="reasoning">
                <summary>"Reasoning"</summary>
                <div class="reasoning-text">{move || reasoning.get()}</div>
            </details>
        })
    }
}

/// How many tokens a reply was.
#[component]
pub fn ReplyUsage(usage: ArcRwSignal<Option<Usage>>) -> impl IntoView {
    move || {
        let Usage { prompt_tokens, completion_tokens, is_estimated } = usage.get()?;
        let about = if is_estimated { "about " } else { "" };
        let details = format!("{about}{prompt_tokens} tokens read, {about}{completion_tokens} written");
        Some(view! { <p class="reply-usage" title=details>{format!("{about}{completion_tokens} tokens")}</p> })
    }
}
