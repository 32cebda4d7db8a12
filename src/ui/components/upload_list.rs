//! What is being uploaded from this tab: how far it is, how long it takes, and a way to give it up.

use leptos::prelude::*;

use crate::{
    domain::file::size_text,
    ui::{
        components::{focus::focus_on, retry_upload::RetryUpload, upload_form::UPLOAD_INPUT_ID},
        state::{
            upload::{Upload, UploadState},
            uploads::use_uploads,
        },
    },
};

/// One row for each upload, until it is done.
#[component]
pub fn UploadList() -> impl IntoView {
    let uploads = use_uploads();
    // What was done before is no news.
    let is_done = |upload: &Upload| upload.state.get_untracked() == UploadState::Done;
    let known: Vec<u32> = uploads
        .all
        .with_untracked(|all| all.iter().filter(|upload| is_done(upload)).map(|upload| upload.key).collect());
    let known = StoredValue::new(known);
    let is_counted = move |upload: &Upload, state| {
        upload.state.get() == state && !known.with_value(|known| known.contains(&upload.key))
    };
    let count = move |state| uploads.all.with(|all| all.iter().filter(|upload| is_counted(upload, state)).count());
    // What is done is in the list of files.
    let is_shown = |upload: &Upload| upload.state.get() != UploadState::Done;
    let shown = move || uploads.all.get().into_iter().filter(is_shown).collect::<Vec<_>>();
    let said = move || {
        let done = match count(UploadState::Done) {
            0 => String::new(),
            1 => "1 file uploaded. ".to_owned(),
            count => format!("{count} files uploaded. "),
        };
        match count(UploadState::Interrupted) {
            0 => done,
            1 => done + "1 upload is interrupted, and goes on by itself.",
            count => format!("{done}{count} uploads are interrupted, and go on by themselves."),
        }
    };

    view! {
        <ul class="uploads" aria-label="Uploads">
            <For each=shown key=|upload| upload.key let:upload>
                <Row upload />
            </For>
        </ul>
        <p class="visually-hidden" role="status">
            {said}
        </p>
    }
}

#[component]
fn Row(upload: Upload) -> impl IntoView {
    let uploads = use_uploads();
    let Upload { key, name, size_bytes, progress, .. } = upload.clone();
    let sent = move || progress.with(|progress| format!("{:.0}", 1_000.0 * progress.sent_bytes / size_bytes.max(1.0)));
    let failed = upload.clone();
    let has_failed = Signal::derive(move || failed.failure().is_some());
    let cancel = move |_| {
        focus_on(UPLOAD_INPUT_ID);
        uploads.cancel(key);
    };

    view! {
        <li class="upload-row">
            <div class="file-facts">
                <p class="file-name">{name.clone()}</p>
                <progress class="upload-progress" max="1000" value=sent aria-label=format!("Upload of {name}")></progress>
                // What went wrong is said at once, each step of a hundred is not.
                <p class="file-detail" role=move || has_failed.get().then_some("alert")>
                    {move || describe(&upload)}
                </p>
            </div>
            // The row goes when it is done, and with it whatever in it has the focus.
            <RetryUpload key name=name.clone() focus_id=UPLOAD_INPUT_ID.to_owned() has_failed />
            <button
                class="button button-quiet"
                type="button"
                aria-label=format!("Cancel the upload of {name}")
                on:click=cancel
            >
                "Cancel"
            </button>
        </li>
    }
}

/// How it is going, in words.
pub fn describe(upload: &Upload) -> String {
    let progress = || upload.progress.get();
    let parts = |sent_bytes| format!("{} of {}", bytes_text(sent_bytes), bytes_text(upload.size_bytes));
    match upload.state.get() {
        UploadState::Waiting => "Waits for its turn".to_owned(),
        UploadState::Running => {
            let progress = progress();
            let parts = parts(progress.sent_bytes);
            match progress.bytes_per_second.filter(|speed| *speed >= 1.0) {
                Some(speed) => {
                    let left = (upload.size_bytes - progress.sent_bytes) / speed;
                    format!("{parts} · {} a second · {}", bytes_text(speed), time_text(left))
                }
                None => parts,
            }
        }
        UploadState::Interrupted => {
            format!("{} · interrupted, goes on by itself", parts(progress().sent_bytes))
        }
        UploadState::Done => "Done".to_owned(),
        UploadState::Failed(error) => error.text(),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size, rounded")]
fn bytes_text(bytes: f64) -> String {
    size_text(bytes.max(0.0) as u64)
}

fn time_text(seconds: f64) -> String {
    if seconds < 90.0 { format!("{:.0} s left", seconds.ceil()) } else { format!("{:.0} min left", seconds / 60.0) }
}
