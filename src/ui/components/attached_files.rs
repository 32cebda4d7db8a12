//! Files that are to come with a message: how far each is, and a way to leave it out.

use leptos::{
    prelude::*,
    task::spawn_local,
    wasm_bindgen::JsCast,
    web_sys::{File as BrowserFile, HtmlElement},
};

use crate::{
    api::files::{discard_file, list_files},
    domain::{file::FileOrder, limits},
    error::Error,
    ui::{
        components::retry_upload::RetryUpload,
        state::{
            drafts::{Draft, DraftFile},
            uploads::{GoesWith, Upload, UploadState, Uploads, use_uploads},
        },
    },
};

/// Uploads files that are to come with the next message.
pub fn attach(draft: Draft, uploads: Uploads, files: Vec<BrowserFile>) {
    spawn_local(async move {
        draft.error.set(None);
        let room = limits::FILES_PER_MESSAGE_MAX.saturating_sub(draft.files.with_untracked(Vec::len));
        if files.len() > room {
            draft.error.set(Some(Error::TooMany));
            return;
        }
        // What there is room for is known before anything is sent.
        let names: Vec<String> = files.iter().map(BrowserFile::name).collect();
        match list_files(String::new(), FileOrder::Newest.name().to_owned(), None).await {
            Ok(page) => {
                let keys = uploads.add(files, &page.files, page.storage, GoesWith::Message(draft.chat_id));
                let added = names.into_iter().zip(keys).map(|(name, key)| DraftFile { key, name, file_id: None });
                draft.files.update(|files| files.extend(added));
            }
            Err(error) => draft.error.set(Some(error)),
        }
    });
}

/// The list of them.
#[component]
pub fn AttachedFiles(draft: Draft) -> impl IntoView {
    let uploads = use_uploads();
    let files = draft.files.clone();
    // What has arrived can be sent.
    Effect::new(move || {
        let arrived: Vec<(u32, String)> = uploads
            .all
            .with(|all| all.iter().filter_map(|upload| Some((upload.key, upload.file_id()?.to_owned()))).collect());
        let is_new = |file: &DraftFile| file.file_id.is_none() && arrived.iter().any(|(key, _)| *key == file.key);
        if files.with_untracked(|files| files.iter().any(is_new)) {
            files.update(|files| {
                for file in files {
                    let id = arrived.iter().find(|(key, _)| *key == file.key).map(|(_, id)| id.clone());
                    file.file_id = file.file_id.take().or(id);
                }
            });
        }
    });
    let keys = {
        let files = draft.files.clone();
        Memo::new(move |_| files.with(|files| files.iter().map(|file| file.key).collect::<Vec<_>>()))
    };
    let files = draft.files.clone();
    let said = move || {
        let (all, here) = files.with(|files| (files.len(), files.iter().filter(|file| file.file_id.is_some()).count()));
        format!("{here} of {all} files attached")
    };

    view! {
        <p class="visually-hidden" role="status">
            {said}
        </p>
        <ul class="attached-files" aria-label="Attached files">
            <For each=move || keys.get() key=|key| *key let:key>
                <Row key draft=draft.clone() />
            </For>
        </ul>
    }
}

#[component]
fn Row(key: u32, draft: Draft) -> impl IntoView {
    let uploads = use_uploads();
    let upload = Memo::new(move |_| uploads.all.with(|all| all.iter().find(|upload| upload.key == key).cloned()));
    let name = draft.files.with_untracked(|files| {
        files.iter().find(|file| file.key == key).map(|file| file.name.clone()).unwrap_or_default()
    });
    let has_failed = Signal::derive(move || {
        upload.with(|upload| matches!(upload.as_ref().map(|upload| upload.state), Some(UploadState::Failed(_))))
    });
    let state = move || upload.with(|upload| upload.as_ref().map(describe));
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
        focus_field();
    };

    view! {
        <li class="attached-file">
            <span class="attached-name">{name.clone()}</span>
            // What went wrong is said at once, each step of a hundred is not.
            <span class="attached-state" role=move || has_failed.get().then_some("alert")>
                {state}
            </span>
            <RetryUpload key has_failed />
            <button
                class="button button-quiet"
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

/// What had the focus is gone; one goes on writing.
fn focus_field() {
    let field = document().get_element_by_id("message-field").and_then(|field| field.dyn_into::<HtmlElement>().ok());
    if let Some(field) = field {
        // Refused only for what is not on the screen.
        _ = field.focus();
    }
}

fn describe(upload: &Upload) -> String {
    match upload.state {
        UploadState::Waiting => "waits".to_owned(),
        UploadState::Running => {
            let percent = 100.0 * upload.sent_bytes / upload.size_bytes.max(1.0);
            format!("{percent:.0} %")
        }
        UploadState::Interrupted => "interrupted, goes on by itself".to_owned(),
        UploadState::Done => String::new(),
        UploadState::Failed(error) => error.text(),
    }
}
