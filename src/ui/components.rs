//! What pages are made of, one component per file.
//!
//! A component is given what it shows; only `layout` and the pages fetch.

pub mod account_menu;
pub mod action_form;
pub mod admin_frame;
pub mod browser_notifications;
pub mod chat_header;
pub mod chat_link;
pub mod chat_links;
pub mod chat_view;
pub mod code_field;
pub mod composer;
pub mod connection_status;
pub mod context_mark;
pub mod conversation_log;
pub mod door;
pub mod email_field;
pub mod fetch_failed;
pub mod field;
pub mod layout;
pub mod loading;
pub mod log_in_dialog;
pub mod logo;
pub mod markdown;
pub mod message;
mod message_actions;
mod message_edit;
pub mod message_field;
pub mod model_hint;
pub mod model_picker;
pub mod new_chat_form;
pub mod not_found;
pub mod notice;
pub mod notification_bell;
pub mod notifications;
pub mod page_title;
pub mod password_field;
pub mod provider_form;
pub mod reply_details;
pub mod reply_outcome;
pub mod retry_form;
pub mod session_banner;
pub mod settings_frame;
pub mod setup_form;
pub mod site_notice;
pub mod stop_form;
pub mod timestamp;
