//! How much is stored about a user.

use sea_orm::{
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait, Query, SimpleExpr},
};

use super::{
    UserDb,
    entity::{
        access_token, chat_draft, chat_message, chat_session, chat_summary, chunk_vector, file_chunk, file_picture,
        login_session, notification, user_file,
    },
    failed,
    files::used,
};
use crate::{
    domain::{
        ids::UserId,
        stored::{Stored, StoredSort},
    },
    error::Result,
};

/// The bytes of all texts together; both databases know this.
const TEXT_BYTES: &str = "CAST(COALESCE(SUM(octet_length(text) + COALESCE(octet_length(reasoning), 0)), 0) AS bigint)";

impl UserDb {
    /// How much there is of each sort.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn measure_stored(&self) -> Result<Vec<Stored>> {
        measure(&self.read().await?, self.user_id()).await.map_err(failed("measure what is stored"))
    }
}

async fn measure(read: &DatabaseTransaction, user_id: UserId) -> std::result::Result<Vec<Stored>, DbErr> {
    let id = user_id.0;
    let chats = chat_session::Entity::find().filter(chat_session::Column::UserId.eq(id)).count(read).await?;
    let notifications = notification::Entity::find().filter(notification::Column::UserId.eq(id)).count(read).await?;
    let sessions = login_session::Entity::find().filter(login_session::Column::UserId.eq(id)).count(read).await?;
    let tokens = access_token::Entity::find().filter(access_token::Column::UserId.eq(id)).count(read).await?;
    let messages: Option<(i64, i64)> = chat_message::Entity::find()
        .select_only()
        .column_as(chat_message::Column::Id.count(), "messages")
        .column_as(Expr::cust(TEXT_BYTES), "bytes")
        .filter(chat_message::Column::UserId.eq(id))
        .into_tuple()
        .one(read)
        .await?;
    let (messages, text_bytes) = messages.unwrap_or_default();
    let (files, file_bytes) = used(read, user_id).await?;
    // By their chats and files, which indexes lead to: nobody else's are read on the way.
    let of_their_chats = |chat: SimpleExpr| {
        let chats = Query::select()
            .column(chat_session::Column::Id)
            .from(chat_session::Entity)
            .and_where(chat_session::Column::UserId.eq(id))
            .to_owned();
        chat.in_subquery(chats)
    };
    let whose = chat_draft::Column::UserId.eq(id).and(of_their_chats(chat_draft::Column::ChatId.into_expr()));
    // A row stays when its text goes.
    let drafts = count_bytes::<chat_draft::Entity>(read, whose.and(chat_draft::Column::Text.ne("")), &["text"]).await?;
    let whose = chat_summary::Column::UserId.eq(id).and(of_their_chats(chat_summary::Column::ChatId.into_expr()));
    let summaries = count_bytes::<chat_summary::Entity>(read, whose, &["text"]).await?;
    let of_their_files = |file: SimpleExpr| {
        let files = Query::select()
            .column(user_file::Column::Id)
            .from(user_file::Entity)
            .and_where(user_file::Column::UserId.eq(id))
            .to_owned();
        file.in_subquery(files)
    };
    let whose = file_chunk::Column::UserId.eq(id).and(of_their_files(file_chunk::Column::FileId.into_expr()));
    let texts = count_bytes::<file_chunk::Entity>(read, whose, &["text"]).await?;
    let whose = chunk_vector::Column::UserId.eq(id).and(of_their_files(chunk_vector::Column::FileId.into_expr()));
    let vectors = count_bytes::<chunk_vector::Entity>(read, whose, &["vector", "parts"]).await?;
    let whose = file_picture::Column::UserId.eq(id).and(of_their_files(file_picture::Column::FileId.into_expr()));
    let pictures = count_bytes::<file_picture::Entity>(read, whose, &["content"]).await?;
    let stored = |what, count, bytes| Stored { what, count, bytes };
    Ok(vec![
        stored(StoredSort::Chats, chats, None),
        stored(StoredSort::Messages, messages.unsigned_abs(), Some(text_bytes.unsigned_abs())),
        stored(StoredSort::Drafts, drafts.0, Some(drafts.1)),
        stored(StoredSort::Summaries, summaries.0, Some(summaries.1)),
        stored(StoredSort::Files, files, Some(file_bytes)),
        stored(StoredSort::FileTexts, texts.0, Some(texts.1)),
        stored(StoredSort::FileVectors, vectors.0, Some(vectors.1)),
        stored(StoredSort::FilePictures, pictures.0, Some(pictures.1)),
        stored(StoredSort::Notifications, notifications, None),
        stored(StoredSort::Sessions, sessions, None),
        stored(StoredSort::AccessTokens, tokens, None),
    ])
}

/// How many rows there are, and the bytes of some of their columns.
async fn count_bytes<E: EntityTrait>(
    read: &DatabaseTransaction,
    whose: SimpleExpr,
    columns: &[&str],
) -> std::result::Result<(u64, u64), DbErr> {
    let lengths: Vec<String> = columns.iter().map(|column| format!("COALESCE(octet_length({column}), 0)")).collect();
    let lengths = lengths.join(" + ");
    let row: Option<(i64, i64)> = E::find()
        .select_only()
        .column_as(Expr::cust("COUNT(*)"), "rows")
        .column_as(Expr::cust(format!("CAST(COALESCE(SUM({lengths}), 0) AS bigint)")), "bytes")
        .filter(whose)
        .into_tuple()
        .one(read)
        .await?;
    let (rows, bytes) = row.unwrap_or_default();
    Ok((rows.unsigned_abs(), bytes.unsigned_abs()))
}
