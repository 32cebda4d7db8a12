//! Providers of models that were connected on the pages of administration, and the models that are not offered. Of a key
//! there is only what the operator's secret opens, and its last characters.

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
                    .table("provider")
                    .col(uuid("id").primary_key())
                    .col(string_len_uniq("name", 32))
                    .col(string_len("base_url", 500))
                    .col(boolean("is_enabled"))
                    .col(binary_null("sealed_key"))
                    .col(string_len("key_hint", 4))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(Table::create().table("hidden_model").col(string_len("name", 200).primary_key()).to_owned())
            .await
    }
}
