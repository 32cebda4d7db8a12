//! `/files/{id}`: one file, what was read in it, and the way to all of it.

use leptos::{
    ev::{MouseEvent, SubmitEvent},
    prelude::*,
    server_fn::ServerFn,
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
        preview::{FileView, Pages},
    },
    error::Error,
    ui::{
        components::{
            fetch_failed::FetchFailed,
            file_chats::UsedIn,
            file_text::FileText,
            focus::{focus_on, go_on_at},
            loading::Loading,
            not_found::NotFound,
            notice::ErrorNotice,
            page_title::PageTitle,
            timestamp::Timestamp,
        },
        paths::{FILES_PATH, chat_path, file_content_path, file_text_path, picture_path},
        state::{
            effect::effect,
            followed::ask_again,
            live::{Live, use_live},
            submission::Submission,
        },
    },
};

/// Where the focus goes when a button goes.
const TITLE_ID: &str = "file-title";
/// Where it goes when another stretch of the text is shown.
const TEXT_ID: &str = "file-text";

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct Shared {
    submission: Submission,
    live: Live,
    /// Whether what somebody came for was brought to them, a passage or another stretch of the text. It is not again whenever
    /// something about files changes.
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
    // Whoever opens a page reads it from its beginning, unless they came for a passage.
    let is_shown = StoredValue::new(untrack(|| number("at")).is_none());
    let shared = Shared { submission, live, is_shown, is_gone: StoredValue::new(false) };
    submission.error.set(query.with_untracked(|query| query.get("error")).and_then(|code| Error::from_code(&code)));
    let asked = move || (params.with(|params| params.get("id")).unwrap_or_default(), number("from"), number("at"));
    let opened = Resource::new(asked, |(id, from, at)| open_file(id, from, at));
    // A file that is gone is news, what could not be asked is none.
    let open_again = move || {
        let asked = untrack(asked);
        (!shared.is_gone.get_value()).then_some(async move {
            let (id, from, at) = asked.clone();
            match open_file(id, from, at).await {
                Err(error) if error != Error::NotFound => Err(error),
                opened => Ok((asked, opened)),
            }
        })
    };
    ask_again(open_again, move |(asked_for, now)| {
        if untrack(asked) == asked_for {
            opened.set(Some(now));
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
    let FileView { file, pages, chats, chunks, earlier_from, later_from } = opened;
    let id = file.id;
    let name = file.name.as_str().to_owned();
    let is_passing = !file.is_kept && file.state != FileState::Uploading;
    let is_picture = file.kind.is_image() && file.state == FileState::Ready;
    let has_wanted = chunks.iter().any(|chunk| chunk.is_wanted);
    effect(move || {
        if !has_wanted && !shared.is_shown.get_value() {
            shared.is_shown.set_value(true);
            go_on_at(TEXT_ID);
        }
    });
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
        <Facts file pages shared />
        <UsedIn chats />
        {is_passing.then(|| view! { <Keep id shared /> })}
        {is_picture
            .then(|| {
                view! { <img class="file-picture" src=picture_path(id) alt=format!("The image {name}") /> }
            })}
        {(!chunks.is_empty())
            .then(|| {
                view! {
                    <section class="file-text" id=TEXT_ID tabindex="-1" aria-label="What was read in it">
                        {stretch(earlier_from, "Earlier text")}
                        <FileText chunks is_shown=shared.is_shown />
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
fn Facts(file: File, pages: Option<Pages>, shared: Shared) -> impl IntoView {
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
        {pages.and_then(Pages::unread_text).map(|text| view! { <p class="file-detail">{text}</p> })}
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
