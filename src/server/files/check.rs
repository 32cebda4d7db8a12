//! Compares the storage with the tables, for the operator: after a backup was put back, say. In everyday life they agree
//! (`db::blobs`).

use std::collections::{HashMap, HashSet};

use super::blobs::Blobs;
use crate::{
    domain::ids::{BlobId, FileId},
    error::Result,
    server::db::Db,
};

/// What does not agree.
#[derive(Debug, Default)]
pub struct Report {
    /// How many pieces the storage has.
    pub blobs: usize,
    /// Pieces in the storage that no table knows.
    pub orphans: Vec<BlobId>,
    /// Files of which the storage lacks a piece.
    pub incomplete: Vec<FileId>,
}

/// Looks through both. Servers may be at work meanwhile.
///
/// # Errors
/// When the database or the storage fails.
pub async fn check(db: &Db, blobs: &Blobs) -> Result<Report> {
    let kept: HashSet<BlobId> = blobs.list().await?.into_iter().collect();
    // In this order: a piece goes from what is doomed to a file, and not back before it is to be removed.
    let doomed: HashSet<BlobId> = db.list_all_doomed_blobs_as_operator().await?.into_iter().collect();
    let noted: HashMap<BlobId, FileId> = db.list_file_blobs_as_operator().await?.into_iter().collect();
    let mut orphans: Vec<BlobId> =
        kept.iter().filter(|id| !doomed.contains(id) && !noted.contains_key(id)).copied().collect();
    orphans.sort_unstable_by_key(|id| id.0);
    let mut incomplete = HashSet::new();
    for (blob_id, file_id) in noted.iter().filter(|(id, _)| !kept.contains(id)) {
        // It may have been written since.
        if !incomplete.contains(file_id) && !blobs.has(*blob_id).await? {
            incomplete.insert(*file_id);
        }
    }
    let mut incomplete = Vec::from_iter(incomplete);
    incomplete.sort_unstable_by_key(|id| id.0);
    Ok(Report { blobs: kept.len(), orphans, incomplete })
}
