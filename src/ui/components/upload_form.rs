//! The form that files are chosen with, which is also a place to drop them.

use leptos::{
    ev::DragEvent,
    html::Input,
    prelude::*,
    web_sys::{FileList, HtmlInputElement},
};

use crate::{
    domain::{
        file::{File, Storage, size_text},
        ids::ChatId,
        limits,
    },
    ui::{
        paths::FILES_PATH,
        state::{
            effect::effect,
            upload::GoesWith,
            uploads::{brings_files, to_files, use_uploads},
        },
    },
};

/// Where the focus can go when an upload is gone.
pub const UPLOAD_INPUT_ID: &str = "upload-input";

/// What the server has already.
#[derive(Clone)]
pub struct Stored {
    /// All uploads that are not complete.
    pub unfinished: Vec<File>,
    pub storage: Storage,
}

/// Sends the chosen files at once, for a chat or for their own sake; without a script, with the button. Those that are
/// unfinished at the server go on. `has_script` is raised once the browser half has taken over.
#[component]
pub fn UploadForm(
    stored: ArcSignal<Stored>,
    has_script: RwSignal<bool>,
    #[prop(optional)] chat: Option<ChatId>,
) -> impl IntoView {
    let uploads = use_uploads();
    let goes_with = chat.map_or(GoesWith::Library, GoesWith::Chat);
    let (action, label) = match chat {
        Some(id) => (format!("{FILES_PATH}/form/{id}"), "Upload files for this chat"),
        None => (format!("{FILES_PATH}/form"), "Upload files"),
    };
    let input = NodeRef::<Input>::new();
    let is_over = RwSignal::new(false);
    let known = stored.clone();
    let add = move |files: &FileList| {
        let Stored { unfinished, storage } = known.get_untracked();
        uploads.add(to_files(files), &unfinished, storage, goes_with);
    };
    let add_dropped = add.clone();
    let take = move |input: HtmlInputElement| {
        if let Some(files) = input.files().filter(|files| files.length() > 0) {
            add(&files);
            input.set_value("");
        }
    };
    let take_early = take.clone();
    effect(move || {
        has_script.set(true);
        // What was chosen before the browser half was here.
        if let Some(input) = input.get_untracked() {
            take_early(input);
        }
    });
    let on_drag = move |event: DragEvent| {
        if brings_files(&event) {
            event.prevent_default();
            is_over.set(true);
        }
    };
    let on_drop = move |event: DragEvent| {
        is_over.set(false);
        if let Some(files) = event.data_transfer().and_then(|data| data.files()).filter(|files| files.length() > 0) {
            event.prevent_default();
            add_dropped(&files);
        }
    };

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
                <input
                    class="upload-input"
                    id=UPLOAD_INPUT_ID
                    type="file"
                    name="file"
                    multiple
                    required=move || !has_script.get()
                    node_ref=input
                    on:change=move |event| take(event_target(&event))
                />
            </label>
            <p class="upload-hint">
                {move || {
                    if has_script.get() {
                        "Or drop them here. ".to_owned()
                    } else {
                        format!("At most {} at a time. ", limits::FILES_PER_FORM_MAX)
                    }
                }}
                {move || room_text(stored.with(|stored| stored.storage))}
            </p>
            // Until the browser half is here.
            {move || {
                (!has_script.get())
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

fn room_text(storage: Storage) -> String {
    match storage.bytes_max.saturating_sub(storage.used_bytes) {
        0 => "Your storage is full: delete files to make room.".to_owned(),
        room => {
            let [each, read, room] = [storage.file_bytes_max, limits::FILE_READ_BYTES_MAX, room].map(size_text);
            format!("Up to {each} each, of which those up to {read} are read. There is room for {room}.")
        }
    }
}
