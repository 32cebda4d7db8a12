//! A chat as a whole: which files it has, whether it searches all of them, and its end. What is said in it is `replies`'.

use super::{db::UserDb, files, state::AppState};
use crate::{
    domain::{
        chat::Chat,
        chat_settings::ChatSettings,
        file::{File, FileOrder},
        ids::{ChatId, FileId},
    },
    error::{Error, Result},
};

/// What a chat has, and what it could have: files whose name has `search` in it.
///
/// # Errors
/// [`Error::NotFound`] when it is not theirs.
pub async fn settings(state: &AppState, db: &UserDb, chat_id: ChatId, search: &str) -> Result<ChatSettings> {
    let chat = db.find_chat(chat_id).await?.ok_or(Error::NotFound)?;
    let files = db.list_chat_files(chat_id).await?;
    let page = files::list(state, db, search, FileOrder::Newest, None).await?;
    let has = |id: FileId| files.iter().any(|file| file.id == id);
    let others = page.files.iter().filter(|file| !has(file.id)).cloned().collect();
    let unfinished = db.list_uploads().await?;
    Ok(ChatSettings { chat, others, has_more: page.next_after.is_some(), unfinished, storage: page.storage, files })
}

/// What a chat in which nothing was said can be asked about, in words.
///
/// # Errors
/// When the database fails.
pub async fn invite(db: &UserDb, chat: &Chat) -> Result<String> {
    let files = if chat.searches_files { Vec::new() } else { db.list_chat_files(chat.id).await? };
    let name = |file: &File| file.name.as_str().to_owned();
    let about = match files.as_slice() {
        [] if chat.searches_files => "your files".to_owned(),
        [] => return Ok("Ask anything.".to_owned()),
        [file] => name(file),
        [file, other] => format!("{} and {}", name(file), name(other)),
        [file, others @ ..] => format!("{} and {} other files", name(file), others.len()),
    };
    Ok(format!("Ask anything about {about}."))
}

/// Makes a chat that has these files from the start.
///
/// # Errors
/// [`Error::NotFound`] when one of them is not theirs; [`InvalidInput::ChatFiles`](crate::error::InvalidInput).
pub async fn create(state: &AppState, db: &UserDb, ids: Vec<FileId>, searches_files: bool) -> Result<Chat> {
    let chat = db.add_chat(ids, searches_files).await?;
    state.live.chat_changed(db.user_id(), &chat);
    Ok(chat)
}

/// Gives files to a chat.
///
/// # Errors
/// [`Error::NotFound`] when the chat, or one of them, is not theirs; [`InvalidInput::ChatFiles`](crate::error::InvalidInput).
pub async fn add_files(state: &AppState, db: &UserDb, chat_id: ChatId, ids: Vec<FileId>) -> Result<()> {
    db.add_chat_files(chat_id, ids).await?;
    state.live.files_changed(db.user_id());
    Ok(())
}

/// Takes a file from a chat. One that came with a message and is in no other chat is deleted.
///
/// # Errors
/// [`Error::NotFound`] when the chat does not have it, or is not theirs.
pub async fn remove_file(state: &AppState, db: &UserDb, chat_id: ChatId, id: FileId) -> Result<()> {
    db.remove_chat_file(chat_id, id).await?;
    state.live.files_changed(db.user_id());
    state.live.notifications_changed(db.user_id());
    state.intake.sweep_soon();
    Ok(())
}

/// Has a chat search all files for each reply, or no longer.
///
/// # Errors
/// [`Error::NotFound`] when it is not theirs.
pub async fn search_files(state: &AppState, db: &UserDb, chat_id: ChatId, searches: bool) -> Result<()> {
    let chat = db.search_files_in_chat(chat_id, searches).await?;
    state.live.chat_changed(db.user_id(), &chat);
    Ok(())
}

/// Deletes a chat with all that was said in it, and the files that came with that and are in no other chat. What is being
/// written in it is stopped.
///
/// # Errors
/// [`Error::NotFound`] when it is not theirs.
pub async fn delete(state: &AppState, db: &UserDb, chat_id: ChatId) -> Result<()> {
    let deleted = db.delete_chat(chat_id).await?;
    for message_id in deleted.running {
        if !state.running.stop(message_id) {
            state.live.stop_elsewhere(message_id);
        }
    }
    state.running.look_again();
    state.live.chat_deleted(db.user_id(), chat_id);
    state.live.notifications_changed(db.user_id());
    if !deleted.files.is_empty() {
        state.live.files_changed(db.user_id());
        state.intake.sweep_soon();
    }
    Ok(())
}
