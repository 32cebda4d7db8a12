//! The text of files, in pieces, and pictures of images.

use std::collections::HashMap;

use futures::FutureExt;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockType, Query},
};
use uuid::Uuid;

use super::{
    Db, UserDb,
    entity::{file_chunk, file_picture, user_file},
    exchanges::lock_account,
    failed,
    file_index::index_words,
    file_queue::lock_held,
    file_uses::hold,
    replies::Lease,
    scope::Scope,
    write::Written,
};
use crate::{
    domain::{
        file::Chunk,
        file_state::{FileFailure, FileState},
        ids::{FileId, UserId},
        place::Place,
    },
    error::Result,
};

/// Rows that are put in by one statement, and files that one names.
const ROWS_AT_A_TIME: usize = 100;
const FILES_AT_A_TIME: usize = 200;
/// Pieces that one transaction deletes, while nobody else writes on SQLite: a third of a second on two cores, or more.
const CHUNKS_DELETED_AT_A_TIME: usize = 2_000;

/// A picture made of an image.
#[derive(Clone, Debug)]
pub struct FilePicture {
    /// `thumbnail` or `view`.
    pub use_for: &'static str,
    pub is_png: bool,
    pub content: Vec<u8>,
}

impl Db {
    /// Deletes the text of files that are to be deleted next, when it is much, a little at a time: on SQLite nobody else writes
    /// meanwhile, and of very many pieces that would be seconds. Without ids, of all files of this user. Such files have
    /// failed then; should they stay after all, they can be read again.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn thin_out(&self, user_id: UserId, ids: Option<&[FileId]>) -> Result<()> {
        let wanted = ids.map(|ids| user_file::Column::Id.is_in(ids.iter().map(|id| id.0)));
        let files: Vec<(Uuid, i32)> = user_file::Entity::find()
            .select_only()
            .columns([user_file::Column::Id, user_file::Column::Chunks])
            .filter(user_file::Column::UserId.eq(user_id.0))
            .filter(user_file::Column::Chunks.gt(0))
            .filter(Condition::all().add_option(wanted))
            .into_tuple()
            .all(&self.query_as(Scope::User(user_id)).await?)
            .await
            .map_err(failed("look for much text"))?;
        let files: Vec<(FileId, usize)> =
            files.into_iter().map(|(id, chunks)| (FileId(id), usize::try_from(chunks).unwrap_or_default())).collect();
        if files.iter().map(|(_, chunks)| chunks).sum::<usize>() <= CHUNKS_DELETED_AT_A_TIME {
            return Ok(());
        }
        for some in in_batches(files, CHUNKS_DELETED_AT_A_TIME) {
            let some: Vec<Uuid> = some.into_iter().map(|id| id.0).collect();
            loop {
                let ids = some.clone();
                let deleted = self.write_as(Scope::User(user_id), "thin out files", move |transaction| {
                    async move { delete_some_chunks(transaction, user_id, ids).await }.boxed()
                });
                if deleted.await? < CHUNKS_DELETED_AT_A_TIME as u64 {
                    break;
                }
            }
        }
        Ok(())
    }
}

async fn delete_some_chunks(transaction: &impl ConnectionTrait, user_id: UserId, files: Vec<Uuid>) -> Written<u64> {
    let failure = FileFailure::Damaged;
    lock_account(transaction, user_id, LockType::KeyShare).await?;
    hold(transaction, user_id, files.iter().copied().map(FileId), LockType::Update).await?;
    user_file::Entity::update_many()
        .col_expr(user_file::Column::State, Expr::value(FileState::Failed(failure).name()))
        .col_expr(user_file::Column::Failure, Expr::value(failure.name()))
        // Whoever is at it hears that it is theirs no more.
        .col_expr(user_file::Column::LeaseOwner, Expr::value(Option::<Uuid>::None))
        .col_expr(user_file::Column::LeaseUntilMs, Expr::value(Option::<i64>::None))
        .filter(user_file::Column::UserId.eq(user_id.0))
        .filter(user_file::Column::Id.is_in(files.iter().copied()))
        .exec(transaction)
        .await?;
    let some = Query::select()
        .column(file_chunk::Column::Id)
        .from(file_chunk::Entity)
        .and_where(file_chunk::Column::UserId.eq(user_id.0))
        .and_where(file_chunk::Column::FileId.is_in(files))
        .limit(CHUNKS_DELETED_AT_A_TIME as u64)
        .to_owned();
    let deleted =
        file_chunk::Entity::delete_many().filter(file_chunk::Column::Id.in_subquery(some)).exec(transaction).await?;
    Ok(deleted.rows_affected)
}

/// Files that together have no more than so many pieces, but for one that has more by itself.
pub fn in_batches(files: Vec<(FileId, usize)>, chunks_max: usize) -> Vec<Vec<FileId>> {
    let (mut batches, mut chunks) = (Vec::<Vec<FileId>>::new(), 0);
    for (id, count) in files {
        chunks += count;
        match batches.last_mut() {
            Some(batch) if chunks <= chunks_max && batch.len() < FILES_AT_A_TIME => batch.push(id),
            _ => {
                batches.push(vec![id]);
                chunks = count;
            }
        }
    }
    batches
}

impl UserDb {
    /// The same for some of their files, or for all.
    ///
    /// # Errors
    /// As [`Db::thin_out`].
    pub async fn thin_out_files(&self, ids: Option<&[FileId]>) -> Result<()> {
        self.db.thin_out(self.user_id(), ids).await
    }

