//! What outlives a component: the session, the chat list, the open conversation, drafts, the live connection.
//!
//! No markup here. Each has a `provide_…` that the app calls and a `use_…` for whoever needs it, except
//! [`conversation::Conversation`], which a chat's page makes and hands down. They belong to the app, not to a page, so that
//! a task that outlives its page finds them still there.

pub mod browser_notifications;
pub mod chat_list;
mod connection;
pub mod conversation;
pub mod drafts;
pub mod effect;
pub mod entry;
pub mod fetched;
pub mod followed;
pub mod live;
pub mod news;
pub mod reading;
pub mod self_test;
pub mod session;
pub mod site;
pub mod socket;
mod storage;
pub mod submission;
pub mod unread;
pub mod upload;
mod upload_guard;
mod upload_request;
pub mod uploads;
