//! What every test stands on: a whole server in the test's own process, with its own database, a model server that plays a
//! script, people who are logged in, and browsers that follow the live connection.
//!
//! A test is an `async fn name(setup: Setup)` that the list at the top of its file names, once for every database or session
//! store that it runs on. Nothing here waits by the clock: a test waits for what happens, and [`PATIENCE`] only bounds that.
//! To add to the harness: one noun, one file here.

pub mod app;
pub mod canaries;
pub mod client;
pub mod database;
pub mod files;
pub mod logs;
pub mod people;
pub mod process;
pub mod proxy;
pub mod site;
pub mod tab;
pub mod upstream;

use std::{future::Future, time::Duration};

pub use self::{
    app::{Setup, TestApp},
    client::{Answer, Client, form, stream_of},
    people::Person,
    tab::Tab,
    upstream::{Call, Upstream},
};

/// The longest that anything that a test waits for may take, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

const BETWEEN_QUESTIONS: Duration = Duration::from_millis(10);

/// How often something is done: now and then, or each time that takes minutes (`cargo xtask test --long`).
pub fn times(usually: usize, long: usize) -> usize {
    if std::env::var_os("SARDONYX_TEST_LONG").is_some() { long } else { usually }
}

/// Waits for what must happen soon; says what it was when it does not.
#[track_caller]
pub fn soon<T>(what: &str, future: impl Future<Output = T>) -> impl Future<Output = T> {
    let place = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(PATIENCE, future).await {
            Ok(value) => value,
            Err(_) => {
                panic!("waited {PATIENCE:?} in vain for {what} ({place}); troubles of late:\n{}", logs::troubles())
            }
        }
    }
}

/// Asks again and again until the answer is yes: for what only the database can tell.
#[track_caller]
pub fn eventually(what: &str, mut ask: impl AsyncFnMut() -> bool) -> impl Future<Output = ()> {
    soon(what, async move {
        while !ask().await {
            // Whoever asks all the time takes from the others what they need to answer.
            tokio::time::sleep(BETWEEN_QUESTIONS).await;
        }
    })
}

/// Runs each of the tests on both databases: `name::sqlite` and `name::postgres`.
#[macro_export]
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name($crate::support::Setup::sqlite()).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name($crate::support::Setup::postgres()).await;
            }
        }
    )+};
}

/// Runs each of the tests with every place that sessions are kept in: the database, either kind, and Redis.
#[macro_export]
macro_rules! on_every_store {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name($crate::support::Setup::sqlite()).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name($crate::support::Setup::postgres()).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn redis() {
                super::$name($crate::support::Setup::sqlite().with_redis()).await;
            }
        }
    )+};
}

/// Runs each of the tests once, where the database makes no difference: on SQLite.
#[macro_export]
macro_rules! once {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name($crate::support::Setup::sqlite()).await;
            }
        }
    )+};
}

/// Runs each of the tests once, where it is about Postgres.
#[macro_export]
macro_rules! on_postgres {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name($crate::support::Setup::postgres()).await;
            }
        }
    )+};
}

/// Runs each of the tests with what several servers share: Postgres and Redis.
#[macro_export]
macro_rules! on_a_cluster {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn cluster() {
                super::$name($crate::support::Setup::postgres().with_redis()).await;
            }
        }
    )+};
}
