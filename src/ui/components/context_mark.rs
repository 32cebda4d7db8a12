//! Where what the model reads begins.

use leptos::{either::Either, prelude::*};

use crate::domain::reply::{Context, ContextCut};

/// A line above the first message that the model reads; with the summary of what is above it, folded, where there is one.
#[component]
pub fn ContextMark(context: Context) -> impl IntoView {
    let text = context.cut.text();
    if context.cut == ContextCut::Summarised {
        Either::Left(view! {
            <details class="context-mark">
                <summary><span>{text}</span></summary>
                <div class="context-summary">{context.summary}</div>
            </details>
        })
    } else {
        Either::Right(view! { <p class="context-mark">{text}</p> })
    }
}
