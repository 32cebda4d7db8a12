//! What this tab uploads: several files at once, each gone on with after a cut (tus 1.0, the server's `files::tus`).
//!
//! It belongs to the app: an upload goes on while its person reads another page.

use std::{cell::RefCell, collections::HashMap};

use leptos::{prelude::*, task::spawn_local};
use web_sys::{File as BrowserFile, FileList, XmlHttpRequest};

use super::{
    session::Session,
    upload_request::{base64, pause, request_to},
};
use crate::{
    domain::{
        file::{File, Storage},
        file_state::FileState,
        ids::{ChatId, FileId},
    },
    error::{Error, InvalidInput, Result},
};

/// Where uploads begin.
const PLACE: &str = "/files/uploads";
/// Files that are sent at a time.
const RUNNING_MAX: usize = 3;
/// Waits between attempts: each twice the one before, up to the longest. Starts anew when something came through.
const WAIT_MS_MIN: u32 = 1_000;
const WAIT_MS_MAX: u32 = 30_000;
/// The speed is that of the last while.
const SPEED_MS_MIN: f64 = 500.0;

/// How an upload is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadState {
    /// Others come first.
    Waiting,
    Running,
    /// It was cut off, and goes on in a moment.
    Interrupted,
    Done,
    Failed(Error),
}

/// A file that is, or was, sent from here.
#[derive(Clone, Debug, PartialEq)]
pub struct Upload {
    pub key: u32,
    pub name: String,
    pub size_bytes: f64,
    pub sent_bytes: f64,
    /// None until it is known.
    pub bytes_per_second: Option<f64>,
    pub state: UploadState,
    goes_with: GoesWith,
    /// Where on the server it goes, once that is known.
    place: Option<String>,
}

/// What a file is uploaded for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoesWith {
    /// For its own sake.
    Library,
    /// A message that is being written in this chat: it is deleted with the last chat that has it.
    Message(ChatId),
    /// Kept for its own sake, and given to this chat.
    Chat(ChatId),
}

impl Upload {
    /// Whether there is still something to do.
    pub fn is_open(&self) -> bool {
        matches!(self.state, UploadState::Waiting | UploadState::Running | UploadState::Interrupted)
    }

    /// The file that it became, once all of it is there.
    pub fn file_id(&self) -> Option<&str> {
        self.place.as_deref().filter(|_| self.state == UploadState::Done)?.rsplit('/').next()
    }
}

/// What only the browser has of an upload.
pub(super) struct Source {
    content: BrowserFile,
    pub(super) request: Option<XmlHttpRequest>,
}

thread_local! {
    /// By the uploads' keys. Not in a signal: a server's threads must never see these.
    pub(super) static SOURCES: RefCell<HashMap<u32, Source>> = RefCell::default();
}

/// All uploads of this tab.
#[derive(Clone, Copy)]
pub struct Uploads {
    pub all: RwSignal<Vec<Upload>>,
    last_key: StoredValue<u32>,
    session: Session,
}

/// Makes the uploads known to everything below.
pub fn provide_uploads(session: Session) {
    let uploads = Uploads { all: RwSignal::new(Vec::new()), last_key: StoredValue::new(0), session };
    provide_context(uploads);
}

/// The uploads that the app provides.
pub fn use_uploads() -> Uploads {
    expect_context()
}

impl Uploads {
    /// Sends files. Those among `unfinished` that are the same ones, for the same use, go on from where they are; those for which there is no room
    /// are not begun. Gives their keys.
    pub fn add(self, files: Vec<BrowserFile>, unfinished: &[File], storage: Storage, goes_with: GoesWith) -> Vec<u32> {
        let is_for_message = matches!(goes_with, GoesWith::Message(_));
        let mut keys = Vec::new();
        for content in files {
            let key = self.next_key();
            keys.push(key);
            let is_its = |file: &&File| file.is_kept != is_for_message && is_same(file, &content);
            let place = unfinished.iter().find(is_its).map(|file| place_of(file.id));
            let upload = Upload {
                key,
                name: content.name(),
                size_bytes: content.size(),
                sent_bytes: 0.0,
                bytes_per_second: None,
                state: match refusal(content.size(), storage) {
                    Some(error) if place.is_none() => UploadState::Failed(error),
                    _ => UploadState::Waiting,
                },
                goes_with,
                place,
            };
            SOURCES.with_borrow_mut(|sources| sources.insert(key, Source { content, request: None }));
            self.all.update(|all| all.push(upload));
        }
        self.start_waiting();
        keys
    }

