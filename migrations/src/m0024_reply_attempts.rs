//! How often a reply was taken over from a server that went away, since somebody last asked for it: not without end; and
//! whether its user stopped it while no server heard that.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for column in [integer("takeovers").default(0), boolean("stop_wanted").default(false)] {
            manager.alter_table(Table::alter().table("chat_message").add_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
