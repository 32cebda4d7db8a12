//! The file that a notification is about: it goes with its file, whose name it has. Of those that there were it is not known.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        // Row-level security holds the table's owner, too.
        let is_forced = manager.get_database_backend() == DbBackend::Postgres;
        if is_forced {
            connection.execute_unprepared("ALTER TABLE notification NO FORCE ROW LEVEL SECURITY").await?;
        }
        connection.execute_unprepared("DELETE FROM notification WHERE kind IN ('file_ready', 'file_failed')").await?;
        if is_forced {
            connection.execute_unprepared("ALTER TABLE notification FORCE ROW LEVEL SECURITY").await?;
        }
        // Written out, for SQLite takes a foreign key of an added column in no other place.
        let kind = if manager.get_database_backend() == DbBackend::Sqlite { "uuid_text" } else { "uuid" };
        let column =
            format!("ALTER TABLE notification ADD COLUMN file_id {kind} REFERENCES user_file (id) ON DELETE CASCADE");
        connection.execute_unprepared(&column).await?;
        manager
            .create_index(Index::create().name("notification_file").table("notification").col("file_id").to_owned())
            .await
    }
}