    /// A key that no upload has.
    pub fn next_key(self) -> u32 {
        self.last_key
            .try_update_value(|key| {
                *key += 1;
                *key
            })
            .unwrap_or_default()
    }

    /// Gives an upload up, here and on the server.
    pub fn cancel(self, key: u32) {
        let source = SOURCES.with_borrow_mut(|sources| sources.remove(&key));
        let place = self.place(key);
        self.all.update(|all| all.retain(|upload| upload.key != key));
        if let Some(request) = source.and_then(|source| source.request) {
            _ = request.abort();
        }
        if let Some(place) = place {
            spawn_local(async move {
                // Should that fail, the server gives it up by itself after a day.
                _ = request_to(key, "DELETE", &place, &[], None, |_| {}).await;
            });
        }
        self.start_waiting();
    }

    /// Tries again what failed.
    pub fn retry(self, key: u32) {
        self.change(key, |upload| upload.state = UploadState::Waiting);
        self.start_waiting();
    }

    /// Whether a file is being sent from here, or will be.
    pub fn is_sending(self, id: FileId) -> bool {
        let place = place_of(id);
        self.all.with(|all| all.iter().any(|upload| upload.is_open() && upload.place.as_ref() == Some(&place)))
    }

    fn place(self, key: u32) -> Option<String> {
        self.of(key, |upload| upload.place.clone()).flatten()
    }

    fn of<T>(self, key: u32, what: impl FnOnce(&Upload) -> T) -> Option<T> {
        self.all.with_untracked(|all| all.iter().find(|upload| upload.key == key).map(what))
    }

    fn change(self, key: u32, change: impl FnOnce(&mut Upload)) {
        self.all.update(|all| {
            if let Some(upload) = all.iter_mut().find(|upload| upload.key == key) {
                change(upload);
            }
        });
    }

    fn start_waiting(self) {
        let (running, waiting) = self.all.with_untracked(|all| {
            let is_running = |upload: &&Upload| matches!(upload.state, UploadState::Running | UploadState::Interrupted);
            let waiting: Vec<u32> =
                all.iter().filter(|upload| upload.state == UploadState::Waiting).map(|upload| upload.key).collect();
            (all.iter().filter(is_running).count(), waiting)
        });
        for key in waiting.into_iter().take(RUNNING_MAX.saturating_sub(running)) {
            self.change(key, |upload| upload.state = UploadState::Running);
            spawn_local(async move {
                let outcome = self.send(key).await;
                let state = match outcome {
                    Ok(()) => UploadState::Done,
                    Err(error) => {
                        self.session.leave_if_ended(error);
                        UploadState::Failed(error)
                    }
                };
                self.change(key, |upload| upload.state = state);
                if state == UploadState::Done {
                    SOURCES.with_borrow_mut(|sources| sources.remove(&key));
                }
                self.start_waiting();
            });
        }
    }

    /// Sends a file to its end, however often it is cut off.
    async fn send(self, key: u32) -> Result<()> {
        let mut wait_ms = WAIT_MS_MIN;
        loop {
            let sent_before = self.sent(key);
            match self.attempt(key).await {
                Err(error) if can_pass(error) && is_known(key) => {}
                outcome => return outcome,
            }
            if self.sent(key) > sent_before {
                wait_ms = WAIT_MS_MIN;
            }
            self.change(key, |upload| upload.state = UploadState::Interrupted);
            pause(wait_ms).await;
            wait_ms = (wait_ms * 2).min(WAIT_MS_MAX);
            self.change(key, |upload| upload.state = UploadState::Running);
        }
    }

    fn sent(self, key: u32) -> f64 {
        self.of(key, |upload| upload.sent_bytes).unwrap_or_default()
    }

