//! Messages and replies. The foreign keys carry the owner: a message cannot point at another user's chat or message.

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
                    .table("chat_message")
                    .col(uuid("id").primary_key())
                    .col(uuid("chat_id"))
                    .col(uuid("user_id"))
                    .col(big_integer("seq"))
                    // The message that a reply answers.
                    .col(uuid_null("parent_id"))
                    // Set for what a person sent; unique per user.
                    .col(uuid_null("client_message_id"))
                    // Set for a reply: provider/model.
                    .col(string_null("model"))
                    .col(text("text"))
                    .col(string_len("state", 16))
                    .col(string_len_null("failure", 32))
                    // A reply that was asked for again; another one has taken its place.
                    .col(boolean("superseded").default(false))
                    // While a reply is generated: which server is at it, and until when it has promised to be.
                    .col(uuid_null("lease_owner"))
                    .col(big_integer_null("lease_until_ms"))
                    .col(big_integer("created_at_ms"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("chat_message_chat")
                            .from("chat_message", ("chat_id", "user_id"))
                            .to("chat_session", ("id", "user_id"))
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .name("chat_message_parent")
                            .from("chat_message", ("parent_id", "chat_id", "user_id"))
                            .to("chat_message", ("id", "chat_id", "user_id"))
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .index(Index::create().unique().name("chat_message_owner").col("id").col("chat_id").col("user_id"))
                    .index(Index::create().unique().name("chat_message_seq").col("chat_id").col("seq"))
                    .index(
                        Index::create().unique().name("chat_message_client_id").col("user_id").col("client_message_id"),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("chat_message_parent_replies").table("chat_message").col("parent_id").to_owned(),
            )
            .await?;
        // Finds replies that lost their server without reading the others.
        manager
            .create_index(
                Index::create().name("chat_message_lease").table("chat_message").col("lease_until_ms").to_owned(),
            )
            .await
    }
}
