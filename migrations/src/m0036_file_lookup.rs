//! What finds a chat's files without reading those of others, and tells with each search whether somebody's vectors are
//! those that a server knows.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, table, columns) in [
            ("message_file_chat", "message_file", ["chat_id"].as_slice()),
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
