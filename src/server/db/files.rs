//! A user's files: adding, finding, listing, deleting. Their content, in pieces, is in `file_parts`.

use std::collections::HashMap;

use futures::FutureExt;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Func, LockType},
};
use uuid::Uuid;

use super::{
    UserDb,
    entity::user_file,
    exchanges::{lock_account, lock_user},
    failed,
    file_deletion::{delete_files, is_there},
    file_uses::hold,
    has_text,
};
use crate::{
    domain::{
        file::{File, FileName, FileOrder},
        file_kind::FileKind,
        file_state::FileState,
        ids::{ChatId, FileId, UserId},
        limits,
        preview::Pages,
    },
    error::{Error, InvalidInput, Result},
    server::clock,
};

/// A file to take in.
#[derive(Clone, Debug)]
pub struct NewFile {
    pub name: FileName,
    pub kind: FileKind,
    /// None when nobody knows it yet.
    pub size_bytes: Option<u64>,
    pub modified_at_ms: Option<i64>,
    /// Whether it stays though no chat has it.
    pub is_kept: bool,
    /// The chat that it is for: as a whole, or for a message that is being written in it.
    pub for_chat_id: Option<ChatId>,
    /// What all files of this user may take.
    pub storage_bytes_max: u64,
}

impl UserDb {
    /// Makes room for a file whose content comes after this.
    ///
    /// # Errors
    /// [`Error::StorageFull`], [`Error::TooManyFiles`].
    pub async fn add_file(&self, new: NewFile) -> Result<File> {
        let user_id = self.user_id();
        let row = new_row(user_id, &new)?;
        self.write("add file", move |transaction| {
            async move {
                // Of two who would take the last room, the second waits here.
                lock_user(transaction, user_id).await?;
                let (files, used_bytes) = used(transaction, user_id).await?;
                // One whose size nobody knows has a byte at least.
                check_room(used_bytes, new.size_bytes.unwrap_or(1), new.storage_bytes_max)?;
                let unfinished = user_file::Entity::find()
                    .filter(user_file::Column::UserId.eq(user_id.0))
                    .filter(user_file::Column::State.eq(FileState::Uploading.name()))
                    .count(transaction)
                    .await?;
                if files >= limits::FILES_PER_USER_MAX || unfinished >= limits::UPLOADS_PER_USER_MAX {
                    return Err(Error::TooManyFiles.into());
                }
                user_file::Entity::insert(row.clone().into_active_model()).exec_without_returning(transaction).await?;
                Ok(to_file(row))
            }
            .boxed()
        })
        .await
    }

