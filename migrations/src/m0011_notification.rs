//! What a person is told while they may be looking elsewhere; kept until they have read it.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("notification")
                    .col(uuid("id").primary_key())
                    .col(uuid("user_id"))
                    .col(string_len("kind", 32))
                    .col(string_len("detail", 254))
                    .col(big_integer("created_at_ms"))
                    .col(big_integer_null("read_at_ms"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("notification_user")
                            .from("notification", "user_id")
                            .to("user_account", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("notification_list")
                    .table("notification")
                    .col("user_id")
                    .col("read_at_ms")
                    .col("id")
                    .to_owned(),
            )
            .await
    }
}
