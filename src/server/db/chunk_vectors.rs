//! What pieces of files' text mean: vectors of the model whose name the file has. Those of another model say nothing.

use futures::FutureExt;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Query},
};
use uuid::Uuid;

use super::{
    Db, Lease, UserDb,
    entity::{chunk_vector, file_chunk, user_file},
    failed,
    file_deletion::DELETING,
    file_queue::{AT_ONCE_MS, lock_held},
    scope::Scope,
    write::{Written, may_take_long},
};
use crate::{
    domain::{
        file_state::FileState,
        ids::FileId,
        model::{ModelName, TextPiece},
    },
    error::Result,
};

/// What a piece of text means: a signed byte for each dimension.
#[derive(Clone, Debug)]
pub struct ChunkVector {
    pub chunk_id: i64,
    pub vector: Vec<u8>,
    /// The same of its parts, one after the other; may be empty.
    pub parts: Vec<u8>,
}

/// A piece of text that has no vector yet.
#[derive(Clone, Debug)]
pub struct BareChunk {
    pub id: i64,
    pub text: TextPiece,
}

/// How many files have vectors, when they were uploaded and how many pieces they have, each taken together: other files have
/// other numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EmbeddedFiles {
    count: i64,
    created_at_ms: i64,
    chunks: i64,
}

/// How much text there is, and whether what is known of its vectors is still so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextSums {
    /// Pieces of all files.
    pub chunks: u64,
    /// Whether there are pieces of files that are being deleted, too.
    pub has_deleted: bool,
    pub embedded: EmbeddedFiles,
}