    /// One of their files.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_file(&self, id: FileId) -> Result<Option<File>> {
        Ok(self.find_row(id).await?.map(to_file))
    }

    /// One of their files, and how many pages it has, if it has any and was read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_file_with_pages(&self, id: FileId) -> Result<Option<(File, Option<Pages>)>> {
        Ok(self.find_row(id).await?.map(|row| {
            let pages = to_pages(&row);
            (to_file(row), pages)
        }))
    }

    async fn find_row(&self, id: FileId) -> Result<Option<user_file::Model>> {
        user_file::Entity::find_by_id(id.0)
            .filter(user_file::Column::UserId.eq(self.user_id().0))
            .filter(is_there())
            .one(&self.query().await?)
            .await
            .map_err(failed("find file"))
    }

    /// A page of their files, those after `after`; and whether there are more. `search` is a part of the name.
    ///
    /// # Errors
    /// [`InvalidInput::Cursor`] when `after` is not one of them, where that has to be known.
    pub async fn list_files(&self, search: &str, order: FileOrder, after: Option<FileId>) -> Result<(Vec<File>, bool)> {
        let read = self.read().await?;
        let theirs = user_file::Column::UserId.eq(self.user_id().0);
        let mut query = user_file::Entity::find().filter(theirs).filter(is_there());
        if !search.is_empty() {
            query = query.filter(has_text(user_file::Column::NameKey, &search.to_lowercase()));
        }
        if let Some(after) = after {
            query = match order {
                // Also when that one is gone.
                FileOrder::Newest => query.filter(user_file::Column::Id.lt(after.0)),
                FileOrder::Name | FileOrder::Size => {
                    let last = user_file::Entity::find_by_id(after.0)
                        .filter(user_file::Column::UserId.eq(self.user_id().0))
                        .filter(is_there())
                        .one(&read)
                        .await
                        .map_err(failed("find file"))?
                        .ok_or(InvalidInput::Cursor)?;
                    query.filter(comes_after(order, &last))
                }
            };
        }
        let query = match order {
            FileOrder::Newest => query,
            FileOrder::Name => query.order_by_asc(user_file::Column::NameKey),
            FileOrder::Size => query.order_by_desc(user_file::Column::SizeBytes),
        };
        let query = match order {
            FileOrder::Name => query.order_by_asc(user_file::Column::Id),
            FileOrder::Newest | FileOrder::Size => query.order_by_desc(user_file::Column::Id),
        };
        let mut rows = query.limit(limits::FILES_PER_PAGE + 1).all(&read).await.map_err(failed("list files"))?;
        let has_more = rows.len() as u64 > limits::FILES_PER_PAGE;
        rows.truncate(usize::try_from(limits::FILES_PER_PAGE).unwrap_or(usize::MAX));
        Ok((rows.into_iter().map(to_file).collect(), has_more))
    }

    /// Those of these files that are theirs, in this order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_files(&self, ids: &[FileId]) -> Result<Vec<File>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows = user_file::Entity::find()
            .filter(user_file::Column::UserId.eq(self.user_id().0))
            .filter(user_file::Column::Id.is_in(ids.iter().map(|id| id.0)))
            .filter(is_there())
            .all(&self.query().await?)
            .await
            .map_err(failed("find files"))?;
        let mut files: HashMap<FileId, File> = rows.into_iter().map(|row| (FileId(row.id), to_file(row))).collect();
        Ok(ids.iter().filter_map(|id| files.remove(id)).collect())
    }

    /// Their uploads that are not complete, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_uploads(&self) -> Result<Vec<File>> {
        let rows = user_file::Entity::find()
            .filter(user_file::Column::UserId.eq(self.user_id().0))
            .filter(user_file::Column::State.eq(FileState::Uploading.name()))
            .order_by_asc(user_file::Column::Id)
            .limit(limits::UPLOADS_PER_USER_MAX)
            .all(&self.query().await?)
            .await
            .map_err(failed("list uploads"))?;
        Ok(rows.into_iter().map(to_file).collect())
    }

    /// How many files they have, and how many bytes these take.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn measure_files(&self) -> Result<(u64, u64)> {
        used(&self.query().await?, self.user_id()).await.map_err(failed("measure files"))
    }

    /// Keeps a file for its own sake, whether a chat has it or not.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not theirs.
    pub async fn keep_file(&self, id: FileId) -> Result<()> {
        let user_id = self.user_id();
        self.write("keep a file", move |transaction| {
            async move {
                let kept = user_file::Entity::update_many()
                    .col_expr(user_file::Column::IsKept, Expr::value(true))
                    .col_expr(user_file::Column::UnusedUntilMs, Expr::value(Option::<i64>::None))
                    .col_expr(user_file::Column::ForChatId, Expr::value(Option::<Uuid>::None))
                    .filter(user_file::Column::Id.eq(id.0))
                    .filter(user_file::Column::UserId.eq(user_id.0))
                    .filter(is_there())
                    .exec(transaction)
                    .await?;
                if kept.rows_affected == 0 { Err(Error::NotFound.into()) } else { Ok(()) }
            }
            .boxed()
        })
        .await
    }

    /// Deletes files and everything that was made of them; gives those that were there. What is kept of them in the storage
    /// is removed after this.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_files(&self, ids: Vec<FileId>) -> Result<Vec<FileId>> {
        let user_id = self.user_id();
        self.write("delete files", move |transaction| {
            async move {
                lock_account(transaction, user_id, LockType::KeyShare).await?;
                delete_files(transaction, user_id, &ids).await
            }
            .boxed()
        })
        .await
    }

    /// Deletes a file that came with no message yet, and says whether it did: one that is used stays.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not theirs.
    pub async fn discard_file(&self, id: FileId) -> Result<bool> {
        let user_id = self.user_id();
        self.write("discard a file", move |transaction| {
            async move {
                lock_account(transaction, user_id, LockType::KeyShare).await?;
                if hold(transaction, user_id, [id], LockType::Update).await?.is_empty() {
                    return Err(Error::NotFound.into());
                }
                let unused = user_file::Entity::find()
                    .filter(user_file::Column::UserId.eq(user_id.0))
                    .filter(user_file::Column::Id.eq(id.0))
                    .filter(user_file::Column::UnusedUntilMs.is_not_null())
                    .count(transaction)
                    .await?;
                if unused > 0 {
                    delete_files(transaction, user_id, &[id]).await?;
                }
                Ok(unused > 0)
            }
            .boxed()
        })
        .await
    }
}

