//! Tells a reply's user of its end when they look elsewhere: their chat is unread until they look at it, in every tab.
//!
//! Whether they look is what this server knows of its own connections. A tab in front that watches the chat at another server
//! says so once more when it hears that its chat is unread, and with that it is read.

use crate::{
    domain::{
        chat::Chat,
        ids::{ChatId, UserId},
        message::MessageState,
        notification::NotificationKind,
    },
    error::Result,
    server::{
        db::{TakenReply, UserDb},
        live::hub::Mailbox,
        state::AppState,
    },
};

/// What there is to tell of a reply that ends like this.
pub fn news(state: &AppState, user_id: UserId, chat_id: ChatId, end: MessageState) -> Option<NotificationKind> {
    let kind = match end {
        MessageState::Complete => NotificationKind::ReplyReady,
        MessageState::Failed(_) => NotificationKind::ReplyFailed,
        MessageState::Interrupted => NotificationKind::ReplyInterrupted,
        // Stopped by whom it would be told; or not the end.
        MessageState::Stopped | MessageState::Queued { .. } | MessageState::Generating => return None,
    };
    (!state.live.is_looked_at(user_id, chat_id)).then_some(kind)
}

/// A chat became unread.
pub fn unread(state: &AppState, user_id: UserId, chat: &Chat) {
    state.live.chat_changed(user_id, chat);
    state.live.notifications_changed(user_id);
}

/// A reply was taken from a server that went away, and has ended with what there was.
pub async fn ended_instead(state: &AppState, reply: &TakenReply) {
    #[expect(clippy::disallowed_methods, reason = "on behalf of whose reply it is")]
    let db = state.db.open_taken_reply(reply).await;
    if let Ok(Some(db)) = db
        && let Ok(Some(message)) = db.find_message(reply.message_id).await
        && let Some(kind) = news(state, reply.user_id, reply.chat_id, message.state)
        // A failure is logged where it happens. The reply itself is there.
        && let Ok(Some(chat)) = db.mark_unread(reply.chat_id, kind).await
    {
        unread(state, reply.user_id, &chat);
    }
}

/// A live connection may look at another chat than before, or again.
///
/// # Errors
/// When the database fails.
pub async fn looked(state: &AppState, db: &UserDb, mailbox: &Mailbox) -> Result<()> {
    if let Some(chat_id) = mailbox.looks_at()
        && db.find_chat(chat_id).await?.is_some_and(|chat| chat.is_unread)
    {
        seen(state, db, chat_id).await;
    }
    Ok(())
}

/// A chat is being looked at.
pub async fn seen(state: &AppState, db: &UserDb, chat_id: ChatId) {
    // A failure is logged where it happens; the chat stays unread until the next look.
    if let Ok(Some(chat)) = db.mark_seen(chat_id).await {
        state.live.chat_changed(db.user_id(), &chat);
        state.live.notifications_changed(db.user_id());
    }
}
