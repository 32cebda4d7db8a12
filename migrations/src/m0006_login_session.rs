//! The index of sessions: what the list of active sessions shows, and what says that a session is over, whatever the
//! session store believes. Ended ones stay for a while, to say why.
//!
//! An account's `session_epoch` rises when all of its sessions end at once; a session of an earlier epoch is over.

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
            .alter_table(
                Table::alter().table("user_account").add_column(big_integer("session_epoch").default(0)).to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("login_session")
                    .col(uuid("id").primary_key())
                    .col(uuid("user_id"))
                    .col(big_integer("epoch"))
                    // What the browser calls itself.
                    .col(string_len("device", 200))
                    .col(string_len("address", 64))
                    .col(big_integer("created_at_ms"))
                    .col(big_integer("last_access_ms"))
                    .col(big_integer("expires_at_ms"))
                    .col(string_len_null("end_reason", 32))
                    .foreign_key(
                        ForeignKey::create()
                            .name("login_session_user")
                            .from("login_session", "user_id")
                            .to("user_account", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .index(Index::create().unique().name("login_session_owner").col("id").col("user_id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("login_session_list")
                    .table("login_session")
                    .col("user_id")
                    .col("last_access_ms")
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("login_session_expiry").table("login_session").col("expires_at_ms").to_owned(),
            )
            .await
    }
}
