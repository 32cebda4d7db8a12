//! The one error of Sardonyx: what a person could act on, never its cause.
//!
//! Causes (SQL, HTTP, files) are logged once where they are handled, in `server`, and become one of these. The same value
//! crosses the wire to the browser. Every variant has a stable code, an HTTP status and a text.

mod text;

use leptos::{
    prelude::FromServerFnError,
    server_fn::{codec::JsonEncoding, error::ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

use crate::domain::{quota::Quota, session::SessionEnd};

/// What went wrong, for whoever asked. On the wire: `{"code": "…", "text": "…"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "ErrorBody", from = "ErrorBody")]
pub enum Error {
    /// An input is out of bounds. 422.
    Invalid(InvalidInput),
    /// The request as a whole could not be read. 400.
    Malformed,
    /// E-mail or password is wrong; it does not say which. 401.
    WrongCredentials,
    /// The password is right, and a code of the second factor is needed, too. 401.
    CodeNeeded,
    /// The code of the second factor is wrong, or was used. 401.
    WrongCode,
    /// Nobody is logged in. 401.
    NotLoggedIn,
    /// Somebody was logged in, and that session is over. 401.
    SessionEnded(SessionEnd),
    /// A program's token is not valid, or not any more. 401.
    Token,
    /// A program's token is valid, but not for this. 403.
    Scope,
    /// Members of this site may not make tokens. 403.
    TokensOff,
    /// It came from another site's page, or from none. 403.
    ForeignOrigin,
    /// The set-up link is wrong, or was used. 403.
    SetupLink,
    /// The link is wrong, too old, or was used. 403.
    OneTimeLink,
    /// The person's role does not allow it. 403.
    Forbidden,
    /// It would leave the site without an administrator. 409.
    LastAdmin,
    /// A provider's address leads to another server than the one that its key was given for. 409.
    KeyNeeded,
    /// It is not there, or not yours: the same answer for both. 404.
    NotFound,
    /// The same client message id was used for another text, or what was asked does not suit the present state. 409.
    Conflict,
    /// The body is larger than allowed. 413.
    TooLarge,
    /// The file is larger than this site takes. 413.
    FileTooLarge,
    /// All files of the person together would be more than this site keeps for each. 507.
    StorageFull,
    /// The person has as many files as one may have, or as many uploads that are not complete. 409.
    TooManyFiles,
    /// The content of a file is not where it was kept. 404.
    ContentMissing,
    /// There is no room where files are kept. 507.
    DiskFull,
    /// A piece of an upload does not begin where the last one ended. 409.
    UploadOffset,
    /// The client went away, or sent too slowly. 408.
    UploadCut,
    /// A client of tus that speaks another version. 412.
    TusVersion,
    /// A limit on how much at a time is reached. 429.
    TooMany,
    /// Too much of something in a short time; the next one is welcome after so many seconds. 429.
    TooOften { what: Quota, seconds: u32 },
    /// A reply is being written that this would take away. 409.
    ReplyRunning,
    /// Too many replies are written for the same person at the moment. 429.
    TooManyReplies,
    /// Too many failed attempts to prove who one is; the next one counts after so many seconds. 429.
    TooManyAttempts { seconds: u32 },
    /// The database, Redis or the storage of files does not answer. 503.
    Unavailable,
    /// Too much to do for a moment. 503.
    Busy,
    /// A fault of our own. 500.
    Internal,
    /// The browser could not reach the server. Never sent.
    Offline,
    /// The browser could not read a file that was chosen. Never sent.
    FileUnreadable,
}

/// Which input is out of bounds, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidInput {
    Email,
    PasswordTooShort,
    PasswordTooLong,
    PasswordTooCommon,
    MessageEmpty,
    MessageTooLong,
    ControlCharacter,
    ClientMessageId,
    Model,
    Cursor,
    DisplayName,
    Choice,
    Search,
    TokenName,
    TokenDays,
    TokenScopes,
    ProviderName,
    ProviderUrl,
    ProviderKey,
    SiteName,
    Notice,
    InvitationDays,
    TooManyVersions,
    ForkTooLong,
    FileName,
    FileEmpty,
    /// Too many files for one message.
    MessageFiles,
    /// Too many files of one chat.
    ChatFiles,
    /// No file where there has to be one.
    NoFile,
    /// Too many files of one form; the first ones are kept.
    FormFiles,
}

/// The wire form of an [`Error`]: its code counts, its text is for people.
#[derive(Serialize, Deserialize)]
struct ErrorBody {
    code: String,
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u32>,
}

impl From<Error> for ErrorBody {
    fn from(error: Error) -> Self {
        Self { code: error.code().to_owned(), text: error.text(), retry_after_seconds: error.retry_after_seconds() }
    }
}

impl From<ErrorBody> for Error {
    fn from(body: ErrorBody) -> Self {
        match (Self::from_code(&body.code), body.retry_after_seconds) {
            (Some(Self::TooManyAttempts { .. }), Some(seconds)) => Self::TooManyAttempts { seconds },
            (Some(Self::TooOften { what, .. }), Some(seconds)) => Self::TooOften { what, seconds },
            (error, _) => error.unwrap_or(Self::Internal),
        }
    }
}

/// The result of anything that can go wrong for somebody.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    const ALL: [Self; 75] = [
        Self::Invalid(InvalidInput::Email),
        Self::Invalid(InvalidInput::PasswordTooShort),
        Self::Invalid(InvalidInput::PasswordTooLong),
        Self::Invalid(InvalidInput::PasswordTooCommon),
        Self::Invalid(InvalidInput::MessageEmpty),
        Self::Invalid(InvalidInput::MessageTooLong),
        Self::Invalid(InvalidInput::ControlCharacter),
        Self::Invalid(InvalidInput::ClientMessageId),
        Self::Invalid(InvalidInput::Model),
        Self::Invalid(InvalidInput::Cursor),
        Self::Invalid(InvalidInput::DisplayName),
        Self::Invalid(InvalidInput::Choice),
        Self::Invalid(InvalidInput::Search),
        Self::Invalid(InvalidInput::TokenName),
        Self::Invalid(InvalidInput::TokenDays),
        Self::Invalid(InvalidInput::TokenScopes),
        Self::Invalid(InvalidInput::ProviderName),
        Self::Invalid(InvalidInput::ProviderUrl),
        Self::Invalid(InvalidInput::ProviderKey),
        Self::Invalid(InvalidInput::SiteName),
        Self::Invalid(InvalidInput::Notice),
        Self::Invalid(InvalidInput::InvitationDays),
        Self::Invalid(InvalidInput::TooManyVersions),
        Self::Invalid(InvalidInput::ForkTooLong),
        Self::Invalid(InvalidInput::FileName),
        Self::Invalid(InvalidInput::FileEmpty),
        Self::Invalid(InvalidInput::MessageFiles),
        Self::Invalid(InvalidInput::ChatFiles),
        Self::Invalid(InvalidInput::NoFile),
        Self::Invalid(InvalidInput::FormFiles),
        Self::Malformed,
        Self::WrongCredentials,
        Self::CodeNeeded,
        Self::WrongCode,
        Self::NotLoggedIn,
        Self::SessionEnded(SessionEnd::Expired),
        Self::SessionEnded(SessionEnd::LoggedOut),
        Self::SessionEnded(SessionEnd::Revoked),
        Self::SessionEnded(SessionEnd::RevokedByAdmin),
        Self::SessionEnded(SessionEnd::PasswordChanged),
        Self::Token,
        Self::Scope,
        Self::TokensOff,
        Self::ForeignOrigin,
        Self::SetupLink,
        Self::OneTimeLink,
        Self::Forbidden,
        Self::LastAdmin,
        Self::KeyNeeded,
        Self::NotFound,
        Self::Conflict,
        Self::TooLarge,
        Self::FileTooLarge,
        Self::StorageFull,
        Self::TooManyFiles,
        Self::ContentMissing,
        Self::DiskFull,
        Self::UploadOffset,
        Self::UploadCut,
        Self::TusVersion,
        Self::TooMany,
        Self::TooOften { what: Quota::Requests, seconds: 0 },
        Self::TooOften { what: Quota::ProgramRequests, seconds: 0 },
        Self::TooOften { what: Quota::Uploads, seconds: 0 },
        Self::TooOften { what: Quota::Messages, seconds: 0 },
        Self::TooOften { what: Quota::Chats, seconds: 0 },
        Self::TooOften { what: Quota::Exports, seconds: 0 },
        Self::ReplyRunning,
        Self::TooManyReplies,
        Self::TooManyAttempts { seconds: 0 },
        Self::Unavailable,
        Self::Busy,
        Self::Internal,
        Self::Offline,
        Self::FileUnreadable,
    ];

    /// The stable word for it, in URLs and answers.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invalid(InvalidInput::Email) => "email_invalid",
            Self::Invalid(InvalidInput::PasswordTooShort) => "password_too_short",
            Self::Invalid(InvalidInput::PasswordTooLong) => "password_too_long",
            Self::Invalid(InvalidInput::PasswordTooCommon) => "password_too_common",
            Self::Invalid(InvalidInput::MessageEmpty) => "message_empty",
            Self::Invalid(InvalidInput::MessageTooLong) => "message_too_long",
            Self::Invalid(InvalidInput::ControlCharacter) => "control_character",
            Self::Invalid(InvalidInput::ClientMessageId) => "client_message_id_invalid",
            Self::Invalid(InvalidInput::Model) => "model_invalid",
            Self::Invalid(InvalidInput::Cursor) => "cursor_invalid",
            Self::Invalid(InvalidInput::DisplayName) => "display_name_invalid",
            Self::Invalid(InvalidInput::Choice) => "choice_invalid",
            Self::Invalid(InvalidInput::Search) => "search_invalid",
            Self::Invalid(InvalidInput::TokenName) => "token_name_invalid",
            Self::Invalid(InvalidInput::TokenDays) => "token_days_invalid",
            Self::Invalid(InvalidInput::TokenScopes) => "token_scopes_invalid",
            Self::Invalid(InvalidInput::ProviderName) => "provider_name_invalid",
            Self::Invalid(InvalidInput::ProviderUrl) => "provider_url_invalid",
            Self::Invalid(InvalidInput::ProviderKey) => "provider_key_invalid",
            Self::Invalid(InvalidInput::SiteName) => "site_name_invalid",
            Self::Invalid(InvalidInput::Notice) => "notice_invalid",
            Self::Invalid(InvalidInput::InvitationDays) => "invitation_days_invalid",
            Self::Invalid(InvalidInput::TooManyVersions) => "too_many_versions",
            Self::Invalid(InvalidInput::ForkTooLong) => "fork_too_long",
            Self::Invalid(InvalidInput::FileName) => "file_name_invalid",
            Self::Invalid(InvalidInput::FileEmpty) => "file_empty",
            Self::Invalid(InvalidInput::MessageFiles) => "message_files",
            Self::Invalid(InvalidInput::ChatFiles) => "chat_files",
            Self::Invalid(InvalidInput::NoFile) => "no_file",
            Self::Invalid(InvalidInput::FormFiles) => "form_files",
            Self::Malformed => "malformed",
            Self::WrongCredentials => "wrong_credentials",
            Self::CodeNeeded => "code_needed",
            Self::WrongCode => "wrong_code",
            Self::NotLoggedIn => "not_logged_in",
            Self::SessionEnded(end) => end.name(),
            Self::Token => "token_invalid",
            Self::Scope => "scope_missing",
            Self::TokensOff => "tokens_off",
            Self::ForeignOrigin => "foreign_origin",
            Self::SetupLink => "setup_link",
            Self::OneTimeLink => "one_time_link",
            Self::Forbidden => "forbidden",
            Self::LastAdmin => "last_admin",
            Self::KeyNeeded => "key_needed",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::TooLarge => "too_large",
            Self::FileTooLarge => "file_too_large",
            Self::StorageFull => "storage_full",
            Self::TooManyFiles => "too_many_files",
            Self::ContentMissing => "content_missing",
            Self::DiskFull => "disk_full",
            Self::UploadOffset => "upload_offset",
            Self::UploadCut => "upload_cut",
            Self::TusVersion => "tus_version",
            Self::TooMany => "too_many",
            Self::TooOften { what, .. } => what.code(),
            Self::ReplyRunning => "reply_running",
            Self::TooManyReplies => "too_many_replies",
            Self::TooManyAttempts { .. } => "too_many_attempts",
            Self::Unavailable => "unavailable",
            Self::Busy => "busy",
            Self::Internal => "internal",
            Self::Offline => "offline",
            Self::FileUnreadable => "file_unreadable",
        }
    }

    /// Reads [`Error::code`].
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.code() == code)
    }

    /// How long to wait before asking again, for errors that pass.
    pub const fn retry_after_seconds(self) -> Option<u32> {
        match self {
            Self::TooManyAttempts { seconds } | Self::TooOften { seconds, .. } => Some(seconds),
            Self::TooMany | Self::TooManyReplies | Self::DiskFull | Self::Unavailable | Self::Busy => Some(5),
            _ => None,
        }
    }

    /// The HTTP status of an answer that carries it.
    pub const fn status(self) -> u16 {
        match self {
            Self::Invalid(_) | Self::FileUnreadable => 422,
            Self::Malformed => 400,
            Self::WrongCredentials
            | Self::CodeNeeded
            | Self::WrongCode
            | Self::NotLoggedIn
            | Self::SessionEnded(_)
            | Self::Token => 401,
            Self::ForeignOrigin
            | Self::SetupLink
            | Self::OneTimeLink
            | Self::Forbidden
            | Self::Scope
            | Self::TokensOff => 403,
            Self::NotFound | Self::ContentMissing => 404,
            Self::UploadCut => 408,
            Self::TusVersion => 412,
            Self::StorageFull | Self::DiskFull => 507,
            Self::UploadOffset
            | Self::TooManyFiles
            | Self::Conflict
            | Self::ReplyRunning
            | Self::LastAdmin
            | Self::KeyNeeded => 409,
            Self::TooLarge | Self::FileTooLarge => 413,
            Self::TooMany | Self::TooOften { .. } | Self::TooManyReplies | Self::TooManyAttempts { .. } => 429,
            Self::Unavailable | Self::Busy | Self::Offline => 503,
            Self::Internal => 500,
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

impl std::error::Error for Error {}

impl From<InvalidInput> for Error {
    fn from(input: InvalidInput) -> Self {
        Self::Invalid(input)
    }
}

impl FromServerFnError for Error {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) | ServerFnErrorErr::Response(_) => Self::Offline,
            ServerFnErrorErr::Deserialization(_) | ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => {
                Self::Malformed
            }
            _ => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::limits;

    #[test]
    fn every_error_has_a_code_of_its_own_and_a_text() {
        for error in Error::ALL {
            assert_eq!(Error::from_code(error.code()), Some(error));
            assert!(!error.text().is_empty());
            assert!((400..600).contains(&error.status()));
        }
    }

    #[test]
    fn what_is_said_of_too_many_files_is_their_limits() {
        assert!(Error::TooManyFiles.text().contains("20,000 files, and 100 unfinished"));
        assert_eq!((limits::FILES_PER_USER_MAX, limits::UPLOADS_PER_USER_MAX), (20_000, 100));
    }
}
