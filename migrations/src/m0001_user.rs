//! People with an account. `email` is kept in its canonical form, so its uniqueness is that of the address.

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
                    .table("user_account")
                    .col(uuid("id").primary_key())
                    .col(string_len("email", 254).unique_key())
                    .col(string("password_hash"))
                    .col(string_len("role", 16))
                    .col(string_len("status", 16))
                    .col(big_integer("created_at_ms"))
                    .to_owned(),
            )
            .await
    }
}
