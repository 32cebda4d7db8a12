//! The list of files: what is chosen in it, and what can be done with that.

use leptos::{
    ev::{MouseEvent, SubmitEvent},
    html::Details,
    prelude::*,
    server_fn::ServerFn,
    wasm_bindgen::JsCast,
    web_sys::HtmlInputElement,
};
use leptos_router::{NavigateOptions, hooks::use_navigate};

use crate::{
    api::{
        chat_settings::{AskAboutFiles, ask_about_files},
        files::{DeleteFiles, RetryFile, delete_files, retry_file},
    },
    domain::{
        file::{File, FileChats, FilePage, size_text},
        file_state::FileState,
        ids::FileId,
    },
    ui::{
        components::{file_chats::UsedIn, focus::focus_on, timestamp::Timestamp},
        paths::{chat_path, file_path, thumbnail_path},
        state::{effect::effect, live::use_live, submission::Submission, uploads::use_uploads},
    },
};

/// The heading above the list, where the focus goes when files are gone.
pub const LIST_ID: &str = "file-list";

/// What is chosen, and what is done with it. It is the page's, and stays while other files are fetched.
#[derive(Clone, Copy)]
pub struct Selection {
    pub submission: Submission,
    /// Whether the browser half has taken over: before, what is chosen is known when the form is sent.
    pub has_script: RwSignal<bool>,
    chosen: RwSignal<Vec<FileId>>,
}

impl Selection {
    pub fn new() -> Self {
        Self { submission: Submission::new(), chosen: RwSignal::new(Vec::new()), has_script: RwSignal::new(false) }
    }

    /// Takes over what was chosen before the browser half was here. Later, nothing else is ticked than what is chosen.
    fn take_early(self, listed: &[File]) {
        if is_server() {
            return;
        }
        let is_ticked = |id: FileId| {
            let element = document().get_element_by_id(&box_id(id));
            element
                .and_then(|element| element.dyn_into::<HtmlInputElement>().ok())
                .is_some_and(|element| element.checked())
        };
        let ticked: Vec<FileId> = listed.iter().map(|file| file.id).filter(|id| is_ticked(*id)).collect();
        // When the list has taken over, too: what it says by then is what the server said.
        if !ticked.is_empty() {
            effect(move || self.chosen.set(ticked.clone()));
        }
    }

    /// Keeps of what is chosen what is listed: the rest cannot be seen.
    pub fn forget_others(self, listed: &[File]) {
        let is_listed = |id: &FileId| listed.iter().any(|file| file.id == *id);
        if !self.chosen.with_untracked(|chosen| chosen.iter().all(is_listed)) {
            self.chosen.update(|chosen| chosen.retain(is_listed));
        }
    }
}

/// The files of a page, with a box each, and buttons for those that are chosen.
#[component]
pub fn FileList(page: RwSignal<FilePage>, selection: Selection) -> impl IntoView {
    let Selection { chosen, submission, has_script } = selection;
    let (navigate, live) = (use_navigate(), use_live());
    page.with_untracked(|page| selection.take_early(&page.files));
    let chosen_ids = move || chosen.with_untracked(|ids| ids.iter().map(FileId::to_string).collect::<Vec<_>>());
    // There is nothing to ask about what is not complete.
    let whole_ids = move || {
        let is_unfinished = |file: &File| file.state == FileState::Uploading;
        let unfinished: Vec<String> = page.with_untracked(|page| {
            page.files.iter().filter(|file| is_unfinished(file)).map(|file| file.id.to_string()).collect()
        });
        let mut ids = chosen_ids();
        ids.retain(|id| !unfinished.contains(id));
        ids
    };
    let ask = move |event: MouseEvent| {
        event.prevent_default();
        let navigate = navigate.clone();
        let request = ask_about_files(whole_ids());
        submission.send(request, move |chat| navigate(&chat_path(chat.id), NavigateOptions::default()));
    };
    let confirmation = NodeRef::<Details>::new();
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        submission.send(delete_files(chosen_ids(), None), move |()| {
            focus_on(LIST_ID);
            // The next deletion is to be confirmed anew.
            if let Some(details) = confirmation.get_untracked() {
                let _ = details.remove_attribute("open");
            }
            live.files_changed.notify();
        });
    };
    let is_disabled = move || submission.is_busy.get() || (has_script.get() && chosen.with(Vec::is_empty));
    let choose_all = move |event| {
        let is_checked = event_target_checked(&event);
        let ids = |page: &FilePage| page.files.iter().map(|file| file.id).filter(|_| is_checked).collect();
        chosen.set(page.with_untracked(ids));
    };
    let are_all_chosen = move || chosen.with(Vec::len) == page.with(|page| page.files.len());
    let label = move || match chosen.with(Vec::len) {
        0 => "Delete what is selected".to_owned(),
        1 => "Delete 1 file".to_owned(),
        count => format!("Delete {count} files"),
    };

    view! {
        <form method="post" action=DeleteFiles::url() on:submit=on_submit>
            <div class="file-actions">
                <label class="file-choose-all script-only">
                    <input type="checkbox" on:change=choose_all prop:checked=are_all_chosen />
                    "All on this page"
                </label>
                <button
                    class="button button-quiet"
                    type="submit"
                    formaction=AskAboutFiles::url()
                    disabled=is_disabled
                    on:click=ask
                >
                    "Ask about selected"
                </button>
                <details class="danger" node_ref=confirmation>
                    <summary class="button button-quiet">"Delete selected …"</summary>
                    <p class="file-actions">
                        "For good, with everything that was made of them."
                        <button class="button" type="submit" disabled=is_disabled>
                            {label}
                        </button>
                    </p>
                </details>
            </div>
            <ul class="files">
                <For each=move || page.with(|page| page.files.clone()) key=|file| file.id let:file>
                    <FileRow file page selection />
                </For>
            </ul>
        </form>
    }
}

