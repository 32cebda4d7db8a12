//! What people upload: taken in, kept, given back, deleted.
//!
//! The row of a file says whose it is, how far it is and of which pieces it consists; the pieces are in the storage
//! (`blobs`). The edges are `tus` (resumable, for pages and programs), `form` (a plain form) and `content` (downloads).
//! What is in a file is found by a process of its own (`extract`), which `reading` sets to work and `reader` keeps in check.
//! `sweep` removes what is not needed any more; that storage and tables agree, `check` looks at for the operator.

pub mod blobs;
pub mod check;
pub mod content;
pub mod extract;
pub mod form;
mod intake;
pub mod meaning;
pub mod preview;
mod reader;
pub mod reading;
pub mod search;
pub mod sweep;
pub mod tus;
mod vectors;

use std::collections::HashMap;

use axum::http::Extensions;
use futures::try_join;

use super::{auth::guard::Program, db::NewFile, db::UserDb, state::AppState};
use crate::{
    domain::{
        file::{File, FileName, FileOrder, FilePage, Storage},
        file_kind::FileKind,
        ids::{ChatId, FileId},
        limits,
        token::Scope,
    },
    error::{Error, InvalidInput, Result},
};

pub use self::{
    intake::{Intake, Source},
    meaning::Meanings,
    reading::Readers,
};

/// A file that somebody announces.
#[derive(Clone, Debug)]
pub struct Announced {
    pub name: FileName,
    /// None when whoever sends it does not say.
    pub size_bytes: Option<u64>,
    pub modified_at_ms: Option<i64>,
    /// Whether it stays though no chat has it; else it came with a message.
    pub is_kept: bool,
    /// The chat that has it once it is whole; of one that comes with a message, where that is being written.
    pub for_chat_id: Option<ChatId>,
}

/// Makes room for a file whose content comes after this.
///
/// # Errors
/// [`Error::FileTooLarge`], [`InvalidInput::FileEmpty`], [`Error::StorageFull`], [`Error::TooManyFiles`].
pub async fn begin(state: &AppState, db: &UserDb, announced: Announced) -> Result<File> {
    if announced.size_bytes == Some(0) {
        return Err(InvalidInput::FileEmpty.into());
    }
    if announced.size_bytes.is_some_and(|bytes| bytes > state.config.limits.file_bytes()) {
        return Err(Error::FileTooLarge);
    }
    let new = NewFile {
        kind: FileKind::of_extension(&announced.name.extension()),
        name: announced.name,
        size_bytes: announced.size_bytes,
        modified_at_ms: announced.modified_at_ms,
        is_kept: announced.is_kept,
        for_chat_id: announced.for_chat_id,
        storage_bytes_max: state.config.limits.storage_bytes_per_user(),
    };
    let file = db.add_file(new).await?;
    state.live.files_changed(db.user_id());
    Ok(file)
}

/// Whether a request for files may also change a chat: a program's token says so.
///
/// # Errors
/// [`Error::Scope`].
fn check_may_change_chats(extensions: &Extensions) -> Result<()> {
    match extensions.get::<Program>() {
        Some(Program(Ok(shown))) => shown.check(Scope::ChatsWrite),
        _ => Ok(()),
    }
}

/// A page of somebody's files.
///
/// # Errors
/// [`InvalidInput::Cursor`]; when the database fails.
pub async fn list(
    state: &AppState,
    db: &UserDb,
    search: &str,
    order: FileOrder,
    after: Option<FileId>,
) -> Result<FilePage> {
    let (files, has_more) = db.list_files(search, order, after).await?;
    let next_after = files.last().map(|file| file.id).filter(|_| has_more);
    let storage = measure(state, db).await?;
    let waits_for_model = state.meanings.model().is_some() && !state.meanings.is_at_work();
    Ok(FilePage { files, next_after, chats: HashMap::new(), unfinished: Vec::new(), waits_for_model, storage })
}

/// The same with the chats in which they are used, and what is being uploaded.
///
/// # Errors
/// As [`list`].
pub async fn list_with_chats(
    state: &AppState,
    db: &UserDb,
    search: &str,
    order: FileOrder,
    after: Option<FileId>,
) -> Result<FilePage> {
    let page = list(state, db, search, order, after).await?;
    let ids: Vec<FileId> = page.files.iter().map(|file| file.id).collect();
    let (chats, unfinished) = try_join!(db.list_chats_of_files(&ids), db.list_uploads())?;
    Ok(FilePage { chats, unfinished, ..page })
}

/// How much of their storage somebody has taken.
///
/// # Errors
/// When the database fails.
pub async fn measure(state: &AppState, db: &UserDb) -> Result<Storage> {
    let (files, used_bytes) = db.measure_files().await?;
    let limits = &state.config.limits;
    Ok(Storage { files, used_bytes, bytes_max: limits.storage_bytes_per_user(), file_bytes_max: limits.file_bytes() })
}

/// Has a file that failed read once more.
///
/// # Errors
/// [`Error::NotFound`] when it is not theirs, or did not fail.
pub async fn retry(state: &AppState, db: &UserDb, id: FileId) -> Result<()> {
    db.retry_file(id).await?.ok_or(Error::NotFound)?;
    state.live.files_changed(db.user_id());
    state.readers.wake();
    Ok(())
}

/// Keeps a file that came with a message, also when no chat has it any more.
///
/// # Errors
/// [`Error::NotFound`] when it is not theirs.
pub async fn keep(state: &AppState, db: &UserDb, id: FileId) -> Result<()> {
    db.keep_file(id).await?;
    state.live.files_changed(db.user_id());
    Ok(())
}

/// Deletes files, and everything that was made of them; their content is removed right after.
///
/// # Errors
/// [`Error::NotFound`] when none of them is theirs; [`Error::TooMany`].
pub async fn delete(state: &AppState, db: &UserDb, ids: Vec<FileId>) -> Result<()> {
    if ids.len() > limits::FILES_DELETED_MAX {
        return Err(Error::TooMany);
    }
    if db.delete_files(ids).await?.is_empty() {
        return Err(Error::NotFound);
    }
    has_deleted(state, db);
    Ok(())
}

/// Deletes a file that was uploaded for a message, unless it came with one in the meantime.
///
/// # Errors
/// [`Error::NotFound`] when it is not theirs.
pub async fn discard(state: &AppState, db: &UserDb, id: FileId) -> Result<()> {
    if db.discard_file(id).await? {
        has_deleted(state, db);
    }
    Ok(())
}

fn has_deleted(state: &AppState, db: &UserDb) {
    state.live.files_changed(db.user_id());
    // What was told of them is gone, too.
    state.live.notifications_changed(db.user_id());
    state.intake.sweep_soon();
}
