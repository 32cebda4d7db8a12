//! What was found out about the servers of models by trying, so that it is tried neither after each start nor at each server.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("model_dialect")
                    .col(text("provider"))
                    // Empty for what holds for all models of the provider.
                    .col(text("model"))
                    // Where the provider was when it was found out.
                    .col(text("address"))
                    .col(string_len("found", 32))
                    .col(big_integer("found_at_ms"))
                    .primary_key(Index::create().col("provider").col("model"))
                    .to_owned(),
            )
            .await
    }
}
