//! Files over the wire.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::{
    file::{File, FilePage, Storage},
    file_state::FileState,
};

/// A file.
#[derive(Serialize, ToSchema)]
#[schema(as = File)]
pub struct FileView {
    id: String,
    name: String,
    /// `pdf`, `docx`, `text`, `png` and so on; `other` for what is kept, but not read.
    kind: &'static str,
    size_bytes: u64,
    /// So much of it is here: less than its size while an upload is not complete.
    received_bytes: u64,
    /// `uploading`, `waiting`, `reading`, `indexing`, `ready` or `failed`.
    state: &'static str,
    /// Why it could not be read. It is kept all the same.
    failure: Option<FileFailureView>,
    created_at_ms: i64,
}

/// Why a file could not be read.
#[derive(Serialize, ToSchema)]
#[schema(as = FileFailure)]
pub struct FileFailureView {
    /// The stable word for it.
    code: &'static str,
    /// For people.
    text: &'static str,
}

impl From<File> for FileView {
    fn from(file: File) -> Self {
        let failure = match file.state {
            FileState::Failed(failure) => Some(FileFailureView { code: failure.name(), text: failure.text() }),
            _ => None,
        };
        Self {
            id: file.id.to_string(),
            name: file.name.as_str().to_owned(),
            kind: file.kind.name(),
            size_bytes: file.size_bytes,
            received_bytes: file.received_bytes,
            state: file.state.name(),
            failure,
            created_at_ms: file.created_at_ms,
        }
    }
}

/// A page of files, and how much room they take.
#[derive(Serialize, ToSchema)]
#[schema(as = FilePage)]
pub struct FilePageView {
    files: Vec<FileView>,
    /// The next page is `after` this file; nothing when this is the last.
    next_after: Option<String>,
    storage: StorageView,
}

/// How much room files take.
#[derive(Serialize, ToSchema)]
#[schema(as = Storage)]
pub struct StorageView {
    files: u64,
    used_bytes: u64,
    /// What all files together may take.
    bytes_max: u64,
    /// What one file may take.
    file_bytes_max: u64,
}

impl From<FilePage> for FilePageView {
    fn from(page: FilePage) -> Self {
        let Storage { files, used_bytes, bytes_max, file_bytes_max } = page.storage;
        Self {
            files: page.files.into_iter().map(FileView::from).collect(),
            next_after: page.next_after.map(|id| id.to_string()),
            storage: StorageView { files, used_bytes, bytes_max, file_bytes_max },
        }
    }
}

/// Which files, and from where on.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FileParams {
    /// A part of the name.
    pub search: Option<String>,
    /// `newest`, `name` or `size`.
    pub order: Option<String>,
    /// From the page before.
    pub after: Option<String>,
}

/// What a new file is called.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NewFileParams {
    #[param(example = "report.pdf")]
    pub name: String,
}
