//! The chat that a file is uploaded for: as a whole, or for a message that is being written in it.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Not a reference: a chat that is gone has nothing that could be found by its id.
        let column = uuid_null("for_chat_id");
        manager.alter_table(Table::alter().table("user_file").add_column(column).to_owned()).await?;
        manager
            .create_index(
                Index::create()
                    .name("user_file_unsent")
                    .table("user_file")
                    .col("user_id")
                    .col("for_chat_id")
                    .to_owned(),
            )
            .await
    }
}
