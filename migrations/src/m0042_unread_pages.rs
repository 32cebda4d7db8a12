//! How many pages a file has, and how many of these show something, but no text that could be read. Of files that were
//! read before, it is not known.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One column at a time: SQLite adds no more at once.
        for name in ["pages", "unread_pages"] {
            let column = integer_null(name);
            manager.alter_table(Table::alter().table("user_file").add_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
