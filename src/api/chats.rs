//! The user's chats.

use leptos::prelude::*;

use crate::{
    domain::chat::{Chat, ChatPage, ChatView},
    error::Error,
};

/// A page of the user's chats, newest first; the next one starts after the cursor that the page before gave.
#[server(name = ListChats, prefix = "/api", endpoint = "list_chats")]
pub async fn list_chats(before_ms: Option<i64>, before_id: Option<String>) -> Result<ChatPage, Error> {
    use crate::{
        domain::chat::ChatCursor,
        error::InvalidInput,
        server::{db::UserDb, request},
    };
    let db: UserDb = request::user()?;
    let before = match (before_ms, before_id) {
        (None, None) => None,
        (Some(updated_at_ms), Some(id)) => {
            Some(ChatCursor { updated_at_ms, id: id.parse().map_err(|_| InvalidInput::Cursor)? })
        }
        _ => return Err(InvalidInput::Cursor.into()),
    };
    db.list_chats(before).await
}

/// Makes an empty chat and leads to it.
#[server(name = CreateChat, prefix = "/api", endpoint = "create_chat")]
pub async fn create_chat() -> Result<Chat, Error> {
    use crate::server::{chats, request};
    let (state, db) = (request::state()?, request::user()?);
    let chat = chats::create(&state, &db, Vec::new(), false).await?;
    request::show(&format!("/chats/{}", chat.id));
    Ok(chat)
}

/// A chat with its newest messages.
///
/// # Errors
/// [`Error::NotFound`] when there is no such chat, or it is somebody else's.
#[server(name = OpenChat, prefix = "/api", endpoint = "open_chat")]
pub async fn open_chat(chat_id: String) -> Result<ChatView, Error> {
    use crate::{
        domain::ids::ChatId,
        server::{replies, request},
    };
    let (state, db) = (request::state()?, request::user()?);
    request::page(match chat_id.parse::<ChatId>() {
        Ok(chat_id) => replies::open_chat(&state, &db, chat_id).await,
        Err(error) => Err(error),
    })
}
