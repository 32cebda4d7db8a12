//! What finds a chat's files without reading those of others, tells with each search whether somebody's vectors are those
//! that a server knows, and finds vectors by their file or their piece. With the user's id first, SQLite looked through all
//! of a user's.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("chunk_vector_file").table("chunk_vector").to_owned()).await?;
        for (name, table, columns) in [
            ("message_file_chat", "message_file", ["chat_id"].as_slice()),
            ("chunk_vector_of_file", "chunk_vector", &["file_id"]),
            ("user_file_embedded", "user_file", &["user_id", "embedded_by", "state", "created_at_ms", "chunks"]),
        ] {
            let mut index = Index::create();
            index.name(name).table(table);
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index.to_owned()).await?;
        }
        Ok(())
    }
}
