//! What was read in files: their text in pieces, pictures of images, and how much of each there is.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One column at a time: SQLite adds no more at once.
        for column in [
            big_integer("text_chars").default(0).to_owned(),
            integer("chunks").default(0).to_owned(),
            integer_null("width").to_owned(),
            integer_null("height").to_owned(),
        ] {
            let mut column = column;
            manager.alter_table(Table::alter().table("user_file").add_column(&mut column).to_owned()).await?;
        }
        manager.create_table(file_chunk()).await?;
        manager.create_table(file_picture()).await
    }
}

fn file_chunk() -> TableCreateStatement {
    let mut id = ColumnDef::new("id");
    // A number of its own: what finds text keeps it beside each word.
    id.big_integer().not_null().auto_increment().primary_key();
    Table::create()
        .table("file_chunk")
        .col(&mut id)
        .col(uuid("file_id"))
        .col(uuid("user_id"))
        // Its place in the file's text, from 0 on.
        .col(integer("seq"))
        .col(string_len("place", 8))
        .col(integer_null("place_number"))
        .col(text_null("place_name"))
        .col(text("heading"))
        .col(text("text"))
        .foreign_key(
            ForeignKey::create()
                .name("file_chunk_file")
                .from("file_chunk", ("file_id", "user_id"))
                .to("user_file", ("id", "user_id"))
                .on_delete(ForeignKeyAction::Cascade),
        )
        .index(Index::create().unique().name("file_chunk_seq").col("file_id").col("seq"))
        .to_owned()
}

fn file_picture() -> TableCreateStatement {
    Table::create()
        .table("file_picture")
        .col(uuid("file_id"))
        .col(uuid("user_id"))
        // `thumbnail` or `view`.
        .col(string_len("use_for", 16))
        .col(boolean("is_png"))
        .col(blob("content"))
        .primary_key(Index::create().col("file_id").col("use_for"))
        .foreign_key(
            ForeignKey::create()
                .name("file_picture_file")
                .from("file_picture", ("file_id", "user_id"))
                .to("user_file", ("id", "user_id"))
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}
