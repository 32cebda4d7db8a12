//! Tells a reply's user of its end when they look elsewhere: their chat is unread until they look at it, in every tab.
//!
//! Whether they look is what this server knows of its own connections. When it takes a tab for one that looks, that tab has to
//! say that it shows the end, or the reply is told after all. A tab in front that watches the chat at another server says so
//! once more when it hears that its chat is unread, and with that it is read.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    domain::{
        chat::Chat,
        ids::{ChatId, UserId},
        limits,
        message::MessageState,
        notification::NotificationKind,
    },
    error::Result,
    server::{
        db::{TakenReply, UserDb},
        live::{hub::Mailbox, looks::Look},
        state::AppState,
    },
};

/// What there is to tell of a reply that ends like this.
pub const fn news(end: MessageState) -> Option<NotificationKind> {
    match end {
        MessageState::Complete => Some(NotificationKind::ReplyReady),
        MessageState::Failed(_) => Some(NotificationKind::ReplyFailed),
        MessageState::Interrupted => Some(NotificationKind::ReplyInterrupted),
        // Stopped by whom it would be told; or not the end.
        MessageState::Stopped | MessageState::Queued { .. } | MessageState::Generating => None,
    }
}

/// Tells it after all, unless it is seen in time.
pub fn unless_seen(state: &AppState, db: &UserDb, chat_id: ChatId, kind: NotificationKind, look: Look) {
    let (state, db) = (state.clone(), db.clone());
    state.tasks.clone().spawn(async move {
        tokio::select! {
            biased;
            () = look.seen() => return,
            // A tab that looks says so again to the server that comes next.
            () = state.stopping.cancelled() => {}
            () = sleep(Duration::from_secs(limits::LOOK_SECONDS_MAX)) => {}
        }
        tell(&state, &db, chat_id, kind).await;
    });
}

async fn tell(state: &AppState, db: &UserDb, chat_id: ChatId, kind: NotificationKind) {
    // A failure is logged where it happens. The reply itself is there.
    if let Ok(Some(chat)) = db.mark_unread(chat_id, kind).await {
        unread(state, db.user_id(), &chat);
    }
}

/// A chat became unread.
pub fn unread(state: &AppState, user_id: UserId, chat: &Chat) {
    state.live.chat_changed(user_id, chat);
    state.live.notifications_changed(user_id);
}

/// A reply was taken from a server that went away, and has ended with what there was.
pub async fn ended_instead(state: &AppState, reply: &TakenReply) {
    let look = state.live.await_look(reply.user_id, reply.chat_id, reply.message_id);
    state.live.reply_interrupted(reply.user_id, reply.message_id);
    #[expect(clippy::disallowed_methods, reason = "on behalf of whose reply it is")]
    let db = state.db.open_taken_reply(reply).await;
    if let Ok(Some(db)) = db
        && let Ok(Some(message)) = db.find_message(reply.message_id).await
        && let Some(kind) = news(message.state)
    {
        match look {
            Some(look) => unless_seen(state, &db, reply.chat_id, kind, look),
            None => tell(state, &db, reply.chat_id, kind).await,
        }
    }
}

/// A live connection may look at another chat than before, or again.
///
/// # Errors
/// When the database fails.
pub async fn looked(state: &AppState, db: &UserDb, mailbox: &Mailbox) -> Result<()> {
    let Some(chat_id) = mailbox.looks_at() else { return Ok(()) };
    state.live.note_look(db.user_id(), chat_id);
    if db.find_chat(chat_id).await?.is_some_and(|chat| chat.is_unread) {
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
