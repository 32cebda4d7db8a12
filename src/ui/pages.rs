//! One component per URL; the table that says which is `app`'s.

pub mod audit;
pub mod chat;
pub mod chat_list;
pub mod chat_settings;
pub mod connection;
pub mod data;
pub mod file;
pub mod files;
pub mod live_sessions;
pub mod login;
pub mod models;
pub mod not_found;
pub mod notifications;
pub mod password;
pub mod people;
pub mod preferences;
pub mod second_factor;
pub mod sessions;
pub mod setup;
pub mod site;
pub mod tokens;
pub mod welcome;
