//! A chat as a whole: its files, and its end.

use leptos::prelude::*;

use crate::{
    domain::{chat::Chat, chat_settings::ChatSettings},
    error::Error,
};

/// A chat's files, and others whose name has `search` in it.
///
/// # Errors
/// [`Error::NotFound`] when there is no such chat, or it is somebody else's.
#[server(name = OpenChatSettings, prefix = "/api", endpoint = "open_chat_settings")]
pub async fn open_chat_settings(chat_id: String, search: String) -> Result<ChatSettings, Error> {
    use crate::server::{chats, request};
    let (state, db) = (request::state()?, request::user()?);
    let search = request::search_text(&search)?;
    request::page(match chat_id.parse() {
        Ok(chat_id) => chats::settings(&state, &db, chat_id, search).await,
        Err(error) => Err(error),
    })
}

/// Makes a chat that has these files, and leads to it.
///
/// # Errors
/// [`InvalidInput::NoFile`]; [`Error::NotFound`] when one of them is somebody else's; [`Error::TooMany`].
///
/// [`InvalidInput::NoFile`]: crate::error::InvalidInput::NoFile
#[server(name = AskAboutFiles, prefix = "/api", endpoint = "ask_about_files")]
pub async fn ask_about_files(#[server(default)] file_ids: Vec<String>) -> Result<Chat, Error> {
    use crate::{
        error::InvalidInput,
        server::{chats, request},
    };
    let (state, db) = (request::state()?, request::user()?);
    if file_ids.is_empty() {
        return Err(InvalidInput::NoFile.into());
    }
    let ids = file_ids.iter().map(|id| id.parse()).collect::<Result<Vec<_>, _>>()?;
    let chat = chats::create(&state, &db, ids, false).await?;
    request::show(&format!("/chats/{}", chat.id));
    Ok(chat)
}

/// Gives a file to a chat.
///
/// # Errors
/// [`Error::NotFound`] when there is no such chat or file, or it is somebody else's; [`Error::TooMany`].
#[server(name = AddChatFile, prefix = "/api", endpoint = "add_chat_file")]
pub async fn add_chat_file(chat_id: String, file_id: String) -> Result<(), Error> {
    use crate::{
        domain::ids::ChatId,
        server::{chats, request},
    };
    let (state, db) = (request::state()?, request::user()?);
    let chat_id: ChatId = chat_id.parse()?;
    chats::add_files(&state, &db, chat_id, vec![file_id.parse()?]).await?;
    request::show(&format!("/chats/{chat_id}/settings"));
    Ok(())
}

/// Takes a file from a chat.
///
/// # Errors
/// [`Error::NotFound`] when the chat does not have it, or is somebody else's.
#[server(name = RemoveChatFile, prefix = "/api", endpoint = "remove_chat_file")]
pub async fn remove_chat_file(chat_id: String, file_id: String) -> Result<(), Error> {
    use crate::{
        domain::ids::ChatId,
        server::{chats, request},
    };
    let (state, db) = (request::state()?, request::user()?);
    let chat_id: ChatId = chat_id.parse()?;
    chats::remove_file(&state, &db, chat_id, file_id.parse()?).await?;
    request::show(&format!("/chats/{chat_id}/settings"));
    Ok(())
}

/// Has a chat search all files for each reply, or no longer: any value that is not empty is yes.
///
/// # Errors
/// [`Error::NotFound`] when there is no such chat, or it is somebody else's.
#[server(name = SearchAllFiles, prefix = "/api", endpoint = "search_all_files")]
pub async fn search_all_files(chat_id: String, searches: Option<String>) -> Result<(), Error> {
    use crate::{
        domain::ids::ChatId,
        server::{chats, request},
    };
    let (state, db) = (request::state()?, request::user()?);
    let chat_id: ChatId = chat_id.parse()?;
    chats::search_files(&state, &db, chat_id, searches.is_some_and(|value| !value.is_empty())).await?;
    request::show(&format!("/chats/{chat_id}/settings"));
    Ok(())
}

/// Deletes a chat with all that was said in it, and leads to the list of chats.
///
/// # Errors
/// [`Error::NotFound`] when there is no such chat, or it is somebody else's.
#[server(name = DeleteChat, prefix = "/api", endpoint = "delete_chat")]
pub async fn delete_chat(chat_id: String) -> Result<(), Error> {
    use crate::server::{chats, request};
    let (state, db) = (request::state()?, request::user()?);
    chats::delete(&state, &db, chat_id.parse()?).await?;
    request::show("/chats");
    Ok(())
}
