//! `/files/{id}`: one file, what was read in it, and the way to all of it.

use leptos::{
    ev::MouseEvent,
    html::{Div, Tbody},
    prelude::*,
    server_fn::ServerFn,
    wasm_bindgen::JsCast,
    web_sys::HtmlElement,
};
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::{
    api::{
        chat_settings::AskAboutFiles,
        files::{KeepFile, RetryFile, keep_file, open_file, retry_file},
    },
    domain::{
        file::{File, size_text},
        file_state::FileState,
        ids::FileId,
        place::Place,
        preview::{FileView, ShownChunk, ShownContent},
    },
    error::Error,
    ui::{
        components::{
            fetch_failed::FetchFailed, file_chats::UsedIn, loading::Loading, markdown::Blocks, not_found::NotFound,
            notice::ErrorNotice, page_title::PageTitle, timestamp::Timestamp,
        },
        paths::{FILES_PATH, file_content_path, file_text_path, picture_path},
        state::{live::use_live, submission::Submission},
    },
};

/// A file. `?from=` is the piece of its text that is shown first, `?at=` the one that somebody came for.
#[component]
pub fn FilePage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let number = move |name: &str| query.with(|query| query.get(name)).and_then(|text| text.parse::<u32>().ok());
    let (live, submission) = (use_live(), Submission::new());
    let opened = Resource::new(
        move || (params.with(|params| params.get("id")).unwrap_or_default(), number("from"), number("at")),
        |(id, from, at)| open_file(id, from, at),
    );
    Effect::new(move |is_first: Option<()>| {
        live.files_changed.track();
        if is_first.is_some() {
            opened.refetch();
        }
    });

    view! {
        <div class="settings settings-wide">
            <a class="settings-back" href=FILES_PATH>
                "Files"
            </a>
            <ErrorNotice error=submission.error />
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    match opened.await {
                        Ok(opened) => view! { <Content opened submission /> }.into_any(),
                        Err(Error::NotFound) => {
                            view! {
                                <PageTitle text="Not found" />
                                <h1 class="visually-hidden">"Not found"</h1>
                                <NotFound />
                            }
                                .into_any()
                        }
                        Err(error) => {
                            view! {
                                <PageTitle text="File" />
                                <FetchFailed error />
                            }
                                .into_any()
                        }
                    }
                })}
            </Transition>
        </div>
    }
}

#[component]
fn Content(opened: FileView, submission: Submission) -> impl IntoView {
    let FileView { file, chats, chunks, earlier_from, later_from } = opened;
    let id = file.id;
    let name = file.name.as_str().to_owned();
    let is_passing = !file.is_kept && file.state != FileState::Uploading;
    let is_picture = file.kind.is_image() && file.state == FileState::Ready;
    let stretch = move |from: Option<u32>, text: &'static str| {
        from.map(|from| {
            view! {
                <a class="button button-quiet" href=file_text_path(id, from)>
                    {text}
                </a>
            }
        })
    };

    view! {
        <PageTitle text=name.clone() />
        <h1 class="settings-heading file-title">{name.clone()}</h1>
        <Facts file submission />
        <UsedIn chats />
        {is_passing.then(|| view! { <Keep id submission /> })}
        {is_picture
            .then(|| {
                view! { <img class="file-picture" src=picture_path(id) alt=format!("The image {name}") /> }
            })}
        {(!chunks.is_empty())
            .then(|| {
                view! {
                    <section class="file-text" aria-label="What was read in it">
                        {stretch(earlier_from, "Earlier text")}
                        <Chunks chunks />
                        {stretch(later_from, "More text")}
                    </section>
                }
            })}
    }
}

/// Of a file that came with a message: that it goes with it, and a way to have it stay.
#[component]
fn Keep(id: FileId, submission: Submission) -> impl IntoView {
    let keep = move |event: MouseEvent| {
        event.prevent_default();
        submission.send(keep_file(id.to_string()), |()| {});
    };

    view! {
        <form class="file-actions" method="post" action=KeepFile::url()>
            <p class="file-detail">"It came with a message, and goes with the last chat that it is attached in."</p>
            <input type="hidden" name="file_id" value=id.to_string() />
            <button class="button button-quiet" type="submit" on:click=keep>
                "Keep it"
            </button>
        </form>
    }
}

#[component]
fn Facts(file: File, submission: Submission) -> impl IntoView {
    let id = StoredValue::new(file.id.to_string());
    let is_whole = file.state != FileState::Uploading;
    let can_retry = matches!(file.state, FileState::Failed(failure) if failure.can_pass());
    let retry = move |event: MouseEvent| {
        event.prevent_default();
        submission.send(retry_file(id.get_value()), |()| {});
    };
    let length = (file.text_chars > 0).then(|| format!(" · {} characters of text", file.text_chars));
    let pixels = file.pixels.map(|(width, height)| format!(" · {width} × {height} pixels"));

    view! {
        <p class="file-detail">
            {file.kind.text()} " · " {size_text(file.size_bytes)} {length} {pixels} " · "
            <Timestamp at_ms=file.created_at_ms />
        </p>
        <p class="file-state" role="status">
            {(file.state != FileState::Ready).then(|| file.state.text())}
        </p>
        <div class="file-actions">
            {is_whole
                .then(|| {
                    view! {
                        // A file of its own, not a page of the app.
                        <a class="button button-quiet" href=file_content_path(file.id) rel="external" download>
                            "Download the original"
                        </a>
                    }
                })}
            {is_whole
                .then(|| {
                    view! {
                        <form method="post" action=AskAboutFiles::url()>
                            <input type="hidden" name="file_ids[]" value=id.get_value() />
                            <button class="button" type="submit">
                                "Ask about it"
                            </button>
                        </form>
                    }
                })}
            {can_retry
                .then(|| {
                    view! {
                        <form method="post" action=RetryFile::url()>
                            <input type="hidden" name="file_id" value=id.get_value() />
                            <button class="button" type="submit" on:click=retry>
                                "Read it again"
                            </button>
                        </form>
                    }
                })}
        </div>
    }
}

/// Pieces of text; what belongs to one page, slide or sheet stands under one heading.
#[component]
fn Chunks(chunks: Vec<ShownChunk>) -> impl IntoView {
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
                        view! { <Grid chunks /> }.into_any()
                    } else {
                        chunks.into_iter().map(|chunk| view! { <Piece chunk /> }).collect_view().into_any()
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
fn Piece(chunk: ShownChunk) -> impl IntoView {
    let id = format!("chunk-{}", chunk.seq);
    let node = NodeRef::<Div>::new();
    show_wanted(chunk.is_wanted, move || node.get().map(|node| node.unchecked_into()));
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

/// Brings what somebody came for to the screen and to the keyboard: it was not there yet when the browser looked for it.
fn show_wanted(is_wanted: bool, find: impl Fn() -> Option<HtmlElement> + 'static) {
    Effect::new(move || {
        if is_wanted && let Some(element) = find() {
            // It is made before it is part of the page.
            request_animation_frame(move || {
                element.scroll_into_view();
                _ = element.focus();
            });
        }
    });
}

/// Rows of a table, with the numbers that they have in the file. The first one names the columns, as far as that can be
/// known.
#[component]
fn Grid(chunks: Vec<ShownChunk>) -> impl IntoView {
    let body = |chunk: ShownChunk| {
        let ShownContent::Rows(rows) = chunk.content else { return ().into_any() };
        let node = NodeRef::<Tbody>::new();
        show_wanted(chunk.is_wanted, move || node.get().map(|node| node.unchecked_into()));
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
