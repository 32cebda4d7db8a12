//! Passwords: hashing, checking, and refusing the common ones.
//!
//! Argon2id with OWASP's parameters, each on a thread of its own that gives way to all others, a few at a time: the place
//! among them belongs to the thread, so that a client that goes away does not free it while the hash still runs.

mod hasher;

use std::{
    num::NonZero,
    sync::{Arc, LazyLock},
    time::Duration,
};

use argon2::{
    Params,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, oneshot},
};

use self::hasher::Hasher;
use crate::{
    domain::{limits, user::Password},
    error::{Error, InvalidInput, Result},
};

/// m = 19 MiB, t = 2, p = 1: OWASP Password Storage Cheat Sheet.
const MEMORY_KIB: u32 = 19 * 1024;
const ITERATIONS: u32 = 2;
const LANES: u32 = 1;

/// A tenth of the processor beside threads that are busy, all of it beside none (nice(2)).
const NICENESS: i32 = 10;

/// What a stored hash may ask for at most; one that asks for more is not ours.
const MEMORY_KIB_MAX: u32 = 256 * 1024;
const ITERATIONS_MAX: u32 = 16;

/// A password that this few guesses find is a common one: more than the 3,000 most used ones, whatever their length, with
/// the simplest variations.
const COMMON_GUESSES_MAX: u64 = 30_000;

/// Checks and makes hashes. Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    places: Arc<Semaphore>,
    /// Compared with when there is no account, so that the answer takes the same time.
    nobodys_hash: Arc<LazyLock<String>>,
}

/// What comparing a password with a hash gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    No,
    Yes,
    /// Yes, and this is a hash with today's parameters to keep instead.
    YesRehash(String),
}

impl Passwords {
    /// Ready to hash.
    pub fn new() -> Self {
        let nobodys_hash =
            LazyLock::new((|| hash_now(&uuid::Uuid::new_v4().to_string()).unwrap_or_default()) as fn() -> String);
        Self { places: Arc::new(Semaphore::new(places())), nobodys_hash: Arc::new(nobodys_hash) }
    }

    /// Makes nobody's hash ready, so that not even the first look-up in vain is told apart by its time. Takes as long as
    /// one hash, on a thread of its own.
    pub fn prepare(&self) {
        let nobodys_hash = Arc::clone(&self.nobodys_hash);
        tokio::task::spawn_blocking(move || {
            LazyLock::force(&nobodys_hash);
            tokio::spawn(hasher::give_back_later());
        });
    }

    /// Hashes a new password, as a PHC string.
    ///
    /// # Errors
    /// [`Error::Busy`] when too many wait.
    pub async fn hash(&self, password: Password) -> Result<String> {
        self.on_own_thread(move || hash_now(password.expose())).await?.ok_or(Error::Internal)
    }

    /// Compares a password with a stored hash, or, when there is none, with one that never matches.
    ///
    /// # Errors
    /// [`Error::Busy`] when too many wait.
    pub async fn verify(&self, password: Password, stored: Option<String>) -> Result<Verified> {
        let nobodys_hash = Arc::clone(&self.nobodys_hash);
        self.on_own_thread(move || match stored {
            Some(stored) => verify_now(password.expose(), &stored),
            None => {
                verify_now(password.expose(), &nobodys_hash);
                Verified::No
            }
        })
        .await
    }

    async fn on_own_thread<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let wait = Duration::from_secs(limits::PASSWORD_HASH_WAIT_SECONDS_MAX);
        let place = tokio::time::timeout(wait, Arc::clone(&self.places).acquire_owned())
            .await
            .map_err(|_| Error::Busy)?
            .map_err(|_| Error::Internal)?;
        let (sender, result) = oneshot::channel();
        let runtime = Handle::current();
        let thread = std::thread::Builder::new().name("password".to_owned());
        thread
            .spawn(move || {
                give_way();
                let result = work();
                drop(place);
                runtime.spawn(hasher::give_back_later());
                let _ = sender.send(result);
            })
            .map_err(|error| {
                tracing::error!(%error, "a thread for a password cannot be had");
                Error::Busy
            })?;
        result.await.map_err(|_| Error::Internal)
    }
}

