//! What was read in a file, as its page shows it: pieces of text, and tables.

use leptos::{
    html::{Div, Tbody},
    prelude::*,
    wasm_bindgen::JsCast,
    web_sys::HtmlElement,
};

use crate::{
    domain::{
        place::Place,
        preview::{ShownChunk, ShownContent},
    },
    ui::{components::markdown::Blocks, state::effect::effect},
};

/// Pieces of text; what belongs to one page, slide or sheet stands under one heading.
#[component]
pub fn FileText(chunks: Vec<ShownChunk>, is_shown: StoredValue<bool>) -> impl IntoView {
    let mut groups: Vec<(Option<String>, Vec<ShownChunk>)> = Vec::new();
    for chunk in chunks {
        let title = group_title(&chunk.place);
        match groups.last_mut() {
            Some((last, group)) if *last == title => group.push(chunk),
            _ => groups.push((title, vec![chunk])),
        }
    }
    groups
        .into_iter()
        .map(|(title, chunks)| {
            let is_table = matches!(chunks.first().map(|chunk| &chunk.content), Some(ShownContent::Rows(_)));
            view! {
                <div class="file-group">
                    {title.map(|title| view! { <h2 class="file-place">{title}</h2> })}
                    {if is_table {
                        view! { <Grid chunks is_shown /> }.into_any()
                    } else {
                        chunks.into_iter().map(|chunk| view! { <Piece chunk is_shown /> }).collect_view().into_any()
                    }}
                </div>
            }
        })
        .collect_view()
}

fn group_title(place: &Place) -> Option<String> {
    match place {
        Place::Page { page } => Some(format!("Page {page}")),
        Place::Slide { slide } => Some(format!("Slide {slide}")),
        Place::Row { sheet, .. } if !sheet.is_empty() => Some(sheet.clone()),
        // A heading of a text stands in the text.
        _ => None,
    }
}

#[component]
fn Piece(chunk: ShownChunk, is_shown: StoredValue<bool>) -> impl IntoView {
    let id = format!("chunk-{}", chunk.seq);
    let node = NodeRef::<Div>::new();
    show_wanted(chunk.is_wanted, is_shown, move || node.get().map(|node| node.unchecked_into()));
    let content = match chunk.content {
        ShownContent::Markdown(blocks) => view! { <Blocks blocks /> }.into_any(),
        ShownContent::Text(text) => view! { <p class="file-lines">{text}</p> }.into_any(),
        ShownContent::Rows(_) => ().into_any(),
    };

    view! {
        <div
            class="file-chunk"
            class:file-wanted=chunk.is_wanted
            id=id
            tabindex=chunk.is_wanted.then_some("-1")
            node_ref=node
        >
            {content}
        </div>
    }
}

/// Brings what somebody came for to the screen and to the keyboard, once: it was not there yet when the browser looked for
/// it.
fn show_wanted(is_wanted: bool, is_shown: StoredValue<bool>, find: impl Fn() -> Option<HtmlElement> + 'static) {
    effect(move || {
        if is_wanted
            && !is_shown.get_value()
            && let Some(element) = find()
        {
            is_shown.set_value(true);
            // It is made before it is part of the page.
            request_animation_frame(move || {
                element.scroll_into_view();
                _ = element.focus();
            });
        }
    });
}

/// Rows of a table, with the numbers that they have in the file.
#[component]
fn Grid(chunks: Vec<ShownChunk>, is_shown: StoredValue<bool>) -> impl IntoView {
    let body = move |chunk: ShownChunk| {
        let ShownContent::Rows(rows) = chunk.content else { return ().into_any() };
        let node = NodeRef::<Tbody>::new();
        show_wanted(chunk.is_wanted, is_shown, move || node.get().map(|node| node.unchecked_into()));
        let first = match chunk.place {
            Place::Row { row, .. } => row,
            _ => 1,
        };
        let rows = rows
            .into_iter()
            .zip(first..)
            .map(|(cells, number)| {
                view! {
                    <tr>
                        <th scope="row">{number}</th>
                        {cells.into_iter().map(|cell| view! { <td>{cell}</td> }).collect_view()}
                    </tr>
                }
            })
            .collect_view();
        view! {
            <tbody
                class:file-wanted=chunk.is_wanted
                id=format!("chunk-{}", chunk.seq)
                tabindex=chunk.is_wanted.then_some("-1")
                node_ref=node
            >
                {rows}
            </tbody>
        }
        .into_any()
    };

    view! {
        <div class="file-grid" tabindex="0" role="region" aria-label="Table">
            <table>{chunks.into_iter().map(body).collect_view()}</table>
        </div>
    }
}
