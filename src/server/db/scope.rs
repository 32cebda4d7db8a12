//! On whose behalf statements run.
//!
//! On Postgres every transaction says so first: it takes one of the roles that `row_security` makes, and names its user
//! in a setting that ends with the transaction. Row-level security then shows it that user's rows and no others, whatever
//! a query forgets. SQLite has no such thing; there the filters in the queries stand alone.

use sea_orm::{ConnectionTrait, DatabaseExecutor, DatabaseTransaction, DbBackend, DbErr, TransactionTrait};

use super::{Db, failed};
use crate::{domain::ids::UserId, error::Result};

/// Whose rows a transaction sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Nobody's: only tables that nobody owns.
    Site,
    /// One user's.
    User(UserId),
    /// Running replies of everybody, without their text.
    Sweeper,
    /// Everybody's accounts and sessions, providers and the site's settings, nobody's chats.
    Admin,
}

impl Scope {
    /// What a transaction says first. An id is hexadecimal digits and hyphens, so nothing in it can end the literal.
    fn statement(self) -> String {
        match self {
            Self::Site => "SET LOCAL ROLE sardonyx_app".to_owned(),
            Self::User(id) => format!("SET LOCAL ROLE sardonyx_app; SET LOCAL sardonyx.user_id = '{id}'"),
            Self::Sweeper => "SET LOCAL ROLE sardonyx_sweeper".to_owned(),
            Self::Admin => "SET LOCAL ROLE sardonyx_admin".to_owned(),
        }
    }

    /// Puts a transaction into this scope.
    pub async fn enter(self, transaction: &DatabaseTransaction) -> std::result::Result<(), DbErr> {
        if transaction.get_database_backend() == DbBackend::Postgres {
            transaction.execute_unprepared(&self.statement()).await?;
        }
        Ok(())
    }
}

impl Db {
    /// Where a single statement that reads can be run: a transaction only where there are scopes.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn query_as(&self, scope: Scope) -> Result<DatabaseExecutor<'_>> {
        if self.is_sqlite() {
            return Ok((&self.read).into());
        }
        Ok(DatabaseExecutor::OwnedTransaction(self.read_as(scope).await?))
    }

    /// A transaction for several statements that read, on SQLite with one view of all rows. It ends when it is dropped.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn read_as(&self, scope: Scope) -> Result<DatabaseTransaction> {
        let transaction = self.read.begin().await.map_err(failed("begin to read"))?;
        scope.enter(&transaction).await.map_err(failed("begin to read"))?;
        Ok(transaction)
    }
}
