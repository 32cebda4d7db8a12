//! The form that files are chosen with, which is also a place to drop them.

use leptos::{ev::DragEvent, html::Input, prelude::*, web_sys::FileList};

use crate::{
    domain::{
        file::{File, Storage, size_text},
        ids::ChatId,
    },
    ui::{
        paths::FILES_PATH,
        state::uploads::{GoesWith, to_files, use_uploads},
    },
};

/// Sends the chosen files at once, for a chat or for their own sake; without a script, with the button. Those that are among
/// `unfinished` go on.
#[component]
pub fn UploadForm(unfinished: Vec<File>, storage: Storage, #[prop(optional)] chat: Option<ChatId>) -> impl IntoView {
    let (uploads, unfinished) = (use_uploads(), StoredValue::new(unfinished));
    let goes_with = chat.map_or(GoesWith::Library, GoesWith::Chat);
    let (action, label) = match chat {
        Some(id) => (format!("{FILES_PATH}/form/{id}"), "Upload files for this chat"),
        None => (format!("{FILES_PATH}/form"), "Upload files"),
    };
    let input = NodeRef::<Input>::new();
    // Until the browser half is here, files are sent by the button.
    let is_plain = RwSignal::new(true);
    let is_over = RwSignal::new(false);
    let add = move |files: &FileList| {
        unfinished.with_value(|unfinished| uploads.add(to_files(files), unfinished, storage, goes_with));
    };
    let take = move || {
        if let Some(input) = input.get_untracked()
            && let Some(files) = input.files().filter(|files| files.length() > 0)
        {
            add(&files);
            input.set_value("");
        }
    };
    Effect::new(move |_| {
        is_plain.set(false);
        // What was chosen before the browser half was here.
        take();
    });
    let on_drag = move |event: DragEvent| {
        event.prevent_default();
        is_over.set(true);
    };
    let on_drop = move |event: DragEvent| {
        event.prevent_default();
        is_over.set(false);
        if let Some(files) = event.data_transfer().and_then(|data| data.files()) {
            add(&files);
        }
    };
    let room = storage.bytes_max.saturating_sub(storage.used_bytes).min(storage.file_bytes_max);

    view! {
        <form
            class="upload"
            class:upload-over=move || is_over.get()
            method="post"
            action=action
            enctype="multipart/form-data"
            on:dragover=on_drag
            on:dragleave=move |_| is_over.set(false)
            on:drop=on_drop
        >
            <label class="upload-label">
                <span class="field-label">{label}</span>
                <input class="upload-input" type="file" name="file" multiple node_ref=input on:change=move |_| take() />
            </label>
            <p class="upload-hint">
                {move || (!is_plain.get()).then_some("Or drop them here. ")} "Up to "
                {size_text(room)} " each."
            </p>
            {move || {
                is_plain
                    .get()
                    .then(|| {
                        view! {
                            <button class="button" type="submit">
                                "Upload"
                            </button>
                        }
                    })
            }}
        </form>
    }
}
