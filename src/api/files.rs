//! The user's files. Their content comes and goes by routes of its own (`server::files`).

use std::collections::HashMap;

use leptos::prelude::*;

use crate::{
    domain::{file::FilePage, file_state::FileState, ids::FileId, preview::FileView, search::SearchResults},
    error::Error,
};

/// A page of the user's files; `search` is a part of the name, and the next page starts after the file that the page before
/// gave.
#[server(name = ListFiles, prefix = "/api", endpoint = "list_files")]
pub async fn list_files(search: String, order: String, after: Option<String>) -> Result<FilePage, Error> {
    use crate::{
        domain::file::FileOrder,
        error::InvalidInput,
        server::{files, request},
    };
    let (state, db) = (request::state()?, request::user()?);
    let after = after.map(|id| id.parse().map_err(|_| InvalidInput::Cursor)).transpose()?;
    files::list_with_chats(&state, &db, request::search_text(&search)?, FileOrder::parse(&order)?, after).await
}

/// A file with a stretch of its text: the one that begins at the piece `from`, or the one with the piece `at` in it.
///
/// # Errors
/// [`Error::NotFound`] when there is no such file, or it is somebody else's.
#[server(name = OpenFile, prefix = "/api", endpoint = "open_file")]
pub async fn open_file(file_id: String, from: Option<u32>, at: Option<u32>) -> Result<FileView, Error> {
    use crate::server::{files::preview, request};
    let db = request::user()?;
    request::page(match file_id.parse() {
        Ok(id) => preview::view(&db, id, from, at).await,
        Err(error) => Err(error),
    })
}

/// What in the user's files has to do with a question.
#[server(name = SearchFiles, prefix = "/api", endpoint = "search_files")]
pub async fn search_files(question: String) -> Result<SearchResults, Error> {
    use crate::server::{files::search, request};
    let (state, db) = (request::state()?, request::user()?);
    search::search_for_page(&state, &db, request::search_text(&question)?).await
}

/// How far files are that were uploaded, or are being, for a message which is not sent yet in a chat.
///
/// # Errors
/// When the database fails.
#[server(name = ListUnsentFiles, prefix = "/api", endpoint = "list_unsent_files")]
pub async fn list_unsent_files(chat_id: String) -> Result<HashMap<FileId, FileState>, Error> {
    use crate::server::{db::UserDb, request};
    let db: UserDb = request::user()?;
    let files = db.list_unsent_files(chat_id.parse()?).await?;
    Ok(files.into_iter().map(|(file, state)| (file.id, state)).collect())
}

/// Has a file that failed read once more.
///
/// # Errors
/// [`Error::NotFound`] when there is no such file, it did not fail, or it is somebody else's.
#[server(name = RetryFile, prefix = "/api", endpoint = "retry_file")]
pub async fn retry_file(file_id: String) -> Result<(), Error> {
    use crate::server::{files, request};
    let (state, db) = (request::state()?, request::user()?);
    files::retry(&state, &db, file_id.parse()?).await
}

/// Keeps a file that came with a message, also when no chat has it any more.
///
/// # Errors
/// [`Error::NotFound`] when there is no such file, or it is somebody else's.
#[server(name = KeepFile, prefix = "/api", endpoint = "keep_file")]
pub async fn keep_file(file_id: String) -> Result<(), Error> {
    use crate::server::{files, request};
    let (state, db) = (request::state()?, request::user()?);
    files::keep(&state, &db, file_id.parse()?).await
}

/// Deletes a file that was uploaded for a message, unless it came with one in the meantime.
///
/// # Errors
/// [`Error::NotFound`] when there is no such file, or it is somebody else's.
#[server(name = DiscardFile, prefix = "/api", endpoint = "discard_file")]
pub async fn discard_file(file_id: String) -> Result<(), Error> {
    use crate::server::{files, request};
    let (state, db) = (request::state()?, request::user()?);
    files::discard(&state, &db, file_id.parse()?).await
}

/// Deletes files and everything that was made of them. Sent from a file's own page, which says so by any value that is not
/// empty, it leads to the list: that page is gone.
///
/// # Errors
/// [`InvalidInput::NoFile`]; [`Error::NotFound`] when there are no such files, or they are somebody else's;
/// [`Error::TooMany`].
///
/// [`InvalidInput::NoFile`]: crate::error::InvalidInput::NoFile
#[server(name = DeleteFiles, prefix = "/api", endpoint = "delete_files")]
pub async fn delete_files(
    #[server(default)] file_ids: Vec<String>,
    from_its_page: Option<String>,
) -> Result<(), Error> {
    use crate::{
        error::InvalidInput,
        server::{files, request},
    };
    let (state, db) = (request::state()?, request::user()?);
    if file_ids.is_empty() {
        return Err(InvalidInput::NoFile.into());
    }
    let ids = file_ids.iter().map(|id| id.parse()).collect::<Result<Vec<_>, _>>()?;
    files::delete(&state, &db, ids).await?;
    if from_its_page.is_some_and(|value| !value.is_empty()) {
        request::show("/files");
    }
    Ok(())
}
