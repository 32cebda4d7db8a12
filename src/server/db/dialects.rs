//! What was found out about models and their servers by trying.

use futures::FutureExt;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::OnConflict,
};

use super::{Db, entity::model_dialect, failed, scope::Scope, write::Written};
use crate::{domain::limits, error::Result, server::clock};

/// What is known about a model; without a name, about its provider's server.
#[derive(Clone)]
pub struct KeptDialect {
    pub provider: String,
    pub model: String,
    /// Where the provider is. What was found out at another place is not known here.
    pub address: String,
    pub found: String,
    pub found_at_ms: i64,
}

impl Db {
    /// What was found out, and when; none when it is too long ago.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_dialect(&self, provider: &str, model: &str, address: &str) -> Result<Option<(String, i64)>> {
        let row = model_dialect::Entity::find_by_id((provider.to_owned(), model.to_owned()))
            .filter(model_dialect::Column::Address.eq(address))
            .filter(model_dialect::Column::FoundAtMs.gt(clock::now_ms() - limits::DIALECT_KEPT_MS))
            .one(&self.query_as(Scope::Site).await?)
            .await
            .map_err(failed("find dialect"))?;
        Ok(row.map(|row| (row.found, row.found_at_ms)))
    }

    /// Keeps what was found out in place of what was known, and lets go of what is too old. Past the limit of a provider's
    /// models nothing is kept.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_dialect(&self, kept: KeptDialect) -> Result<()> {
        self.write("keep dialect", move |transaction| {
            async move {
                model_dialect::Entity::delete_many()
                    .filter(model_dialect::Column::FoundAtMs.lte(clock::now_ms() - limits::DIALECT_KEPT_MS))
                    .exec(transaction)
                    .await?;
                let of_provider =
                    model_dialect::Entity::find().filter(model_dialect::Column::Provider.eq(&kept.provider));
                if of_provider.count(transaction).await? >= limits::MODELS_PER_PROVIDER_MAX as u64 {
                    return Ok(());
                }
                let row = model_dialect::ActiveModel {
                    provider: Set(kept.provider),
                    model: Set(kept.model),
                    address: Set(kept.address),
                    found: Set(kept.found),
                    found_at_ms: Set(kept.found_at_ms),
                };
                let known = OnConflict::columns([model_dialect::Column::Provider, model_dialect::Column::Model])
                    .update_columns([
                        model_dialect::Column::Address,
                        model_dialect::Column::Found,
                        model_dialect::Column::FoundAtMs,
                    ])
                    .to_owned();
                model_dialect::Entity::insert(row).on_conflict(known).exec_without_returning(transaction).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Forgets what was found out about a model.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_dialect(&self, provider: &str, model: &str) -> Result<()> {
        let id = (provider.to_owned(), model.to_owned());
        self.write("forget dialect", move |transaction| {
            async move {
                model_dialect::Entity::delete_by_id(id).exec(transaction).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }
}

/// Forgets what was found out about a provider and its models.
pub(super) async fn forget_provider(connection: &impl ConnectionTrait, provider: &str) -> Written<()> {
    let of_provider = model_dialect::Column::Provider.eq(provider);
    model_dialect::Entity::delete_many().filter(of_provider).exec(connection).await?;
    Ok(())
}
