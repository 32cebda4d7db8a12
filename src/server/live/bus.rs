//! Between servers: Redis publish and subscribe. One channel per user, to which a server listens while that user is
//! connected to it, and one for what concerns all servers.
//!
//! Nothing here is kept: a message that is lost is made good by the snapshot that a mirror asks for, by the browser's next
//! `Watch`, or by the resync after Redis was away.

use std::{sync::Arc, time::Duration};

use fred::{
    clients::{Pool, SubscriberClient},
    prelude::{ClientLike, EventInterface, PubsubInterface},
};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{Mutex, broadcast::error::RecvError, mpsc},
    time::timeout,
};
use uuid::Uuid;

use super::{Live, hub::Hub, reply::Progress, stream::Address};
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
/// Longest wait for a subscription.
const SUBSCRIBE_MS_MAX: u64 = 2_000;
/// Users who share a turn: enough that hardly anybody waits for anybody.
const TURNS: usize = 64;

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
    turns: Arc<Turns>,
}

/// What is subscribed for a user changes one step after the other: else a subscription that is asked for could come to
/// Redis before the end of the last one, and go with it.
struct Turns([Mutex<()>; TURNS]);

impl Bus {
    /// Starts the task that publishes, in order.
    pub fn new(instance: Uuid, redis: &crate::server::redis::Redis) -> Self {
        let (outgoing, queue) = mpsc::channel(PUBLISH_QUEUE_MAX);
        tokio::spawn(publish_all(instance, redis.pool.clone(), queue));
        Self { outgoing, subscriber: redis.subscriber.clone(), turns: Arc::default() }
    }

    /// Sends a message to the other servers, some time soon.
    pub fn publish(&self, message: BusMessage) {
        if self.outgoing.try_send(message).is_err() {
            tracing::warn!("an announcement to other servers was dropped: Redis is slow or away");
        }
    }

    /// Listens for a user's events; they are heard once this returns, for as long as the user has a mailbox.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when Redis does not answer.
    pub async fn subscribe(&self, user_id: UserId) -> Result<()> {
        let subscribe = async {
            let turn = self.turns.of(user_id).lock().await;
            // Asked each time: subscribing twice is one subscription, and a set of what was asked could be wrong after a loss.
            self.subscriber.subscribe(channel(user_id)).await?;
            drop(turn);
            settle(&self.subscriber).await
        };
        match timeout(Duration::from_millis(SUBSCRIBE_MS_MAX), subscribe).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => tracing::error!(error = error.details(), "cannot listen for a user's events"),
            Err(_) => tracing::error!("cannot listen for a user's events: Redis does not answer"),
        }
        Err(Error::Unavailable)
    }

    /// Stops listening for the events of a user who has no mailbox any more.
    pub fn unsubscribe(&self, user_id: UserId, hub: &Arc<Hub>) {
        let (subscriber, turns, hub) = (self.subscriber.clone(), Arc::clone(&self.turns), Arc::clone(hub));
        tokio::spawn(async move {
            let _turn = turns.of(user_id).lock().await;
            // Whoever came back in the meantime has a mailbox before the subscription is asked for.
            if !hub.is_connected(user_id) {
                // An event too many does no harm; a failure leaves just that.
                let _ = subscriber.unsubscribe(channel(user_id)).await;
            }
        });
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Turns {
    fn of(&self, user_id: UserId) -> &Mutex<()> {
        &self.0[usize::from(user_id.0.as_bytes()[15]) % TURNS]
    }
}

/// Starts to hear what other servers say.
pub fn listen(live: &Arc<Live>, instance: Uuid, subscriber: &SubscriberClient) {
    let (live, subscriber) = (Arc::downgrade(live), subscriber.clone());
    let mut messages = subscriber.message_rx();
    let mut reconnects = subscriber.reconnect_rx();
    tokio::spawn(async move {
        subscribe_to_all(&subscriber, Vec::new()).await;
        loop {
            let received = tokio::select! {
                received = messages.recv() => Some(received),
                reconnected = reconnects.recv() => match reconnected {
                    Err(RecvError::Closed) => return,
                    Ok(_) | Err(RecvError::Lagged(_)) => None,
                },
            };
            let Some(live) = live.upgrade() else { return };
            if received.is_none() {
                // What is said from then on is heard; what was missed before is fetched.
                subscribe_to_all(&subscriber, live.hub.connected()).await;
            }
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

/// To what concerns all servers, and to what concerns these users, who were here before a connection was lost.
async fn subscribe_to_all(subscriber: &SubscriberClient, users: Vec<UserId>) {
    let channels: Vec<String> = users.into_iter().map(channel).chain([SHARED_CHANNEL.to_owned()]).collect();
    let subscribed = async {
        subscriber.subscribe(channels).await?;
        settle(subscriber).await
    };
    if let Err(error) = subscribed.await {
        tracing::error!(error = error.details(), "cannot listen to other servers");
    }
}

/// Waits until Redis has done what it was told on this connection: a subscription has no answer of its own.
async fn settle(subscriber: &SubscriberClient) -> Result<(), fred::error::Error> {
    subscriber.ping::<()>(None).await
}

fn channel(user_id: UserId) -> String {
    format!("sardonyx:user:{user_id}")
}
