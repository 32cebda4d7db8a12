//! What a model thought before it answered, apart from the answer; and how many tokens a reply was.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            text_null("reasoning"),
            // Of the conversation that was read, and of what was written.
            big_integer_null("prompt_tokens"),
            big_integer_null("completion_tokens"),
            // Whether they are the server's own estimate.
            boolean("tokens_estimated").default(false).to_owned(),
        ];
        // SQLite adds one column at a time.
        for column in columns {
            manager.alter_table(Table::alter().table("chat_message").add_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
