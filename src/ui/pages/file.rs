//! `/files/{id}`: one file, what was read in it, and the way to all of it.

use leptos::{
    ev::{MouseEvent, SubmitEvent},
    html::{Div, Tbody},
    prelude::*,
    server_fn::ServerFn,
    wasm_bindgen::JsCast,
    web_sys::HtmlElement,
};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map, use_query_map},
};

use crate::{
    api::{
        chat_settings::{AskAboutFiles, ask_about_files},
        files::{DeleteFiles, KeepFile, RetryFile, delete_files, keep_file, open_file, retry_file},
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
            fetch_failed::FetchFailed, file_chats::UsedIn, focus::focus_on, loading::Loading, markdown::Blocks,
            not_found::NotFound, notice::ErrorNotice, page_title::PageTitle, timestamp::Timestamp,
        },
        paths::{FILES_PATH, chat_path, file_content_path, file_text_path, picture_path},
        state::{
            effect::effect,
            live::{Live, use_live},
            submission::Submission,
        },
    },
};

/// Where the focus goes when a button goes.
const TITLE_ID: &str = "file-title";

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct Shared {
    submission: Submission,
    live: Live,
    /// Whether what somebody came for was brought to them. It is not again whenever something about files changes.
    is_shown: StoredValue<bool>,
    /// Whether there is no such file, or soon: it is not asked for again.
    is_gone: StoredValue<bool>,
}

impl Shared {
    /// After something that makes a button go.
    fn look_again(self) {
        focus_on(TITLE_ID);
        self.live.files_changed.notify();
    }
}

/// A file. `?from=` is the piece of its text that is shown first, `?at=` the one that somebody came for, `?error=` why
/// something failed that was sent.
#[component]
pub fn FilePage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let number = move |name: &str| query.with(|query| query.get(name)).and_then(|text| text.parse::<u32>().ok());
    let (live, submission) = (use_live(), Submission::new());
    let shared = Shared { submission, live, is_shown: StoredValue::new(false), is_gone: StoredValue::new(false) };
    submission.error.set(query.with_untracked(|query| query.get("error")).and_then(|code| Error::from_code(&code)));
    let asked = move || (params.with(|params| params.get("id")).unwrap_or_default(), number("from"), number("at"));
    let opened = Resource::new(asked, |(id, from, at)| open_file(id, from, at));
    Effect::new(move |is_first: Option<()>| {
        live.files_changed.track();
        if is_first.is_some() && !shared.is_gone.get_value() {
            opened.refetch();
        }
    });
    Effect::new(move |is_first: Option<()>| {
        asked();
        if is_first.is_some() {
            shared.is_shown.set_value(false);
            shared.is_gone.set_value(false);
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
                        Ok(opened) => view! { <Content opened shared /> }.into_any(),
                        Err(Error::NotFound) => {
                            // Nothing that is written is shared while a page is rendered on the server.
                            if !is_server() {
                                shared.is_gone.set_value(true);
                            }
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
fn Content(opened: FileView, shared: Shared) -> impl IntoView {
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
        <h1 class="settings-heading file-title" id=TITLE_ID tabindex="-1">
            {name.clone()}
        </h1>
        <Facts file shared />
        <UsedIn chats />
        {is_passing.then(|| view! { <Keep id shared /> })}
        {is_picture
            .then(|| {
                view! { <img class="file-picture" src=picture_path(id) alt=format!("The image {name}") /> }
            })}
        {(!chunks.is_empty())
            .then(|| {
                view! {
                    <section class="file-text" aria-label="What was read in it">
                        {stretch(earlier_from, "Earlier text")}
                        <Chunks chunks is_shown=shared.is_shown />
                        {stretch(later_from, "More text")}
                    </section>
                }
            })}
    }
}

/// Of a file that came with a message: that it goes with it, and a way to have it stay.
#[component]
fn Keep(id: FileId, shared: Shared) -> impl IntoView {
    let keep = move |event: MouseEvent| {
        event.prevent_default();
        shared.submission.send(keep_file(id.to_string()), move |()| shared.look_again());
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
fn Facts(file: File, shared: Shared) -> impl IntoView {
    let (id, submission, navigate) = (file.id, shared.submission, use_navigate());
    let is_whole = file.state != FileState::Uploading;
    let can_retry = matches!(file.state, FileState::Failed(failure) if failure.can_pass());
    let can_ask = is_whole && !matches!(file.state, FileState::Failed(_));
    let retry = move |event: MouseEvent| {
        event.prevent_default();
        submission.send(retry_file(id.to_string()), move |()| shared.look_again());
    };
    let ask = move |event: SubmitEvent| {
        event.prevent_default();
        let navigate = navigate.clone();
        let request = ask_about_files(vec![id.to_string()]);
        submission.send(request, move |chat| navigate(&chat_path(chat.id), NavigateOptions::default()));
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
            {can_ask
                .then(|| {
                    view! {
                        <form method="post" action=AskAboutFiles::url() on:submit=ask>
                            <input type="hidden" name="file_ids[]" value=id.to_string() />
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
                            <input type="hidden" name="file_id" value=id.to_string() />
                            <button class="button" type="submit" on:click=retry>
                                "Read it again"
                            </button>
                        </form>
                    }
                })}
            <Delete id shared />
        </div>
    }
}

/// For good; then one is at the list.
#[component]
fn Delete(id: FileId, shared: Shared) -> impl IntoView {
    let navigate = use_navigate();
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let navigate = navigate.clone();
        let request = async move {
            shared.is_gone.set_value(true);
            delete_files(vec![id.to_string()], None).await.inspect_err(|_| shared.is_gone.set_value(false))
        };
        shared.submission.send(request, move |()| navigate(FILES_PATH, NavigateOptions::default()));
    };

    view! {
        <details class="danger">
            <summary class="button button-quiet">"Delete this file …"</summary>
            <form class="file-actions" method="post" action=DeleteFiles::url() on:submit=on_submit>
                "For good, with everything that was made of it."
                <input type="hidden" name="file_ids[]" value=id.to_string() />
                <input type="hidden" name="from_its_page" value="yes" />
                <button class="button" type="submit" disabled=move || shared.submission.is_busy.get()>
                    "Delete this file"
                </button>
            </form>
        </details>
    }
}

/// Pieces of text; what belongs to one page, slide or sheet stands under one heading.
#[component]
fn Chunks(chunks: Vec<ShownChunk>, is_shown: StoredValue<bool>) -> impl IntoView {
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

/// Rows of a table, with the numbers that they have in the file. The first one names the columns, as far as that can be
/// known.
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
