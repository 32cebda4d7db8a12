//! Files that are to come with a message: how far each is, and a way to leave it out.

use std::collections::HashMap;

use leptos::{prelude::*, task::spawn_local, web_sys::File as BrowserFile};

use crate::{
    api::files::{discard_file, list_files, list_unsent_files},
    domain::{file::FileOrder, file_state::FileState, ids::FileId, limits},
    error::{Error, InvalidInput},
    ui::{
        components::{focus::focus_on, retry_upload::RetryUpload, upload_list::describe},
        state::{
            drafts::{Draft, DraftFile},
            effect::effect,
            followed::ask_again,
            upload::{GoesWith, Upload, UploadState},
            uploads::{Uploads, use_uploads},
        },
    },
};

/// Uploads files that are to come with the next message.
pub fn attach(draft: Draft, uploads: Uploads, files: Vec<BrowserFile>) {
    spawn_local(async move {
        draft.error.set(None);
        draft.gone.set(String::new());
        let room = limits::FILES_PER_MESSAGE_MAX.saturating_sub(draft.files.with_untracked(Vec::len));
        if files.len() > room {
            draft.error.set(Some(InvalidInput::MessageFiles.into()));
            return;
        }
        // What there is room for is known before anything is sent.
        let names: Vec<String> = files.iter().map(BrowserFile::name).collect();
        match list_files(String::new(), FileOrder::Newest.name().to_owned(), None).await {
            Ok(page) => {
                let keys = uploads.add(files, &page.unfinished, page.storage, GoesWith::Message(draft.chat_id));
                let added = names.into_iter().zip(keys).map(|(name, key)| DraftFile { key, name, file_id: None });
                draft.files.update(|files| files.extend(added));
            }
            Err(error) => {
                draft.error.set(Some(error));
                uploads.session.leave_if_ended(error);
            }
        }
    });
}

/// How far those are that all came, by their ids.
type States = HashMap<String, FileState>;

/// The list of them.
#[component]
pub fn AttachedFiles(draft: Draft) -> impl IntoView {
    let uploads = use_uploads();
    let known = draft.clone();
    effect(move || catch_up(&known, &uploads.all.get()));
    let states = RwSignal::new(States::new());
    let (failed, checked) = (draft.error.clone(), draft.clone());
    // Some may have been deleted while another page was shown, or elsewhere.
    Effect::new(move |is_later: Option<()>| {
        if failed.get() == Some(Error::NotFound) || is_later.is_none() {
            drop_gone(checked.clone(), states);
        }
    });
    let followed = draft.clone();
    let has_whole = move || followed.files.with_untracked(|files| files.iter().any(|file| file.file_id.is_some()));
    let chat_id = draft.chat_id.to_string();
    ask_again(
        move || has_whole().then(|| list_unsent_files(chat_id.clone())),
        move |unsent| states.set(by_text(unsent)),
    );
    let keys = {
        let files = draft.files.clone();
        Memo::new(move |_| files.with(|files| files.iter().map(|file| file.key).collect::<Vec<_>>()))
    };
    let (files, gone) = (draft.files.clone(), draft.gone.clone());
    let said = move || {
        let (all, here) = files.with(|files| (files.len(), files.iter().filter(|file| file.file_id.is_some()).count()));
        (all > 0).then(|| format!("{here} of {all} files attached"))
    };

    view! {
        <p class="visually-hidden" role="status">
            {said}
        </p>
        {move || {
            (!gone.with(String::is_empty))
                .then(|| {
                    view! {
                        <p class="attached-files attached-state" role="alert">
                            {gone.get()}
                        </p>
                    }
                })
        }}
        <ul class="attached-files" aria-label="Attached files">
            <For each=move || keys.get() key=|key| *key let:key>
                <Row key draft=draft.clone() states />
            </For>
        </ul>
    }
}

/// Notes what has arrived, which can be sent, and takes away what was given up on another page.
fn catch_up(draft: &Draft, all: &[Upload]) {
    let arrived: Vec<(u32, Option<String>)> = all.iter().map(|upload| (upload.key, upload.file_id())).collect();
    let id_of = |file: &DraftFile| arrived.iter().find(|(key, _)| *key == file.key).map(|(_, id)| id.clone());
    let is_news = |file: &DraftFile| file.file_id.is_none() && id_of(file).is_none_or(|id| id.is_some());
    if draft.files.with_untracked(|files| files.iter().any(is_news)) {
        draft.files.update(|files| {
            files.retain_mut(|file| {
                let id = id_of(file);
                let is_there = file.file_id.is_some() || id.is_some();
                file.file_id = file.file_id.take().or(id.flatten());
                is_there
            });
        });
    }
}

