//! The database: connection, the one way to write, and the handles that carry who is asking.
//!
//! Owned data is reached only through [`UserDb`], which carries the user's id into every query and is made only from an
//! account that [`Db::open_session`] or [`Db::open_token`] found active: by `auth::guard`, nowhere else (clippy refuses it). What is not
//! yours is `Ok(None)`, like what is not there. On Postgres a second wall stands behind the filters (`scope`). Entities are private to this module, so no query can be written outside.
//!
//! Unscoped, and named for it: the log-in's look-up and the account loader (`accounts`), the operator's commands
//! (`accounts`, for the command line only), the set-up (`site`), what the servers themselves go by
//! (`settings`), the embedded session store (`sessions`), and the keeping
//! of leases (`leases`), which sees no text, and what is to be removed from the storage for files (`blobs`).
//!
//! To add a table: migration, entity, a file of methods here, and a line each in `tests/isolation.rs`.

mod access_tokens;
mod accounts;
mod audit;
mod blobs;
mod chat_files;
mod chats;
mod chunk_vectors;
mod content;
mod dialects;
mod drafts;
mod entity;
mod exchanges;
mod export;
mod file_chunks;
mod file_deletion;
mod file_index;
mod file_parts;
mod file_queue;
mod file_uses;
mod files;
mod leases;
mod links;
mod login_attempts;
mod login_sessions;
mod message_files;
mod messages;
mod migrate;
mod notifications;
mod people;
mod providers;
mod queue;
mod replies;
mod row_security;
mod scope;
mod second_factors;
mod sessions;
mod settings;
mod site;
mod stored;
mod summaries;
mod versions;
mod write;

use std::{path::Path, time::Duration};

use futures::future::BoxFuture;
use sea_orm::{
    ColumnTrait, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseExecutor, DatabaseTransaction,
    DbBackend, DbErr, RuntimeErr,
    sea_query::{LikeExpr, SimpleExpr},
    sqlx::{self, sqlite::SqliteJournalMode, sqlite::SqliteSynchronous},
};

pub use self::{
    access_tokens::{NewAccessToken, OpenToken},
    accounts::Credentials,
    audit::{AuditEntry, AuditFilter},
    chats::DeletedChat,
    chunk_vectors::{BareChunk, ChunkVector, EmbeddedFiles, TextSums},
    content::ReplyContent,
    dialects::KeptDialect,
    drafts::NewDraft,
    exchanges::{NewExchange, NewReply, Replacement},
    file_chunks::{FilePicture, in_batches},
    file_index::{FoundChunk, SearchScope},
    file_parts::{FilePart, NewPart},
    file_queue::{FileFindings, TakenFile},
    files::NewFile,
    leases::{Lapsed, TakenReply},
    login_attempts::FailureLimit,
    login_sessions::{NewSession, OpenSession},
    messages::{PathMessage, PathPlace, StoredMessage},
    migrate::Pending,
    people::AccountChange,
    providers::{ProviderChange, SealedKey, StoredProvider},
    queue::UnfinishedReply,
    replies::{Kept, Lease},
    second_factors::{FactorUse, StoredFactor},
    settings::StoredSite,
    summaries::NewSummary,
};
use self::{
    scope::Scope,
    write::{Writer, Written},
};
use crate::{
    domain::{admin::Permission, ids::UserId, user::User},
    error::{Error, Result},
};

/// Wait for a connection, and for SQLite's lock.
const ACQUIRE_SECONDS_MAX: u64 = 5;
/// Rows of an answer that SQLite may be ahead of who reads them.
const ROWS_BUFFERED: usize = 512;
/// Longest statement on Postgres.
const STATEMENT_SECONDS_MAX: u64 = 10;

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    /// Reads; on Postgres also writes.
    read: DatabaseConnection,
    writer: Writer,
}

/// The database on behalf of one user: every method sees and changes only what is theirs.
#[derive(Clone)]
pub struct UserDb {
    db: Db,
    user: User,
}

impl UserDb {
    /// Whose it is.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// Their id.
    pub fn user_id(&self) -> UserId {
        self.user.id
    }

    /// Where a single statement reads what is theirs.
    async fn query(&self) -> Result<DatabaseExecutor<'_>> {
        self.db.query_as(Scope::User(self.user_id())).await
    }

    /// A transaction for several statements that read what is theirs.
    async fn read(&self) -> Result<DatabaseTransaction> {
        self.db.read_as(Scope::User(self.user_id())).await
    }

    /// Runs `job` in a transaction that writes what is theirs; `doing` names it in the log.
    async fn write<T, F>(&self, doing: &'static str, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t DatabaseTransaction) -> BoxFuture<'t, Written<T>> + Send + 'static,
    {
        self.db.write_as(Scope::User(self.user_id()), doing, job).await
    }
}

/// The database on behalf of somebody who runs the site: everybody's accounts and sessions, nobody's chats.
#[derive(Clone)]
pub struct AdminDb {
    db: Db,
    user: User,
}

impl UserDb {
    /// The part of the database that the user's role opens to them.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when their role may not do that.
    pub fn admin(&self, permission: Permission) -> Result<AdminDb> {
        if self.user.role.may(permission) {
            Ok(AdminDb { db: self.db.clone(), user: self.user.clone() })
        } else {
            tracing::warn!(user = %self.user.id, ?permission, "something was refused for want of a role");
            Err(Error::Forbidden)
        }
    }
}

impl AdminDb {
    /// Who asks.
    pub fn user(&self) -> &User {
        &self.user
    }

