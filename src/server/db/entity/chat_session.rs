//! Chats, owned.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "chat_session")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: Uuid,
    pub description: String,
    pub model: Option<String>,
    pub last_seq: i64,
    pub created_at_ms: i64,
    pub updated_at_ms: i64,
    pub is_unread: bool,
    pub uses_files: bool,
    pub searches_files: bool,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
