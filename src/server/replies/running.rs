//! The replies that this server writes at the moment: how many, and how to stop them. How many one user may have is
//! counted in the database, over all servers.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::domain::{ids::MessageId, limits};

/// What runs here.
#[derive(Default)]
pub struct Running {
    inner: Arc<Mutex<Inner>>,
    /// Cancelled when the server cannot wait any longer for its replies.
    interrupt: CancellationToken,
    freed: Arc<Notify>,
}

#[derive(Default)]
struct Inner {
    total: usize,
    stops: HashMap<MessageId, CancellationToken>,
}

/// A place among the running replies; given back when dropped.
pub struct Place {
    inner: Arc<Mutex<Inner>>,
    freed: Arc<Notify>,
    message_id: Option<MessageId>,
    /// Cancelled when the user has enough.
    pub stop: CancellationToken,
    /// Cancelled when the server must go.
    pub interrupt: CancellationToken,
}

impl Running {
    /// Takes a place; none when there are too many, or the server is going.
    pub fn reserve(&self) -> Option<Place> {
        self.reserve_many(1).pop()
    }

    /// Takes as many places as there are, at most so many.
    pub fn reserve_many(&self, count: usize) -> Vec<Place> {
        let mut inner = lock(&self.inner);
        if self.interrupt.is_cancelled() {
            return Vec::new();
        }
        let count = count.min(limits::RUNNING_REPLIES_MAX.saturating_sub(inner.total));
        inner.total += count;
        let place = || Place {
            inner: Arc::clone(&self.inner),
            freed: Arc::clone(&self.freed),
            message_id: None,
            stop: CancellationToken::new(),
            interrupt: self.interrupt.clone(),
        };
        std::iter::repeat_with(place).take(count).collect()
    }

    /// The replies that are written here.
    pub fn ids(&self) -> HashSet<MessageId> {
        lock(&self.inner).stops.keys().copied().collect()
    }

    /// Stops a reply; false when it does not run here.
    pub fn stop(&self, message_id: MessageId) -> bool {
        let stop = lock(&self.inner).stops.get(&message_id).cloned();
        stop.inspect(CancellationToken::cancel).is_some()
    }

    /// How many run.
    pub fn count(&self) -> usize {
        lock(&self.inner).total
    }

    /// Waits until a reply has ended here since the last time, so that one that waits may begin.
    pub async fn place_freed(&self) {
        self.freed.notified().await;
    }

    /// Has the line of those that wait looked at.
    pub fn look_again(&self) {
        self.freed.notify_one();
    }

    /// Ends all that run, with what they have.
    pub fn interrupt_all(&self) {
        self.interrupt.cancel();
    }
}

impl Place {
    /// The reply that this place is for, so that it can be stopped by its id.
    pub fn occupy(&mut self, message_id: MessageId) {
        self.message_id = Some(message_id);
        lock(&self.inner).stops.insert(message_id, self.stop.clone());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = lock(&self.inner);
        inner.total -= 1;
        if let Some(message_id) = self.message_id {
            inner.stops.remove(&message_id);
            self.freed.notify_one();
        }
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_place_is_given_back_when_its_reply_ends() {
        let running = Running::default();
        let mut places: Vec<Place> = (0..limits::RUNNING_REPLIES_MAX).map(|_| running.reserve().unwrap()).collect();
        assert!(running.reserve().is_none());
        places.pop();
        assert!(running.reserve().is_some());
    }

    #[test]
    fn only_a_reply_that_runs_here_can_be_stopped_here() {
        let running = Running::default();
        let message_id = MessageId(Uuid::from_u128(3));
        let mut place = running.reserve().unwrap();
        assert!(!running.stop(message_id));
        place.occupy(message_id);
        assert!(running.stop(message_id) && place.stop.is_cancelled());
        drop(place);
        assert!(!running.stop(message_id));
        assert_eq!(running.count(), 0);
    }
}
