//! What this tab uploads: several files at once, each gone on with after a cut (tus 1.0, the server's `files::tus`).
//!
//! It belongs to the app: an upload goes on while its person reads another page. Only the pages that upload bring this
//! code along; what every page has of it is the list, empty.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
};

use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, DragEvent, File as BrowserFile, FileList, XmlHttpRequest};

use super::{
    effect::effect,
    live::Live,
    news::News,
    session::Session,
    upload::{GoesWith, Upload, UploadState},
    upload_guard::{guard, refuse_drops},
    upload_request::{Measured, begin, find_offset, give_up, pause, send},
};
use crate::{
    domain::{
        file::{File, Storage},
        ids::FileId,
    },
    error::{Error, InvalidInput, Result},
};

/// Where uploads begin.
pub(super) const PLACE: &str = "/files/uploads";
/// Files that are sent at a time.
const RUNNING_MAX: usize = 3;
/// Waits between attempts: each twice the one before, up to the longest. Starts anew when something came through.
const WAIT_MS_MIN: u32 = 1_000;
const WAIT_MS_MAX: u32 = 30_000;
/// What a proxy may do with larger requests is not ours to say; one that takes none of this size takes no files.
const REQUEST_BYTES_MIN: f64 = 128.0 * 1_024.0;
/// After a refusal, the next one is a quarter, and this at the most.
const REFUSED_BYTES_NEXT: f64 = 32.0 * 1_024.0 * 1_024.0;

/// What only the browser has of an upload.
pub(super) struct Source {
    content: BrowserFile,
    pub(super) request: Option<XmlHttpRequest>,
    /// Before the next attempt, when this one is cut off.
    wait_ms: u32,
    /// Its place in the queue: the lowest is next. A number as keys are, so that what comes later has a higher one.
    turn: u32,
}

thread_local! {
    /// By the uploads' keys. Not in a signal: a server's threads must never see these.
    pub(super) static SOURCES: RefCell<HashMap<u32, Source>> = RefCell::default();
    /// What goes in one request: all there is, until a proxy was met that does not take it.
    static REQUEST_BYTES: Cell<f64> = const { Cell::new(f64::INFINITY) };
}

/// All uploads of this tab.
#[derive(Clone, Copy)]
pub struct Uploads {
    /// Changes when one comes or goes, not when one changes.
    pub all: RwSignal<Vec<Upload>>,
    pub session: Session,
    /// Raised when one is done or given up: the server may have no way to tell this tab.
    files_changed: News,
    last_key: StoredValue<u32>,
}

/// Makes the uploads known to everything below.
pub fn provide_uploads(live: Live) {
    effect(refuse_drops);
    provide_context(Uploads {
        all: RwSignal::new(Vec::new()),
        session: live.session,
        files_changed: live.files_changed,
        last_key: StoredValue::new(0),
    });
}

/// The uploads that the app provides.
pub fn use_uploads() -> Uploads {
    expect_context()
}

