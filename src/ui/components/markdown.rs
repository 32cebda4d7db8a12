//! A reply's text, and that of files. The only place with `inner_html`, and it takes nothing but [`SafeHtml`].
//!
//! [`SafeHtml`]: crate::domain::message::SafeHtml

use leptos::prelude::*;

use crate::{domain::message::SafeHtml, ui::state::entry::Block};

/// A reply as far as it is written. While it grows, the browser touches new blocks and the tail only.
#[component]
pub fn Markdown(blocks: ArcRwSignal<Vec<Block>>, tail: ArcRwSignal<SafeHtml>) -> impl IntoView {
    view! {
        <div class="markdown">
            <For each=move || blocks.get() key=|block| block.key let:block>
                <div class="block" inner_html=block.html.as_str().to_owned()></div>
            </For>
            <div class="block block-tail" inner_html=move || tail.with(|tail| tail.as_str().to_owned())></div>
        </div>
    }
}

/// A text that stays as it is.
#[component]
pub fn Blocks(blocks: Vec<SafeHtml>) -> impl IntoView {
    view! {
        <div class="markdown">
            {blocks
                .into_iter()
                .map(|html| view! { <div class="block" inner_html=html.as_str().to_owned()></div> })
                .collect_view()}
        </div>
    }
}
