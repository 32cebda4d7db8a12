//! One file that is, or was, sent from this tab, and how far it is. What sends it is `uploads`.

use leptos::prelude::*;
use web_sys::File as BrowserFile;

use crate::{
    domain::{
        file::{File, FileName},
        file_state::FileState,
        ids::ChatId,
    },
    error::Error,
};

/// How an upload is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadState {
    /// Others come first, or somebody has to log in again.
    Waiting,
    Running,
    /// It was cut off, and goes on in a moment.
    Interrupted,
    Done,
    Failed(Error),
}

/// How much of an upload came through, and how fast.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    pub sent_bytes: f64,
    /// None until it is known.
    pub bytes_per_second: Option<f64>,
}

/// What a file is uploaded for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoesWith {
    /// For its own sake.
    Library,
    /// A message that is being written in this chat: it is deleted with the last chat that has it.
    Message(ChatId),
    /// Kept for its own sake, and given to this chat.
    Chat(ChatId),
}

/// A file that is, or was, sent from here. What changes about it is in signals of its own, so that a piece of one file
/// touches its own row and no other.
#[derive(Clone)]
pub struct Upload {
    pub key: u32,
    pub name: String,
    pub size_bytes: f64,
    pub state: ArcRwSignal<UploadState>,
    pub progress: ArcRwSignal<Progress>,
    /// When the file was changed last, as it was chosen.
    pub(super) modified_ms: f64,
    pub(super) goes_with: GoesWith,
    /// Where on the server it goes, once that is known.
    pub(super) place: ArcRwSignal<Option<String>>,
}

impl Upload {
    pub(super) fn new(
        key: u32,
        content: &BrowserFile,
        state: UploadState,
        goes_with: GoesWith,
        place: Option<String>,
    ) -> Self {
        Self {
            key,
            name: content.name(),
            size_bytes: content.size(),
            modified_ms: content.last_modified(),
            state: ArcRwSignal::new(state),
            progress: ArcRwSignal::default(),
            goes_with,
            place: ArcRwSignal::new(place),
        }
    }

    /// Whether it was given up by itself, and why.
    pub fn failure(&self) -> Option<Error> {
        match self.state.get() {
            UploadState::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// The file that it became, once all of it is there.
    pub fn file_id(&self) -> Option<String> {
        let is_done = self.state.get() == UploadState::Done;
        let of_place = |place: &String| place.rsplit('/').next().map(str::to_owned);
        self.place.with(|place| place.as_ref().filter(|_| is_done).and_then(of_place))
    }

    pub(super) fn is(&self, state: UploadState) -> bool {
        self.state.get_untracked() == state
    }

    pub(super) fn sent_bytes(&self) -> f64 {
        self.progress.with_untracked(|progress| progress.sent_bytes)
    }

    pub(super) fn set_sent(&self, sent_bytes: f64) {
        self.progress.update(|progress| progress.sent_bytes = sent_bytes);
    }

    /// Forgets where it went: the next attempt begins anew.
    pub(super) fn forget_place(&self) {
        self.place.set(None);
        self.progress.set(Progress::default());
    }
}

impl UploadState {
    /// Whether there is still something to do.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Running | Self::Interrupted)
    }
}

impl GoesWith {
    /// Whether an unfinished file on the server is the one that was chosen here, for the same use.
    pub(super) fn fits(self, file: &File, content: &BrowserFile) -> bool {
        let use_of_it = match self {
            Self::Library => (true, None),
            Self::Message(chat_id) => (false, Some(chat_id)),
            Self::Chat(chat_id) => (true, Some(chat_id)),
        };
        (file.is_kept, file.for_chat_id) == use_of_it && is_same(file, content)
    }
}

fn is_same(file: &File, content: &BrowserFile) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "a browser counts bytes and moments so, too")]
    let (size, modified) = (file.size_bytes as f64, file.modified_at_ms.unwrap_or_default() as f64);
    file.state == FileState::Uploading
        // As the server took it.
        && FileName::parse(&content.name()).is_ok_and(|name| name == file.name)
        && size.to_bits() == content.size().to_bits()
        && modified.to_bits() == content.last_modified().to_bits()
}
