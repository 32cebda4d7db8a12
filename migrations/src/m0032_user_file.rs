//! Files, and the pieces that their content is kept in. A piece's content is in the storage for files under a random id;
//! `doomed_blob` has the ids of those that are to be removed there: of deleted files at once, and, later, of pieces that were
//! promised before they were written, should their server die before it says that they are whole.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(user_file()).await?;
        // One for each order of the list; the last column makes the order total.
        for (name, columns) in [
            ("user_file_newest", ["user_id", "id", "size_bytes"].as_slice()),
            ("user_file_name", &["user_id", "name_key", "id"]),
            ("user_file_size", &["user_id", "size_bytes", "id"]),
        ] {
            let mut index = Index::create();
            index.name(name).table("user_file");
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index.to_owned()).await?;
        }
        // Finds what lost its server, and uploads that nobody goes on with, without reading the others.
        manager
            .create_index(Index::create().name("user_file_lease").table("user_file").col("lease_until_ms").to_owned())
            .await?;
        manager.create_table(file_part()).await?;
        manager
            .create_table(
                Table::create()
                    .table("doomed_blob")
                    .col(uuid("blob_id").primary_key())
                    .col(big_integer("due_at_ms"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(Index::create().name("doomed_blob_due").table("doomed_blob").col("due_at_ms").to_owned())
            .await
    }
}

fn user_file() -> TableCreateStatement {
    Table::create()
        .table("user_file")
        .col(uuid("id").primary_key())
        .col(uuid("user_id"))
        .col(string("name"))
        // The name in small letters, to sort and to look for.
        .col(string("name_key"))
        .col(string_len("kind", 16))
        .col(big_integer("size_bytes"))
        .col(big_integer("received_bytes"))
        // What the uploading browser says of the file on its disk, to know it again when it goes on.
        .col(big_integer_null("modified_at_ms"))
        .col(string_len("state", 16))
        .col(string_len_null("failure", 32))
        // While it is read: by which server, and until when that has promised to be at it. Of an upload that is not
        // complete: when it is given up.
        .col(uuid_null("lease_owner"))
        .col(big_integer_null("lease_until_ms"))
        .col(integer("attempts").default(0))
        .col(big_integer("created_at_ms"))
        .foreign_key(
            ForeignKey::create()
                .name("user_file_user")
                .from("user_file", "user_id")
                .to("user_account", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .index(Index::create().unique().name("user_file_owner").col("id").col("user_id"))
        .to_owned()
}

fn file_part() -> TableCreateStatement {
    Table::create()
        .table("file_part")
        .col(uuid("file_id"))
        .col(uuid("user_id"))
        .col(big_integer("offset_bytes"))
        .col(big_integer("size_bytes"))
        .col(uuid("blob_id"))
        .primary_key(Index::create().col("file_id").col("offset_bytes"))
        .foreign_key(
            ForeignKey::create()
                .name("file_part_file")
                .from("file_part", ("file_id", "user_id"))
                .to("user_file", ("id", "user_id"))
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}
