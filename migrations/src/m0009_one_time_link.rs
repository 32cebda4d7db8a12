//! Links with a secret that work once: an invitation, or a new password for somebody who has lost theirs. What a link is
//! for is settled when it is made.

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
                    .table("one_time_link")
                    .col(string_len("token_hash", 64).primary_key())
                    // Whose account it is for: an address that has none yet, or one that has.
                    .col(string_len("email", 254))
                    // Set for an invitation.
                    .col(string_len_null("role", 16))
                    // Set for a new password.
                    .col(uuid_null("account_id"))
                    .col(big_integer("expires_at_ms"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("one_time_link_account")
                            .from("one_time_link", "account_id")
                            .to("user_account", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await
    }
}
