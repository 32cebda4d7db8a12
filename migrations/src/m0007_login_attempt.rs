//! Failed attempts to prove who one is: how many there were, from where and for whom, so that all servers refuse the next
//! one alike, also after a restart. `subject` is a hash: addresses of people who have no account are nobody's business.

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
                    .table("login_attempt")
                    .col(string_len("subject", 64).primary_key())
                    // What is left of the failures: they are forgotten little by little.
                    .col(double("failures"))
                    .col(big_integer("counted_at_ms"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("login_attempt_age").table("login_attempt").col("counted_at_ms").to_owned(),
            )
            .await
    }
}
