//! Buckets of failed attempts that leak.

use futures::FutureExt;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use super::{Db, entity::login_attempt, failed, scope::Scope};
use crate::{error::Result, server::clock};

/// A bucket that was not touched for so long is empty.
const KEPT_MS: i64 = 24 * 3_600_000;

/// A bucket, and when it is full.
#[derive(Clone, Debug)]
pub struct FailureLimit {
    /// What is counted, as a hash.
    pub subject: String,
    pub failures_max: u32,
    /// One failure is forgotten each so many seconds.
    pub leak_seconds: u32,
}

impl FailureLimit {
    fn left_of(&self, row: &login_attempt::Model, now_ms: i64) -> f64 {
        let passed_seconds = (now_ms - row.counted_at_ms).max(0) as f64 / 1_000.0;
        (row.failures - passed_seconds / f64::from(self.leak_seconds)).max(0.0)
    }
}

impl Db {
    /// Seconds until none of the buckets is full, with so many more in each.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn wait_seconds(&self, limits: &[(&FailureLimit, u32)]) -> Result<u32> {
        let rows = login_attempt::Entity::find()
            .filter(login_attempt::Column::Subject.is_in(limits.iter().map(|(limit, _)| limit.subject.clone())))
            .all(&self.query_as(Scope::Site).await?)
            .await
            .map_err(failed("find attempts"))?;
        let now_ms = clock::now_ms();
        let waits = limits.iter().map(|(limit, more)| {
            let row = rows.iter().find(|row| row.subject == limit.subject);
            let failures = row.map_or(0.0, |row| limit.left_of(row, now_ms)) + f64::from(*more);
            let beyond = failures - f64::from(limit.failures_max) + 1.0;
            if beyond > 0.0 { (beyond * f64::from(limit.leak_seconds)).ceil() as u32 } else { 0 }
        });
        Ok(waits.max().unwrap_or(0))
    }

    /// Counts a failure in each of the buckets.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_failure(&self, limits: Vec<FailureLimit>) -> Result<()> {
        self.write("count failed attempt", move |transaction| {
            async move {
                for limit in limits {
                    let now_ms = clock::now_ms();
                    // First, so that of two who count at once the second one waits for the first one's row.
                    let row = login_attempt::ActiveModel {
                        subject: Set(limit.subject.clone()),
                        failures: Set(0.0),
                        counted_at_ms: Set(now_ms),
                    };
                    login_attempt::Entity::insert(row)
                        .on_conflict(
                            OnConflict::column(login_attempt::Column::Subject)
                                .value(login_attempt::Column::Subject, limit.subject.clone())
                                .to_owned(),
                        )
                        .exec_without_returning(transaction)
                        .await?;
                    let row = login_attempt::Entity::find_by_id(limit.subject.clone()).one(transaction).await?;
                    let left = row.map_or(0.0, |row| limit.left_of(&row, now_ms));
                    login_attempt::Entity::update_many()
                        .col_expr(login_attempt::Column::Failures, Expr::value(left + 1.0))
                        .col_expr(login_attempt::Column::CountedAtMs, Expr::value(now_ms))
                        .filter(login_attempt::Column::Subject.eq(limit.subject))
                        .exec(transaction)
                        .await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Empties a bucket.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_failures(&self, subject: &str) -> Result<()> {
        let known = login_attempt::Entity::find_by_id(subject)
            .one(&self.query_as(Scope::Site).await?)
            .await
            .map_err(failed("find attempts"))?;
        if known.is_none() {
            return Ok(());
        }
        let subject = subject.to_owned();
        self.write("forget failed attempts", move |transaction| {
            async move {
                login_attempt::Entity::delete_by_id(subject).exec(transaction).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Forgets buckets that are long empty.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_old_attempts(&self) -> Result<u64> {
        self.write("delete old attempts", |transaction| {
            async move {
                let deleted = login_attempt::Entity::delete_many()
                    .filter(login_attempt::Column::CountedAtMs.lte(clock::now_ms() - KEPT_MS))
                    .exec(transaction)
                    .await?;
                Ok(deleted.rows_affected)
            }
            .boxed()
        })
        .await
    }
}
