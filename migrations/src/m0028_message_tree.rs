//! What a person wrote follows a message, too: messages become a tree, of which one path is shown.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Until now every message followed the last one that was shown before it.
const FOLLOW: &str = "
UPDATE chat_message SET parent_id = (
  SELECT earlier.id FROM chat_message AS earlier
  WHERE earlier.chat_id = chat_message.chat_id AND earlier.seq < chat_message.seq AND NOT earlier.superseded
  ORDER BY earlier.seq DESC LIMIT 1
) WHERE model IS NULL";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        // Row-level security holds the tables' owner, too.
        let is_forced = connection.get_database_backend() == DbBackend::Postgres;
        if is_forced {
            connection.execute_unprepared("ALTER TABLE chat_message NO FORCE ROW LEVEL SECURITY").await?;
        }
        connection.execute_unprepared(FOLLOW).await?;
        if is_forced {
            connection.execute_unprepared("ALTER TABLE chat_message FORCE ROW LEVEL SECURITY").await?;
        }
        Ok(())
    }
}