/// How many files a user has, and how many bytes these take or are to take.
pub(super) async fn used(connection: &impl ConnectionTrait, user_id: UserId) -> std::result::Result<(u64, u64), DbErr> {
    let sum = Func::coalesce([user_file::Column::SizeBytes.sum(), Expr::value(0)]);
    let row: Option<(i64, i64)> = user_file::Entity::find()
        .select_only()
        .column_as(user_file::Column::Id.count(), "files")
        .column_as(Expr::expr(sum).cast_as("bigint"), "bytes")
        .filter(user_file::Column::UserId.eq(user_id.0))
        .filter(is_there())
        .into_tuple()
        .one(connection)
        .await?;
    let (files, bytes) = row.unwrap_or_default();
    Ok((files.unsigned_abs(), bytes.unsigned_abs()))
}

/// # Errors
/// [`Error::StorageFull`] when so much more would be too much.
pub(super) fn check_room(used_bytes: u64, more_bytes: u64, bytes_max: u64) -> Result<()> {
    if used_bytes.saturating_add(more_bytes) > bytes_max { Err(Error::StorageFull) } else { Ok(()) }
}

fn comes_after(order: FileOrder, last: &user_file::Model) -> Condition {
    let id = user_file::Column::Id;
    let (key, later, same) = match order {
        FileOrder::Newest => return Condition::all().add(id.lt(last.id)),
        FileOrder::Name => {
            let key = user_file::Column::NameKey;
            (key.gt(last.name_key.clone()), id.gt(last.id), key.eq(last.name_key.clone()))
        }
        FileOrder::Size => {
            let key = user_file::Column::SizeBytes;
            (key.lt(last.size_bytes), id.lt(last.id), key.eq(last.size_bytes))
        }
    };
    Condition::any().add(key).add(Condition::all().add(same).add(later))
}

fn new_row(user_id: UserId, new: &NewFile) -> Result<user_file::Model> {
    let now_ms = clock::now_ms();
    Ok(user_file::Model {
        id: Uuid::now_v7(),
        user_id: user_id.0,
        name: new.name.as_str().to_owned(),
        name_key: new.name.as_str().to_lowercase(),
        kind: new.kind.name().to_owned(),
        size_bytes: i64::try_from(new.size_bytes.unwrap_or_default()).map_err(|_| Error::FileTooLarge)?,
        received_bytes: 0,
        modified_at_ms: new.modified_at_ms,
        state: FileState::Uploading.name().to_owned(),
        failure: None,
        lease_owner: None,
        lease_until_ms: Some(upload_end_ms()),
        attempts: 0,
        created_at_ms: now_ms,
        text_chars: 0,
        chunks: 0,
        width: None,
        height: None,
        pages: None,
        unread_pages: None,
        embedded_by: None,
        is_kept: new.is_kept,
        for_chat_id: new.for_chat_id.map(|id| id.0),
        unused_until_ms: (!new.is_kept).then(|| now_ms + limits::UNUSED_FILE_SECONDS * 1_000),
    })
}

/// When an upload that nobody goes on with from now is given up.
pub(super) fn upload_end_ms() -> i64 {
    clock::now_ms() + limits::UPLOAD_SECONDS_MAX * 1_000
}

pub(super) fn to_file(row: user_file::Model) -> File {
    File {
        id: FileId(row.id),
        name: FileName::kept(row.name),
        kind: FileKind::from_name(&row.kind),
        size_bytes: row.size_bytes.unsigned_abs(),
        received_bytes: row.received_bytes.unsigned_abs(),
        state: FileState::from_names(&row.state, row.failure.as_deref()),
        text_chars: row.text_chars.unsigned_abs(),
        pixels: row.width.zip(row.height).map(|(width, height)| (width.unsigned_abs(), height.unsigned_abs())),
        modified_at_ms: row.modified_at_ms,
        is_kept: row.is_kept,
        for_chat_id: row.for_chat_id.map(ChatId),
        created_at_ms: row.created_at_ms,
    }
}

fn to_pages(row: &user_file::Model) -> Option<Pages> {
    let pages = row.pages.zip(row.unread_pages);
    pages.map(|(all, unread)| Pages { all: all.unsigned_abs(), unread: unread.unsigned_abs() })
}
