//! Versions of what was said: edit a message, show another version, begin another chat with a part of this one, read what
//! was written.

use leptos::prelude::*;

use crate::{
    domain::{chat::Chat, message::Sent},
    error::Error,
};

/// Says a message otherwise: another version takes its place, with all that follows it, and is answered. Doing it again with
/// the same `client_message_id` and text gives the same ids and changes nothing.
///
/// # Errors
/// As sending; [`Error::Conflict`] when the message is not shown, or a reply; [`Error::ReplyRunning`]; `too_many_versions`.
#[server(name = EditMessage, prefix = "/api", endpoint = "edit_message")]
pub async fn edit_message(
    message_id: String,
    text: String,
    client_message_id: String,
    model: Option<String>,
) -> Result<Sent, Error> {
    use crate::{
        domain::{
            ids::{ClientMessageId, MessageId},
            message::MessageText,
            model::ModelName,
        },
        server::{replies::versions, request},
    };
    let (state, db) = (request::state()?, request::user()?);
    let message_id: MessageId = message_id.parse()?;
    let text = MessageText::parse(&text)?;
    let client_message_id = ClientMessageId::parse(&client_message_id)?;
    let model = model.filter(|name| !name.is_empty()).map(|name| ModelName::parse(&name)).transpose()?;
    let (chat_id, sent) = versions::edit_message(&state, &db, message_id, text, client_message_id, model).await?;
    request::show(&format!("/chats/{chat_id}"));
    Ok(sent)
}

/// Shows another version of a message, with the newest of what follows it.
///
/// # Errors
/// [`Error::Conflict`] when what it follows is not shown itself.
#[server(name = ShowVersion, prefix = "/api", endpoint = "show_version")]
pub async fn show_version(message_id: String) -> Result<(), Error> {
    use crate::{
        domain::ids::MessageId,
        server::{replies::versions, request},
    };
    let (state, db) = (request::state()?, request::user()?);
    let message_id: MessageId = message_id.parse()?;
    let chat_id = versions::show_version(&state, &db, message_id).await?;
    request::show(&format!("/chats/{chat_id}"));
    Ok(())
}

/// Makes a chat that begins with what was said up to and with a message, and leads to it. The same `client_id` again gives
/// the same chat.
///
/// # Errors
/// [`Error::ReplyRunning`] when a reply among that has not ended; `fork_too_long`.
#[server(name = ForkChat, prefix = "/api", endpoint = "fork_chat")]
pub async fn fork_chat(message_id: String, client_id: String) -> Result<Chat, Error> {
    use crate::{
        domain::ids::{ClientMessageId, MessageId},
        server::{replies::versions, request},
    };
    let (state, db) = (request::state()?, request::user()?);
    let message_id: MessageId = message_id.parse()?;
    let client_id = ClientMessageId::parse(&client_id)?;
    let chat = versions::fork_chat(&state, &db, message_id, client_id).await?;
    request::show(&format!("/chats/{}", chat.id));
    Ok(chat)
}

/// What a message says, as it was written: of a reply, its markdown.
#[server(name = ReadMessage, prefix = "/api", endpoint = "read_message")]
pub async fn read_message(message_id: String) -> Result<String, Error> {
    use crate::{
        domain::ids::MessageId,
        server::{replies::versions, request},
    };
    let db = request::user()?;
    let message_id: MessageId = message_id.parse()?;
    versions::read_message(&db, message_id).await
}
