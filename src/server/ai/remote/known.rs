//! What was found out about a server and its models by trying: here at once, and in a memory that outlives this server.
//! After some days it is found out anew, so that a server that was brought up to date gets its chance.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use tokio::sync::{Mutex, MutexGuard};

use super::dialect::Dialect;
use crate::{
    domain::limits,
    server::{
        ai::{Memory, Subject},
        clock,
    },
};

/// What is kept of a model that does not go on from a beginning.
const NO_DIALECT: &str = "none";
/// What is kept of a server that refuses to be asked for the number of tokens. That it does not is found out by asking.
const UNCOUNTED: &str = "uncounted";

/// What is known of one provider.
pub struct Known {
    provider: String,
    /// Without anything that may be secret.
    address: String,
    memory: Arc<dyn Memory>,
    dialects: Mutex<Dialects>,
    counts: RwLock<Option<(bool, i64)>>,
}

/// How each model was found to go on from a beginning, and when; none for one that does not.
pub type Dialects = HashMap<String, (Option<Dialect>, i64)>;

impl Known {
    pub fn new(provider: &str, address: String, memory: Arc<dyn Memory>) -> Self {
        let (dialects, counts) = (Mutex::default(), RwLock::default());
        Self { provider: provider.to_owned(), address, memory, dialects, counts }
    }

    /// To be held while a model is tried, so that many replies that go on at once try it once.
    pub async fn dialects(&self) -> MutexGuard<'_, Dialects> {
        self.dialects.lock().await
    }

    /// How a model goes on, if that is known.
    pub async fn dialect(&self, dialects: &mut Dialects, model: &str) -> Option<Option<Dialect>> {
        if let Some((dialect, _)) = dialects.get(model).filter(|(_, found_at_ms)| is_fresh(*found_at_ms)) {
            return Some(*dialect);
        }
        let (found, found_at_ms) = self.memory.recall(self.subject(model)).await?;
        let dialect = Dialect::ALL.into_iter().find(|dialect| dialect.name() == found);
        if dialect.is_none() && found != NO_DIALECT {
            return None;
        }
        dialects.insert(model.to_owned(), (dialect, found_at_ms));
        Some(dialect)
    }

    pub async fn keep_dialect(&self, dialects: &mut Dialects, model: &str, dialect: Option<Dialect>) {
        let now_ms = clock::now_ms();
        dialects.insert(model.to_owned(), (dialect, now_ms));
        self.memory.keep(self.subject(model), dialect.map_or(NO_DIALECT, Dialect::name), now_ms).await;
    }

    /// What was found out about a model does not hold any more.
    pub async fn forget_dialect(&self, model: &str) {
        self.dialects().await.remove(model);
        self.memory.forget(self.subject(model)).await;
    }

    /// Whether the server lets itself be asked how many tokens it counts, if that is known.
    pub async fn counts(&self) -> Option<bool> {
        let known = *self.counts.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((counts, _)) = known.filter(|(_, found_at_ms)| is_fresh(*found_at_ms)) {
            return Some(counts);
        }
        let (found, found_at_ms) = self.memory.recall(self.subject("")).await?;
        (found == UNCOUNTED).then(|| {
            self.set_counts(false, found_at_ms);
            false
        })
    }

    pub async fn keep_counts(&self, counts: bool) {
        let now_ms = clock::now_ms();
        self.set_counts(counts, now_ms);
        if !counts {
            self.memory.keep(self.subject(""), UNCOUNTED, now_ms).await;
        }
    }

    fn set_counts(&self, counts: bool, found_at_ms: i64) {
        *self.counts.write().unwrap_or_else(PoisonError::into_inner) = Some((counts, found_at_ms));
    }

    fn subject<'a>(&'a self, model: &'a str) -> Subject<'a> {
        Subject { provider: &self.provider, address: &self.address, model }
    }
}

fn is_fresh(found_at_ms: i64) -> bool {
    clock::now_ms() - found_at_ms < limits::DIALECT_KEPT_MS
}
