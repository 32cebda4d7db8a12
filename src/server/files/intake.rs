//! Takes in what somebody sends: a piece at a time into the storage, then noted. What was noted stays, whatever happens
//! after; an upload goes on from there.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream::BoxStream};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use uuid::Uuid;

use crate::{
    domain::{
        file::File,
        file_state::FileState,
        ids::{BlobId, FileId, UserId},
        limits,
    },
    error::{Error, Result},
    server::{
        db::{FilePart, NewPart, UserDb},
        door,
        state::AppState,
    },
};

/// What a server is taking in.
pub struct Intake {
    places: Arc<Semaphore>,
    /// How many uploads of each user.
    by_user: Mutex<HashMap<UserId, usize>>,
    /// There is something for the sweep.
    pub(super) doomed: Notify,
}

impl Default for Intake {
    fn default() -> Self {
        let places = Arc::new(Semaphore::new(limits::UPLOADS_AT_A_TIME_MAX));
        Self { places, by_user: Mutex::default(), doomed: Notify::new() }
    }
}

impl Intake {
    /// There are blobs that can be removed now, or text to delete.
    pub fn sweep_soon(&self) {
        self.doomed.notify_one();
    }

    /// How many uploads are taken in at the moment.
    pub fn count(&self) -> usize {
        limits::UPLOADS_AT_A_TIME_MAX - self.places.available_permits()
    }

    /// A place among what is taken in.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::TooMany`] when too many are taken in already.
    pub(super) fn enter(self: &Arc<Self>, user_id: UserId) -> Result<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Error::Busy)?;
        let mut by_user = self.by_user.lock().unwrap_or_else(PoisonError::into_inner);
        let count = by_user.entry(user_id).or_default();
        if *count >= limits::UPLOADS_AT_A_TIME_PER_USER_MAX {
            return Err(Error::TooMany);
        }
        *count += 1;
        Ok(Place { intake: Arc::clone(self), user_id, _permit: permit })
    }
}

/// A place among the uploads that are taken in.
pub(super) struct Place {
    intake: Arc<Intake>,
    user_id: UserId,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_user = self.intake.by_user.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_user.get_mut(&self.user_id) {
            *count -= 1;
            if *count == 0 {
                by_user.remove(&self.user_id);
            }
        }
    }
}

/// What is sent, and from where on.
pub struct Source {
    /// Held until its end.
    _place: Place,
    pub file_id: FileId,
    pub offset_bytes: u64,
    pub content: BoxStream<'static, io::Result<Bytes>>,
    /// Whether the file is as long as what is sent, however much that is. What is cut off then is not kept: nobody could
    /// go on with it.
    pub is_unsized: bool,
}

impl Source {
    /// From the bytes of a request.
    pub(super) fn new<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        place: Place,
        file_id: FileId,
        offset_bytes: u64,
        is_unsized: bool,
        content: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> Self {
        let content = content.map(|piece| piece.map_err(io::Error::other)).boxed();
        Self { _place: place, file_id, offset_bytes, content, is_unsized }
    }
}

/// Takes in what somebody sends, in a task of its own: a client that goes away leaves what has arrived. Gives the file as it
/// is then.
///
/// # Errors
/// [`Error::NotFound`], [`Error::UploadOffset`]; [`Error::TooLarge`] when it is more than was announced,
/// [`Error::FileTooLarge`] and [`Error::StorageFull`] when nothing was, [`InvalidInput::FileEmpty`](crate::error::InvalidInput)
/// when nothing came then; [`Error::UploadCut`]; [`Error::DiskFull`];
/// [`InvalidInput::ChatFiles`](crate::error::InvalidInput) when all is here, but the chat that it is for has too many.
pub async fn receive(state: &AppState, db: &UserDb, source: Source) -> Result<File> {
    let (state, db) = (state.clone(), db.clone());
    let task = state.tasks.clone().spawn(async move {
        let (file_id, is_unsized) = (source.file_id, source.is_unsized);
        let mut receiving = Receiving { state, db, source, buffer: BytesMut::new(), pace: Pace::default() };
        let received = receiving.run().await;
        if received.as_ref().is_err_and(|error| *error != Error::UploadCut) {
            door::discard(&mut receiving.source.content).await;
        }
        if received.is_err() && is_unsized {
            // Nobody could go on with it. When this fails, too, it is given up like any upload that is not gone on with.
            let _ = super::delete(&receiving.state, &receiving.db, vec![file_id]).await;
        }
        received
    });
    task.await.map_err(|_| Error::Internal)?
}

struct Receiving {
    state: AppState,
    db: UserDb,
    source: Source,
    buffer: BytesMut,
    pace: Pace,
}

