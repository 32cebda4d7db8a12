//! Brings the database to this version's schema, and refuses one that is newer.

use migrations::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectionTrait, DbErr, SqlxPostgresConnector, Statement, TransactionTrait, sqlx::postgres::PgPoolOptions,
};

use super::{Db, describe, failed, row_security};
use crate::error::Result;

/// Held while migrating, so that servers that start together do not migrate together. Any number that nothing else uses.
const POSTGRES_LOCK: i64 = 0x5a_4d_07_18;

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
        // The lock lives as long as this transaction, beside the pool: the steps need a connection, and it may have but one.
        let options = self.read.get_postgres_connection_pool().connect_options();
        let beside = PgPoolOptions::new().max_connections(1).connect_lazy_with((*options).clone());
        let beside = SqlxPostgresConnector::from_sqlx_postgres_pool(beside);
        let lock = beside.begin().await?;
        let statement = format!("SELECT pg_advisory_xact_lock({POSTGRES_LOCK})");
        lock.execute_raw(Statement::from_string(lock.get_database_backend(), statement)).await?;
        Migrator::up(&self.read, None).await?;
        row_security::apply(&self.read).await?;
        lock.commit().await?;
        beside.close().await
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
