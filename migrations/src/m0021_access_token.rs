//! Personal access tokens: what a program shows instead of a password, until it expires. Only a hash of each is kept.

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
                    .table("access_token")
                    .col(uuid("id").primary_key())
                    .col(uuid("user_id"))
                    .col(string_len("name", 100))
                    .col(string_len("token_hash", 64))
                    // Names with a space between them.
                    .col(string_len("scopes", 200))
                    .col(big_integer("created_at_ms"))
                    .col(big_integer("expires_at_ms"))
                    .col(big_integer_null("last_used_at_ms"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("access_token_user")
                            .from("access_token", "user_id")
                            .to("user_account", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .index(Index::create().unique().name("access_token_owner").col("user_id").col("token_hash"))
                    .to_owned(),
            )
            .await
    }
}