/// Refuses a new password that many people have, or that follows from the address.
///
/// # Errors
/// [`InvalidInput::PasswordTooCommon`].
pub fn check_not_common(password: &Password, email: &str) -> Result<()> {
    let name = email.split('@').next().unwrap_or_default();
    let guesses = zxcvbn::zxcvbn(password.expose(), &["sardonyx", email, name]).guesses();
    if guesses <= COMMON_GUESSES_MAX { Err(InvalidInput::PasswordTooCommon.into()) } else { Ok(()) }
}

/// How many hashes are made at a time. Each takes a whole processor core; others want theirs for something else.
fn places() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    (cores / 2).clamp(1, limits::PASSWORD_HASHES_MAX)
}

/// Lets the threads that answer everybody else go first, where the system knows such a thing. For good: what a thread
/// gives up it cannot take back.
fn give_way() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS);
}

fn hasher() -> Option<Hasher> {
    Some(Hasher { params: Params::new(MEMORY_KIB, ITERATIONS, LANES, None).ok()? })
}

fn hash_now(password: &str) -> Option<String> {
    Some(hasher()?.hash_password(password.as_bytes()).ok()?.to_string())
}

fn verify_now(password: &str, stored: &str) -> Verified {
    let Some((hash, params)) = parse(stored) else {
        tracing::error!("a stored password hash cannot be used; the account cannot log in");
        return Verified::No;
    };
    let is_match = hasher().is_some_and(|hasher| hasher.verify_password(password.as_bytes(), &hash).is_ok());
    if !is_match {
        return Verified::No;
    }
    let is_current = hash.algorithm.as_str() == "argon2id"
        && (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY_KIB, ITERATIONS, LANES);
    if is_current { Verified::Yes } else { hash_now(password).map_or(Verified::Yes, Verified::YesRehash) }
}

fn parse(stored: &str) -> Option<(PasswordHash, Params)> {
    let hash = PasswordHash::new(stored).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let is_bearable = params.m_cost() <= MEMORY_KIB_MAX && params.t_cost() <= ITERATIONS_MAX && params.p_cost() <= 8;
    is_bearable.then_some((hash, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text.to_owned()).unwrap()
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let passwords = Passwords::new();
        let long = "x".repeat(199);
        let hash = passwords.hash(password(&format!("{long}a"))).await.unwrap();
        assert_eq!(passwords.verify(password(&format!("{long}a")), Some(hash.clone())).await.unwrap(), Verified::Yes);
        assert_eq!(passwords.verify(password(&format!("{long}b")), Some(hash)).await.unwrap(), Verified::No);
        assert_eq!(passwords.verify(password("whatever"), None).await.unwrap(), Verified::No);
    }

    #[tokio::test]
    async fn a_hash_with_weaker_parameters_is_replaced() {
        let weak = Hasher { params: Params::new(8 * 1024, 1, 1, None).unwrap() };
        let stored = weak.hash_password(b"correct horse").unwrap().to_string();
        let passwords = Passwords::new();
        let Verified::YesRehash(hash) = passwords.verify(password("correct horse"), Some(stored)).await.unwrap() else {
            panic!("no new hash");
        };
        assert_eq!(passwords.verify(password("correct horse"), Some(hash)).await.unwrap(), Verified::Yes);
    }

    #[tokio::test]
    async fn a_corrupt_or_monstrous_hash_never_matches() {
        let passwords = Passwords::new();
        for stored in
            ["", "x", "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
        {
            assert_eq!(passwords.verify(password("whatever"), Some(stored.to_owned())).await.unwrap(), Verified::No);
        }
    }

    #[test]
    fn common_passwords_are_refused_and_others_are_not() {
        for text in [
            "password",
            "Password",
            "12345678",
            "123456789",
            "qwertyuiop",
            "iloveyou",
            "password1",
            "sardonyx",
            "aaaaaaaa",
            "alice",
        ] {
            assert!(check_not_common(&password(text), "alice@example.org").is_err(), "{text}");
        }
        for text in ["correct horse battery", "rK8-tu2-Wq", "blue-lamp-42-river", "  ünïcode 🔑  "] {
            assert!(check_not_common(&password(text), "alice@example.org").is_ok(), "{text}");
        }
    }
}
