//! Tells a reply's user of its end when they look elsewhere: their chat is unread until they look at it, in every tab.
//!
//! Where a tab looks, as far as a server knows, may have changed: its page was left, its network is gone, or it is connected to
//! another server. So a chat is unread with the end of its reply, and a tab in front that shows the end says so; only when none
//! does for a while, somebody is told. A tab that says so later than that takes it back.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    domain::{
        chat::Chat,
        ids::{ChatId, NotificationId},
        limits,
        message::MessageState,
        notification::NotificationKind,
    },
    error::Result,
    server::{
        clock,
        db::{TakenReply, UserDb},
        live::hub::Mailbox,
        state::AppState,
    },
};

/// When a server that stops tells what it would have told later.
const STOPPING_SECONDS: u64 = 1;

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

/// A chat became unread by the end of a reply: tells so, unless a tab looks at it.
pub fn tell(state: &AppState, db: &UserDb, chat_id: ChatId, news: NotificationId) {
    let (state, db) = (state.clone(), db.clone());
    let may_be_seen = state.live.may_be_looked_at(db.user_id(), chat_id);
    state.tasks.clone().spawn(async move {
        if may_be_seen {
            let stopping = async {
                state.stopping.cancelled().await;
                sleep(Duration::from_secs(STOPPING_SECONDS)).await;
            };
            tokio::select! {
                () = stopping => {}
                () = sleep(Duration::from_secs(limits::LOOK_SECONDS_MAX)) => {}
            }
        }
        // A failure is logged where it happens; the chat is unread for whoever opens a page.
        if let Ok(Some(chat)) = db.find_unread_chat(news).await {
            announce(&state, &db, &chat);
        }
    });
}

fn announce(state: &AppState, db: &UserDb, chat: &Chat) {
    state.live.chat_changed(db.user_id(), chat);
    state.live.notifications_changed(db.user_id());
}

/// A reply was taken from a server that went away, and has ended with what there was.
pub async fn ended_instead(state: &AppState, reply: &TakenReply) {
    #[expect(clippy::disallowed_methods, reason = "on behalf of whose reply it is")]
    let db = state.db.open_taken_reply(reply).await;
    let mut told = None;
    if let Ok(Some(db)) = db
        && let Ok(Some(message)) = db.find_message(reply.message_id).await
        && let Some(kind) = news(message.state)
        // A failure is logged where it happens. The reply itself is there.
        && let Ok(Some(news)) = db.mark_unread(reply.chat_id, kind).await
    {
        told = Some((db, news));
    }
    // Whoever sees its end takes the mark away, which must be there before.
    state.live.reply_interrupted(reply.user_id, reply.message_id);
    if let Some((db, news)) = told {
        tell(state, &db, reply.chat_id, news);
    }
}

/// A live connection may look at another chat than before, or again; `was_behind` until now.
///
/// # Errors
/// When the database fails.
pub async fn looked(state: &AppState, db: &UserDb, mailbox: &Mailbox, was_behind: bool) -> Result<()> {
    if let Some(chat_id) = mailbox.looks_at()
        && db.find_chat(chat_id).await?.is_some_and(|chat| chat.is_unread)
    {
        // Of what ended while it was behind, somebody may have been told at once.
        let untold_ms = clock::now_ms() - 1_000 * limits::LOOK_SECONDS_MAX.cast_signed();
        see(state, db, chat_id, (!was_behind).then_some(untold_ms)).await;
    }
    Ok(())
}

/// A chat is opened.
pub async fn seen(state: &AppState, db: &UserDb, chat_id: ChatId) {
    see(state, db, chat_id, None).await;
}

async fn see(state: &AppState, db: &UserDb, chat_id: ChatId, untold_since_ms: Option<i64>) {
    // A failure is logged where it happens; the chat stays unread until the next look.
    if let Ok(Some(chat)) = db.mark_seen(chat_id, untold_since_ms).await {
        announce(state, db, &chat);
    }
}
