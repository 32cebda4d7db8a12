//! The storage for files: a folder, or an S3-compatible server. It knows blobs under random ids, and nothing of whose they
//! are; that is in the database, which is told first of every blob that is to be written (`db::blobs`).

use std::{
    error::Error as _,
    io,
    ops::Range,
    path::{Path as FilePath, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, GetRange, ObjectStore, ObjectStoreExt, RetryConfig, aws::AmazonS3Builder,
    local::LocalFileSystem, path::Path, prefix::PrefixStore,
};

use crate::{
    domain::ids::BlobId,
    error::{Error, Result},
    server::config::StorageConfig,
};

/// The folder in the data folder, unless another place is set.
const FOLDER: &str = "files";
/// Longest that an S3-compatible server may take to be connected, and to say something, and all attempts at a request
/// together.
const CONNECT_SECONDS_MAX: u64 = 10;
const SILENCE_SECONDS_MAX: u64 = 30;
const ATTEMPTS_SECONDS_MAX: u64 = 60;
const ATTEMPTS_MAX: usize = 4;

/// Where the content of files is kept. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// The folder, if it is one.
    folder: Option<PathBuf>,
}

impl Blobs {
    /// Opens the storage and tries whether it can be written to.
    ///
    /// # Errors
    /// One line that names the setting and what is wrong.
    pub async fn open(config: &StorageConfig) -> std::result::Result<Self, String> {
        let explain = |error: object_store::Error| format!("SARDONYX_FILES: {}", describe(&error));
        let blobs = match config.files.as_deref().filter(|place| place.contains("://")) {
            Some(url) => Self { store: open_s3(url)?, folder: None },
            None => {
                let folder = config.files.as_ref().map_or_else(|| config.data.join(FOLDER), PathBuf::from);
                std::fs::create_dir_all(&folder)
                    .map_err(|error| format!("SARDONYX_FILES: {} cannot be made: {error}", folder.display()))?;
                // Durable against a power loss, as the database is.
                let store = LocalFileSystem::new_with_prefix(&folder).map_err(explain)?.with_fsync(true);
                Self { store: Arc::new(store), folder: Some(folder) }
            }
        };
        blobs.store.put(&Path::from("check"), Bytes::from_static(b"ok").into()).await.map_err(explain)?;
        Ok(blobs)
    }

    /// Writes a blob, whole or not at all.
    ///
    /// # Errors
    /// [`Error::DiskFull`]; [`Error::Unavailable`].
    pub async fn put(&self, id: BlobId, content: Bytes) -> Result<()> {
        self.store.put(&path(id), content.into()).await.map(|_| ()).map_err(|error| failed("write", &error))
    }

    /// A part of a blob, piece by piece.
    ///
    /// # Errors
    /// [`Error::ContentMissing`] when there is no such blob; [`Error::Unavailable`].
    pub async fn read(&self, id: BlobId, range: Range<u64>) -> Result<BoxStream<'static, io::Result<Bytes>>> {
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let found = self.store.get_opts(&path(id), options).await.map_err(|error| failed("read", &error))?;
        Ok(found.into_stream().map(|piece| piece.map_err(io::Error::other)).boxed())
    }

    /// Whether there is such a blob.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn has(&self, id: BlobId) -> Result<bool> {
        match self.store.head(&path(id)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(failed("look for", &error)),
        }
    }

    /// Removes a blob, also one that was never written, or only half.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn remove(&self, id: BlobId) -> Result<()> {
        if let Some(folder) = &self.folder {
            remove_unfinished(folder, id);
        }
        match self.store.delete(&path(id)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed("remove", &error)),
        }
    }

    /// The ids of all blobs that there are.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn list(&self) -> Result<Vec<BlobId>> {
        let mut ids = Vec::new();
        let mut found = self.store.list(Some(&Path::from("blobs")));
        while let Some(blob) = found.next().await {
            let blob = blob.map_err(|error| failed("list", &error))?;
            ids.extend(blob.location.filename().and_then(|name| name.parse::<BlobId>().ok()));
        }
        Ok(ids)
    }
}

