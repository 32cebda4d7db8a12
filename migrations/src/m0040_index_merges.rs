//! SQLite's index of words is put together anew when half of a part of it was deleted, not a tenth already: deleting much text
//! takes a third of the time.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Sqlite {
            return Ok(());
        }
        let statement = "INSERT INTO file_index (file_index, rank) VALUES ('deletemerge', 50)";
        manager.get_connection().execute_unprepared(statement).await.map(|_| ())
    }
}