impl Uploads {
    /// Sends files. Those among `unfinished` that are the same ones, for the same use, go on from where they are, unless
    /// that is being done; those for which there is no room are not begun. Gives their keys.
    pub fn add(self, files: Vec<BrowserFile>, unfinished: &[File], storage: Storage, goes_with: GoesWith) -> Vec<u32> {
        guard(self);
        let to_upload = |content: BrowserFile| {
            let key = self.next_key();
            let is_its = |file: &&File| goes_with.fits(file, &content) && !untrack(|| self.is_sending(file.id));
            let place = unfinished.iter().find(is_its).map(|file| place_of(file.id));
            let state = match refusal(content.size(), storage) {
                Some(error) if place.is_none() => UploadState::Failed(error),
                _ => UploadState::Waiting,
            };
            let upload = Upload::new(key, &content, state, goes_with, place);
            let source = Source { content, request: None, wait_ms: WAIT_MS_MIN, turn: key };
            SOURCES.with_borrow_mut(|sources| sources.insert(key, source));
            upload
        };
        let new: Vec<Upload> = files.into_iter().map(to_upload).collect();
        let keys = new.iter().map(|upload| upload.key).collect();
        self.all.update(|all| all.extend(new));
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

    /// The upload with this key, if it was not given up.
    pub fn find(self, key: u32) -> Option<Upload> {
        self.all.with_untracked(|all| all.iter().find(|upload| upload.key == key).cloned())
    }

    /// Gives an upload up, here and on the server.
    pub fn cancel(self, key: u32) {
        let source = SOURCES.with_borrow_mut(|sources| sources.remove(&key));
        let place = self.find(key).and_then(|upload| upload.place.get_untracked());
        self.all.update(|all| all.retain(|upload| upload.key != key));
        if let Some(request) = source.and_then(|source| source.request) {
            _ = request.abort();
        }
        if let Some(place) = place {
            spawn_local(async move {
                give_up(key, &place).await;
                self.files_changed.hear();
            });
        }
        self.start_waiting();
    }

    /// Tries again what failed.
    pub fn retry(self, key: u32) {
        if let Some(upload) = self.find(key) {
            upload.state.set(UploadState::Waiting);
        }
        self.start_waiting();
    }

    /// Whether a file is being sent from here, or will be.
    pub fn is_sending(self, id: FileId) -> bool {
        let place = place_of(id);
        let sends =
            |upload: &Upload| upload.state.get().is_open() && upload.place.with(|its| its.as_ref() == Some(&place));
        self.all.with(|all| all.iter().any(sends))
    }

    /// Begins what there is room for. While nobody is logged in, each would fail in its turn: all of them wait.
    pub(super) fn start_waiting(self) {
        if self.session.ended.with_untracked(Option::is_some) {
            return;
        }
        while let Some(upload) = self.next_waiting() {
            upload.state.set(UploadState::Running);
            spawn_local(self.run(upload));
        }
    }

    /// The one whose turn it is, unless as many are under way as may be.
    fn next_waiting(self) -> Option<Upload> {
        let is_under_way = |upload: &&Upload| upload.is(UploadState::Running) || upload.is(UploadState::Interrupted);
        self.all.with_untracked(|all| {
            let has_room = all.iter().filter(is_under_way).count() < RUNNING_MAX;
            let waiting = all.iter().filter(|upload| has_room && upload.is(UploadState::Waiting));
            waiting.min_by_key(|upload| turn(upload.key)).cloned()
        })
    }

    /// Sends of a file what comes through. One that was cut off goes to the end of the queue after a while: it may be the
    /// only one that does not come through.
    async fn run(self, upload: Upload) {
        let sent_before = upload.sent_bytes();
        match self.attempt(&upload).await {
            Ok(()) => {
                upload.state.set(UploadState::Done);
                SOURCES.with_borrow_mut(|sources| sources.remove(&upload.key));
                self.files_changed.hear();
            }
            Err(error @ (Error::NotLoggedIn | Error::SessionEnded(_))) => {
                upload.state.set(UploadState::Waiting);
                // The guard starts it again.
                return self.session.leave_if_ended(error);
            }
            Err(error) if can_pass(error) => {
                upload.state.set(UploadState::Interrupted);
                pause(wait_ms(upload.key, upload.sent_bytes() > sent_before)).await;
                queue_again(upload.key, self.next_key());
                upload.state.set(UploadState::Waiting);
            }
            Err(error) => {
                if error == Error::NotFound {
                    // It was given up there, or its chat is gone.
                    upload.forget_place();
                }
                upload.state.set(UploadState::Failed(error));
            }
        }
        self.start_waiting();
    }

    /// Asks where the upload is, and sends the rest: in one request, if nobody on the way minds its size.
    async fn attempt(self, upload: &Upload) -> Result<()> {
        let key = upload.key;
        let Some(content) = content(key) else { return Ok(()) };
        let mut place = upload.place.get_untracked();
        let mut offset: f64 = 0.0;
        if let Some(begun) = &place {
            match find_offset(key, begun).await {
                Ok(there) => offset = there,
                // What was to be gone on with is gone since it was listed.
                Err(Error::NotFound) if upload.sent_bytes() == 0.0 => {
                    upload.forget_place();
                    place = None;
                }
                Err(error) => return Err(error),
            }
        }
        upload.set_sent(offset);
        if offset >= upload.size_bytes {
            return Ok(());
        }
        let rest = content.slice_with_f64_and_f64(offset, upload.size_bytes).map_err(|_| Error::Internal)?;
        check_readable(upload, &content, &rest).await?;
        if self.find(key).is_none() {
            return Ok(());
        }
        let place = match place {
            Some(place) => place,
            None => begin(upload).await?,
        };
        if self.find(key).is_none() {
            // Given up while it was announced.
            give_up(key, &place).await;
            return Ok(());
        }
        let measured = Measured::new(offset);
        while offset < upload.size_bytes && self.find(key).is_some() {
            let bytes = REQUEST_BYTES.get().min(upload.size_bytes - offset);
            match send(upload, &content, &place, (offset, bytes), &measured).await {
                Err(Error::TooLarge) if bytes > REQUEST_BYTES_MIN => {
                    let less = (bytes / 4.0).floor().clamp(REQUEST_BYTES_MIN, REFUSED_BYTES_NEXT);
                    REQUEST_BYTES.set(less.min(REQUEST_BYTES.get()));
                    measured.begin(offset);
                    upload.set_sent(offset);
                }
                // Many small requests are soon too many in a minute.
                Err(Error::TooOften { seconds, .. }) => pause(1_000 * seconds.max(1)).await,
                sent => offset = sent?,
            }
        }
        Ok(())
    }
}

/// Reads the first byte of the rest. Of a folder, and of a file that was changed, moved or deleted since it was chosen, a
/// request would only say that it failed, as it does without a network; or send what was not chosen, for not every browser
/// keeps to what was.
///
/// # Errors
/// [`Error::FileUnreadable`].
async fn check_readable(upload: &Upload, content: &BrowserFile, rest: &Blob) -> Result<()> {
    let same = |now: f64, chosen: f64| now.to_bits() == chosen.to_bits();
    if !same(content.size(), upload.size_bytes) || !same(content.last_modified(), upload.modified_ms) {
        return Err(Error::FileUnreadable);
    }
    let first = rest.slice_with_f64_and_f64(0.0, 1.0).map_err(|_| Error::Internal)?;
    JsFuture::from(first.array_buffer()).await.map(|_| ()).map_err(|_| Error::FileUnreadable)
}

/// Whether files are dragged, and not text.
pub fn brings_files(event: &DragEvent) -> bool {
    event.data_transfer().is_some_and(|data| data.types().includes(&"Files".into(), 0))
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

fn place_of(id: FileId) -> String {
    format!("{PLACE}/{id}")
}

fn content(key: u32) -> Option<BrowserFile> {
    SOURCES.with_borrow(|sources| sources.get(&key).map(|source| source.content.clone()))
}

fn turn(key: u32) -> u32 {
    SOURCES.with_borrow(|sources| sources.get(&key).map_or(key, |source| source.turn))
}

fn queue_again(key: u32, turn: u32) {
    SOURCES.with_borrow_mut(|sources| {
        if let Some(source) = sources.get_mut(&key) {
            source.turn = turn;
        }
    });
}

/// How long an upload that was cut off waits; shorter again when something `came_through`.
fn wait_ms(key: u32, came_through: bool) -> u32 {
    SOURCES.with_borrow_mut(|sources| {
        let Some(source) = sources.get_mut(&key) else { return WAIT_MS_MIN };
        let wait_ms = if came_through { WAIT_MS_MIN } else { source.wait_ms };
        source.wait_ms = (wait_ms * 2).min(WAIT_MS_MAX);
        wait_ms
    })
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
