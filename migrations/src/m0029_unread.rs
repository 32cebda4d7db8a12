//! Whether a chat has a reply that its user has not looked at, and the chat that a notification is about.

use sea_orm_migration::{prelude::*, schema::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter().table("chat_session").add_column(boolean("is_unread").default(false)).to_owned(),
            )
            .await?;
        // Written out, for SQLite takes a foreign key of an added column in no other place.
        let kind = if manager.get_database_backend() == DbBackend::Sqlite { "uuid_text" } else { "uuid" };
        let column = format!(
            "ALTER TABLE notification ADD COLUMN chat_id {kind} REFERENCES chat_session (id) ON DELETE CASCADE"
        );
        manager.get_connection().execute_unprepared(&column).await?;
        manager
            .create_index(Index::create().name("notification_chat").table("notification").col("chat_id").to_owned())
            .await
    }
}
