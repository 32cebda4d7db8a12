//! The messages of a chat: read, send, stop, retry.

use leptos::prelude::*;

use crate::{
    domain::{
        ids::MessageId,
        message::{MessagePage, Sent},
    },
    error::Error,
};

/// The messages of a chat before the place `before_seq`, oldest first.
#[server(name = ListMessages, prefix = "/api", endpoint = "list_messages")]
pub async fn list_messages(chat_id: String, before_seq: i64) -> Result<MessagePage, Error> {
    use crate::{
        domain::ids::ChatId,
        server::{replies, request},
    };
    let (state, db) = (request::state()?, request::user()?);
    let chat_id: ChatId = chat_id.parse()?;
    replies::list_messages(&state, &db, chat_id, before_seq).await
}

/// Saves a message, starts the reply to it, and leads to the chat. Sending again with the same `client_message_id` and
/// text gives the same ids and changes nothing. `draft_ms` is the moment of the draft that the message was: it is gone then;
/// `file_ids` are those of the user's files that come with it.
///
/// # Errors
/// [`Error::NotFound`] when the chat or a file is not the user's; [`Error::Conflict`] when the id was used for another text;
/// [`Error::TooManyReplies`] when too many replies are running.
#[server(name = SendMessage, prefix = "/api", endpoint = "send_message")]
pub async fn send_message(
    chat_id: String,
    text: String,
    client_message_id: String,
    model: Option<String>,
    draft_ms: Option<i64>,
    #[server(default)] file_ids: Vec<String>,
) -> Result<Sent, Error> {
    use crate::{
        domain::{
            ids::{ChatId, ClientMessageId},
            message::MessageText,
            model::ModelName,
        },
        server::{
            replies::{self, NewMessage},
            request,
        },
    };
    let (state, db) = (request::state()?, request::user()?);
    let chat_id: ChatId = chat_id.parse()?;
    let text = MessageText::parse(&text)?;
    let client_message_id = ClientMessageId::parse(&client_message_id)?;
    let model = model.filter(|name| !name.is_empty()).map(|name| ModelName::parse(&name)).transpose()?;
    let files = file_ids.iter().map(|id| id.parse()).collect::<Result<Vec<_>, _>>()?;
    let new = NewMessage { text, files, client_message_id, model, draft_ms };
    let sent = replies::send_message(&state, &db, chat_id, new).await?;
    request::show(&format!("/chats/{chat_id}"));
    Ok(sent)
}

/// Stops a running reply; what was written stays. Stopping one that has ended changes nothing.
#[server(name = StopReply, prefix = "/api", endpoint = "stop_reply")]
pub async fn stop_reply(message_id: String) -> Result<(), Error> {
    use crate::server::{replies, request};
    let (state, db) = (request::state()?, request::user()?);
    let message_id: MessageId = message_id.parse()?;
    let chat_id = replies::stop_reply(&state, &db, message_id).await?;
    request::show(&format!("/chats/{chat_id}"));
    Ok(())
}

/// Asks again for the chat's last reply, which failed, was stopped or interrupted; the new one takes its place. With
/// `goes_on`, the new one begins with what is there. Gives the new reply's id; asking twice gives the same.
///
/// # Errors
/// [`Error::Conflict`] when it is not the last reply, when it did not fail, or when there is nothing to go on from.
#[server(name = RetryReply, prefix = "/api", endpoint = "retry_reply")]
pub async fn retry_reply(
    message_id: String,
    model: Option<String>,
    goes_on: Option<String>,
) -> Result<MessageId, Error> {
    use crate::{
        domain::model::ModelName,
        server::{replies, request},
    };
    let (state, db) = (request::state()?, request::user()?);
    let message_id: MessageId = message_id.parse()?;
    let model = model.filter(|name| !name.is_empty()).map(|name| ModelName::parse(&name)).transpose()?;
    let goes_on = goes_on.is_some_and(|value| !value.is_empty());
    let (chat_id, reply_id) = replies::retry_reply(&state, &db, message_id, model, goes_on).await?;
    request::show(&format!("/chats/{chat_id}"));
    Ok(reply_id)
}
