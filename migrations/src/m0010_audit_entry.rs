//! What was done about accounts and the site: who, when, what, to whom, from where. Entries name people by what they were
//! called then and outlive their accounts; nothing in the app changes or removes one.

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
                    .table("audit_entry")
                    // Version 7: in the order of their making.
                    .col(uuid("id").primary_key())
                    .col(big_integer("at_ms"))
                    .col(string_len("actor", 254))
                    .col(string_len("action", 32))
                    .col(string_len("subject", 254))
                    .col(string_len("address", 64))
                    .to_owned(),
            )
            .await
    }
}
