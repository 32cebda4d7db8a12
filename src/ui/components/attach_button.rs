//! Where files are chosen that come with a message. What uploads and lists them is a part of the browser half of its own
//! (`attached_files`), loaded when the first one is chosen.

use leptos::{
    ev::{ClipboardEvent, DragEvent},
    html::Input,
    prelude::*,
    task::spawn_local,
    wasm_bindgen::JsCast,
    web_sys::{FileList, Node},
};

use crate::{
    error::Error,
    ui::{
        components::later::part,
        lazy::{attach, attached_list, loaded},
        state::{
            drafts::Draft,
            effect::effect,
            uploads::{Uploads, brings_files, to_files, use_uploads},
        },
    },
};

/// The button that files are chosen with. Without a script, the chat's settings take files.
#[component]
pub fn AttachButton(draft: Draft) -> impl IntoView {
    let (input, uploads) = (NodeRef::<Input>::new(), use_uploads());
    let take = move || {
        if let Some(input) = input.get_untracked()
            && attach_all(&draft, uploads, input.files())
        {
            input.set_value("");
        }
    };
    // What was chosen before the browser half was here.
    effect(take.clone());

    view! {
        <label class="button button-quiet attach-button script-only">
            <input class="attach-input" type="file" multiple node_ref=input on:change=move |_| take() />
            "Attach"
        </label>
    }
}

/// What was chosen so far, and what of it is gone.
#[component]
pub fn Attached(draft: Draft) -> impl IntoView {
    let (files, gone) = (draft.files.clone(), draft.gone.clone());
    let has_any = Memo::new(move |_| !files.with(Vec::is_empty) || !gone.with(String::is_empty));
    let list = move || {
        let list = attached_list(draft.clone());
        part(async move { loaded(list.await) })
    };
    move || has_any.get().then(&list)
}

/// What has files come with the next message that are dragged over something, away from it, and dropped there.
pub fn taking_drops(
    draft: &Draft,
    uploads: Uploads,
    is_over: RwSignal<bool>,
) -> (impl Fn(DragEvent) + use<>, impl Fn(DragEvent) + use<>, impl Fn(DragEvent) + use<>) {
    let on_drag = move |event: DragEvent| {
        // Text is dropped into the field as anywhere.
        if brings_files(&event) {
            event.prevent_default();
            is_over.set(true);
        }
    };
    let on_leave = move |event: DragEvent| {
        // From one part of it to the next is not away.
        let all = event.current_target().and_then(|all| all.dyn_into::<Node>().ok());
        let next = event.related_target().and_then(|next| next.dyn_into::<Node>().ok());
        is_over.set(next.is_some() && all.is_some_and(|all| all.contains(next.as_ref())));
    };
    let dropped = draft.clone();
    let on_drop = move |event: DragEvent| {
        is_over.set(false);
        if attach_all(&dropped, uploads, event.data_transfer().and_then(|data| data.files())) {
            event.prevent_default();
        }
    };
    (on_drag, on_leave, on_drop)
}

/// The same of what is pasted.
pub fn taking_pastes(draft: &Draft, uploads: Uploads) -> impl Fn(ClipboardEvent) + use<> {
    let pasted = draft.clone();
    move |event: ClipboardEvent| {
        // Programs for text and tables put a picture of what was copied beside it.
        let data = event.clipboard_data().filter(|data| data.get_data("text/plain").unwrap_or_default().is_empty());
        if attach_all(&pasted, uploads, data.and_then(|data| data.files())) {
            event.prevent_default();
        }
    }
}

/// Has files come with the next message. False when there are none.
fn attach_all(draft: &Draft, uploads: Uploads, list: Option<FileList>) -> bool {
    let Some(files) = list.map(|list| to_files(&list)).filter(|files| !files.is_empty()) else { return false };
    let draft = draft.clone();
    spawn_local(async move {
        if attach(draft.clone(), uploads, files).await.is_err() {
            draft.error.set(Some(Error::Offline));
        }
    });
    true
}