impl Db {
    /// Has the vectors made anew of all files that have those of another model, or none. They can be searched by their words
    /// meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn embed_again(&self, model: String) -> Result<()> {
        self.write_as(Scope::Sweeper, "embed files again", move |transaction| {
            async move {
                may_take_long(transaction).await?;
                user_file::Entity::update_many()
                    .col_expr(user_file::Column::State, Expr::value(FileState::Indexing.name()))
                    .col_expr(user_file::Column::Attempts, Expr::value(0))
                    .col_expr(user_file::Column::LeaseUntilMs, Expr::value(AT_ONCE_MS))
                    .filter(user_file::Column::State.eq(FileState::Ready.name()))
                    .filter(user_file::Column::Chunks.gt(0))
                    .filter(user_file::Column::EmbeddedBy.is_null().or(user_file::Column::EmbeddedBy.ne(model)))
                    .exec(transaction)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }
}

impl UserDb {
    /// Makes a file known as one whose vectors are made by this model; those of another go.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::error::Error::NotFound) when the file is gone, or another server's by now.
    pub async fn begin_vectors(&self, id: FileId, lease: Lease, model: String) -> Result<()> {
        self.write("begin vectors", move |transaction| {
            async move {
                lock_held(transaction, id, lease).await?;
                let is_others =
                    user_file::Column::EmbeddedBy.is_null().or(user_file::Column::EmbeddedBy.ne(model.clone()));
                let changed = user_file::Entity::update_many()
                    .col_expr(user_file::Column::EmbeddedBy, Expr::value(model))
                    .filter(user_file::Column::Id.eq(id.0))
                    .filter(is_others)
                    .exec(transaction)
                    .await?;
                if changed.rows_affected > 0 {
                    delete_vectors(transaction, id).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Has a file be found by its words alone, until its vectors are made.
    ///
    /// # Errors
    /// As [`UserDb::begin_vectors`].
    pub async fn forget_vectors(&self, id: FileId, lease: Lease) -> Result<()> {
        self.write("forget vectors", move |transaction| {
            async move {
                lock_held(transaction, id, lease).await?;
                user_file::Entity::update_many()
                    .col_expr(user_file::Column::EmbeddedBy, Expr::value(Option::<String>::None))
                    .filter(user_file::Column::Id.eq(id.0))
                    .exec(transaction)
                    .await?;
                delete_vectors(transaction, id).await
            }
            .boxed()
        })
        .await
    }

    /// The next pieces of a file that have no vector.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_bare_chunks(&self, id: FileId, count: u64) -> Result<Vec<BareChunk>> {
        let has_vector = Query::select()
            .column(chunk_vector::Column::ChunkId)
            .from(chunk_vector::Entity)
            .and_where(chunk_vector::Column::FileId.eq(id.0))
            .to_owned();
        let rows = file_chunk::Entity::find()
            .filter(file_chunk::Column::FileId.eq(id.0))
            .filter(file_chunk::Column::UserId.eq(self.user_id().0))
            .filter(file_chunk::Column::Id.not_in_subquery(has_vector))
            .order_by_asc(file_chunk::Column::Seq)
            .limit(count)
            .all(&self.query().await?)
            .await
            .map_err(failed("list chunks without vectors"))?;
        Ok(rows
            .into_iter()
            .map(|row| BareChunk { id: row.id, text: TextPiece { heading: row.heading, text: row.text } })
            .collect())
    }

    /// Keeps vectors of pieces of a file's text.
    ///
    /// # Errors
    /// As [`UserDb::begin_vectors`].
    pub async fn keep_vectors(&self, id: FileId, lease: Lease, vectors: Vec<ChunkVector>) -> Result<()> {
        let user_id = self.user_id();
        self.write("keep vectors", move |transaction| {
            async move {
                lock_held(transaction, id, lease).await?;
                let row = |vector: ChunkVector| chunk_vector::ActiveModel {
                    chunk_id: Set(vector.chunk_id),
                    file_id: Set(id.0),
                    user_id: Set(user_id.0),
                    vector: Set(vector.vector),
                    parts: Set(Some(vector.parts).filter(|parts| !parts.is_empty())),
                };
                // What is lost from here on is not lost by these.
                user_file::Entity::update_many()
                    .col_expr(user_file::Column::Attempts, Expr::value(0))
                    .filter(user_file::Column::Id.eq(id.0))
                    .exec(transaction)
                    .await?;
                chunk_vector::Entity::insert_many(vectors.into_iter().map(row))
                    .exec_without_returning(transaction)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// What their files have of text, and of vectors of this model; without one, nothing of these.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sum_up_texts(&self, model: Option<&ModelName>) -> Result<TextSums> {
        let sum = |column: user_file::Column| Expr::expr(column.sum()).cast_as("bigint");
        // In the order of an index that has all of it.
        let rows: Vec<(Option<String>, String, i64, i64, i64)> = user_file::Entity::find()
            .select_only()
            .columns([user_file::Column::EmbeddedBy, user_file::Column::State])
            .column_as(Expr::cust("COUNT(*)"), "files")
            .column_as(sum(user_file::Column::CreatedAtMs), "created_at_ms")
            .column_as(sum(user_file::Column::Chunks), "chunks")
            .filter(user_file::Column::UserId.eq(self.user_id().0))
            .group_by(user_file::Column::EmbeddedBy)
            .group_by(user_file::Column::State)
            .into_tuple()
            .all(&self.query().await?)
            .await
            .map_err(failed("sum up texts"))?;
        let mut sums = TextSums::default();
        for (embedded_by, state, count, created_at_ms, chunks) in rows {
            sums.chunks += chunks.unsigned_abs();
            sums.has_deleted |= state == DELETING;
            let is_ready = state == FileState::Ready.name();
            if is_ready && model.is_some_and(|model| embedded_by.as_deref() == Some(model.as_str())) {
                sums.embedded = EmbeddedFiles { count, created_at_ms, chunks };
            }
        }
        Ok(sums)
    }

    /// Their files that have vectors of this model, all of them, the newest first, each with how many pieces it has; and what
    /// tells these from others.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_embedded_files(&self, model: &ModelName) -> Result<(Vec<(FileId, usize)>, EmbeddedFiles)> {
        let rows: Vec<(Uuid, i64, i32)> = user_file::Entity::find()
            .select_only()
            .columns([user_file::Column::Id, user_file::Column::CreatedAtMs, user_file::Column::Chunks])
            .filter(user_file::Column::UserId.eq(self.user_id().0))
            .filter(user_file::Column::State.eq(FileState::Ready.name()))
            .filter(user_file::Column::EmbeddedBy.eq(model.as_str()))
            .order_by_desc(user_file::Column::Id)
            .into_tuple()
            .all(&self.query().await?)
            .await
            .map_err(failed("list embedded files"))?;
        let mut files = EmbeddedFiles::default();
        for (_, created_at_ms, chunks) in &rows {
            files.count += 1;
            files.created_at_ms += created_at_ms;
            files.chunks += i64::from(*chunks);
        }
        let to_count = |(id, _, chunks): (Uuid, i64, i32)| (FileId(id), usize::try_from(chunks).unwrap_or_default());
        Ok((rows.into_iter().map(to_count).collect(), files))
    }

    /// The vectors of some files, each with its piece and file.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_vectors(&self, files: &[FileId]) -> Result<Vec<(i64, FileId, Vec<u8>)>> {
        let rows: Vec<(i64, Uuid, Vec<u8>)> = chunk_vector::Entity::find()
            .select_only()
            .columns([chunk_vector::Column::ChunkId, chunk_vector::Column::FileId, chunk_vector::Column::Vector])
            .filter(chunk_vector::Column::UserId.eq(self.user_id().0))
            .filter(chunk_vector::Column::FileId.is_in(files.iter().map(|id| id.0)))
            .into_tuple()
            .all(&self.query().await?)
            .await
            .map_err(failed("list vectors"))?;
        Ok(rows.into_iter().map(|(chunk_id, file_id, vector)| (chunk_id, FileId(file_id), vector)).collect())
    }

    /// The vectors of some pieces.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_vectors(&self, chunks: Vec<i64>) -> Result<Vec<ChunkVector>> {
        let rows: Vec<(i64, Vec<u8>, Option<Vec<u8>>)> = chunk_vector::Entity::find()
            .select_only()
            .columns([chunk_vector::Column::ChunkId, chunk_vector::Column::Vector, chunk_vector::Column::Parts])
            .filter(chunk_vector::Column::ChunkId.is_in(chunks))
            .filter(chunk_vector::Column::UserId.eq(self.user_id().0))
            .into_tuple()
            .all(&self.query().await?)
            .await
            .map_err(failed("find vectors"))?;
        let to_vector = |(chunk_id, vector, parts): (i64, Vec<u8>, Option<Vec<u8>>)| ChunkVector {
            chunk_id,
            vector,
            parts: parts.unwrap_or_default(),
        };
        Ok(rows.into_iter().map(to_vector).collect())
    }
}

async fn delete_vectors(transaction: &impl ConnectionTrait, id: FileId) -> Written<()> {
    chunk_vector::Entity::delete_many().filter(chunk_vector::Column::FileId.eq(id.0)).exec(transaction).await?;
    Ok(())
}
