//! What people like, beside who they are: read with each request, so in the same row.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One at a time: SQLite adds one column per statement.
        for column in [
            string_len("display_name", 80).default("").to_owned(),
            string_len("theme", 16).default("system").to_owned(),
            string_len("language", 16).default("").to_owned(),
            string_len_null("default_model", 255).to_owned(),
            boolean("tells_new_device").default(true).to_owned(),
        ] {
            manager.alter_table(Table::alter().table("user_account").add_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
