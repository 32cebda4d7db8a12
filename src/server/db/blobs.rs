//! What is to be removed from the storage for files: pieces of deleted files, and pieces that were promised. Nobody's, for a
//! blob's random id says nothing about whose it was.
//!
//! A piece is promised before it is written to the storage, and the promise is taken back in the transaction that notes it
//! (`file_parts`). So whatever dies in between, nothing stays in the storage that no table knows.

use futures::{FutureExt, future::BoxFuture};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, LockType},
};
use uuid::Uuid;

use super::{
    Db,
    entity::{doomed_blob, file_part, user_file},
    exchanges::lock_account,
    failed,
    file_deletion::delete_files,
    file_uses::{delete_unused, hold},
    scope::Scope,
    write::Written,
};
use crate::{
    domain::{
        file_state::FileState,
        ids::{BlobId, FileId, UserId},
        limits,
    },
    error::{Error, Result},
    server::clock,
};

/// Uploads that are given up at a time.
const GIVEN_UP_MAX: u64 = 100;

impl Db {
    /// Promises to write a blob: unless its piece is noted in time, it is removed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn promise_blob(&self, id: BlobId) -> Result<()> {
        let due_at_ms = clock::now_ms() + limits::BLOB_PROMISE_SECONDS * 1_000;
        self.write("promise a blob", move |transaction| {
            async move {
                let row = doomed_blob::ActiveModel { blob_id: Set(id.0), due_at_ms: Set(due_at_ms) };
                doomed_blob::Entity::insert(row).exec_without_returning(transaction).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Has a blob removed soon whose piece was not noted after all. Nothing, if it was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn break_promise(&self, id: BlobId) -> Result<()> {
        self.put_removal_off(vec![id], 0).await
    }

    /// Has blobs removed after so many seconds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put_removal_off(&self, ids: Vec<BlobId>, seconds: i64) -> Result<()> {
        let due_at_ms = clock::now_ms() + seconds * 1_000;
        self.write("put the removal of blobs off", move |transaction| {
            async move {
                doomed_blob::Entity::update_many()
                    .col_expr(doomed_blob::Column::DueAtMs, Expr::value(due_at_ms))
                    .filter(doomed_blob::Column::BlobId.is_in(ids.into_iter().map(|id| id.0)))
                    .exec(transaction)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Some blobs that are to be removed now, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_doomed_blobs(&self, count: u64) -> Result<Vec<BlobId>> {
        let ids: Vec<Uuid> = doomed_blob::Entity::find()
            .select_only()
            .column(doomed_blob::Column::BlobId)
            .filter(doomed_blob::Column::DueAtMs.lte(clock::now_ms()))
            .order_by_asc(doomed_blob::Column::DueAtMs)
            .limit(count)
            .into_tuple()
            .all(&self.query_as(Scope::Site).await?)
            .await
            .map_err(failed("list doomed blobs"))?;
        Ok(ids.into_iter().map(BlobId).collect())
    }

    /// The operator's `files check`: all blobs that are promised or to be removed, whenever.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_all_doomed_blobs_as_operator(&self) -> Result<Vec<BlobId>> {
        let ids: Vec<Uuid> = doomed_blob::Entity::find()
            .select_only()
            .column(doomed_blob::Column::BlobId)
            .into_tuple()
            .all(&self.query_as(Scope::Site).await?)
            .await
            .map_err(failed("list all doomed blobs"))?;
        Ok(ids.into_iter().map(BlobId).collect())
    }

    /// The operator's `files check`: the blobs of all files, each with its file, nobody's name or content.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_file_blobs_as_operator(&self) -> Result<Vec<(BlobId, FileId)>> {
        let ids: Vec<(Uuid, Uuid)> = file_part::Entity::find()
            .select_only()
            .columns([file_part::Column::BlobId, file_part::Column::FileId])
            .into_tuple()
            .all(&self.query_as(Scope::Admin).await?)
            .await
            .map_err(failed("list blobs of files"))?;
        Ok(ids.into_iter().map(|(blob_id, file_id)| (BlobId(blob_id), FileId(file_id))).collect())
    }

    /// Notes that blobs were removed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_doomed_blobs(&self, ids: Vec<BlobId>) -> Result<()> {
        self.write("forget doomed blobs", move |transaction| {
            async move {
                doomed_blob::Entity::delete_many()
                    .filter(doomed_blob::Column::BlobId.is_in(ids.into_iter().map(|id| id.0)))
                    .exec(transaction)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Deletes uploads that nobody went on with; gives them with whose they were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_up_uploads(&self) -> Result<Vec<(UserId, FileId)>> {
        let old: Vec<(Uuid, Uuid)> = old_uploads()
            .select_only()
            .columns([user_file::Column::UserId, user_file::Column::Id])
            .limit(GIVEN_UP_MAX)
            .into_tuple()
            .all(&self.query_as(Scope::Sweeper).await?)
            .await
            .map_err(failed("look for old uploads"))?;
        self.delete_each("give up an upload", old, |transaction, user_id, id| {
            async move {
                lock_account(transaction, user_id, LockType::KeyShare).await?;
                // Somebody may have gone on with it since.
                hold(transaction, user_id, [id], LockType::Update).await?;
                let old = old_uploads().filter(user_file::Column::Id.eq(id.0));
                if old.filter(user_file::Column::UserId.eq(user_id.0)).count(transaction).await? == 0 {
                    return Ok(Vec::new());
                }
                delete_files(transaction, user_id, &[id]).await
            }
            .boxed()
        })
        .await
    }

    /// Deletes files that were uploaded for messages which were never sent; gives them with whose they were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_unused_files(&self) -> Result<Vec<(UserId, FileId)>> {
        let old: Vec<(Uuid, Uuid)> = user_file::Entity::find()
            .select_only()
            .columns([user_file::Column::UserId, user_file::Column::Id])
            .filter(user_file::Column::UnusedUntilMs.lt(clock::now_ms()))
            .limit(GIVEN_UP_MAX)
            .into_tuple()
            .all(&self.query_as(Scope::Sweeper).await?)
            .await
            .map_err(failed("look for unused files"))?;
        self.delete_each("delete an unused file", old, |transaction, user_id, id| {
            async move {
                lock_account(transaction, user_id, LockType::KeyShare).await?;
                delete_unused(transaction, user_id, &[id]).await
            }
            .boxed()
        })
        .await
    }

    async fn delete_each<F>(
        &self,
        doing: &'static str,
        old: Vec<(Uuid, Uuid)>,
        delete: F,
    ) -> Result<Vec<(UserId, FileId)>>
    where
        F: for<'t> Fn(&'t DatabaseTransaction, UserId, FileId) -> BoxFuture<'t, Written<Vec<FileId>>>
            + Copy
            + Send
            + 'static,
    {
        let mut given_up = Vec::with_capacity(old.len());
        for (user_id, id) in old {
            let (user_id, id) = (UserId(user_id), FileId(id));
            let deleted =
                self.write_as(Scope::User(user_id), doing, move |transaction| delete(transaction, user_id, id));
            match deleted.await {
                Ok(deleted) => given_up.extend(deleted.into_iter().map(|id| (user_id, id))),
                // With all that was theirs.
                Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(given_up)
    }
}

/// Uploads that nobody went on with for long.
fn old_uploads() -> Select<user_file::Entity> {
    user_file::Entity::find()
        .filter(user_file::Column::State.eq(FileState::Uploading.name()))
        .filter(user_file::Column::LeaseUntilMs.lt(clock::now_ms()))
}
