//! Files, owned.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_file")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: Uuid,
    pub name: String,
    pub name_key: String,
    pub kind: String,
    pub size_bytes: i64,
    pub received_bytes: i64,
    pub modified_at_ms: Option<i64>,
    pub state: String,
    pub failure: Option<String>,
    pub lease_owner: Option<Uuid>,
    pub lease_until_ms: Option<i64>,
    pub attempts: i32,
    pub created_at_ms: i64,
    pub text_chars: i64,
    pub chunks: i32,
    pub width: Option<i32>,
    pub height: Option<i32>,
    pub pages: Option<i32>,
    pub unread_pages: Option<i32>,
    pub embedded_by: Option<String>,
    pub is_kept: bool,
    pub unused_until_ms: Option<i64>,
    pub for_chat_id: Option<Uuid>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