/// In folders by the random end of their ids, so that none has too many.
fn path(id: BlobId) -> Path {
    let name = id.to_string();
    Path::from_iter(["blobs", &name[name.len() - 2..], &name])
}

/// What is left when the server died while it wrote: the store writes beside the blob and renames (`<blob>#<n>`).
fn remove_unfinished(folder: &FilePath, id: BlobId) {
    let name = id.to_string();
    let Ok(entries) = std::fs::read_dir(folder.join("blobs").join(&name[name.len() - 2..])) else { return };
    for entry in entries.flatten() {
        let is_its = entry.file_name().to_str().is_some_and(|found| found.starts_with(&format!("{name}#")));
        if is_its && let Err(error) = std::fs::remove_file(entry.path()) {
            tracing::warn!(%error, "half a blob could not be removed");
        }
    }
}

fn open_s3(url: &str) -> std::result::Result<Arc<dyn ObjectStore>, String> {
    let explain = |error: object_store::Error| format!("SARDONYX_FILES: {}", describe(&error));
    let parsed = reqwest::Url::parse(url).map_err(|error| format!("SARDONYX_FILES: {error}"))?;
    if parsed.scheme() != "s3" {
        return Err("SARDONYX_FILES must be a folder, or begin with s3://".to_owned());
    }
    let retry = RetryConfig {
        max_retries: ATTEMPTS_MAX,
        retry_timeout: Duration::from_secs(ATTEMPTS_SECONDS_MAX),
        backoff: BackoffConfig::default(),
    };
    // A reader may be slow, and all of its download is one request here: only a server that is silent is given up.
    let client = ClientOptions::new()
        .with_timeout_disabled()
        .with_connect_timeout(Duration::from_secs(CONNECT_SECONDS_MAX))
        .with_read_timeout(Duration::from_secs(SILENCE_SECONDS_MAX))
        .with_allow_http(std::env::var("AWS_ALLOW_HTTP").is_ok_and(|value| value == "true"));
    let bucket = format!("s3://{}", parsed.host_str().unwrap_or_default());
    let store = AmazonS3Builder::from_env()
        .with_client_options(client)
        .with_retry(retry)
        .with_url(bucket)
        .build()
        .map_err(explain)?;
    Ok(match parsed.path().trim_matches('/') {
        "" => Arc::new(store),
        prefix => Arc::new(PrefixStore::new(store, prefix)),
    })
}

/// Logs what went wrong once, and gives what its user may know.
fn failed(doing: &'static str, error: &object_store::Error) -> Error {
    if matches!(error, object_store::Error::NotFound { .. }) {
        tracing::error!(doing, "the storage for files lost a blob");
        return Error::ContentMissing;
    }
    tracing::error!(doing, error = describe(error), "the storage for files failed");
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.downcast_ref::<io::Error>().is_some_and(has_no_room) {
            return Error::DiskFull;
        }
        cause = inner.source();
    }
    Error::Unavailable
}

/// Also where a limit on the size of files is in the way: pieces are small, so none would fit.
fn has_no_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

/// An error in one line. It names paths and addresses of the storage, no key.
fn describe(error: &object_store::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use nix::errno::Errno;

    use super::*;

    /// As `object_store::local` has what the disk said; its own type cannot be named here.
    #[derive(Debug)]
    struct Unwritten(io::Error);

    impl fmt::Display for Unwritten {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "Unable to copy data to file: {}", self.0)
        }
    }

    impl std::error::Error for Unwritten {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_disk_that_takes_no_more_is_full_and_one_that_fails_is_not() {
        for (errno, expected) in [
            (Errno::ENOSPC, Error::DiskFull),
            (Errno::EDQUOT, Error::DiskFull),
            (Errno::EFBIG, Error::DiskFull),
            (Errno::EIO, Error::Unavailable),
            (Errno::EACCES, Error::Unavailable),
        ] {
            let source = Box::new(Unwritten(errno.into()));
            let error = object_store::Error::Generic { store: "LocalFileSystem", source };
            assert_eq!(failed("write", &error), expected, "{errno}");
        }
    }
}
