//! What finds text in files: words, and vectors of meaning.
//!
//! Words are kept as numbers that only their owner's questions lead to (`server::words`), so the index of all of them is
//! nobody's. On SQLite it is a table of FTS5 without the text itself, on Postgres a `tsvector` for each piece; on both it
//! loses a piece together with the piece.

use sea_orm_migration::{prelude::*, schema::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

const SQLITE: &str = "
CREATE VIRTUAL TABLE file_index USING fts5 (
  terms, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);
CREATE TRIGGER file_chunk_deleted AFTER DELETE ON file_chunk BEGIN
  DELETE FROM file_index WHERE rowid = old.id;
END";

const POSTGRES: &str = "
CREATE TABLE file_index (
  chunk_id bigint PRIMARY KEY REFERENCES file_chunk (id) ON DELETE CASCADE,
  terms tsvector NOT NULL
);
CREATE INDEX file_index_terms ON file_index USING gin (terms)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let script = if manager.get_database_backend() == DbBackend::Sqlite { SQLITE } else { POSTGRES };
        manager.get_connection().execute_unprepared(script).await?;
        manager
            .create_index(
                Index::create()
                    .unique()
                    .name("file_chunk_owner")
                    .table("file_chunk")
                    .col("id")
                    .col("user_id")
                    .to_owned(),
            )
            .await?;
        manager.create_table(chunk_vector()).await?;
        // Whose vectors a file has: the name of a model.
        let column = string_null("embedded_by");
        manager.alter_table(Table::alter().table("user_file").add_column(column).to_owned()).await?;
        manager
            .create_index(
                Index::create()
                    .name("chunk_vector_file")
                    .table("chunk_vector")
                    .col("user_id")
                    .col("file_id")
                    .to_owned(),
            )
            .await
    }
}

fn chunk_vector() -> TableCreateStatement {
    Table::create()
        .table("chunk_vector")
        .col(big_integer("chunk_id").primary_key())
        .col(uuid("file_id"))
        .col(uuid("user_id"))
        // A signed byte for each dimension.
        .col(blob("vector"))
        .foreign_key(
            ForeignKey::create()
                .name("chunk_vector_chunk")
                .from("chunk_vector", ("chunk_id", "user_id"))
                .to("file_chunk", ("id", "user_id"))
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}
