//! What those who run the site set for everybody, in the site's one row.

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
            string_len("name", 40).default("Sardonyx").to_owned(),
            string_len_null("default_model", 200).to_owned(),
            string_len("notice", 500).default("").to_owned(),
            boolean("members_make_tokens").default(true).to_owned(),
            integer("invitation_days").default(7).to_owned(),
        ] {
            manager.alter_table(Table::alter().table("site").add_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
