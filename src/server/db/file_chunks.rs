//! The text of files, in pieces, and pictures of images.

use std::collections::HashMap;

use futures::FutureExt;
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{
    UserDb,
    entity::{file_chunk, file_picture},
    failed,
    file_index::index_words,
    file_queue::lock_held,
    replies::Lease,
};
use crate::{
    domain::{file::Chunk, ids::FileId, place::Place},
    error::Result,
};

/// Rows that are put in by one statement.
const ROWS_AT_A_TIME: usize = 100;
/// Files that one statement names.
const FILES_AT_A_TIME: usize = 200;

/// A picture made of an image.
#[derive(Clone, Debug)]
pub struct FilePicture {
    /// `thumbnail` or `view`.
    pub use_for: &'static str,
    pub is_png: bool,
    pub content: Vec<u8>,
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
