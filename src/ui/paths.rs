//! The one table of page URLs: every link and every navigation takes its path from here.
//!
//! The patterns that the router matches are in `app`; a path here and its pattern there change together.

use crate::domain::{
    chat::ChatCursor,
    ids::{ChatId, FileId},
    notification::{Notification, NotificationKind},
    session::SessionEnd,
};

pub use crate::domain::next::{
    FILES_PATH, HOME_PATH as CHATS_PATH, MODELS_PATH, NOTIFICATIONS_PATH, SECOND_FACTOR_PATH, SESSIONS_PATH, SITE_PATH,
    TOKENS_PATH, file_path, passage_path,
};

/// The second factor's key as a picture.
pub const SECOND_FACTOR_PICTURE_PATH: &str = "/settings/second-factor.svg";

/// People, for those who run the site.
pub const PEOPLE_PATH: &str = "/admin";
/// Everybody's sessions.
pub const LIVE_SESSIONS_PATH: &str = "/admin/sessions";
/// The audit log.
pub const AUDIT_PATH: &str = "/admin/audit";
/// The audit log as a file.
pub const AUDIT_CSV_PATH: &str = "/admin/audit.csv";
/// What the person likes.
pub const PREFERENCES_PATH: &str = "/settings";
/// All that is one's own: taken along, or deleted.
pub const DATA_PATH: &str = "/settings/data";
/// All that is one's own, as a file.
pub const DATA_FILE_PATH: &str = "/settings/data.json";
/// The form for a new password.
pub const PASSWORD_PATH: &str = "/settings/password";

/// Whether everything gets through between browser and server.
pub const CONNECTION_PATH: &str = "/settings/connection";

/// What the API for programs says of itself: a document of its own.
pub const API_DOCS_PATH: &str = "/api/v1/docs";

/// A chat.
pub fn chat_path(id: ChatId) -> String {
    format!("{CHATS_PATH}/{id}")
}

/// The stretch of a file's text that begins at this piece.
pub fn file_text_path(id: FileId, from: u32) -> String {
    format!("{FILES_PATH}/{id}?from={from}")
}

/// A small picture of a file that is an image.
pub fn thumbnail_path(id: FileId) -> String {
    format!("{FILES_PATH}/{id}/thumbnail")
}

/// What one looks at of a file that is an image.
pub fn picture_path(id: FileId) -> String {
    format!("{FILES_PATH}/{id}/view")
}

/// A file's content, as a download.
pub fn file_content_path(id: FileId) -> String {
    format!("{FILES_PATH}/{id}/content")
}

/// What a notification is about.
pub fn notification_path(item: &Notification) -> Option<String> {
    match (item.chat_id, item.file_id, item.kind) {
        (Some(chat_id), ..) => Some(chat_path(chat_id)),
        (_, Some(file_id), _) => Some(file_path(file_id)),
        (.., NotificationKind::NewDevice) => Some(SESSIONS_PATH.to_owned()),
        _ => None,
    }
}

/// What belongs to a chat besides what is said in it.
pub fn chat_settings_path(id: ChatId) -> String {
    format!("{CHATS_PATH}/{id}/settings")
}

/// The part of a chat that ends before the place `before_seq`.
pub fn older_messages_path(id: ChatId, before_seq: i64) -> String {
    format!("{CHATS_PATH}/{id}?before_seq={before_seq}")
}

/// The chat list from a place on.
pub fn older_chats_path(before: ChatCursor) -> String {
    format!("{CHATS_PATH}?before_ms={}&before_id={}", before.updated_at_ms, before.id)
}

/// The log-in page, which leads to `next` afterwards.
pub fn login_path(next: Option<&str>, reason: Option<SessionEnd>) -> String {
    let mut path = String::from("/login");
    let mut separator = '?';
    if let Some(reason) = reason {
        path.push_str("?reason=");
        path.push_str(reason.name());
        separator = '&';
    }
    if let Some(next) = next {
        path.push(separator);
        path.push_str("next=");
        push_encoded(&mut path, next);
    }
    path
}

/// A query with these fields.
pub fn query(fields: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        push_encoded(&mut text, value);
    }
    text
}

/// Percent-encodes everything that has a meaning of its own in a query.
fn push_encoded(path: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_to_come_back_to_survives_the_query() {
        assert_eq!(login_path(None, None), "/login");
        assert_eq!(login_path(Some("/chats/1?a=b&c"), None), "/login?next=/chats/1%3Fa%3Db%26c");
        assert_eq!(login_path(Some("/chats"), Some(SessionEnd::Expired)), "/login?reason=session_expired&next=/chats");
    }
}
