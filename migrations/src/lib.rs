//! The database schema, one file per step, the same code for SQLite and Postgres.
//!
//! Steps only go forward and are never edited once released. To add one: a file `m<number>_<what>.rs` with a
//! [`MigrationTrait`], its line in [`Migrator::migrations`], the entity in `src/server/db/entity/`, and, when the table
//! holds what somebody owns, `user_id NOT NULL` with a foreign key that carries it.
//!
//! Times are milliseconds since 1970 (UTC) in `bigint` columns named `*_at_ms`, so that both databases order and compare
//! them alike.

pub use sea_orm_migration::prelude::*;

mod m0001_user;
mod m0002_site;
mod m0003_session_record;
mod m0004_chat_session;
mod m0005_chat_message;
mod m0006_login_session;
mod m0007_login_attempt;
mod m0008_preferences;
mod m0009_one_time_link;
mod m0010_audit_entry;
mod m0011_notification;
mod m0012_second_factor;
mod m0020_login_session_name;
mod m0021_access_token;
mod m0022_provider;
mod m0023_site_settings;
mod m0024_reply_attempts;
mod m0026_reply_details;
mod m0027_chat_summary;
mod m0028_message_tree;
mod m0029_unread;
mod m0030_model_dialect;
mod m0031_chat_draft;
mod m0032_user_file;
mod m0033_file_chunk;
mod m0034_file_index;
mod m0035_message_file;
mod m0036_file_lookup;
mod m0037_unsent_file;
mod m0038_vector_parts;
mod m0039_text_sums;
mod m0040_deletion;
mod m0041_file_notification;
mod m0042_unread_pages;

/// All steps, in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_user::Migration),
            Box::new(m0002_site::Migration),
            Box::new(m0003_session_record::Migration),
            Box::new(m0004_chat_session::Migration),
            Box::new(m0005_chat_message::Migration),
            Box::new(m0006_login_session::Migration),
            Box::new(m0007_login_attempt::Migration),
            Box::new(m0008_preferences::Migration),
            Box::new(m0009_one_time_link::Migration),
            Box::new(m0010_audit_entry::Migration),
            Box::new(m0011_notification::Migration),
            Box::new(m0012_second_factor::Migration),
            Box::new(m0020_login_session_name::Migration),
            Box::new(m0021_access_token::Migration),
            Box::new(m0022_provider::Migration),
            Box::new(m0023_site_settings::Migration),
            Box::new(m0024_reply_attempts::Migration),
            Box::new(m0026_reply_details::Migration),
            Box::new(m0027_chat_summary::Migration),
            Box::new(m0028_message_tree::Migration),
            Box::new(m0029_unread::Migration),
            Box::new(m0030_model_dialect::Migration),
            Box::new(m0031_chat_draft::Migration),
            Box::new(m0032_user_file::Migration),
            Box::new(m0033_file_chunk::Migration),
            Box::new(m0034_file_index::Migration),
            Box::new(m0035_message_file::Migration),
            Box::new(m0036_file_lookup::Migration),
            Box::new(m0037_unsent_file::Migration),
            Box::new(m0038_vector_parts::Migration),
            Box::new(m0039_text_sums::Migration),
            Box::new(m0040_deletion::Migration),
            Box::new(m0041_file_notification::Migration),
            Box::new(m0042_unread_pages::Migration),
        ]
    }
}