impl Receiving {
    async fn run(&mut self) -> Result<File> {
        let mut file = self.db.find_file(self.source.file_id).await?.ok_or(Error::NotFound)?;
        if file.received_bytes != self.source.offset_bytes {
            return Err(Error::UploadOffset);
        }
        let outcome = loop {
            let piece = self.next_piece().await;
            match piece {
                Ok(Some(piece)) => self.buffer.extend_from_slice(&piece),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
            if self.exceeds(&file) {
                // What is too much is kept by nobody; what came before stays.
                return Err(if self.source.is_unsized { Error::FileTooLarge } else { Error::TooLarge });
            }
            while self.buffer.len() >= limits::UPLOAD_PART_BYTES {
                file = self.keep(limits::UPLOAD_PART_BYTES).await?;
            }
        };
        if !self.buffer.is_empty() {
            file = self.keep(self.buffer.len()).await?;
        }
        if self.source.is_unsized {
            outcome?;
            file = self.db.finish_upload(file.id).await?;
        } else if file.state == FileState::Uploading {
            // Who was cut off after the last byte has brought all the same.
            outcome?;
        }
        let is_whole = file.state == FileState::Waiting;
        let given = if is_whole { self.db.give_to_its_chat(file.id).await } else { Ok(()) };
        self.state.live.files_changed(self.db.user_id());
        if is_whole {
            self.state.readers.wake();
        }
        given.map(|()| file)
    }

    /// What comes next; none at the end.
    async fn next_piece(&mut self) -> Result<Option<Bytes>> {
        let patience = Duration::from_secs(limits::UPLOAD_IDLE_SECONDS_MAX);
        let asked = Instant::now();
        let piece = tokio::select! {
            () = self.state.stopping.cancelled() => return Err(Error::UploadCut),
            piece = timeout(patience, self.source.content.next()) => piece.map_err(|_| Error::UploadCut)?,
        };
        let Some(piece) = piece else { return Ok(None) };
        let piece = piece.map_err(|_| Error::UploadCut)?;
        self.pace.note(asked.elapsed(), piece.len())?;
        Ok(Some(piece))
    }

    fn exceeds(&self, file: &File) -> bool {
        let bytes_max = if self.source.is_unsized { self.state.config.limits.file_bytes() } else { file.size_bytes };
        file.received_bytes + self.buffer.len() as u64 > bytes_max
    }

    /// Writes the first so many bytes of what is here, and notes them. What could not be noted is removed at once: nobody's
    /// storage counts it.
    async fn keep(&mut self, count: usize) -> Result<File> {
        let blob_id = BlobId(Uuid::new_v4());
        self.state.db.promise_blob(blob_id).await?;
        let kept = self.write(blob_id, count).await;
        if kept.is_err() {
            // When this fails, too, the promise runs out.
            let _ = self.state.db.break_promise(blob_id).await;
            self.state.intake.sweep_soon();
        }
        kept
    }

    async fn write(&mut self, blob_id: BlobId, count: usize) -> Result<File> {
        let content = self.buffer.split_to(count).freeze();
        self.state.blobs.put(blob_id, content).await?;
        let part = FilePart { offset_bytes: self.source.offset_bytes, size_bytes: count as u64, blob_id };
        let grows_up_to = self.source.is_unsized.then(|| self.state.config.limits.storage_bytes_per_user());
        let file = self.db.add_part(NewPart { file_id: self.source.file_id, part, grows_up_to }).await?;
        self.source.offset_bytes += count as u64;
        Ok(file)
    }
}

/// How fast somebody sends at the moment: whoever brought much before may not be slow for long, either. The time in which
/// the server keeps what came is not the client's.
#[derive(Default)]
struct Pace {
    waited: Duration,
    bytes: u64,
}

impl Pace {
    /// Notes what came after a wait.
    ///
    /// # Errors
    /// [`Error::UploadCut`] when it is too little for how long it was waited for.
    fn note(&mut self, waited: Duration, bytes: usize) -> Result<()> {
        self.waited += waited;
        self.bytes += bytes as u64;
        if self.waited.as_secs() < limits::UPLOAD_RATE_SECONDS {
            return Ok(());
        }
        let Self { waited, bytes } = std::mem::take(self);
        if bytes < limits::UPLOAD_BYTES_PER_SECOND_MIN * waited.as_secs() { Err(Error::UploadCut) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn who_brings_as_much_as_is_asked_for_goes_on_and_who_brings_less_is_let_go() {
        let enough = usize::try_from(limits::UPLOAD_BYTES_PER_SECOND_MIN).unwrap();
        let mut pace = Pace::default();
        assert!((0..1_000).all(|_| pace.note(SECOND, enough).is_ok()));
        let mut pace = Pace::default();
        let let_go = (1..1_000).find(|_| pace.note(SECOND, enough - 1).is_err());
        assert_eq!(let_go, Some(limits::UPLOAD_RATE_SECONDS));
    }

    #[test]
    fn who_brought_much_before_may_not_drip() {
        let mut pace = Pace::default();
        // As fast as it is kept: nobody waits for it.
        assert!((0..1_000).all(|_| pace.note(Duration::ZERO, 60_000).is_ok()));
        let let_go = (1..1_000).find(|_| pace.note(SECOND, 1).is_err());
        assert_eq!(let_go, Some(2 * limits::UPLOAD_RATE_SECONDS));
        // Nor with the longest waits that there may be.
        let longest = Duration::from_secs(limits::UPLOAD_IDLE_SECONDS_MAX - 1);
        let mut pace = Pace::default();
        assert!(pace.note(SECOND, 60_000_000).is_ok());
        assert!((0..3).any(|_| pace.note(longest, 1).is_err()));
    }
}
