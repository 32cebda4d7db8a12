//! The live connections: what happens is announced to every tab of its user, on every server.
//!
//! [`Live`] is what the rest of the server speaks to. Behind it stand the [`hub`] (who is connected here, no I/O), the
//! `bus` (Redis, between servers) and the `connection` (one of them, over a `socket` or a `stream`). All of this only announces: nothing is lost when an
//! event is, for a browser that reconnects asks the database.

mod bus;
mod connection;
pub mod hub;
pub mod reply;
pub mod socket;
pub mod stream;

use std::sync::{Arc, OnceLock};

use tokio::sync::watch;
use uuid::Uuid;

use self::{
    bus::{Bus, BusMessage, Shared},
    hub::{Hub, Mailbox},
    reply::LiveReply,
    stream::{Address, Streams},
};
use super::redis::Redis;
use crate::{
    domain::{
        chat::Chat,
        draft::DraftChange,
        ids::{ChatId, MessageId, SessionId, UserId},
        live::{CloseReason, LiveEvent},
        message::Message,
        session::Sessions,
        user::User,
    },
    error::{Error, Result},
};

/// Announces what happens.
pub struct Live {
    hub: Arc<Hub>,
    streams: Streams,
    bus: Option<Bus>,
    /// Stops a reply that this server writes; set once the engine is there.
    stop_reply: OnceLock<Box<dyn Fn(MessageId) + Send + Sync>>,
    /// Reads what holds for everybody anew; set once there is something to read.
    reload_site: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// A mailbox, taken out of the hub with this; also when whoever asked for it went away in the middle.
struct Registration {
    live: Arc<Live>,
    mailbox: Arc<Mailbox>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let Live { hub, bus, .. } = &*self.live;
        let is_last = hub.unregister(&self.mailbox);
        if let (true, Some(bus)) = (is_last, bus) {
            bus.unsubscribe(self.mailbox.user_id(), hub);
        }
    }
}

impl Live {
    /// Ready; with Redis, events also go to and come from other servers.
    pub fn new(instance: Uuid, redis: Option<&Redis>) -> Arc<Self> {
        let bus = redis.map(|redis| Bus::new(instance, redis));
        let (stop_reply, reload_site) = (OnceLock::new(), OnceLock::new());
        let live = Arc::new(Self { hub: Arc::default(), streams: Streams::default(), bus, stop_reply, reload_site });
        if let Some(redis) = redis {
            bus::listen(&live, instance, &redis.subscriber);
        }
        live
    }

    /// Tells what stops a reply that another server was asked to stop.
    pub fn on_stop(&self, stop: impl Fn(MessageId) + Send + Sync + 'static) {
        let _ = self.stop_reply.set(Box::new(stop));
    }

    /// Tells what reads the site anew when another server has changed it.
    pub fn on_site_changed(&self, reload: impl Fn() + Send + Sync + 'static) {
        let _ = self.reload_site.set(Box::new(reload));
    }

    /// What holds for everybody was changed by this server: the others read it anew, and tell their tabs.
    pub fn site_changed(&self) {
        if let Some(bus) = &self.bus {
            bus.publish(BusMessage::Shared(Shared::SiteChanged));
        }
    }

    /// What every tab of this server shows of the site is out of date.
    pub fn tell_site_changed(&self) {
        self.hub.announce_to_all(&LiveEvent::SiteChanged);
    }

    /// A chat is new or has changed.
    pub fn chat_changed(&self, user_id: UserId, chat: &Chat) {
        self.announce(user_id, LiveEvent::ChatChanged { chat: chat.clone() });
    }

    /// A chat is deleted.
    pub fn chat_deleted(&self, user_id: UserId, chat_id: ChatId) {
        self.announce(user_id, LiveEvent::ChatDeleted { chat_id });
    }

    /// Messages are new or have changed.
    pub fn messages(&self, user_id: UserId, chat_id: ChatId, messages: Vec<Message>) {
        self.announce(user_id, LiveEvent::Messages { chat_id, messages });
    }

    /// Another version of a chat is shown now.
    pub fn chat_outdated(&self, user_id: UserId, chat_id: ChatId) {
        self.announce(user_id, LiveEvent::ChatOutdated { chat_id });
    }

