//! Messages and replies, owned.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "chat_message")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub chat_id: Uuid,
    pub user_id: Uuid,
    pub seq: i64,
    pub parent_id: Option<Uuid>,
    pub client_message_id: Option<Uuid>,
    pub model: Option<String>,
    pub text: String,
    pub state: String,
    pub failure: Option<String>,
    pub superseded: bool,
    pub lease_owner: Option<Uuid>,
    pub lease_until_ms: Option<i64>,
    pub takeovers: i32,
    pub stop_wanted: bool,
    pub reasoning: Option<String>,
    pub prompt_tokens: Option<i64>,
    pub completion_tokens: Option<i64>,
    pub tokens_estimated: bool,
    pub context_from_id: Option<Uuid>,
    pub context_cut: Option<String>,
    pub created_at_ms: i64,
    pub uses_files: bool,
    pub files_searched: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
