//! The site as a whole: one row that says when it was set up, and the open set-up links' hashes until then.
//!
//! The row is what concurrent first sign-ups race for: an update that finds `setup_at_ms` empty wins, once.

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
                    .table("site")
                    .col(integer("id").primary_key())
                    .col(big_integer_null("setup_at_ms"))
                    .to_owned(),
            )
            .await?;
        manager.execute(Query::insert().into_table("site").columns(["id"]).values_panic([1.into()]).to_owned()).await?;
        manager
            .create_table(
                Table::create()
                    .table("setup_link")
                    .col(string_len("token_hash", 64).primary_key())
                    .col(big_integer("created_at_ms"))
                    .to_owned(),
            )
            .await
    }
}
