//! What is typed and not yet sent: kept for all of its user's devices, and that somebody is typing, which is told and not
//! kept.

use crate::{
    domain::{
        draft::DraftText,
        ids::{ChatId, ClientMessageId},
    },
    error::{Error, Result},
    server::{
        db::{NewDraft, UserDb},
        live::hub::Mailbox,
        state::AppState,
    },
};

/// Keeps a chat's draft and shows it to the tabs that have the chat open. Gives its moment; none when the message that it
/// was has been sent already.
///
/// # Errors
/// [`Error::NotFound`] when the chat is not theirs.
pub async fn save(
    state: &AppState,
    db: &UserDb,
    chat_id: ChatId,
    text: DraftText,
    client_message_id: ClientMessageId,
    draft_ms: i64,
) -> Result<Option<i64>> {
    let change = db.save_draft(NewDraft { chat_id, text, client_message_id, draft_ms }).await?;
    let updated_at_ms = change.as_ref().map(|change| change.draft.updated_at_ms);
    if let Some(change) = change {
        state.live.draft_changed(db.user_id(), chat_id, change);
    }
    Ok(updated_at_ms)
}

/// Tells the user's other live connections that have this chat open that they are typing in it.
///
/// # Errors
/// [`Error::NotFound`] when the chat is not theirs.
pub async fn say_typing(state: &AppState, db: &UserDb, from: &Mailbox, chat_id: ChatId) -> Result<()> {
    db.find_chat(chat_id).await?.ok_or(Error::NotFound)?;
    state.live.typing(from, chat_id, db.user());
    Ok(())
}