/// Takes away files that are no more, as the server says. Those that came since it was asked stay.
fn drop_gone(draft: Draft, states: RwSignal<States>) {
    let known: Vec<String> =
        draft.files.with_untracked(|files| files.iter().filter_map(|file| file.file_id.clone()).collect());
    if known.is_empty() {
        return;
    }
    spawn_local(async move {
        let Ok(unsent) = list_unsent_files(draft.chat_id.to_string()).await else { return };
        let there = by_text(unsent);
        states.try_set(there.clone());
        if draft.on_its_way.with_untracked(Option::is_some) {
            return;
        }
        let is_gone =
            |file: &DraftFile| file.file_id.as_ref().is_some_and(|id| known.contains(id) && !there.contains_key(id));
        let mut gone = draft.files.get_untracked();
        gone.retain(is_gone);
        if !gone.is_empty() {
            draft.files.update(|files| files.retain(|file| !is_gone(file)));
            let names: Vec<String> = gone.into_iter().map(|file| file.name).collect();
            draft.gone.set(format!("Not there any more: {}", names.join(", ")));
            // That was why; without them, it can be sent.
            draft.error.update(|error| *error = error.take().filter(|error| *error != Error::NotFound));
        }
    });
}

fn by_text(states: HashMap<FileId, FileState>) -> States {
    states.into_iter().map(|(id, state)| (id.to_string(), state)).collect()
}

#[component]
fn Row(key: u32, draft: Draft, states: RwSignal<States>) -> impl IntoView {
    let uploads = use_uploads();
    // None of what was there when the page was opened.
    let upload = uploads.find(key);
    let name = draft.files.with_untracked(|files| {
        files.iter().find(|file| file.key == key).map(|file| file.name.clone()).unwrap_or_default()
    });
    let failing = upload.clone();
    let has_failed = Signal::derive(move || failing.as_ref().is_some_and(|upload| upload.failure().is_some()));
    let files = draft.files.clone();
    let reading = Memo::new(move |_| {
        let its_id = |files: &Vec<DraftFile>| files.iter().find(|file| file.key == key)?.file_id.clone();
        let id = files.with(its_id)?;
        // With an id it is whole, whatever was heard last.
        let is_news = |state: &FileState| !matches!(state, FileState::Ready | FileState::Uploading);
        states.with(|states| states.get(&id).copied()).filter(is_news)
    });
    // Of what was there before it was said before.
    let is_new = upload.is_some();
    let is_alarming = move || has_failed.get() || (is_new && matches!(reading.get(), Some(FileState::Failed(_))));
    let state = move || {
        let upload = upload.as_ref().filter(|upload| upload.state.get() != UploadState::Done);
        upload.map(describe).or_else(|| reading.get().map(|state| state.text().to_owned()))
    };
    let is_on_its_way = {
        let on_its_way = draft.on_its_way.clone();
        move || on_its_way.with(Option::is_some)
    };
    let remove = move |_| {
        let file = draft.files.with_untracked(|files| files.iter().find(|file| file.key == key).cloned());
        draft.files.update(|files| files.retain(|file| file.key != key));
        match file.and_then(|file| file.file_id) {
            // Should that fail, it goes by itself after a day.
            Some(id) => spawn_local(async move { _ = discard_file(id).await }),
            None => uploads.cancel(key),
        }
        // One goes on writing.
        focus_on("message-field");
    };

    let cancel_id = format!("remove-{key}");

    view! {
        <li class="attached-file">
            <span class="attached-name">{name.clone()}</span>
            // What went wrong is said at once, each step of a hundred is not.
            <span class="attached-state" role=move || is_alarming().then_some("alert")>
                {state}
            </span>
            <RetryUpload key name=name.clone() focus_id=cancel_id.clone() has_failed />
            <button
                class="button button-quiet"
                id=cancel_id
                type="button"
                aria-label=format!("Remove {name}")
                disabled=is_on_its_way
                on:click=remove
            >
                "Remove"
            </button>
        </li>
    }
}
