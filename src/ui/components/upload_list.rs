//! What is being uploaded from this tab: how far it is, how long it takes, and a way to give it up.

use leptos::prelude::*;

use crate::{
    domain::file::size_text,
    ui::{
        components::retry_upload::RetryUpload,
        state::uploads::{Upload, UploadState, use_uploads},
    },
};

/// One row for each upload, until it is done.
#[component]
pub fn UploadList() -> impl IntoView {
    let uploads = use_uploads();
    // What is done is in the list of files.
    let keys = Memo::new(move |_| {
        uploads.all.with(|all| {
            all.iter().filter(|upload| upload.state != UploadState::Done).map(|upload| upload.key).collect::<Vec<_>>()
        })
    });
    let done = move || uploads.all.with(|all| all.iter().filter(|upload| upload.state == UploadState::Done).count());

    view! {
        <ul class="uploads" aria-label="Uploads">
            <For each=move || keys.get() key=|key| *key let:key>
                <Row key />
            </For>
        </ul>
        <p class="visually-hidden" role="status">
            {move || match done() {
                0 => String::new(),
                1 => "1 file uploaded".to_owned(),
                count => format!("{count} files uploaded"),
            }}
        </p>
    }
}

#[component]
fn Row(key: u32) -> impl IntoView {
    let uploads = use_uploads();
    let upload = Memo::new(move |_| uploads.all.with(|all| all.iter().find(|upload| upload.key == key).cloned()));
    let of = move |text: fn(&Upload) -> String| upload.with(|upload| upload.as_ref().map(text).unwrap_or_default());
    let name = of(|upload| upload.name.clone());
    let state = move || upload.with(|upload| upload.as_ref().map(|upload| upload.state));
    let has_failed = Signal::derive(move || matches!(state(), Some(UploadState::Failed(_))));

    view! {
        <li class="upload-row">
            <div class="file-facts">
                <p class="file-name">{name.clone()}</p>
                <progress
                    class="upload-progress"
                    max="1000"
                    value=move || of(|upload| format!("{:.0}", 1_000.0 * upload.sent_bytes / upload.size_bytes.max(1.0)))
                    aria-label=format!("Upload of {name}")
                ></progress>
                <p class="file-detail">{move || of(describe)}</p>
            </div>
            <RetryUpload key has_failed />
            <button
                class="button button-quiet"
                type="button"
                aria-label=format!("Cancel the upload of {name}")
                on:click=move |_| uploads.cancel(key)
            >
                "Cancel"
            </button>
        </li>
    }
}

/// How it is going, in words.
fn describe(upload: &Upload) -> String {
    let parts = format!("{} of {}", bytes_text(upload.sent_bytes), bytes_text(upload.size_bytes));
    match upload.state {
        UploadState::Waiting => "Waits for its turn".to_owned(),
        UploadState::Running => match upload.bytes_per_second.filter(|speed| *speed >= 1.0) {
            Some(speed) => {
                let left = (upload.size_bytes - upload.sent_bytes) / speed;
                format!("{parts} · {} a second · {}", bytes_text(speed), time_text(left))
            }
            None => parts,
        },
        UploadState::Interrupted => format!("{parts} · interrupted, goes on by itself"),
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
