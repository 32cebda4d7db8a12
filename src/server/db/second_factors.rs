//! Second factors: the secret, and what of it was used. What a code is, is for `auth::second_factor` to know.

use futures::FutureExt;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use super::{Db, UserDb, entity::second_factor, failed, scope::Scope};
use crate::{domain::ids::UserId, error::Result};

/// A second factor as it is kept. Not printable, for it holds the secret.
pub struct StoredFactor {
    /// Base32 (RFC 4648).
    pub secret: String,
    /// Whether it is in force.
    pub is_confirmed: bool,
    /// One bit for each recovery code that was used.
    pub recovery_used: u32,
}

/// What of a second factor is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorUse {
    /// The code of this time step, and with it of all before.
    Step(u64),
    /// The recovery code of this place.
    Recovery(u32),
}

impl Db {
    /// The second factor of an account: the log-in's look-up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_second_factor(&self, user_id: UserId) -> Result<Option<StoredFactor>> {
        let row = second_factor::Entity::find_by_id(user_id.0)
            .one(&self.query_as(Scope::User(user_id)).await?)
            .await
            .map_err(failed("find second factor"))?;
        Ok(row.map(|row| StoredFactor {
            secret: row.secret,
            is_confirmed: row.confirmed,
            recovery_used: u32::try_from(row.recovery_used).unwrap_or(u32::MAX),
        }))
    }

    /// Uses a code up; false when it was used before. Of two at once, one wins.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn use_second_factor(&self, user_id: UserId, used: FactorUse) -> Result<bool> {
        self.write_as(Scope::User(user_id), "use second factor", move |transaction| {
            async move {
                let update = second_factor::Entity::update_many().filter(second_factor::Column::UserId.eq(user_id.0));
                let update = match used {
                    FactorUse::Step(step) => {
                        let step = i64::try_from(step).unwrap_or(i64::MAX);
                        update
                            .col_expr(second_factor::Column::LastStep, Expr::value(step))
                            .filter(second_factor::Column::LastStep.lt(step))
                    }
                    FactorUse::Recovery(place) => {
                        let bit = 1_i64 << place;
                        let column = || Expr::col(second_factor::Column::RecoveryUsed);
                        update
                            .col_expr(second_factor::Column::RecoveryUsed, column().add(bit))
                            .filter(column().bit_and(bit).eq(0))
                    }
                };
                Ok(update.exec(transaction).await?.rows_affected == 1)
            }
            .boxed()
        })
        .await
    }
}

impl UserDb {
    /// Keeps a secret that is not in force yet; one that is in force stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_second_factor(&self, secret: String) -> Result<()> {
        let user_id = self.user_id();
        self.write("add second factor", move |transaction| {
            async move {
                second_factor::Entity::delete_many()
                    .filter(second_factor::Column::UserId.eq(user_id.0))
                    .filter(second_factor::Column::Confirmed.eq(false))
                    .exec(transaction)
                    .await?;
                let row = second_factor::ActiveModel {
                    user_id: Set(user_id.0),
                    secret: Set(secret),
                    confirmed: Set(false),
                    last_step: Set(0),
                    recovery_used: Set(0),
                };
                second_factor::Entity::insert(row)
                    .on_conflict(OnConflict::column(second_factor::Column::UserId).do_nothing().to_owned())
                    .exec_without_returning(transaction)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Puts the secret in force.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn confirm_second_factor(&self) -> Result<()> {
        let user_id = self.user_id();
        self.write("confirm second factor", move |transaction| {
            async move {
                second_factor::Entity::update_many()
                    .col_expr(second_factor::Column::Confirmed, Expr::value(true))
                    .filter(second_factor::Column::UserId.eq(user_id.0))
                    .exec(transaction)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Forgets the secret.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_second_factor(&self) -> Result<()> {
        let user_id = self.user_id();
        self.write("delete second factor", move |transaction| {
            async move {
                second_factor::Entity::delete_by_id(user_id.0).exec(transaction).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }
}
