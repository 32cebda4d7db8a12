//! Versions of what was said: a message edited, another version shown, a chat that begins with a part of another. A reply
//! asked for again is [`retry_reply`](super::retry_reply).

use crate::{
    domain::{
        chat::Chat,
        ids::{ChatId, ClientMessageId, MessageId},
        message::{MessageText, Sent},
        model::ModelName,
    },
    error::{Error, Result},
    server::{db::UserDb, state::AppState},
};

/// Says a message otherwise: another version of it takes its place, and is answered. Gives its chat, too.
///
/// # Errors
/// As [`send_message`](super::send_message), and [`InvalidInput::TooManyVersions`](crate::error::InvalidInput).
pub async fn edit_message(
    state: &AppState,
    db: &UserDb,
    message_id: MessageId,
    text: MessageText,
    client_message_id: ClientMessageId,
    model: Option<ModelName>,
) -> Result<(ChatId, Sent)> {
    let chat_id = db.find_message(message_id).await?.ok_or(Error::NotFound)?.chat_id;
    let typed = super::Typed { edits: Some(message_id), text, files: Vec::new(), client_message_id, draft_ms: None };
    let sent = super::add_exchange(state, db, chat_id, typed, model).await?;
    Ok((chat_id, sent))
}

/// Shows another version of a message, and of what follows it. Gives its chat.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] when what it follows is not shown itself.
pub async fn show_version(state: &AppState, db: &UserDb, message_id: MessageId) -> Result<ChatId> {
    let (chat_id, has_changed) = db.show_version(message_id).await?;
    if has_changed {
        state.live.chat_outdated(db.user_id(), chat_id);
    }
    Ok(chat_id)
}

/// Makes a chat that begins with what was said up to and with a message.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::ReplyRunning`] when a reply among that has not ended;
/// [`InvalidInput::ForkTooLong`](crate::error::InvalidInput).
pub async fn fork_chat(
    state: &AppState,
    db: &UserDb,
    message_id: MessageId,
    client_id: ClientMessageId,
) -> Result<Chat> {
    let (chat, is_new) = db.fork_chat(message_id, client_id).await?;
    if is_new {
        state.live.chat_changed(db.user_id(), &chat);
    }
    Ok(chat)
}

/// What a message says, as it was written: a reply's markdown.
///
/// # Errors
/// [`Error::NotFound`] when it is not theirs.
pub async fn read_message(db: &UserDb, message_id: MessageId) -> Result<String> {
    Ok(db.find_message(message_id).await?.ok_or(Error::NotFound)?.text)
}
