//! The one way to write.
//!
//! A write is a job that runs inside a transaction and is acknowledged only after its commit. It belongs to the database,
//! not to whoever asked: a client that goes away does not leave it half done.
//!
//! SQLite has one writer at a time, and a durable commit costs a sync of the disk. So one task owns the one writing
//! connection and gathers the jobs that wait into one transaction, each in its own savepoint unless it is the only one: many
//! acknowledged writes for one sync, and no `database is locked`. On Postgres each job has a transaction of its own.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use tokio::sync::{mpsc, oneshot};

use super::{Db, failed, scope::Scope};
use crate::error::{Error, Result};

/// Jobs that wait for SQLite's writer; more are refused.
const JOBS_QUEUED_MAX: usize = 4_096;
/// Jobs in one commit.
const JOBS_PER_COMMIT_MAX: usize = 256;
/// Longest statement of those that go through all that somebody has, on Postgres.
const LONG_STATEMENT_SECONDS_MAX: u64 = 900;
/// Wait for a place in the queue.
const QUEUE_SECONDS_MAX: u64 = 5;

/// What a job ends with, unless it succeeds: nothing of it is kept.
pub enum Abort {
    Database(DbErr),
    Refused(Error),
}

impl From<DbErr> for Abort {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

impl From<Error> for Abort {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// What a job's code gives.
pub type Written<T> = std::result::Result<T, Abort>;

/// A job that waits for SQLite's writer: runs in the transaction, which is its own or not.
type Job = Box<dyn for<'t> FnOnce(&'t DatabaseTransaction, Whose) -> BoxFuture<'t, Done> + Send>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Taken back with the job.
    Own,
    Shared,
}

struct Done {
    /// Whether there is something to commit.
    is_kept: bool,
    /// What to do once the transaction is committed, or lost.
    acknowledge: Acknowledge,
}

/// Told whether the commit succeeded.
type Acknowledge = Box<dyn FnOnce(bool) + Send>;

#[derive(Clone)]
pub struct Writer(Kind);

#[derive(Clone)]
enum Kind {
    Gathering { connection: DatabaseConnection, jobs: mpsc::Sender<Job> },
    Pooled(DatabaseConnection),
}

impl Db {
    /// Runs `job` in a transaction that sees what nobody owns; `doing` names it in the log.
    ///
    /// # Errors
    /// As [`Db::write_as`].
    pub(super) async fn write<T, F>(&self, doing: &'static str, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t DatabaseTransaction) -> BoxFuture<'t, Written<T>> + Send + 'static,
    {
        self.write_as(Scope::Site, doing, job).await
    }

    /// Runs `job` in a transaction of this scope; `doing` names it in the log.
    ///
    /// # Errors
    /// What the job refused with, or [`Error::Unavailable`] / [`Error::Internal`] when the database failed. Nothing is
    /// written then, with one exception that no client can tell apart: the connection broke during the commit itself.
    pub(super) async fn write_as<T, F>(&self, scope: Scope, doing: &'static str, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t DatabaseTransaction) -> BoxFuture<'t, Written<T>> + Send + 'static,
    {
        let written = match &self.writer.0 {
            Kind::Gathering { jobs, .. } => gathered(jobs, job).await?,
            Kind::Pooled(connection) => {
                let connection = connection.clone();
                // A task of its own: a client that goes away must not cut it in half.
                match tokio::spawn(async move { pooled(&connection, scope, job).await }).await {
                    Ok(written) => written,
                    Err(_) => return Err(Error::Internal),
                }
            }
        };
        written.map_err(|abort| match abort {
            Abort::Database(error) => failed(doing)(&error),
            Abort::Refused(error) => error,
        })
    }
}

/// Has the statements of a transaction take as long as they need, within reason: those that go through all that somebody has.
pub(super) async fn may_take_long(transaction: &impl ConnectionTrait) -> Written<()> {
    if transaction.get_database_backend() == DbBackend::Postgres {
        let statement = format!("SET LOCAL statement_timeout = '{LONG_STATEMENT_SECONDS_MAX}s'");
        transaction.execute_unprepared(&statement).await?;
    }
    Ok(())
}

impl Writer {
    /// Writes through the pool, each job in its own transaction.
    pub fn pooled(connection: DatabaseConnection) -> Self {
        Self(Kind::Pooled(connection))
    }

    /// Starts the task that owns SQLite's writing connection.
    pub fn gathering(connection: DatabaseConnection) -> Self {
        let (sender, receiver) = mpsc::channel(JOBS_QUEUED_MAX);
        tokio::spawn(gather(connection.clone(), receiver));
        Self(Kind::Gathering { connection, jobs: sender })
    }

    /// The writing connection itself, for the migrations, which run before anything else.
    pub fn connection(&self) -> DatabaseConnection {
        match &self.0 {
            Kind::Gathering { connection, .. } | Kind::Pooled(connection) => connection.clone(),
        }
    }

    /// Waits until the jobs before this call are written.
    pub async fn close(&self) {
        if let Kind::Gathering { jobs, .. } = &self.0 {
            // An empty job is acknowledged after all that came before it.
            let _ = gathered::<(), _>(jobs, |_| async { Ok(()) }.boxed()).await;
        }
    }
}

async fn pooled<T, F>(connection: &DatabaseConnection, scope: Scope, job: F) -> Written<T>
where
    F: for<'t> FnOnce(&'t DatabaseTransaction) -> BoxFuture<'t, Written<T>>,
{
    let transaction = connection.begin().await?;
    scope.enter(&transaction).await?;
    match job(&transaction).await {
        Ok(value) => {
            transaction.commit().await?;
            Ok(value)
        }
        Err(abort) => {
            transaction.rollback().await?;
            Err(abort)
        }
    }
}

async fn gathered<T, F>(jobs: &mpsc::Sender<Job>, job: F) -> Result<Written<T>>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t DatabaseTransaction) -> BoxFuture<'t, Written<T>> + Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    let job: Job = Box::new(move |transaction, whose| {
        async move {
            let written = match whose {
                Whose::Own => job(transaction).await,
                Whose::Shared => in_savepoint(transaction, job).await,
            };
            let is_kept = written.is_ok();
            let acknowledge: Acknowledge = Box::new(move |committed| {
                // Nobody may be waiting any more; the write stands all the same.
                let _ = sender.send(if committed { written } else { Err(Abort::Refused(Error::Unavailable)) });
            });
            Done { is_kept, acknowledge }
        }
        .boxed()
    });
    jobs.send_timeout(job, Duration::from_secs(QUEUE_SECONDS_MAX)).await.map_err(|_| Error::Busy)?;
    // The sender is gone when the transaction could not begin, or when the job panicked.
    receiver.await.map_err(|_| Error::Unavailable)
}

