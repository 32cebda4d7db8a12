//! Between servers: Redis publish and subscribe. One channel per user, to which a server listens while that user is
//! connected to it, and one for what concerns all servers.
//!
//! Nothing here is kept: a message that is lost is made good by the snapshot that a mirror asks for, by the browser's next
//! `Watch`, or by the resync after Redis was away.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use fred::{
    clients::{Pool, SubscriberClient},
    prelude::{EventInterface, PubsubInterface},
};
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast::error::RecvError, mpsc};
use uuid::Uuid;

use super::{Live, reply::Progress, stream::Address};
use crate::{
    domain::{
        ids::{MessageId, UserId},
        live::{CloseReason, LiveEvent},
        session::Sessions,
    },
    error::{Error, Result},
};

const SHARED_CHANNEL: &str = "sardonyx:servers";
/// Messages that wait to be published; more are dropped, for they only announce.
const PUBLISH_QUEUE_MAX: usize = 16_384;

/// What one server tells the others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum BusMessage {
    /// For every tab of a user.
    Event { user_id: UserId, event: LiveEvent },
    /// A running reply's text.
    Progress(Progress),
    /// For a stream of events that another server has.
    Command { address: Address, command: String },
    /// For every server.
    Shared(Shared),
}

/// What concerns every server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Shared {
    /// Close the live connections of these sessions.
    CloseSessions { user_id: UserId, sessions: Sessions, reason: CloseReason },
    /// Stop this reply, if you write it.
    Stop { message_id: MessageId },
    /// Send this reply's whole text, if you write it.
    SnapshotWanted { user_id: UserId, message_id: MessageId },
    /// What holds for everybody is another now: read it.
    SiteChanged,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    from: Uuid,
    message: BusMessage,
}

/// This server's end of it.
pub struct Bus {
    outgoing: mpsc::Sender<BusMessage>,
    subscriber: SubscriberClient,
    subscribed: Arc<Mutex<HashSet<UserId>>>,
}

impl Bus {
    /// Starts the task that publishes, in order.
    pub fn new(instance: Uuid, redis: &crate::server::redis::Redis) -> Self {
        let (outgoing, queue) = mpsc::channel(PUBLISH_QUEUE_MAX);
        tokio::spawn(publish_all(instance, redis.pool.clone(), queue));
        Self { outgoing, subscriber: redis.subscriber.clone(), subscribed: Arc::default() }
    }

    /// Sends a message to the other servers, some time soon.
    pub fn publish(&self, message: BusMessage) {
        if self.outgoing.try_send(message).is_err() {
            tracing::warn!("an announcement to other servers was dropped: Redis is slow or away");
        }
    }

    /// Listens for a user's events; they are heard once this returns.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when Redis does not answer.
    pub async fn subscribe(&self, user_id: UserId) -> Result<()> {
        // Asked each time: subscribing twice is one subscription, and a set of what was asked could be wrong after a loss.
        self.subscriber.subscribe(channel(user_id)).await.map_err(|error| {
            tracing::error!(error = error.details(), "cannot listen for a user's events");
            Error::Unavailable
        })?;
        lock(&self.subscribed).insert(user_id);
        Ok(())
    }

    /// Stops listening for a user's events, unless somebody subscribed again meanwhile.
    pub fn unsubscribe(&self, user_id: UserId) {
        lock(&self.subscribed).remove(&user_id);
        let (subscriber, subscribed) = (self.subscriber.clone(), Arc::clone(&self.subscribed));
        tokio::spawn(async move {
            // An event too many does no harm; a failure leaves just that.
            let _ = subscriber.unsubscribe(channel(user_id)).await;
            if lock(&subscribed).contains(&user_id) {
                let _ = subscriber.subscribe(channel(user_id)).await;
            }
        });
    }
}

/// Starts to hear what other servers say.
pub fn listen(live: &Arc<Live>, instance: Uuid, subscriber: &SubscriberClient) {
    let (live, subscriber) = (Arc::downgrade(live), subscriber.clone());
    let mut messages = subscriber.message_rx();
    let mut reconnects = subscriber.reconnect_rx();
    // Subscribes again, after a reconnect, to all that was subscribed.
    subscriber.manage_subscriptions();
    tokio::spawn(async move {
        let first = subscriber.subscribe(SHARED_CHANNEL).await;
        if let Err(error) = first {
            tracing::error!(error = error.details(), "cannot listen to other servers");
        }
        loop {
            let received = tokio::select! {
                received = messages.recv() => Some(received),
                _ = reconnects.recv() => None,
            };
            let Some(live) = live.upgrade() else { return };
            match received {
                Some(Ok(message)) => {
                    let bytes = message.value.as_bytes().unwrap_or_default();
                    match serde_json::from_slice::<Envelope>(bytes) {
                        Ok(envelope) if envelope.from != instance => live.receive(envelope.message),
                        Ok(_) => {}
                        // Another version of Sardonyx, in the middle of an update.
                        Err(_) => tracing::warn!("another server said something that is not understood"),
                    }
                }
                Some(Err(RecvError::Lagged(_))) | None => live.resync_all(),
                Some(Err(RecvError::Closed)) => return,
            }
        }
    });
}

async fn publish_all(instance: Uuid, pool: Pool, mut queue: mpsc::Receiver<BusMessage>) {
    while let Some(message) = queue.recv().await {
        let channel = match &message {
            BusMessage::Event { user_id, .. } => channel(*user_id),
            BusMessage::Progress(progress) => channel(progress.user_id),
            BusMessage::Command { address, .. } => channel(address.user_id),
            BusMessage::Shared(_) => SHARED_CHANNEL.to_owned(),
        };
        let Ok(body) = serde_json::to_string(&Envelope { from: instance, message }) else { continue };
        // The next connection of the pool could overtake this one, so each is waited for.
        if let Err(error) = pool.next().publish::<(), _, _>(channel, body).await {
            tracing::warn!(error = error.details(), "an announcement to other servers was lost");
        }
    }
}

fn channel(user_id: UserId) -> String {
    format!("sardonyx:user:{user_id}")
}

fn lock(subscribed: &Mutex<HashSet<UserId>>) -> std::sync::MutexGuard<'_, HashSet<UserId>> {
    subscribed.lock().unwrap_or_else(PoisonError::into_inner)
}
