//! Who is connected to this server, and what waits for them. No I/O: the socket fetches, the hub never waits.
//!
//! What waits is bounded. Events queue up to a limit, past which the queue becomes one "fetch afresh". A running reply's
//! text does not queue at all: only that it changed is noted, and the socket takes its newest state when it gets there, so
//! a slow reader skips what lies between.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::Notify;

use super::reply::{LiveReply, Progress, Sent};
use crate::{
    domain::{
        ids::{ChatId, MessageId, SessionId, UserId},
        limits,
        live::{CloseReason, LiveEvent},
        session::Sessions,
    },
    error::{Error, Result},
};

/// Everybody who is connected, and every running reply whose text is known here.
#[derive(Default)]
pub struct Hub {
    inner: Mutex<Inner>,
    next_id: AtomicU64,
}

#[derive(Default)]
struct Inner {
    users: HashMap<UserId, Vec<Arc<Mailbox>>>,
    replies: HashMap<MessageId, Arc<LiveReply>>,
}

/// What waits for one live connection.
pub struct Mailbox {
    id: u64,
    user_id: UserId,
    session_id: SessionId,
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<LiveEvent>,
    /// Events were dropped.
    resync: bool,
    watched: Option<ChatId>,
    /// The tab is not in front: nobody looks at what it watches.
    is_hidden: bool,
    /// What the browser has of each reply in the watched chat.
    sent: HashMap<MessageId, Sent>,
    /// Replies whose text changed.
    progressed: HashSet<MessageId>,
    closing: Option<CloseReason>,
}

/// What a socket does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Outgoing {
    Event(LiveEvent),
    Close(CloseReason),
}

impl Hub {
    /// Adds a live connection.
    ///
    /// # Errors
    /// [`Error::TooMany`] when the user has `per_user_max` already.
    pub fn register(&self, user_id: UserId, session_id: SessionId, per_user_max: usize) -> Result<Arc<Mailbox>> {
        let mailbox = Arc::new(Mailbox {
            id: self.next_id.fetch_add(1, Ordering::Relaxed),
            user_id,
            session_id,
            waiting: Mutex::default(),
            changed: Notify::new(),
        });
        let mut inner = self.lock();
        let of_user = inner.users.entry(user_id).or_default();
        if of_user.len() >= per_user_max {
            return Err(Error::TooMany);
        }
        of_user.push(Arc::clone(&mailbox));
        Ok(mailbox)
    }

    /// Removes it; true when it was its user's last. What is known of replies that others write goes with the last.
    pub fn unregister(&self, mailbox: &Arc<Mailbox>) -> bool {
        let mut inner = self.lock();
        let Some(of_user) = inner.users.get_mut(&mailbox.user_id) else { return false };
        of_user.retain(|other| other.id != mailbox.id);
        let is_last = of_user.is_empty();
        if is_last {
            inner.users.remove(&mailbox.user_id);
            inner.replies.retain(|_, reply| reply.is_ours() || reply.user_id() != mailbox.user_id);
        }
        is_last
    }

    /// Whether a user has a mailbox here.
    pub fn is_connected(&self, user_id: UserId) -> bool {
        self.lock().users.contains_key(&user_id)
    }

    /// Everybody who has one.
    pub fn connected(&self) -> Vec<UserId> {
        self.lock().users.keys().copied().collect()
    }

    /// Puts an event into every mailbox of a user that it is for.
    pub fn announce(&self, user_id: UserId, event: &LiveEvent) {
        for mailbox in self.of_user(user_id) {
            mailbox.push_if_watched(event);
        }
    }

    /// The same, but for the one from which it comes.
    pub fn announce_beside(&self, from: &Mailbox, event: &LiveEvent) {
        for mailbox in self.of_user(from.user_id).iter().filter(|mailbox| mailbox.id != from.id) {
            mailbox.push_if_watched(event);
        }
    }

    /// Puts an event into every mailbox.
    pub fn announce_to_all(&self, event: &LiveEvent) {
        for mailbox in self.all() {
            mailbox.push(event.clone());
        }
    }

    /// A reply can be followed from now on.
    pub fn add_reply(&self, reply: Arc<LiveReply>) {
        self.lock().replies.insert(reply.message_id(), reply);
    }

    /// A reply has ended.
    pub fn remove_reply(&self, id: MessageId) {
        let removed = self.lock().replies.remove(&id);
        if let Some(reply) = removed {
            for mailbox in self.of_user(reply.user_id()) {
                let mut waiting = mailbox.lock();
                waiting.progressed.remove(&id);
                waiting.sent.remove(&id);
            }
        }
    }

    /// The running reply with this id.
    pub fn find_reply(&self, id: MessageId) -> Option<Arc<LiveReply>> {
        self.lock().replies.get(&id).cloned()
    }

    /// Whether one of a user's mailboxes follows this chat in front of somebody's eyes.
    pub fn is_looked_at(&self, user_id: UserId, chat_id: ChatId) -> bool {
        self.of_user(user_id).iter().any(|mailbox| mailbox.looks_at() == Some(chat_id))
    }

    /// Tells whoever watches the chat that a reply's text changed from `first_block` on.
    pub fn mark_progress(&self, reply: &LiveReply, first_block: usize) {
        for mailbox in self.of_user(reply.user_id()) {
            mailbox.mark_progress(reply.chat_id(), reply.message_id(), first_block);
        }
    }