    /// A queued reply's place in the line is another one. Each server tells its own tabs.
    pub fn reply_queued(&self, user_id: UserId, chat_id: ChatId, message_id: MessageId, ahead: Option<u32>) {
        self.hub.announce(user_id, &LiveEvent::ReplyQueued { chat_id, message_id, ahead });
    }

    /// What is typed in a chat and not yet sent is another text.
    pub fn draft_changed(&self, user_id: UserId, chat_id: ChatId, change: DraftChange) {
        self.announce(user_id, LiveEvent::DraftChanged { chat_id, change });
    }

    /// Whoever has this live connection is typing in a chat.
    pub fn typing(&self, from: &Mailbox, chat_id: ChatId, user: &User) {
        let event = LiveEvent::Typing { chat_id, user_id: user.id, name: user.name().to_owned() };
        self.hub.announce_beside(from, &event);
        if let Some(bus) = &self.bus {
            bus.publish(BusMessage::Event { user_id: user.id, event });
        }
    }

    /// Whether a tab of this user that is in front may have this chat on its screen: one that is connected here and was in
    /// front when it was last heard of, or any that is connected to another server.
    pub fn may_be_looked_at(&self, user_id: UserId, chat_id: ChatId) -> bool {
        self.bus.is_some() || self.hub.is_looked_at(user_id, chat_id)
    }

    /// A reply begins here: its text so far can be followed from now on.
    pub fn begin_reply(&self, reply: &Arc<LiveReply>) {
        self.hub.add_reply(Arc::clone(reply));
    }

    /// A running reply's text changed from `first_block` on.
    pub fn reply_progressed(&self, reply: &LiveReply, first_block: usize) {
        self.hub.mark_progress(reply, first_block);
        if let Some(bus) = &self.bus {
            bus.publish(BusMessage::Progress(reply.progress(first_block)));
        }
    }

    /// A reply has ended: `message` is its final form.
    pub fn end_reply(&self, user_id: UserId, message: Message) {
        self.hub.remove_reply(message.id);
        self.messages(user_id, message.chat_id, vec![message]);
    }

    /// A reply is written here no more, and ended or went on elsewhere: its user's tabs fetch afresh.
    pub fn reply_interrupted(&self, user_id: UserId, message_id: MessageId) {
        self.hub.remove_reply(message_id);
        self.announce(user_id, LiveEvent::Resync);
    }

    /// The running reply with this id, if this server knows its text. When another server writes it, that one is asked.
    pub fn find_reply(&self, user_id: UserId, message_id: MessageId) -> Option<Arc<LiveReply>> {
        let known = self.hub.find_reply(message_id);
        if known.is_none()
            && let Some(bus) = &self.bus
        {
            bus.publish(BusMessage::Shared(Shared::SnapshotWanted { user_id, message_id }));
        }
        known
    }

    /// The text of a running reply of this user, as this server writes it.
    pub fn follow_text(&self, user_id: UserId, message_id: MessageId) -> Option<watch::Receiver<String>> {
        let reply = self.hub.find_reply(message_id);
        reply.filter(|reply| reply.is_ours() && reply.user_id() == user_id).map(|reply| reply.follow_text())
    }

    /// Asks whichever other server writes a reply to stop it.
    pub fn stop_elsewhere(&self, message_id: MessageId) {
        if let Some(bus) = &self.bus {
            bus.publish(BusMessage::Shared(Shared::Stop { message_id }));
        }
    }

    /// Closes the live connections of some of a user's sessions, on every server.
    pub fn close_sessions(&self, user_id: UserId, sessions: Sessions, reason: CloseReason) {
        self.hub.close_sessions(user_id, sessions, reason);
        if let Some(bus) = &self.bus {
            bus.publish(BusMessage::Shared(Shared::CloseSessions { user_id, sessions, reason }));
        }
    }

    /// Files of a user are new, went on, or are gone.
    pub fn files_changed(&self, user_id: UserId) {
        self.announce(user_id, LiveEvent::FilesChanged);
    }

    /// What a user's pages know of the account is out of date.
    pub fn account_changed(&self, user_id: UserId) {
        self.announce(user_id, LiveEvent::AccountChanged);
    }

