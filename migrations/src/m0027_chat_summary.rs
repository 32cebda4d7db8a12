//! Summaries of what a model can no longer be given to read, one for each message that is the last of what it covers; and,
//! with each reply, where what its model read began. The foreign key carries the owner, as a message's does.

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
                    .table("chat_summary")
                    // The last message that is covered, and by what it follows all of them.
                    .col(uuid("up_to_id").primary_key())
                    .col(uuid("chat_id"))
                    .col(uuid("user_id"))
                    .col(text("text"))
                    // What wrote it: provider/model.
                    .col(string("model"))
                    .col(big_integer("created_at_ms"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("chat_summary_message")
                            .from("chat_summary", ("up_to_id", "chat_id", "user_id"))
                            .to("chat_message", ("id", "chat_id", "user_id"))
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(Index::create().name("chat_summary_chat").table("chat_summary").col("chat_id").to_owned())
            .await?;
        // Of the same chat; not a foreign key, for SQLite adds none to a table that is there.
        for column in [uuid_null("context_from_id"), string_len_null("context_cut", 16)] {
            manager.alter_table(Table::alter().table("chat_message").add_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