/// How much of a file is here, and how to go on; not while this tab is at it.
#[component]
fn Unfinished(file: File) -> impl IntoView {
    let uploads = use_uploads();
    let place = file.for_chat_id.map_or("", |_| " in its chat");
    let share = file.received_bytes.saturating_mul(100) / file.size_bytes.max(1);

    view! {
        <p class="file-detail">
            {move || {
                if uploads.is_sending(file.id) {
                    "Being uploaded from here".to_owned()
                } else {
                    format!("Not complete: {share} % are here. Choose the same file again{place} to go on.")
                }
            }}
        </p>
    }
}

/// A row stays as long as its file is listed, and with it what is chosen and where the focus is.
#[component]
fn FileRow(file: File, page: RwSignal<FilePage>, selection: Selection) -> impl IntoView {
    let Selection { chosen, submission, .. } = selection;
    let (id, name) = (file.id, file.name.to_string());
    let choose = move |event| {
        let is_checked = event_target_checked(&event);
        chosen.update(|chosen| {
            chosen.retain(|other| *other != id);
            if is_checked {
                chosen.push(id);
            }
        });
    };
    let shown = Memo::new(move |before: Option<&(File, FileChats)>| {
        page.with(|page| {
            let now = page.files.iter().find(|now| now.id == id).or(before.map(|(file, _)| file)).unwrap_or(&file);
            (now.clone(), page.chats.get(&id).cloned().unwrap_or_default())
        })
    });

    view! {
        <li class="file">
            <input
                class="file-choose"
                id=box_id(id)
                type="checkbox"
                name="file_ids[]"
                value=id.to_string()
                aria-label=format!("Select {name}")
                on:change=choose
                prop:checked=move || chosen.with(|chosen| chosen.contains(&id))
            />
            {move || {
                let (file, chats) = shown.get();
                view! { <Facts file chats submission /> }
            }}
        </li>
    }
}

fn box_id(id: FileId) -> String {
    format!("choose-{id}")
}

#[component]
fn Facts(file: File, chats: FileChats, submission: Submission) -> impl IntoView {
    let id = file.id;
    let name = file.name.as_str().to_owned();
    let is_whole = file.state != FileState::Uploading;
    // In a line that is there anyway: nothing below moves away from under a pointer when it goes.
    let busy = file.state.is_busy().then(|| format!(" · {}", file.state.text()));
    let passing = (is_whole && !file.is_kept).then_some(" · goes with its chat");
    let failure = matches!(file.state, FileState::Failed(_)).then(|| file.state.text());
    let can_retry = matches!(file.state, FileState::Failed(failure) if failure.can_pass());
    let live = use_live();
    let retry = move |event: MouseEvent| {
        event.prevent_default();
        submission.send(retry_file(id.to_string()), move |()| {
            // The button goes.
            focus_on(&box_id(id));
            live.files_changed.notify();
        });
    };
    let thumbnail = (file.kind.is_image() && file.state == FileState::Ready).then(|| thumbnail_path(file.id));

    view! {
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
                        value=id.to_string()
                        aria-label=format!("Read {name} again")
                        on:click=retry
                    >
                        "Retry"
                    </button>
                }
            })}
    }
}
