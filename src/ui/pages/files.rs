//! `/files`: what the person has uploaded, and the way to upload more.

use std::collections::HashMap;

use leptos::{
    ev::{MouseEvent, SubmitEvent},
    prelude::*,
    server_fn::ServerFn,
};
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::{
    api::{
        chat_settings::{AskAboutFiles, ask_about_files},
        files::{DeleteFiles, RetryFile, delete_files, list_files, retry_file, search_files},
    },
    domain::{
        file::{File, FileChats, FileOrder, FilePage, Storage, size_text},
        file_state::FileState,
        ids::FileId,
        limits,
        search::{FoundPassage, SearchResults},
    },
    error::Error,
    ui::{
        components::{
            fetch_failed::FetchFailed, field::Field, file_chats::UsedIn, loading::Loading, notice::ErrorNotice,
            page_title::PageTitle, timestamp::Timestamp, upload_form::UploadForm, upload_list::UploadList,
        },
        paths::{CHATS_PATH, FILES_PATH, chat_path, file_path, passage_path, query, thumbnail_path},
        state::{live::use_live, submission::Submission, uploads::use_uploads},
    },
};

/// Storage, uploads, and the list. `?search=`, `?order=` and `?after=` say which files are shown.
#[component]
pub fn FilesPage() -> impl IntoView {
    let params = use_query_map();
    let param = move |name: &str| params.with(|params| params.get(name)).unwrap_or_default();
    let (live, submission) = (use_live(), Submission::new());
    submission.error.set(params.with_untracked(|params| params.get("error")).and_then(|code| Error::from_code(&code)));
    let files = Resource::new(
        move || (param("search"), param("order"), param("after")),
        |(search, order, after)| {
            let order = if order.is_empty() { FileOrder::default().name().to_owned() } else { order };
            list_files(search, order, Some(after).filter(|after| !after.is_empty()))
        },
    );
    let found = Resource::new(
        move || param("search"),
        |question| async move { if question.is_empty() { Ok(None) } else { search_files(question).await.map(Some) } },
    );
    Effect::new(move |is_first: Option<()>| {
        live.files_changed.track();
        if is_first.is_some() {
            files.refetch();
            // What was being read may be found by now.
            found.refetch();
        }
    });

    view! {
        <PageTitle text="Files" />
        <div class="settings settings-wide">
            <a class="settings-back" href=CHATS_PATH>
                "Chats"
            </a>
            <h1 class="settings-heading">"Files"</h1>
            <ErrorNotice error=submission.error />
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    match files.await {
                        Ok(page) => {
                            view! { <Content page search=param("search") order=param("order") submission /> }.into_any()
                        }
                        Err(error) => view! { <FetchFailed error /> }.into_any(),
                    }
                })}
            </Transition>
            <Transition>
                {move || Suspend::new(async move {
                    match found.await {
                        Ok(None) => ().into_any(),
                        Ok(Some(results)) => view! { <Results results /> }.into_any(),
                        Err(error) => view! { <FetchFailed error /> }.into_any(),
                    }
                })}
            </Transition>
        </div>
    }
}

/// What in the text of files has to do with what is searched for.
#[component]
fn Results(results: SearchResults) -> impl IntoView {
    let SearchResults { passages, is_by_meaning } = results;
    let note = match (passages.is_empty(), is_by_meaning) {
        (true, _) => Some("Nothing in the text of your files has to do with this."),
        (false, false) => Some("Found by words alone: there is no model now that tells what a text means."),
        (false, true) => None,
    };

    view! {
        <section aria-labelledby="found-in-text">
            <h2 class="settings-heading" id="found-in-text">
                "In the text of your files"
            </h2>
            {note.map(|text| view! { <p class="settings-text">{text}</p> })}
            <ul class="files">{passages.into_iter().map(|passage| view! { <Found passage /> }).collect_view()}</ul>
        </section>
    }
}

#[component]
fn Found(passage: FoundPassage) -> impl IntoView {
    let FoundPassage { file_id, file_name, seq, place, text } = passage;

    view! {
        <li class="file">
            <div class="file-facts">
                <p class="file-name">
                    <a href=passage_path(file_id, seq)>{file_name.to_string()}</a>
                </p>
                <p class="file-detail">{place.to_string()}</p>
                <p class="file-snippet">{text}</p>
            </div>
        </li>
    }
}

