//! Summaries, owned.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "chat_summary")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub up_to_id: Uuid,
    pub chat_id: Uuid,
    pub user_id: Uuid,
    pub text: String,
    pub model: String,
    pub created_at_ms: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
