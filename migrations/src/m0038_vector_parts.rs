//! What the parts of a piece of text mean, beside what it means as a whole.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = binary_null("parts");
        manager.alter_table(Table::alter().table("chunk_vector").add_column(column).to_owned()).await
    }
}