#[component]
fn Content(page: FilePage, search: String, order: String, submission: Submission) -> impl IntoView {
    let unfinished: Vec<File> = page.files.iter().filter(|file| file.state == FileState::Uploading).cloned().collect();
    let has_any = page.storage.files > 0;
    let next = page.next_after.map(|after| {
        let after = after.to_string();
        format!("{FILES_PATH}?{}", query(&[("search", &search), ("order", &order), ("after", &after)]))
    });

    view! {
        <UploadForm unfinished storage=page.storage />
        <UploadList />
        <StorageMeter storage=page.storage />
        {has_any.then(|| view! { <SearchForm search=search.clone() order=order.clone() /> })}
        {if page.files.is_empty() {
            let text = if has_any { "No file has this in its name." } else { "No files yet." };
            view! { <p class="settings-text">{text}</p> }.into_any()
        } else {
            view! { <FileList files=page.files chats=page.chats submission /> }.into_any()
        }}
        {next
            .map(|href| {
                view! {
                    <a class="button button-quiet" href=href>
                        "More files"
                    </a>
                }
            })}
    }
}

/// How full the storage is.
#[component]
fn StorageMeter(storage: Storage) -> impl IntoView {
    let text = format!(
        "{} of {} used · {} {}",
        size_text(storage.used_bytes),
        size_text(storage.bytes_max),
        storage.files,
        if storage.files == 1 { "file" } else { "files" },
    );
    // In whole units, and never so little that nothing shows.
    let per_mille = storage.used_bytes.saturating_mul(1_000).div_ceil(storage.bytes_max.max(1));

    view! {
        <p class="storage">
            <meter
                class="storage-meter"
                min="0"
                max="1000"
                high="900"
                value=per_mille.to_string()
                aria-label="Storage used"
            ></meter>
            <span>{text}</span>
        </p>
    }
}

#[component]
fn SearchForm(search: String, order: String) -> impl IntoView {
    view! {
        <form class="search-form" method="get" action=FILES_PATH role="search">
            <Field label="Search names and text">
                <input
                    class="field-input"
                    type="search"
                    name="search"
                    value=search
                    maxlength=limits::SEARCH_CHARS_MAX.to_string()
                    autocomplete="off"
                />
            </Field>
            <Field label="Order">
                <select class="field-input" name="order">
                    {FileOrder::ALL
                        .into_iter()
                        .map(|choice| {
                            view! {
                                <option value=choice.name() selected=choice.name() == order>
                                    {choice.text()}
                                </option>
                            }
                        })
                        .collect_view()}
                </select>
            </Field>
            <button class="button button-quiet" type="submit">
                "Search"
            </button>
        </form>
    }
}

#[component]
fn FileList(files: Vec<File>, chats: HashMap<FileId, FileChats>, submission: Submission) -> impl IntoView {
    let chosen = RwSignal::new(Vec::<String>::new());
    let navigate = use_navigate();
    let ask = move |event: MouseEvent| {
        event.prevent_default();
        let (ids, navigate) = (chosen.get_untracked(), navigate.clone());
        if !ids.is_empty() {
            submission.send(ask_about_files(ids), move |chat| navigate(&chat_path(chat.id), Default::default()));
        }
    };
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let ids = chosen.get_untracked();
        if !ids.is_empty() {
            // The list follows by the live connection.
            submission.send(delete_files(ids), |()| {});
        }
    };
    let ids: Vec<String> = files.iter().map(|file| file.id.to_string()).collect();
    let count = ids.len();
    let choose_all = move |event| chosen.set(if event_target_checked(&event) { ids.clone() } else { Vec::new() });
    let label = move || match chosen.with(Vec::len) {
        0 => "Delete what is selected".to_owned(),
        1 => "Delete 1 file".to_owned(),
        count => format!("Delete {count} files"),
    };

    view! {
        <form method="post" action=DeleteFiles::url() on:submit=on_submit>
            <div class="file-actions">
                <label class="file-choose-all">
                    <input
                        type="checkbox"
                        on:change=choose_all
                        prop:checked=move || chosen.with(|chosen| chosen.len() == count)
                    />
                    "All on this page"
                </label>
                <button
                    class="button button-quiet"
                    type="submit"
                    formaction=AskAboutFiles::url()
                    disabled=move || submission.is_busy.get()
                    on:click=ask
                >
                    "Ask about selected"
                </button>
                <details class="danger">
                    <summary class="button button-quiet">"Delete selected …"</summary>
                    <p class="file-actions">
                        "For good, with everything that was made of them."
                        <button class="button" type="submit" disabled=move || submission.is_busy.get()>
                            {label}
                        </button>
                    </p>
                </details>
            </div>
            <ul class="files">
                {files
                    .into_iter()
                    .map(|file| {
                        let chats = chats.get(&file.id).cloned().unwrap_or_default();
                        view! { <FileRow file chats chosen submission /> }
                    })
                    .collect_view()}
            </ul>
        </form>
    }
}

