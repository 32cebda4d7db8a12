//! Whether somebody saw how a reply ended.
//!
//! That a tab was in front when this server last heard of it does not say that it still is: its page may have been left a
//! moment ago, or its network be gone, which is not known before the connection breaks. So a tab that shows the end says so
//! ([`LiveCommand::Visibility`](crate::domain::live::LiveCommand)), and until then nobody has seen it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

use crate::domain::ids::{ChatId, MessageId, UserId};

/// Replies that ended in front of a tab which has not said yet that it shows the end.
#[derive(Clone, Default)]
pub struct Looks(Arc<Mutex<HashMap<MessageId, Place>>>);

struct Place {
    user_id: UserId,
    chat_id: ChatId,
    seen: CancellationToken,
}

/// One of them, until it is dropped.
pub struct Look {
    looks: Looks,
    message_id: MessageId,
    seen: CancellationToken,
}

impl Looks {
    /// Waits for a reply's end to be seen, from now on.
    pub fn await_one(&self, user_id: UserId, chat_id: ChatId, message_id: MessageId) -> Look {
        let seen = CancellationToken::new();
        self.lock().insert(message_id, Place { user_id, chat_id, seen: seen.clone() });
        Look { looks: self.clone(), message_id, seen }
    }

    /// A user sees a chat as it is now.
    pub fn note(&self, user_id: UserId, chat_id: ChatId) {
        for place in self.lock().values().filter(|place| (place.user_id, place.chat_id) == (user_id, chat_id)) {
            place.seen.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<MessageId, Place>> {
        // Every change is a single insertion or removal.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Look {
    /// Waits until the end was seen.
    pub async fn seen(&self) {
        self.seen.cancelled().await;
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        self.looks.lock().remove(&self.message_id);
    }
}