    async fn query(&self) -> Result<DatabaseExecutor<'_>> {
        self.db.query_as(Scope::Admin).await
    }

    async fn read(&self) -> Result<DatabaseTransaction> {
        self.db.read_as(Scope::Admin).await
    }

    async fn write<T, F>(&self, doing: &'static str, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t DatabaseTransaction) -> BoxFuture<'t, Written<T>> + Send + 'static,
    {
        self.db.write_as(Scope::Admin, doing, job).await
    }
}

impl Db {
    /// Opens the database, with so many connections at the most; a SQLite file is made when it is missing and its folder is there.
    ///
    /// # Errors
    /// A line that says what is wrong, without the address, which may carry a password.
    pub async fn connect(url: &str, connections: u32) -> std::result::Result<Self, String> {
        let explain = |error: DbErr| format!("DATABASE_URL: the database cannot be opened: {}", describe(&error));
        if url.starts_with("sqlite") {
            check_sqlite_folder(url)?;
            // The writer comes first: it makes the file and turns on write-ahead logging.
            let write = Database::connect(sqlite_options(url, 1, false)).await.map_err(explain)?;
            let read = Database::connect(sqlite_options(url, connections, true)).await.map_err(explain)?;
            Ok(Self { read, writer: Writer::gathering(write) })
        } else {
            let read = Database::connect(postgres_options(url, connections)).await.map_err(explain)?;
            Ok(Self { writer: Writer::pooled(read.clone()), read })
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn ping(&self) -> Result<()> {
        self.read.execute_unprepared("SELECT 1").await.map(|_| ()).map_err(failed("ping"))
    }

    /// Whether this is SQLite, which one server has to itself.
    pub fn is_sqlite(&self) -> bool {
        self.read.get_database_backend() == DbBackend::Sqlite
    }

    /// Gives every connection back; what was promised to be written is written first.
    pub async fn close(self) {
        self.writer.close().await;
        if let Err(error) = self.read.close().await {
            tracing::warn!(error = describe(&error), "the database was not closed cleanly");
        }
    }
}

fn sqlite_options(url: &str, connections: u32, read_only: bool) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS_MAX))
        // A file does not go away between two questions; asking whether it did costs as much as many a question.
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |options| {
            options
                .create_if_missing(!read_only)
                .journal_mode(SqliteJournalMode::Wal)
                // Durable against a power loss, not only a crash: what was acknowledged is on the disk.
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                // Rows that may wait between the database's thread and who asked: full, each row costs two switches.
                .row_buffer_size(ROWS_BUFFERED)
                .busy_timeout(Duration::from_secs(ACQUIRE_SECONDS_MAX))
                // What is deleted is overwritten in the file, and the log is cut off when it begins anew.
                .pragma("secure_delete", "ON")
                .pragma("journal_size_limit", "0")
                // A write on a reading connection would bypass the one writer and could meet its lock.
                .pragma("query_only", if read_only { "ON" } else { "OFF" })
        });
    options
}

fn postgres_options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS_MAX))
        .connect_timeout(Duration::from_secs(ACQUIRE_SECONDS_MAX))
        .idle_timeout(Duration::from_secs(300))
        .sqlx_logging(false)
        .set_application_name("sardonyx")
        .statement_timeout(Duration::from_secs(STATEMENT_SECONDS_MAX));
    options
}

/// A mistyped path must not become an empty database: only a file in a folder that exists is made.
fn check_sqlite_folder(url: &str) -> std::result::Result<(), String> {
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//").split('?').next().unwrap_or_default();
    let folder = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => {
            Err(format!("DATABASE_URL: there is no folder {} to keep the database in", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Whether a column has this text in it; what means something to `LIKE` means itself.
fn has_text(column: impl ColumnTrait, text: &str) -> SimpleExpr {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    column.like(LikeExpr::new(format!("%{escaped}%")).escape('\\'))
}

/// Logs a database error once and gives what its user may know: for use in `map_err`.
fn failed<E: std::borrow::Borrow<DbErr>>(doing: &'static str) -> impl Fn(E) -> Error {
    move |error| {
        tracing::error!(doing, error = describe(error.borrow()), "the database failed");
        classify(error.borrow())
    }
}

/// Whether it is the database that is away, or our own mistake.
fn classify(error: &DbErr) -> Error {
    let source = match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => return Error::Unavailable,
        DbErr::Exec(RuntimeErr::SqlxError(source)) | DbErr::Query(RuntimeErr::SqlxError(source)) => source,
        _ => return Error::Internal,
    };
    match source.as_ref() {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Error::Unavailable,
        // Two who claim the same at once: the other one has it.
        sqlx::Error::Database(source) if source.is_unique_violation() => Error::Conflict,
        // Postgres: shutting down, cannot connect now, statement time-out, read-only; SQLite: busy, locked, full, read-only.
        sqlx::Error::Database(source) => match source.code().as_deref() {
            Some("57P01" | "57P02" | "57P03" | "57014" | "25006" | "53300" | "5" | "6" | "8" | "10" | "13" | "517") => {
                Error::Unavailable
            }
            _ => Error::Internal,
        },
        _ => Error::Internal,
    }
}

/// The error without the values that were bound to its statement.
fn describe(error: &DbErr) -> String {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(source))
        | DbErr::Query(RuntimeErr::SqlxError(source))
        | DbErr::Conn(RuntimeErr::SqlxError(source)) => match source.as_ref() {
            // The detail of a violated constraint names the values; the message does not.
            sqlx::Error::Database(source) => {
                format!("{} ({})", source.message(), source.code().unwrap_or_default())
            }
            source => source.to_string(),
        },
        error => error.to_string(),
    }
}
