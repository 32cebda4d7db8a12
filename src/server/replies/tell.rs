//! Tells a reply's user of its end when they look elsewhere: their chat is unread until they look at it, in every tab.
//!
//! Whether they look is what this server knows of its own connections. A tab that watches the chat at another server says so
//! once more when it hears that its chat is unread, and with that it is read.

use crate::{
    domain::{ids::ChatId, message::MessageState, notification::NotificationKind},
    server::{
        db::{TakenReply, UserDb},
        state::AppState,
    },
};

/// A reply has ended.
pub async fn ended(state: &AppState, db: &UserDb, chat_id: ChatId, end: MessageState) {
    let kind = match end {
        MessageState::Complete => NotificationKind::ReplyReady,
        MessageState::Failed(_) => NotificationKind::ReplyFailed,
        MessageState::Interrupted => NotificationKind::ReplyInterrupted,
        // Stopped by whom it would be told; or not the end.
        MessageState::Stopped | MessageState::Queued { .. } | MessageState::Generating => return,
    };
    if state.live.is_watched(db.user_id(), chat_id) {
        return;
    }
    // A failure is logged where it happens. The reply itself is there.
    if let Ok(Some(chat)) = db.mark_unread(chat_id, kind).await {
        state.live.chat_changed(db.user_id(), &chat);
        state.live.notifications_changed(db.user_id());
    }
}

/// A reply was taken from a server that went away, and has ended with what there was.
pub async fn ended_instead(state: &AppState, reply: &TakenReply) {
    #[expect(clippy::disallowed_methods, reason = "on behalf of whose reply it is")]
    let db = state.db.open_taken_reply(reply).await;
    if let Ok(Some(db)) = db
        && let Ok(Some(message)) = db.find_message(reply.message_id).await
    {
        ended(state, &db, reply.chat_id, message.state).await;
    }
}

/// A chat is being looked at.
pub async fn seen(state: &AppState, db: &UserDb, chat_id: ChatId) {
    // A failure is logged where it happens; the chat stays unread until the next look.
    if let Ok(Some(chat)) = db.mark_seen(chat_id).await {
        state.live.chat_changed(db.user_id(), &chat);
        state.live.notifications_changed(db.user_id());
    }
}
