//! Files in chats: what came with a message, what a reply was given as sources, what a chat has, and whether it may look
//! through all of its person's files. Of a file that is deleted, messages keep the name; and one that came with a message is
//! not kept for its own sake.

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
        for (table, mut column) in [
            // Whether there may be rows of the tables below for it.
            ("chat_session", boolean("uses_files").default(false).to_owned()),
            ("chat_session", boolean("searches_files").default(false).to_owned()),
            ("chat_message", boolean("uses_files").default(false).to_owned()),
            // How files were searched for a reply: `words` or `both`.
            ("chat_message", string_len_null("files_searched", 8).to_owned()),
            // Whether it stays though no chat has it.
            ("user_file", boolean("is_kept").default(true).to_owned()),
            // When it goes unless something has it by then.
            ("user_file", big_integer_null("unused_until_ms")),
        ] {
            manager.alter_table(Table::alter().table(table).add_column(&mut column).to_owned()).await?;
        }
        manager.create_table(message_file()).await?;
        manager.create_table(chat_file()).await?;
        for table in ["message_file", "chat_file"] {
            let name = format!("{table}_file");
            manager.create_index(Index::create().name(name).table(table).col("file_id").to_owned()).await?;
        }
        // How many pieces of text somebody has is asked with each search.
        manager
            .create_index(
                Index::create().name("user_file_chunks").table("user_file").col("user_id").col("chunks").to_owned(),
            )
            .await
    }
}

fn message_file() -> TableCreateStatement {
    Table::create()
        .table("message_file")
        .col(uuid("message_id"))
        .col(uuid("chat_id"))
        .col(uuid("user_id"))
        // Its place, from 1 on; of a source the number that the reply names it by.
        .col(integer("number"))
        // Gone with the file, and the row stays.
        .col(uuid_null("file_id"))
        .col(text("name"))
        // `attached`, `piece`, `picture`, `failed`, `late`, `unseen` or `too_long`.
        .col(string_len("used_as", 8))
        .col(integer_null("seq"))
        .col(string_len_null("place", 8))
        .col(integer_null("place_number"))
        .col(text_null("place_name"))
        .primary_key(Index::create().col("message_id").col("number"))
        .foreign_key(
            ForeignKey::create()
                .name("message_file_message")
                .from("message_file", ("message_id", "chat_id", "user_id"))
                .to("chat_message", ("id", "chat_id", "user_id"))
                .on_delete(ForeignKeyAction::Cascade),
        )
        .foreign_key(
            ForeignKey::create()
                .name("message_file_file")
                .from("message_file", "file_id")
                .to("user_file", "id")
                .on_delete(ForeignKeyAction::SetNull),
        )
        .to_owned()
}

fn chat_file() -> TableCreateStatement {
    Table::create()
        .table("chat_file")
        .col(uuid("chat_id"))
        .col(uuid("file_id"))
        .col(uuid("user_id"))
        .col(big_integer("added_at_ms"))
        .primary_key(Index::create().col("chat_id").col("file_id"))
        .foreign_key(
            ForeignKey::create()
                .name("chat_file_chat")
                .from("chat_file", ("chat_id", "user_id"))
                .to("chat_session", ("id", "user_id"))
                .on_delete(ForeignKeyAction::Cascade),
        )
        .foreign_key(
            ForeignKey::create()
                .name("chat_file_file")
                .from("chat_file", ("file_id", "user_id"))
                .to("user_file", ("id", "user_id"))
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}
