//! The one table of page URLs: every link and every navigation takes its path from here.
//!
//! The patterns that the router matches are in `app`; a path here and its pattern there change together.

use crate::domain::{chat::ChatCursor, ids::ChatId, session::SessionEnd};

pub use crate::domain::next::{HOME_PATH as CHATS_PATH, SESSIONS_PATH};

/// The form for a new password.
pub const PASSWORD_PATH: &str = "/settings/password";

/// A chat.
pub fn chat_path(id: ChatId) -> String {
    format!("{CHATS_PATH}/{id}")
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