    /// Takes over what another server says of its reply. False when something before it was missed.
    pub fn mirror(&self, progress: Progress) -> bool {
        let reply = {
            let mut inner = self.lock();
            if !inner.users.contains_key(&progress.user_id) {
                return true;
            }
            let known = inner.replies.entry(progress.message_id);
            Arc::clone(known.or_insert_with(|| Arc::new(LiveReply::mirrored(&progress))))
        };
        if reply.is_ours() {
            return true;
        }
        let first_block = progress.first_block;
        let has_reasoning = reply.tell(progress.phase, progress.reasoning);
        let is_whole = reply.show(first_block, progress.blocks, progress.tail) && has_reasoning;
        if is_whole {
            self.mark_progress(&reply, first_block);
        }
        is_whole
    }

    /// Closes the connections of some of a user's sessions.
    pub fn close_sessions(&self, user_id: UserId, sessions: Sessions, reason: CloseReason) {
        for mailbox in self.of_user(user_id).iter().filter(|mailbox| sessions.contains(mailbox.session_id)) {
            mailbox.close(reason);
        }
    }

    /// Closes every connection.
    pub fn close_all(&self, reason: CloseReason) {
        for mailbox in self.all() {
            mailbox.close(reason);
        }
    }

    /// Tells everybody to fetch afresh, and forgets what is known of replies that others write: it is out of date, and whoever
    /// wants one asks for the whole.
    pub fn resync_all(&self) {
        self.lock().replies.retain(|_, reply| reply.is_ours());
        for mailbox in self.all() {
            mailbox.overflow();
        }
    }

    fn all(&self) -> Vec<Arc<Mailbox>> {
        self.lock().users.values().flatten().cloned().collect()
    }

    fn of_user(&self, user_id: UserId) -> Vec<Arc<Mailbox>> {
        self.lock().users.get(&user_id).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is a single insertion or removal; a panic cannot leave half of one.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mailbox {
    /// Whose it is.
    pub fn user_id(&self) -> UserId {
        self.user_id
    }

    /// Waits until there may be something to take.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// From now on the running replies of this chat are followed, from their beginning.
    pub fn watch(&self, chat_id: Option<ChatId>) {
        let mut waiting = self.lock();
        waiting.watched = chat_id;
        waiting.sent.clear();
        waiting.progressed.clear();
    }

    /// Notes whether the tab is in front. True when it was not.
    pub fn set_visible(&self, is_visible: bool) -> bool {
        std::mem::replace(&mut self.lock().is_hidden, !is_visible)
    }

    /// The chat that it follows, if its tab is in front.
    pub fn looks_at(&self) -> Option<ChatId> {
        let waiting = self.lock();
        waiting.watched.filter(|_| !waiting.is_hidden)
    }

    /// Queues an event. One that only says that something is to be fetched is not queued twice.
    pub fn push(&self, event: LiveEvent) {
        let mut waiting = self.lock();
        if event.is_bare() && waiting.events.contains(&event) {
            return;
        }
        if waiting.events.len() >= limits::SOCKET_EVENTS_QUEUED_MAX {
            drop(waiting);
            return self.overflow();
        }
        if !waiting.resync {
            waiting.events.push_back(event);
        }
        drop(waiting);
        self.changed.notify_one();
    }

    /// Queues an event, unless it is for those who watch another chat.
    fn push_if_watched(&self, event: &LiveEvent) {
        if event.watched_chat().is_none_or(|chat_id| self.lock().watched == Some(chat_id)) {
            self.push(event.clone());
        }
    }

    /// Notes that a reply's text changed.
    pub fn mark_progress(&self, chat_id: ChatId, message_id: MessageId, first_block: usize) {
        let mut waiting = self.lock();
        if waiting.watched == Some(chat_id) {
            // Another text may have taken the place of the first.
            waiting.sent.entry(message_id).and_modify(|sent| sent.blocks = first_block.min(sent.blocks));
            waiting.progressed.insert(message_id);
            drop(waiting);
            self.changed.notify_one();
        }
    }

    /// Asks the socket to end.
    pub fn close(&self, reason: CloseReason) {
        self.lock().closing.get_or_insert(reason);
        self.changed.notify_one();
    }

    /// The next thing to send: an end before everything, events before text.
    pub fn take(&self, hub: &Hub) -> Option<Outgoing> {
        let mut waiting = self.lock();
        if let Some(reason) = waiting.closing {
            return Some(Outgoing::Close(reason));
        }
        if std::mem::take(&mut waiting.resync) {
            return Some(Outgoing::Event(LiveEvent::Resync));
        }
        if let Some(event) = waiting.events.pop_front() {
            return Some(Outgoing::Event(event));
        }
        loop {
            let id = *waiting.progressed.iter().next()?;
            waiting.progressed.remove(&id);
            if let Some(reply) = hub.find_reply(id) {
                let (event, known) = reply.event(waiting.sent.get(&id).copied().unwrap_or_default());
                waiting.sent.insert(id, known);
                return Some(Outgoing::Event(event));
            }
        }
    }

    fn overflow(&self) {
        let mut waiting = self.lock();
        waiting.events.clear();
        waiting.progressed.clear();
        waiting.resync = true;
        drop(waiting);
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