    /// What a user is told has changed.
    pub fn notifications_changed(&self, user_id: UserId) {
        self.announce(user_id, LiveEvent::NotificationsChanged);
    }

    /// The list of a user's active sessions is another one now.
    pub fn sessions_changed(&self, user_id: UserId) {
        self.announce(user_id, LiveEvent::SessionsChanged);
    }

    /// Hands a command to the stream of events that it is for, on whatever server that is.
    ///
    /// # Errors
    /// [`Error::NotFound`] when this server is the only one and has no such stream; [`Error::TooMany`] when the stream
    /// has not obeyed many others yet.
    pub fn command(&self, address: Address, command: String) -> Result<()> {
        if self.streams.deliver(address, command.clone())? {
            return Ok(());
        }
        let bus = self.bus.as_ref().ok_or(Error::NotFound)?;
        bus.publish(BusMessage::Command { address, command });
        Ok(())
    }

    /// Closes every live connection of this server.
    pub fn close_all(&self, reason: CloseReason) {
        self.hub.close_all(reason);
    }

    /// Registers a live connection; from here on it is told everything that concerns its user.
    ///
    /// # Errors
    /// When the user has too many, or when Redis does not answer.
    async fn register(
        self: &Arc<Self>,
        user_id: UserId,
        session_id: SessionId,
        per_user_max: usize,
    ) -> Result<Registration> {
        let mailbox = self.hub.register(user_id, session_id, per_user_max)?;
        let registration = Registration { live: Arc::clone(self), mailbox };
        if let Some(bus) = &self.bus {
            bus.subscribe(user_id).await?;
        }
        Ok(registration)
    }

    fn announce(&self, user_id: UserId, event: LiveEvent) {
        self.hub.announce(user_id, &event);
        if let Some(bus) = &self.bus {
            bus.publish(BusMessage::Event { user_id, event });
        }
    }

    /// What another server said.
    fn receive(&self, message: BusMessage) {
        match message {
            BusMessage::Event { user_id, event } => {
                if let LiveEvent::Messages { messages, .. } = &event {
                    for message in messages.iter().filter(|message| message.state.is_final()) {
                        self.hub.remove_reply(message.id);
                    }
                }
                self.hub.announce(user_id, &event);
            }
            BusMessage::Progress(progress) => {
                let (user_id, message_id) = (progress.user_id, progress.message_id);
                if !self.hub.mirror(progress) {
                    // Something before it was missed; its writer is asked for the whole.
                    self.find_missing(user_id, message_id);
                }
            }
            BusMessage::Command { address, command } => {
                // Too many for it: whoever sent them hears nothing, and connects anew.
                let _ = self.streams.deliver(address, command);
            }
            BusMessage::Shared(Shared::CloseSessions { user_id, sessions, reason }) => {
                self.hub.close_sessions(user_id, sessions, reason);
            }
            BusMessage::Shared(Shared::Stop { message_id }) => {
                if let Some(stop) = self.stop_reply.get() {
                    stop(message_id);
                }
            }
            BusMessage::Shared(Shared::SiteChanged) => self.reload_site(),
            BusMessage::Shared(Shared::SnapshotWanted { user_id, message_id }) => {
                self.send_snapshot(user_id, message_id);
            }
        }
    }

    fn find_missing(&self, user_id: UserId, message_id: MessageId) {
        if let Some(bus) = &self.bus {
            bus.publish(BusMessage::Shared(Shared::SnapshotWanted { user_id, message_id }));
        }
    }

    fn send_snapshot(&self, user_id: UserId, message_id: MessageId) {
        let reply = self.hub.find_reply(message_id).filter(|reply| reply.is_ours() && reply.user_id() == user_id);
        if let (Some(reply), Some(bus)) = (reply, &self.bus) {
            bus.publish(BusMessage::Progress(reply.snapshot()));
        }
    }

    fn reload_site(&self) {
        if let Some(reload) = self.reload_site.get() {
            reload();
        }
    }

    /// Redis was away: whoever is connected here may have missed something, and this server, too.
    fn resync_all(&self) {
        self.reload_site();
        self.hub.resync_all();
    }
}
