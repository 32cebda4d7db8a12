//! Brings the database to this version's schema, and refuses one that is newer.

use migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, SqlxPostgresConnector, sqlx::postgres::PgPoolOptions};

use super::{Db, describe, failed, row_security};
use crate::error::Result;

/// Held while migrating, so that servers that start together do not migrate together. Any number that nothing else uses.
const POSTGRES_LOCK: i64 = 0x5a_4d_07_18;

/// Longest wait for a server that migrates.
const LOCK_TIMEOUT: &str = "15min";

/// Whether the schema is this version's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pending {
    None,
    Some,
}

impl Db {
    /// Applies the steps that are missing.
    ///
    /// # Errors
    /// A line that says what went wrong; a step that failed is rolled back.
    pub async fn migrate(&self) -> std::result::Result<(), String> {
        self.apply().await.map_err(|error| {
            let error = describe(&error);
            if error.contains("applied but its file is missing") || error.contains("missing") {
                "the database was made by a newer version of Sardonyx; this one will not touch it".to_owned()
            } else {
                format!("the database could not be brought up to date: {error}")
            }
        })
    }

    async fn apply(&self) -> std::result::Result<(), DbErr> {
        if self.is_sqlite() {
            return Migrator::up(&self.writer.connection(), None).await;
        }
        // One connection for the lock and the steps, beside the pool: a step that builds an index takes as long as it takes.
        let options = self.read.get_postgres_connection_pool().connect_options();
        let options = (*options).clone().options([("statement_timeout", "0"), ("lock_timeout", LOCK_TIMEOUT)]);
        let beside = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let beside = SqlxPostgresConnector::from_sqlx_postgres_pool(beside.connect_lazy_with(options));
        // Its connection ends with it, and with that the lock.
        let applied = apply_alone(&beside).await;
        beside.close().await.and(applied)
    }

    /// Whether steps are missing.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::error::Error::Unavailable) when the database does not answer.
    pub async fn pending_migrations(&self) -> Result<Pending> {
        let pending =
            Migrator::get_pending_migrations_read_only(&self.read).await.map_err(failed("pending migrations"))?;
        Ok(if pending.is_empty() { Pending::None } else { Pending::Some })
    }
}

async fn apply_alone(connection: &DatabaseConnection) -> std::result::Result<(), DbErr> {
    connection.execute_unprepared(&format!("SELECT pg_advisory_lock({POSTGRES_LOCK})")).await?;
    Migrator::up(connection, None).await?;
    row_security::apply(connection).await
}