    /// Asks where the upload is, and sends the rest in one request.
    async fn attempt(self, key: u32) -> Result<()> {
        let Some(content) = content(key) else { return Ok(()) };
        let (place, offset) = match self.place(key) {
            Some(place) => {
                let offset = find_offset(key, &place).await?;
                (place, offset)
            }
            None => (self.begin(key, &content).await?, 0.0),
        };
        self.change(key, |upload| upload.sent_bytes = offset);
        if offset >= content.size() {
            return Ok(());
        }
        let rest = content.slice_with_f64(offset).map_err(|_| Error::Internal)?;
        let offset_text = offset.to_string();
        let headers = [("upload-offset", offset_text.as_str()), ("content-type", "application/offset+octet-stream")];
        let speed = RefCell::new((js_sys::Date::now(), offset));
        let answer = request_to(key, "PATCH", &place, &headers, Some(&rest), move |sent| {
            let (since_ms, since_bytes) = *speed.borrow();
            let (now_ms, now_bytes) = (js_sys::Date::now(), offset + sent);
            let took_ms = now_ms - since_ms;
            let is_measured = took_ms >= SPEED_MS_MIN;
            self.change(key, |upload| {
                upload.sent_bytes = now_bytes;
                if is_measured {
                    let now = (now_bytes - since_bytes) * 1_000.0 / took_ms;
                    upload.bytes_per_second =
                        Some(upload.bytes_per_second.map_or(now, |before| before.mul_add(0.6, now * 0.4)));
                }
            });
            if is_measured {
                *speed.borrow_mut() = (now_ms, now_bytes);
            }
        })
        .await?;
        let offset: f64 = answer.header("upload-offset").and_then(|text| text.parse().ok()).ok_or(Error::Offline)?;
        self.change(key, |upload| upload.sent_bytes = offset);
        if offset >= content.size() { Ok(()) } else { Err(Error::UploadCut) }
    }

    /// Announces the file; gives where its content goes.
    async fn begin(self, key: u32, content: &BrowserFile) -> Result<String> {
        let mut metadata = format!(
            "filename {},modified_at_ms {}",
            base64(&content.name()),
            base64(&content.last_modified().to_string())
        );
        let goes_with = match self.of(key, |upload| upload.goes_with) {
            Some(GoesWith::Message(chat_id)) => Some(("message", chat_id)),
            Some(GoesWith::Chat(chat_id)) => Some(("chat", chat_id)),
            _ => None,
        };
        if let Some((what, chat_id)) = goes_with {
            metadata.push_str(&format!(",goes_with {},chat_id {}", base64(what), base64(&chat_id.to_string())));
        }
        let size = content.size().to_string();
        let headers = [("upload-length", size.as_str()), ("upload-metadata", &metadata)];
        let answer = request_to(key, "POST", PLACE, &headers, None, |_| {}).await?;
        let place = answer.header("location").ok_or(Error::Internal)?;
        self.change(key, |upload| upload.place = Some(place.clone()));
        Ok(place)
    }
}

/// The files of a list, which the browser may empty later.
pub fn to_files(list: &FileList) -> Vec<BrowserFile> {
    (0..list.length()).filter_map(|n| list.get(n)).collect()
}

/// What the server would say to a file of this size.
#[expect(clippy::cast_precision_loss, reason = "a browser counts bytes so, too")]
fn refusal(size_bytes: f64, storage: Storage) -> Option<Error> {
    let room_bytes = storage.bytes_max.saturating_sub(storage.used_bytes);
    if size_bytes < 1.0 {
        Some(InvalidInput::FileEmpty.into())
    } else if size_bytes > storage.file_bytes_max as f64 {
        Some(Error::FileTooLarge)
    } else {
        (size_bytes > room_bytes as f64).then_some(Error::StorageFull)
    }
}

/// Whether an unfinished file on the server is the one that was chosen here.
fn is_same(file: &File, content: &BrowserFile) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "a browser counts bytes and moments so, too")]
    let (size, modified) = (file.size_bytes as f64, file.modified_at_ms.unwrap_or_default() as f64);
    file.state == FileState::Uploading
        && file.name.as_str() == content.name()
        && size.to_bits() == content.size().to_bits()
        && modified.to_bits() == content.last_modified().to_bits()
}

fn place_of(id: FileId) -> String {
    format!("{PLACE}/{id}")
}

fn content(key: u32) -> Option<BrowserFile> {
    SOURCES.with_borrow(|sources| sources.get(&key).map(|source| source.content.clone()))
}

/// Whether it was not given up meanwhile.
fn is_known(key: u32) -> bool {
    SOURCES.with_borrow(|sources| sources.contains_key(&key))
}

async fn find_offset(key: u32, place: &str) -> Result<f64> {
    let answer = request_to(key, "HEAD", place, &[], None, |_| {}).await?;
    answer.header("upload-offset").and_then(|text| text.parse().ok()).ok_or(Error::Internal)
}

/// Whether it makes sense to go on by itself.
const fn can_pass(error: Error) -> bool {
    matches!(
        error,
        Error::Offline
            | Error::UploadCut
            | Error::UploadOffset
            | Error::Unavailable
            | Error::Busy
            | Error::TooMany
            | Error::TooOften { .. }
    )
}