/// How much of a file is here, and how to go on; not while this tab is at it.
#[component]
fn Unfinished(file: File) -> impl IntoView {
    let uploads = use_uploads();
    let share = file.received_bytes.saturating_mul(100) / file.size_bytes.max(1);

    view! {
        <p class="file-detail">
            {move || {
                if uploads.is_sending(file.id) {
                    "Being uploaded from here".to_owned()
                } else {
                    format!("Not complete: {share} % are here. Choose the same file again to go on.")
                }
            }}
        </p>
    }
}

#[component]
fn FileRow(file: File, chats: FileChats, chosen: RwSignal<Vec<String>>, submission: Submission) -> impl IntoView {
    let id = StoredValue::new(file.id.to_string());
    let is_chosen = move || chosen.with(|chosen| id.with_value(|id| chosen.contains(id)));
    let choose = move |event| {
        let is_checked = event_target_checked(&event);
        chosen.update(|chosen| {
            id.with_value(|id| chosen.retain(|other| other != id));
            if is_checked {
                chosen.push(id.get_value());
            }
        });
    };
    let name = file.name.as_str().to_owned();
    let is_whole = file.state != FileState::Uploading;
    // In a line that is there anyway: nothing below moves away from under a pointer when it goes.
    let busy = file.state.is_busy().then(|| format!(" · {}", file.state.text()));
    let passing = (is_whole && !file.is_kept).then_some(" · goes with its chat");
    let failure = matches!(file.state, FileState::Failed(_)).then(|| file.state.text());
    let can_retry = matches!(file.state, FileState::Failed(failure) if failure.can_pass());
    let retry = move |event: MouseEvent| {
        event.prevent_default();
        submission.send(retry_file(id.get_value()), |()| {});
    };
    let thumbnail = (file.kind.is_image() && file.state == FileState::Ready).then(|| thumbnail_path(file.id));

    view! {
        <li class="file">
            <input
                class="file-choose"
                type="checkbox"
                name="file_ids[]"
                value=id.get_value()
                aria-label=format!("Select {name}")
                on:change=choose
                prop:checked=is_chosen
            />
            {thumbnail
                .map(|path| {
                    view! { <img class="file-thumbnail" src=path alt="" width="48" height="48" loading="lazy" /> }
                })}
            <div class="file-facts">
                <p class="file-name">
                    {if is_whole {
                        view! { <a href=file_path(file.id)>{name.clone()}</a> }.into_any()
                    } else {
                        view! { <span>{name.clone()}</span> }.into_any()
                    }}
                </p>
                <p class="file-detail">
                    {file.kind.text()} " · " {size_text(file.size_bytes)} " · " <Timestamp at_ms=file.created_at_ms /> {passing} {busy}
                </p>
                {(!is_whole).then(|| view! { <Unfinished file=file.clone() /> })}
                {failure.map(|text| view! { <p class="file-detail">{text}</p> })}
                <UsedIn chats />
            </div>
            {can_retry
                .then(|| {
                    view! {
                        <button
                            class="button button-quiet"
                            type="submit"
                            formaction=RetryFile::url()
                            name="file_id"
                            value=id.get_value()
                            aria-label=format!("Read {name} again")
                            on:click=retry
                        >
                            "Retry"
                        </button>
                    }
                })}
        </li>
    }
}
