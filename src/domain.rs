//! Plain types that both halves name: no I/O, no framework, no database.
//!
//! A raw string becomes one of these types once, at the door (`api`, `router`, `cli`); inner code takes the type. To add
//! one, give it a `parse` that refuses what the bound in [`limits`] forbids and says so with an [`InvalidInput`].
//!
//! [`InvalidInput`]: crate::error::InvalidInput

pub mod admin;
pub mod arrival;
pub mod chat;
pub mod chat_settings;
pub mod device;
pub mod draft;
pub mod file;
pub mod file_kind;
pub mod file_state;
pub mod ids;
pub mod limits;
pub mod live;
pub mod message;
pub mod model;
pub mod next;
pub mod notification;
pub mod place;
pub mod preferences;
pub mod preview;
pub mod provider;
pub mod quota;
pub mod reply;
pub mod search;
pub mod second_factor;
pub mod session;
pub mod site;
pub mod source;
pub mod stored;
pub mod token;
pub mod user;
