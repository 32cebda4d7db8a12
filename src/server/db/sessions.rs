//! Rows of the embedded session store. What is in them is for `auth::store` to know.

use futures::FutureExt;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use super::{Db, entity::session_record, failed, scope::Scope};
use crate::{error::Result, server::clock};

impl Db {
    /// Adds a record; false when there is one under this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_session_record(&self, id_hash: String, data: String, expires_at_ms: i64) -> Result<bool> {
        self.write("add session", move |transaction| {
            async move {
                let row = session_record::ActiveModel {
                    id_hash: Set(id_hash),
                    data: Set(data),
                    expires_at_ms: Set(expires_at_ms),
                };
                let added = session_record::Entity::insert(row)
                    .on_conflict(OnConflict::column(session_record::Column::IdHash).do_nothing().to_owned())
                    .exec_without_returning(transaction)
                    .await?;
                Ok(added == 1)
            }
            .boxed()
        })
        .await
    }

    /// Changes a record that is there. Never adds one: a save that comes late must not bring a session back that was
    /// logged out in the meantime.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update_session_record(&self, id_hash: String, data: String, expires_at_ms: i64) -> Result<()> {
        self.write("update session", move |transaction| {
            async move {
                session_record::Entity::update_many()
                    .col_expr(session_record::Column::Data, Expr::value(data))
                    .col_expr(session_record::Column::ExpiresAtMs, Expr::value(expires_at_ms))
                    .filter(session_record::Column::IdHash.eq(id_hash))
                    .exec(transaction)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// A record that has not expired.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_session_record(&self, id_hash: &str) -> Result<Option<String>> {
        let row = session_record::Entity::find_by_id(id_hash)
            .filter(session_record::Column::ExpiresAtMs.gt(clock::now_ms()))
            .one(&self.query_as(Scope::Site).await?)
            .await
            .map_err(failed("find session"))?;
        Ok(row.map(|row| row.data))
    }

    /// Forgets a record.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_session_record(&self, id_hash: String) -> Result<()> {
        self.write("delete session", move |transaction| {
            async move {
                session_record::Entity::delete_by_id(id_hash).exec(transaction).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Forgets every record that has expired.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_expired_session_records(&self) -> Result<u64> {
        self.write("delete expired sessions", |transaction| {
            async move {
                let deleted = session_record::Entity::delete_many()
                    .filter(session_record::Column::ExpiresAtMs.lte(clock::now_ms()))
                    .exec(transaction)
                    .await?;
                Ok(deleted.rows_affected)
            }
            .boxed()
        })
        .await
    }
}
