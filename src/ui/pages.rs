//! One component per URL; the table that says which is `app`'s.

pub mod chat;
pub mod chat_list;
pub mod login;
pub mod not_found;
pub mod password;
pub mod sessions;
pub mod setup;
