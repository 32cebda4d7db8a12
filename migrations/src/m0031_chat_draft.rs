//! What is typed in a chat and not yet sent. A row stays when its text goes, so that its moments only ever grow. The foreign
//! key carries the owner, as a message's does.

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
                    .table("chat_draft")
                    .col(uuid("chat_id").primary_key())
                    .col(uuid("user_id"))
                    // Of the message that it would be if it were sent where it was typed last.
                    .col(uuid("client_message_id"))
                    .col(text("text"))
                    .col(big_integer("updated_at_ms"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("chat_draft_chat")
                            .from("chat_draft", ("chat_id", "user_id"))
                            .to("chat_session", ("id", "user_id"))
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await
    }
}
