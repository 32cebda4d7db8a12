//! The pieces that the content of files is kept in, in the order in which they came. Each is in the storage under a random
//! id before it is noted here.

use futures::FutureExt;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockType},
};

use super::{
    UserDb,
    entity::{doomed_blob, file_part, user_file},
    exchanges::lock_account,
    failed,
    file_queue::AT_ONCE_MS,
    files::{check_room, to_file, upload_end_ms, used},
    write::Written,
};
use crate::{
    domain::{
        file::File,
        file_state::FileState,
        ids::{BlobId, FileId, UserId},
    },
    error::{Error, InvalidInput, Result},
};

/// A piece of a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilePart {
    pub offset_bytes: u64,
    pub size_bytes: u64,
    pub blob_id: BlobId,
}

/// A piece that has been written and was promised before.
#[derive(Clone, Copy, Debug)]
pub struct NewPart {
    pub file_id: FileId,
    pub part: FilePart,
    /// For a file whose size nobody knows yet: what all files of this user may take.
    pub grows_up_to: Option<u64>,
}

impl UserDb {
    /// Notes that a piece has arrived. With the last one of a file whose size is known, the file waits to be read.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the file is not theirs; [`Error::UploadOffset`] when it does not go on there, or is complete;
    /// [`Error::TooLarge`] when that is more than was announced, [`Error::StorageFull`] when nothing was and there is no room.
    pub async fn add_part(&self, new: NewPart) -> Result<File> {
        let user_id = self.user_id();
        self.write("add part of a file", move |transaction| {
            async move {
                // Whoever deletes the account meanwhile has to know of this piece.
                let lock = if new.grows_up_to.is_some() { LockType::NoKeyUpdate } else { LockType::KeyShare };
                lock_account(transaction, user_id, lock).await?;
                let row = lock_upload(transaction, user_id, new.file_id).await?;
                if row.received_bytes.unsigned_abs() != new.part.offset_bytes {
                    return Err(Error::UploadOffset.into());
                }
                let received_bytes = new.part.offset_bytes + new.part.size_bytes;
                if let Some(bytes_max) = new.grows_up_to {
                    let (_, used_bytes) = used(transaction, user_id).await?;
                    check_room(used_bytes, new.part.size_bytes, bytes_max)?;
                } else if received_bytes > row.size_bytes.unsigned_abs() {
                    return Err(Error::TooLarge.into());
                }
                insert_part(transaction, user_id, new).await?;
                let is_whole = new.grows_up_to.is_none() && received_bytes == row.size_bytes.unsigned_abs();
                update_upload(transaction, new, received_bytes, is_whole).await
            }
            .boxed()
        })
        .await
    }

    /// Says that a file whose size nobody knew is whole.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not theirs; [`InvalidInput::FileEmpty`] when nothing came.
    pub async fn finish_upload(&self, id: FileId) -> Result<File> {
        let user_id = self.user_id();
        self.write("finish upload", move |transaction| {
            async move {
                let row = lock_upload(transaction, user_id, id).await?;
                if row.received_bytes == 0 {
                    return Err(Error::Invalid(InvalidInput::FileEmpty).into());
                }
                let update = user_file::Entity::update_many()
                    .col_expr(user_file::Column::State, Expr::value(FileState::Waiting.name()))
                    .col_expr(user_file::Column::LeaseUntilMs, Expr::value(AT_ONCE_MS))
                    .filter(user_file::Column::Id.eq(id.0));
                let rows = update.exec_with_returning(transaction).await?;
                Ok(rows.into_iter().next().map(to_file).ok_or(Error::NotFound)?)
            }
            .boxed()
        })
        .await
    }

    /// The pieces of a file, in order; none when it is not theirs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_parts(&self, id: FileId) -> Result<Vec<FilePart>> {
        let rows = file_part::Entity::find()
            .filter(file_part::Column::FileId.eq(id.0))
            .filter(file_part::Column::UserId.eq(self.user_id().0))
            .order_by_asc(file_part::Column::OffsetBytes)
            .all(&self.query().await?)
            .await
            .map_err(failed("list parts of a file"))?;
        let part = |row: file_part::Model| FilePart {
            offset_bytes: row.offset_bytes.unsigned_abs(),
            size_bytes: row.size_bytes.unsigned_abs(),
            blob_id: BlobId(row.blob_id),
        };
        Ok(rows.into_iter().map(part).collect())
    }
}

/// An upload of the user's that is not complete, held until the end of the transaction.
async fn lock_upload(transaction: &impl ConnectionTrait, user_id: UserId, id: FileId) -> Written<user_file::Model> {
    let row = user_file::Entity::find_by_id(id.0)
        .filter(user_file::Column::UserId.eq(user_id.0))
        .lock_exclusive()
        .one(transaction)
        .await?
        .ok_or(Error::NotFound)?;
    if row.state == FileState::Uploading.name() { Ok(row) } else { Err(Error::UploadOffset.into()) }
}

/// The piece is the file's from here on. Should its promise have run out meanwhile, its content may be gone already.
async fn insert_part(transaction: &impl ConnectionTrait, user_id: UserId, new: NewPart) -> Written<()> {
    let promised = doomed_blob::Entity::delete_by_id(new.part.blob_id.0).exec(transaction).await?;
    if promised.rows_affected != 1 {
        return Err(Error::Busy.into());
    }
    let part = file_part::ActiveModel {
        file_id: Set(new.file_id.0),
        user_id: Set(user_id.0),
        offset_bytes: Set(to_column(new.part.offset_bytes)?),
        size_bytes: Set(to_column(new.part.size_bytes)?),
        blob_id: Set(new.part.blob_id.0),
    };
    file_part::Entity::insert(part).exec_without_returning(transaction).await?;
    Ok(())
}

async fn update_upload(
    transaction: &impl ConnectionTrait,
    new: NewPart,
    received_bytes: u64,
    is_whole: bool,
) -> Written<File> {
    let mut update = user_file::Entity::update_many()
        .col_expr(user_file::Column::ReceivedBytes, Expr::value(to_column(received_bytes)?))
        .col_expr(user_file::Column::LeaseUntilMs, Expr::value(if is_whole { AT_ONCE_MS } else { upload_end_ms() }))
        .filter(user_file::Column::Id.eq(new.file_id.0));
    if is_whole {
        update = update.col_expr(user_file::Column::State, Expr::value(FileState::Waiting.name()));
    }
    if new.grows_up_to.is_some() {
        update = update.col_expr(user_file::Column::SizeBytes, Expr::value(to_column(received_bytes)?));
    }
    let rows = update.exec_with_returning(transaction).await?;
    Ok(rows.into_iter().next().map(to_file).ok_or(Error::NotFound)?)
}

fn to_column(bytes: u64) -> Result<i64> {
    i64::try_from(bytes).map_err(|_| Error::FileTooLarge)
}
