//! Files of messages, and sources of replies, owned.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "message_file")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub message_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    pub chat_id: Uuid,
    pub user_id: Uuid,
    pub file_id: Option<Uuid>,
    pub name: String,
    pub used_as: String,
    pub seq: Option<i32>,
    pub place: Option<String>,
    pub place_number: Option<i32>,
    pub place_name: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
