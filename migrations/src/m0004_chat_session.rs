//! Chats. `(id, user_id)` is unique so that messages can point at a chat together with its owner.

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
                    .table("chat_session")
                    .col(uuid("id").primary_key())
                    .col(uuid("user_id"))
                    .col(string("description"))
                    .col(string_null("model"))
                    // The place of the newest message; taken in the transaction that adds one, so places have no gaps.
                    .col(big_integer("last_seq").default(0))
                    .col(big_integer("created_at_ms"))
                    .col(big_integer("updated_at_ms"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("chat_session_user")
                            .from("chat_session", "user_id")
                            .to("user_account", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .index(Index::create().unique().name("chat_session_owner").col("id").col("user_id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("chat_session_list")
                    .table("chat_session")
                    .col("user_id")
                    .col("updated_at_ms")
                    .col("id")
                    .to_owned(),
            )
            .await
    }
}
