//! The embedded session store, used when no Redis is configured. The id is kept as a hash only, so that somebody who reads
//! the database cannot take over a session.

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
                    .table("session_record")
                    .col(string_len("id_hash", 64).primary_key())
                    .col(text("data"))
                    .col(big_integer("expires_at_ms"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("session_record_expiry").table("session_record").col("expires_at_ms").to_owned(),
            )
            .await
    }
}
