//! Where to go after the log-in, after what a plain form did, and where what the server renders leads.

use super::{ids::FileId, limits};

/// The front page of somebody who is logged in.
pub const HOME_PATH: &str = "/chats";

/// All that one was told.
pub const NOTIFICATIONS_PATH: &str = "/notifications";

/// The list of active sessions.
pub const SESSIONS_PATH: &str = "/settings/sessions";

/// The second factor.
pub const SECOND_FACTOR_PATH: &str = "/settings/second-factor";
/// What the person likes, after it was saved.
pub const PREFERENCES_SAVED_PATH: &str = "/settings?done=1";

/// The list of personal access tokens.
pub const TOKENS_PATH: &str = "/settings/tokens";

/// Providers and their models.
pub const MODELS_PATH: &str = "/admin/models";
/// What is set for everybody.
pub const SITE_PATH: &str = "/admin/site";
/// The same, after it was saved.
pub const SITE_SAVED_PATH: &str = "/admin/site?done=1";

/// The form for a new password, after one was taken.
pub const PASSWORD_CHANGED_PATH: &str = "/settings/password?done=1";

/// The person's files.
pub const FILES_PATH: &str = "/files";

/// A file.
pub fn file_path(id: FileId) -> String {
    format!("{FILES_PATH}/{id}")
}

/// A file at this piece of its text.
pub fn passage_path(id: FileId, seq: u32) -> String {
    format!("{FILES_PATH}/{id}?at={seq}#chunk-{seq}")
}

/// A path on this site, never another site's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextPath(String);

impl NextPath {
    /// Reads a path as found in a URL; anything that a browser could take for another site becomes [`HOME_PATH`].
    pub fn parse(text: &str) -> Self {
        let is_own_path = text.len() <= limits::NEXT_PATH_BYTES_MAX
            && text.starts_with('/')
            && !text.starts_with("//")
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
            && !Self::is_door(text);
        Self(if is_own_path { text.to_owned() } else { HOME_PATH.to_owned() })
    }

    /// The path, with its query.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Paths that are no pages to come back to.
    fn is_door(path: &str) -> bool {
        ["/login", "/setup", "/api/", "/ws", "/live"].iter().any(|door| path.starts_with(door))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_kept() {
        assert_eq!(NextPath::parse("/chats/1?x=%2f").as_str(), "/chats/1?x=%2f");
        for text in [
            "",
            "//evil",
            "/\\evil",
            "\\\\evil",
            "https:evil",
            "https://evil",
            "javascript:alert(1)",
            "%2f%2fevil",
            "/\tevil",
            "/a\nb",
            "chats",
            "/login?next=/login",
            "/api/log_out",
        ] {
            assert_eq!(NextPath::parse(text).as_str(), HOME_PATH, "{text:?}");
        }
    }
}
