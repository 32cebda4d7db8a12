//! The index of the words in files: which pieces have a word. Under terms that only their owner's questions lead to
//! (`server::words`); what is found is read under their id once more.

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, QuerySelect, Statement, Value,
    sea_query::{Expr, ExprTrait, Query},
};

use super::{
    UserDb,
    entity::{file_chunk, user_file},
    failed,
    file_chunks::to_chunk,
    file_deletion::DELETING,
    write::Written,
};
use crate::{
    domain::{
        file::{Chunk, FileName},
        file_state::FileState,
        ids::{FileId, UserId},
        limits,
    },
    error::Result,
    server::words,
};

/// Pieces whose words one statement indexes.
const INDEXED_AT_A_TIME: usize = 50;

/// A piece of a file's text that was found.
#[derive(Clone, Debug)]
pub struct FoundChunk {
    /// What the index knows it by.
    pub id: i64,
    pub file_id: FileId,
    pub file_name: FileName,
    pub chunk: Chunk,
}

#[derive(FromQueryResult)]
struct FoundRow {
    #[sea_orm(nested)]
    chunk: file_chunk::Model,
    file_name: Option<String>,
}

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchScope {
    AllFiles,
    Files(Vec<FileId>),
}

impl FoundRow {
    /// None of a file that was not read, or is gone.
    fn into_found(self) -> Option<FoundChunk> {
        Some(FoundChunk {
            id: self.chunk.id,
            file_id: FileId(self.chunk.file_id),
            file_name: FileName::kept(self.file_name?),
            chunk: to_chunk(self.chunk),
        })
    }
}

impl UserDb {
    /// For each term, pieces that have it, [`limits::SEARCH_HITS_MAX`] at the most. Those of files that are being deleted may be
    /// among them, and take the place of others, unless `but_deleted`, which takes longer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_terms(&self, terms: &[String], scope: &SearchScope, but_deleted: bool) -> Result<Vec<Vec<i64>>> {
        let mut hits = vec![Vec::new(); terms.len()];
        if terms.is_empty() {
            return Ok(hits);
        }
        let query = self.query().await?;
        let statement = hits_statement(query.get_database_backend(), self.user_id(), terms, scope, but_deleted);
        for row in query.query_all_raw(statement).await.map_err(failed("search files"))? {
            let number: i32 = row.try_get_by_index(0).map_err(failed("search files"))?;
            let ids: Option<String> = row.try_get_by_index(1).map_err(failed("search files"))?;
            if let (Some(ids), Some(hits)) = (ids, usize::try_from(number).ok().and_then(|number| hits.get_mut(number)))
            {
                *hits = ids.split(' ').filter_map(|id| id.parse().ok()).collect();
            }
        }
        Ok(hits)
    }

    /// The pieces of these ids that are there, theirs, and of files that were read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_found_chunks(&self, ids: Vec<i64>) -> Result<Vec<FoundChunk>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        // Not a join: that might begin with all of their files.
        let file_name = Query::select()
            .column(user_file::Column::Name)
            .from(user_file::Entity)
            .and_where(user_file::Column::Id.into_expr().eq(file_chunk::Column::FileId.into_expr()))
            .and_where(user_file::Column::UserId.eq(self.user_id().0))
            .and_where(user_file::Column::State.is_in([FileState::Ready.name(), FileState::Indexing.name()]))
            .to_owned();
        let rows: Vec<FoundRow> = file_chunk::Entity::find()
            .column_as(Expr::SubQuery(None, Box::new(file_name.into())), "file_name")
            .filter(file_chunk::Column::Id.is_in(ids))
            .filter(file_chunk::Column::UserId.eq(self.user_id().0))
            .into_model()
            .all(&self.query().await?)
            .await
            .map_err(failed("list found chunks"))?;
        Ok(rows.into_iter().filter_map(FoundRow::into_found).collect())
    }
}

/// One row for each term: its number, and the ids of its hits with spaces between them. A row for each hit would take longer
/// to hand over than all else.
fn hits_statement(
    backend: DbBackend,
    user_id: UserId,
    terms: &[String],
    scope: &SearchScope,
    but_deleted: bool,
) -> Statement {
    let is_sqlite = backend == DbBackend::Sqlite;
    let id = if is_sqlite { "rowid" } else { "chunk_id" };
    let mut values: Vec<Value> = Vec::new();
    let mut place = |value: Value| {
        values.push(value);
        if is_sqlite { format!("?{}", values.len()) } else { format!("${}", values.len()) }
    };
    let files = match scope {
        SearchScope::AllFiles if !but_deleted => String::new(),
        _ => {
            let user = place(user_id.0.into());
            let files = match scope {
                SearchScope::AllFiles => {
                    format!("SELECT id FROM user_file WHERE user_id = {user} AND state <> {}", place(DELETING.into()))
                }
                SearchScope::Files(files) => {
                    let files: Vec<String> = files.iter().map(|file| place(file.0.into())).collect();
                    files.join(", ")
                }
            };
            // The plus keeps SQLite from asking its index of words once for each piece of these files.
            let looked_up = if is_sqlite { "+" } else { "" };
            format!(
                " AND {looked_up}{id} IN \
                 (SELECT id FROM file_chunk WHERE user_id = {user} AND file_id IN ({files}))"
            )
        }
    };
    let of_term = |(number, term): (usize, &String)| {
        let term = place(term.clone().into());
        let has_term = if is_sqlite { format!("file_index MATCH {term}") } else { format!("terms @@ {term}::tsquery") };
        let most = limits::SEARCH_HITS_MAX;
        format!(
            "SELECT {number}, string_agg(CAST({id} AS text), ' ') FROM \
             (SELECT {id} FROM file_index WHERE {has_term}{files} LIMIT {most}) AS term_{number}"
        )
    };
    let statements: Vec<String> = terms.iter().enumerate().map(of_term).collect();
    Statement::from_sql_and_values(backend, statements.join(" UNION ALL "), values)
}

/// Indexes the words of pieces that were just kept.
pub(super) async fn index_words(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    chunks: impl Iterator<Item = (i64, String)>,
) -> Written<()> {
    let backend = transaction.get_database_backend();
    let chunks: Vec<(i64, String)> = chunks.collect();
    for some in chunks.chunks(INDEXED_AT_A_TIME) {
        let row = |n: usize| match backend {
            DbBackend::Sqlite => format!("(?{}, ?{})", 2 * n + 1, 2 * n + 2),
            _ => format!("(${}, ${}::tsvector)", 2 * n + 1, 2 * n + 2),
        };
        let rows: Vec<String> = (0..some.len()).map(row).collect();
        let id = if backend == DbBackend::Sqlite { "rowid" } else { "chunk_id" };
        let statement = format!("INSERT INTO file_index ({id}, terms) VALUES {}", rows.join(", "));
        let values = some.iter().flat_map(|(id, text)| [Value::from(*id), words::terms(user_id, text).into()]);
        transaction.execute_raw(Statement::from_sql_and_values(backend, statement, values)).await?;
    }
    Ok(())
}
