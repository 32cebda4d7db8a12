//! What one person can do only so often in a while.

/// Something that is counted for each user. How often is in [`super::limits`], or a setting of the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// Whatever a browser asks for.
    Requests,
    /// Whatever a program asks for.
    ProgramRequests,
    /// Whatever belongs to resumable uploads, of a browser and of programs: many of them keep nobody from the rest.
    Uploads,
    /// Messages that are sent, and replies that are asked for again.
    Messages,
    /// New chats.
    Chats,
    /// Files that are made for whoever asks.
    Exports,
}

impl Quota {
    /// The stable word for too many of it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Requests => "too_many_requests",
            Self::ProgramRequests => "too_many_program_requests",
            Self::Uploads => "too_many_upload_requests",
            Self::Messages => "too_many_messages",
            Self::Chats => "too_many_chats",
            Self::Exports => "too_many_exports",
        }
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::ProgramRequests => "requests of your programs",
            Self::Uploads => "upload requests",
            Self::Messages => "messages",
            Self::Chats => "new chats",
            Self::Exports => "downloads",
        }
    }
}