async fn in_savepoint<T, F>(transaction: &DatabaseTransaction, job: F) -> Written<T>
where
    F: for<'t> FnOnce(&'t DatabaseTransaction) -> BoxFuture<'t, Written<T>>,
{
    let savepoint = transaction.begin().await?;
    match job(&savepoint).await {
        Ok(value) => {
            savepoint.commit().await?;
            Ok(value)
        }
        Err(abort) => {
            savepoint.rollback().await?;
            Err(abort)
        }
    }
}

/// SQLite's writer: one transaction after the other, each with all that waits.
async fn gather(connection: DatabaseConnection, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::with_capacity(JOBS_PER_COMMIT_MAX);
    let mut is_sound = true;
    while jobs.recv_many(&mut batch, JOBS_PER_COMMIT_MAX).await > 0 {
        let mut acknowledgements = Vec::with_capacity(batch.len());
        if !is_sound {
            is_sound = renew(&connection).await;
        }
        let outcome = match is_sound {
            true => run_batch(&connection, &mut batch, &mut acknowledgements).await,
            false => Err(DbErr::Custom("the writing connection is not to be trusted".to_owned())),
        };
        batch.clear();
        if let Err(error) = &outcome {
            failed("shared commit")(error);
            is_sound = false;
        }
        for acknowledge in acknowledgements {
            acknowledge(outcome.is_ok());
        }
    }
}

/// Closes the connection and has the next one opened. A commit that failed, on a full disk say, may leave it in the middle
/// of its transaction (sqlx 0.9 does not notice): what came next would be acknowledged without ever being committed.
async fn renew(connection: &DatabaseConnection) -> bool {
    match connection.get_sqlite_connection_pool().acquire().await {
        Ok(spoiled) => {
            if let Err(error) = spoiled.close().await {
                tracing::warn!(%error, "the writing connection was not closed cleanly");
            }
            true
        }
        Err(error) => {
            tracing::error!(%error, "the writing connection could not be renewed");
            false
        }
    }
}

async fn run_batch(
    connection: &DatabaseConnection,
    batch: &mut Vec<Job>,
    acknowledgements: &mut Vec<Acknowledge>,
) -> std::result::Result<(), DbErr> {
    // Deferred, a transaction that reads first could not become a writing one while another process writes.
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let transaction = connection.begin_with_options(options).await?;
    let whose = if batch.len() == 1 { Whose::Own } else { Whose::Shared };
    let mut is_kept = whose == Whose::Shared;
    for job in batch.drain(..) {
        match AssertUnwindSafe(job(&transaction, whose)).catch_unwind().await {
            Ok(done) => {
                is_kept |= done.is_kept;
                acknowledgements.push(done.acknowledge);
            }
            Err(_) => tracing::error!("a write panicked; it was rolled back"),
        }
    }
    if is_kept { transaction.commit().await } else { transaction.rollback().await }
}
