//! Pieces of files' text, owned.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "file_chunk")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub file_id: Uuid,
    pub user_id: Uuid,
    pub seq: i32,
    pub place: String,
    pub place_number: Option<i32>,
    pub place_name: Option<String>,
    pub heading: String,
    pub text: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
