//! What a person reads of an error: one sentence that says what to do, or why there is nothing to do.

use super::{Error, InvalidInput};
use crate::domain::limits;

impl Error {
    /// What the person reads.
    pub fn text(self) -> String {
        match self {
            Self::Invalid(input) => return input.text(),
            Self::Malformed => "The request could not be read.",
            Self::WrongCredentials => "E-mail or password is not right.",
            Self::CodeNeeded => "Now the code from your authenticator, too.",
            Self::WrongCode => "This code is not right, or was used before. Wait for the next one.",
            Self::NotLoggedIn => "Please log in.",
            Self::SessionEnded(end) => end.text(),
            Self::Token => "This token is not valid, or not any more.",
            Self::Scope => "This token does not allow this.",
            Self::TokensOff => "Whoever runs this site does not let members make access tokens.",
            Self::ForeignOrigin => {
                "This request did not come from this site's own pages. If you run this site, check SARDONYX_PUBLIC_URL."
            }
            Self::SetupLink => "This set-up link is not valid, or was already used.",
            Self::OneTimeLink => "This link is not valid, is too old, or was already used. Ask for another one.",
            Self::Forbidden => "This is for administrators.",
            Self::LastAdmin => "This would leave the site without an administrator. Make somebody else one first.",
            Self::KeyNeeded => {
                "This address is another server than the one that the key was given for. Type the key again, or say that this server needs none."
            }
            Self::NotFound => "This does not exist, or it is not yours.",
            Self::Conflict => "This cannot be done as things stand. Reload the page and look.",
            Self::TooLarge => "This is more than the server accepts at once.",
            Self::FileTooLarge => "The file is larger than this site takes.",
            Self::StorageFull => "Your storage is full. Delete files that you no longer need, then try again.",
            Self::TooManyFiles => "One may have 20,000 files, and 100 unfinished uploads. Delete some first.",
            Self::ContentMissing => "The content of this file is missing on the server. Upload it again.",
            Self::DiskFull => "The server has no room left for files. Nothing that was kept is lost; try again later.",
            Self::UploadOffset => "The upload goes on from another place. Ask where it is, then go on from there.",
            Self::UploadCut => "The upload was cut off. What has arrived is kept; go on from there.",
            Self::TusVersion => "Uploads speak tus 1.0.0.",
            Self::TooMany => "Too much at once. Wait a moment, then try again.",
            Self::TooOften { what, seconds: 0 } => {
                return format!("Too many {} in a short time. Wait a moment, then try again.", what.name());
            }
            Self::TooOften { what, seconds } => {
                return format!("Too many {} in a short time. Try again in {}.", what.name(), waiting_time(seconds));
            }
            Self::ReplyRunning => "A reply is being written here. Wait until it has ended, or stop it.",
            Self::TooManyReplies => {
                "Too many of your messages are waiting for a reply. Wait until one has ended, or stop one."
            }
            Self::TooManyAttempts { seconds: 0 } => "Too many failed attempts. Wait some minutes, then try again.",
            Self::TooManyAttempts { seconds } => {
                return format!("Too many failed attempts. Try again in {}.", waiting_time(seconds));
            }
            Self::Unavailable => "The server cannot reach its data right now. Nothing is lost; try again in a moment.",
            Self::Busy => "The server is busy. Try again in a moment.",
            Self::Internal => "Something went wrong on the server.",
            Self::Offline => "The server cannot be reached. Check your connection, then try again.",
            Self::FileUnreadable => {
                "This cannot be read on your device: it is a folder, or it was changed, moved or deleted since it was chosen."
            }
        }
        .to_owned()
    }
}

/// Seconds as people say them.
fn waiting_time(seconds: u32) -> String {
    match seconds {
        1 => "one second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

impl InvalidInput {
    fn text(self) -> String {
        match self {
            Self::Email => format!(
                "This is not an e-mail address that can be used here (at most {} characters, no accents).",
                limits::EMAIL_CHARS_MAX
            ),
            Self::PasswordTooShort => format!("The password needs at least {} characters.", limits::PASSWORD_CHARS_MIN),
            Self::PasswordTooLong => {
                format!("The password can have at most {} characters.", limits::PASSWORD_CHARS_MAX)
            }
            Self::PasswordTooCommon => "This password is among the most used ones. Choose another.".to_owned(),
            Self::MessageEmpty => "The message is empty.".to_owned(),
            Self::MessageTooLong => format!("The message can have at most {} characters.", limits::MESSAGE_CHARS_MAX),
            Self::ControlCharacter => "The text has a character that cannot be stored (NUL).".to_owned(),
            Self::ClientMessageId => "The message's id is not a UUID.".to_owned(),
            Self::Model => "This model is not available. Choose another one.".to_owned(),
            Self::Cursor => "This place in the list does not exist.".to_owned(),
            Self::DisplayName => {
                format!("The name can have at most {} characters, and no line breaks.", limits::DISPLAY_NAME_CHARS_MAX)
            }
            Self::Choice => "This is not among the choices.".to_owned(),
            Self::Search => format!("What to look for can have at most {} characters.", limits::SEARCH_CHARS_MAX),
            Self::TokenName => {
                format!("A token needs a name of at most {} characters in one line.", limits::TOKEN_NAME_CHARS_MAX)
            }
            Self::TokenDays => format!("A token can last at most {} days.", limits::TOKEN_DAYS_MAX),
            Self::TokenScopes => "Choose what the token may do.".to_owned(),
            Self::ProviderName => format!(
                "A provider needs a name of at most {} small letters, digits and hyphens that no other provider has.",
                limits::PROVIDER_NAME_CHARS_MAX
            ),
            Self::ProviderUrl => format!(
                "A provider's address begins with http:// or https://, has no user, query or fragment, at most {} characters, and is not link-local.",
                limits::PROVIDER_URL_CHARS_MAX
            ),
            Self::ProviderKey => format!(
                "A key has at most {} characters, and no blank space or accents.",
                limits::PROVIDER_KEY_CHARS_MAX
            ),
            Self::SiteName => {
                format!("The site needs a name of at most {} characters in one line.", limits::SITE_NAME_CHARS_MAX)
            }
            Self::Notice => format!("The notice can have at most {} characters.", limits::NOTICE_CHARS_MAX),
            Self::InvitationDays => {
                format!("An invitation can hold between 1 and {} days.", limits::INVITATION_DAYS_MAX)
            }
            Self::TooManyVersions => format!("A message can have at most {} versions.", limits::VERSIONS_MAX),
            Self::FileName => {
                format!("A file needs a name of at most {} characters.", limits::FILE_NAME_CHARS_MAX)
            }
            Self::FileEmpty => "The file is empty.".to_owned(),
            Self::MessageFiles => {
                format!("A message can come with at most {} files.", limits::FILES_PER_MESSAGE_MAX)
            }
            Self::ChatFiles => format!(
                "A chat can have at most {} files of its own. Take some from it first.",
                limits::FILES_PER_CHAT_MAX
            ),
            Self::NoFile => "Choose a file first.".to_owned(),
            Self::FormFiles => {
                format!(
                    "Only {} files are taken at a time. These are kept; choose the others.",
                    limits::FILES_PER_FORM_MAX
                )
            }
            Self::ForkTooLong => {
                format!("A chat can begin with at most {} messages of another one.", limits::FORK_MESSAGES_MAX)
            }
        }
    }
}
