//! Failed attempts to prove who one is, and when the next one counts.
//!
//! Each failure fills two buckets: that of the account *from this address*, and that of the address, whatever the account;
//! a wrong code of a second factor also that of the account, wherever it comes from. A full bucket refuses before anything
//! is hashed, and leaks: one more attempt every so often. An account is never locked for everybody by wrong passwords, so
//! nobody can keep its owner out from elsewhere. What leaks and how fast is in [`limits`]; the counts are
//! in the database, so that all servers and the next start know them. What is being tried for an account at this moment is
//! counted here, so that many attempts at once are not all let in before the first has failed.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::{
    domain::limits,
    error::{Error, Result},
    server::db::{Db, FailureLimit},
};

/// Attempts whose counts are looked up at a time.
const ENTERING_MAX: usize = 4;

/// The kind of secret of a second factor's codes.
pub const CODE: &str = "code";

/// Lets attempts in or not. Cheap to clone.
#[derive(Clone)]
pub struct Throttle {
    db: Db,
    running: Arc<Mutex<HashMap<String, u32>>>,
    /// A crowd comes in a few at a time, so that everybody else's requests are not behind all of it.
    entrance: Arc<Semaphore>,
}

/// An attempt that was let in. It holds its place until it is dropped.
pub struct Attempt {
    throttle: Throttle,
    of_account: FailureLimit,
    of_address: FailureLimit,
    /// For what only somebody tries who has proved something else already: nobody else can keep the owner out by it.
    of_account_anywhere: Option<FailureLimit>,
}

impl Throttle {
    /// Counts in this database.
    pub fn new(db: Db) -> Self {
        Self { db, running: Arc::default(), entrance: Arc::new(Semaphore::new(ENTERING_MAX)) }
    }

    /// Lets an attempt in for `account`, a name within its `kind` of secret, from `address`.
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`]; [`Error::Unavailable`] when the database does not answer.
    pub async fn begin(&self, kind: &str, account: &str, address: IpAddr) -> Result<Attempt> {
        let network = network(address);
        let attempt = Attempt {
            throttle: self.clone(),
            of_account: FailureLimit {
                subject: hash(&[kind, "account", account, &network]),
                failures_max: limits::ATTEMPTS_PER_ACCOUNT_MAX,
                leak_seconds: limits::ATTEMPT_PER_ACCOUNT_SECONDS,
            },
            of_address: FailureLimit {
                subject: hash(&[kind, "address", &network]),
                failures_max: limits::ATTEMPTS_PER_ADDRESS_MAX,
                leak_seconds: limits::ATTEMPT_PER_ADDRESS_SECONDS,
            },
            of_account_anywhere: (kind == CODE).then(|| FailureLimit {
                subject: hash(&[kind, "account anywhere", account]),
                failures_max: limits::CODES_PER_ACCOUNT_MAX,
                leak_seconds: limits::CODE_PER_ACCOUNT_SECONDS,
            }),
        };
        let running = attempt.enter();
        let mut buckets = vec![(&attempt.of_account, running), (&attempt.of_address, 0)];
        buckets.extend(attempt.of_account_anywhere.iter().map(|bucket| (bucket, running)));
        let entering = self.entrance.acquire().await.map_err(|_| Error::Internal)?;
        let wait_seconds = self.db.wait_seconds(&buckets).await?;
        drop(entering);
        if wait_seconds > 0 {
            tracing::warn!(kind, address = %address, "too many failed attempts");
            return Err(Error::TooManyAttempts { seconds: wait_seconds });
        }
        Ok(attempt)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    /// Takes its place; gives how many others there are for the account.
    fn enter(&self) -> u32 {
        let mut running = self.throttle.lock();
        let count = running.entry(self.of_account.subject.clone()).or_default();
        *count += 1;
        *count - 1
    }

    /// Counts it as failed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn failed(self) -> Result<()> {
        let mut buckets = vec![self.of_account.clone(), self.of_address.clone()];
        buckets.extend(self.of_account_anywhere.clone());
        self.throttle.db.add_failure(buckets).await
    }

    /// Forgets what failed before from here for this account. The address stays as it was, or else somebody with one
    /// account of their own could go on trying others'.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn succeeded(self) -> Result<()> {
        self.throttle.db.forget_failures(&self.of_account.subject).await
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut running = self.throttle.lock();
        if let Some(count) = running.get_mut(&self.of_account.subject) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.of_account.subject);
            }
        }
    }
}

/// Whoever has an IPv6 address has 2⁶⁴ of them.
fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

fn hash(parts: &[&str]) -> String {
    Sha256::digest(parts.join("\0")).iter().map(|byte| format!("{byte:02x}")).collect()
}