    /// Keeps pieces of a file's text.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::error::Error::NotFound) when the file is gone, or another server's by now.
    pub async fn keep_chunks(&self, id: FileId, lease: Lease, chunks: Vec<Chunk>) -> Result<()> {
        let user_id = self.user_id();
        self.write("keep a file's text", move |transaction| {
            async move {
                lock_held(transaction, id, lease).await?;
                for some in chunks.chunks(ROWS_AT_A_TIME) {
                    let rows = some.iter().map(|chunk| new_row(user_id.0, id, chunk));
                    let kept = file_chunk::Entity::insert_many(rows).exec_with_returning(transaction).await?;
                    let texts = kept.into_iter().map(|row| (row.id, format!("{}\n{}", row.heading, row.text)));
                    index_words(transaction, user_id, texts).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Keeps a picture of a file.
    ///
    /// # Errors
    /// As [`UserDb::keep_chunks`].
    pub async fn keep_picture(&self, id: FileId, lease: Lease, picture: FilePicture) -> Result<()> {
        let user_id = self.user_id();
        self.write("keep a picture of a file", move |transaction| {
            async move {
                lock_held(transaction, id, lease).await?;
                let row = file_picture::ActiveModel {
                    file_id: Set(id.0),
                    user_id: Set(user_id.0),
                    use_for: Set(picture.use_for.to_owned()),
                    is_png: Set(picture.is_png),
                    content: Set(picture.content),
                };
                file_picture::Entity::insert(row).exec_without_returning(transaction).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Pieces of a file's text, from this one on; none when the file is not theirs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_chunks(&self, id: FileId, from_seq: u32, count: u64) -> Result<Vec<Chunk>> {
        let rows = file_chunk::Entity::find()
            .filter(file_chunk::Column::FileId.eq(id.0))
            .filter(file_chunk::Column::UserId.eq(self.user_id().0))
            .filter(file_chunk::Column::Seq.gte(i32::try_from(from_seq).unwrap_or(i32::MAX)))
            .order_by_asc(file_chunk::Column::Seq)
            .limit(count)
            .all(&self.query().await?)
            .await
            .map_err(failed("list a file's text"))?;
        Ok(rows.into_iter().map(to_chunk).collect())
    }

    /// The texts of pieces, and of those right before and after them, by file and place.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_chunks_around(&self, places: &[(FileId, u32)]) -> Result<HashMap<(FileId, u32), String>> {
        let mut wanted = Condition::any();
        for (file_id, seq) in places {
            let seq = i32::try_from(*seq).unwrap_or(i32::MAX);
            let around = file_chunk::Column::Seq.between(seq.saturating_sub(1), seq.saturating_add(1));
            wanted = wanted.add(Condition::all().add(file_chunk::Column::FileId.eq(file_id.0)).add(around));
        }
        if places.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<(Uuid, i32, String)> = file_chunk::Entity::find()
            .select_only()
            .columns([file_chunk::Column::FileId, file_chunk::Column::Seq, file_chunk::Column::Text])
            .filter(file_chunk::Column::UserId.eq(self.user_id().0))
            .filter(wanted)
            .into_tuple()
            .all(&self.query().await?)
            .await
            .map_err(failed("list text around pieces"))?;
        Ok(rows.into_iter().map(|(file_id, seq, text)| ((FileId(file_id), seq.unsigned_abs()), text)).collect())
    }

    /// A picture of a file; none when there is none, or the file is not theirs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_picture(&self, id: FileId, use_for: &'static str) -> Result<Option<FilePicture>> {
        let row = file_picture::Entity::find_by_id((id.0, use_for.to_owned()))
            .filter(file_picture::Column::UserId.eq(self.user_id().0))
            .one(&self.query().await?)
            .await
            .map_err(failed("find a picture of a file"))?;
        Ok(row.map(|row| FilePicture { use_for, is_png: row.is_png, content: row.content }))
    }
}

fn new_row(user_id: uuid::Uuid, id: FileId, chunk: &Chunk) -> file_chunk::ActiveModel {
    let (place, number, name) = chunk.place.to_columns();
    file_chunk::ActiveModel {
        file_id: Set(id.0),
        user_id: Set(user_id),
        seq: Set(i32::try_from(chunk.seq).unwrap_or(i32::MAX)),
        place: Set(place.to_owned()),
        place_number: Set(number.map(|number| i32::try_from(number).unwrap_or(i32::MAX))),
        place_name: Set(name.map(str::to_owned)),
        heading: Set(chunk.heading.clone()),
        text: Set(chunk.text.clone()),
        ..Default::default()
    }
}

pub(super) fn to_chunk(row: file_chunk::Model) -> Chunk {
    Chunk {
        seq: row.seq.unsigned_abs(),
        place: Place::from_columns(&row.place, row.place_number.map(i32::unsigned_abs), row.place_name),
        heading: row.heading,
        text: row.text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_batch_has_more_pieces_or_files_than_it_may_but_for_one_large_file() {
        let lengths = |counts: &[usize]| {
            let files = (0..).map(|n| FileId(Uuid::from_u128(n))).zip(counts.iter().copied()).collect();
            in_batches(files, 100).iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(lengths(&[200, 1, 99, 1, 1]), [1, 2, 2]);
        assert_eq!(lengths(&[0; FILES_AT_A_TIME + 1]), [FILES_AT_A_TIME, 1]);
        assert!(lengths(&[]).is_empty());
    }
}
