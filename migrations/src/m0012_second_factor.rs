//! Second factors (TOTP, RFC 6238). The secret is what both sides compute codes from, so it is kept as it is; recovery
//! codes follow from it. A code is used once: `last_step` is the newest time step that was, `recovery_used` has one bit for
//! each recovery code.

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
                    .table("second_factor")
                    .col(uuid("user_id").primary_key())
                    .col(string_len("secret", 64))
                    .col(boolean("confirmed").default(false))
                    .col(big_integer("last_step").default(0))
                    .col(big_integer("recovery_used").default(0))
                    .foreign_key(
                        ForeignKey::create()
                            .name("second_factor_user")
                            .from("second_factor", "user_id")
                            .to("user_account", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await
    }
}
