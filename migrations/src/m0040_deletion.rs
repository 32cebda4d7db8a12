//! For deleting much text. SQLite's index of words is put together anew when half of a part of it was deleted, not a tenth
//! already: it takes a third of the time. And an index of files knows which are being deleted, and so counts the others alone.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Sqlite {
            let statement = "INSERT INTO file_index (file_index, rank) VALUES ('deletemerge', 50)";
            manager.get_connection().execute_unprepared(statement).await?;
        }
        manager.drop_index(Index::drop().name("user_file_newest").table("user_file").to_owned()).await?;
        let mut index = Index::create();
        index.name("user_file_newest").table("user_file");
        for column in ["user_id", "id", "size_bytes", "state"] {
            index.col(column);
        }
        manager.create_index(index.to_owned()).await
    }
}
