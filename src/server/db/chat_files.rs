//! Files of whole chats, and whether a chat looks through all of its person's files.

use futures::FutureExt;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockType, OnConflict},
};
use uuid::Uuid;

use super::{
    UserDb,
    chats::to_chat,
    entity::{chat_file, chat_session, user_file},
    exchanges::{lock_account, lock_chat},
    failed,
    file_uses::{delete_unused, hold, take_into_use},
    write::Written,
};
use crate::{
    domain::{
        chat::Chat,
        draft::UnsentFile,
        file::{File, FileName},
        file_state::FileState,
        ids::{ChatId, FileId, UserId},
        limits,
    },
    error::{Error, InvalidInput, Result},
    server::clock,
};

impl UserDb {
    /// Whether a chat has to do with files; no when it is not theirs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn chat_uses_files(&self, chat_id: ChatId) -> Result<bool> {
        let row = chat_session::Entity::find_by_id(chat_id.0)
            .filter(chat_session::Column::UserId.eq(self.user_id().0))
            .one(&self.query().await?)
            .await
            .map_err(failed("find chat"))?;
        Ok(row.is_some_and(|row| row.uses_files))
    }

    /// The files of a whole chat, in the order in which they were added; none when the chat is not theirs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_chat_files(&self, chat_id: ChatId) -> Result<Vec<File>> {
        let ids: Vec<Uuid> = chat_file::Entity::find()
            .select_only()
            .column(chat_file::Column::FileId)
            .filter(chat_file::Column::ChatId.eq(chat_id.0))
            .filter(chat_file::Column::UserId.eq(self.user_id().0))
            .order_by_asc(chat_file::Column::AddedAtMs)
            .order_by_asc(chat_file::Column::FileId)
            .into_tuple()
            .all(&self.query().await?)
            .await
            .map_err(failed("list files of a chat"))?;
        self.find_files(&ids.into_iter().map(FileId).collect::<Vec<_>>()).await
    }

    /// Files for a message which is not sent yet in this chat, and how far they are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_unsent_files(&self, chat_id: ChatId) -> Result<Vec<(UnsentFile, FileState)>> {
        let rows: Vec<(Uuid, String, String, Option<String>)> = user_file::Entity::find()
            .select_only()
            .columns([
                user_file::Column::Id,
                user_file::Column::Name,
                user_file::Column::State,
                user_file::Column::Failure,
            ])
            .filter(user_file::Column::UserId.eq(self.user_id().0))
            .filter(user_file::Column::ForChatId.eq(chat_id.0))
            .filter(user_file::Column::UnusedUntilMs.is_not_null())
            // Whole ones first: as many as a message can come with are all of them.
            .order_by_asc(user_file::Column::State.eq(FileState::Uploading.name()))
            .order_by_asc(user_file::Column::Id)
            .limit(2 * limits::FILES_PER_MESSAGE_MAX as u64)
            .into_tuple()
            .all(&self.query().await?)
            .await
            .map_err(failed("list unsent files"))?;
        let to_unsent = |(id, name, state, failure): (Uuid, String, String, Option<String>)| {
            let state = FileState::from_names(&state, failure.as_deref());
            let is_whole = state != FileState::Uploading;
            (UnsentFile { id: FileId(id), name: FileName::kept(name), is_whole }, state)
        };
        Ok(rows.into_iter().map(to_unsent).collect())
    }

    /// Gives files to a whole chat.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the chat, or one of the files, is not theirs; [`InvalidInput::ChatFiles`] when it would have too many.
    pub async fn add_chat_files(&self, chat_id: ChatId, ids: Vec<FileId>) -> Result<()> {
        let user_id = self.user_id();
        self.write("add files to a chat", move |transaction| {
            async move {
                lock_chat(transaction, user_id, chat_id).await?;
                give_files(transaction, user_id, chat_id, &ids).await
            }
            .boxed()
        })
        .await
    }

    /// Gives a file that was uploaded for a whole chat to it, once. Nothing when it was not, or when the chat is gone.
    ///
    /// # Errors
    /// [`InvalidInput::ChatFiles`] when the chat would have too many.
    pub async fn give_to_its_chat(&self, id: FileId) -> Result<()> {
        let chat_id: Option<Option<Uuid>> = user_file::Entity::find_by_id(id.0)
            .select_only()
            .column(user_file::Column::ForChatId)
            .filter(user_file::Column::UserId.eq(self.user_id().0))
            .filter(user_file::Column::IsKept.eq(true))
            .into_tuple()
            .one(&self.query().await?)
            .await
            .map_err(failed("find a file's chat"))?;
        let Some(chat_id) = chat_id.flatten().map(ChatId) else { return Ok(()) };
        let user_id = self.user_id();
        let given = self.write("give a file to its chat", move |transaction| {
            async move {
                lock_chat(transaction, user_id, chat_id).await?;
                give_files(transaction, user_id, chat_id, &[id]).await?;
                user_file::Entity::update_many()
                    .col_expr(user_file::Column::ForChatId, Expr::value(Option::<Uuid>::None))
                    .filter(user_file::Column::Id.eq(id.0))
                    .exec(transaction)
                    .await?;
                Ok(())
            }
            .boxed()
        });
        match given.await {
            Err(Error::NotFound) => Ok(()),
            given => given,
        }
    }

    /// Takes a file from a whole chat; with it goes what was only there for its sake.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the chat does not have it, or is not theirs.
    pub async fn remove_chat_file(&self, chat_id: ChatId, id: FileId) -> Result<()> {
        let user_id = self.user_id();
        self.write("take a file from a chat", move |transaction| {
            async move {
                lock_account(transaction, user_id, LockType::KeyShare).await?;
                lock_chat(transaction, user_id, chat_id).await?;
                hold(transaction, user_id, [id], LockType::Update).await?;
                let removed = chat_file::Entity::delete_many()
                    .filter(chat_file::Column::ChatId.eq(chat_id.0))
                    .filter(chat_file::Column::FileId.eq(id.0))
                    .filter(chat_file::Column::UserId.eq(user_id.0))
                    .exec(transaction)
                    .await?;
                if removed.rows_affected == 0 {
                    return Err(Error::NotFound.into());
                }
                delete_unused(transaction, user_id, &[id]).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Has a chat look through all files for each reply, or no longer.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not theirs.
    pub async fn search_files_in_chat(&self, chat_id: ChatId, searches: bool) -> Result<Chat> {
        let user_id = self.user_id();
        self.write("have a chat search files", move |transaction| {
            async move {
                let chat = lock_chat(transaction, user_id, chat_id).await?;
                chat_session::Entity::update_many()
                    .col_expr(chat_session::Column::SearchesFiles, Expr::value(searches))
                    .col_expr(chat_session::Column::UsesFiles, Expr::value(chat.uses_files || searches))
                    .filter(chat_session::Column::Id.eq(chat_id.0))
                    .exec(transaction)
                    .await?;
                Ok(to_chat(chat_session::Model { searches_files: searches, ..chat }))
            }
            .boxed()
        })
        .await
    }
}

/// Gives files to a chat that is locked, or new.
///
/// # Errors
/// As [`UserDb::add_chat_files`].
pub(super) async fn give_files(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    chat_id: ChatId,
    ids: &[FileId],
) -> Written<()> {
    let found = take_into_use(transaction, user_id, ids).await?;
    let now_ms = clock::now_ms();
    let rows = found.into_iter().zip(0..).map(|((file_id, _), place)| chat_file::ActiveModel {
        chat_id: Set(chat_id.0),
        file_id: Set(file_id.0),
        user_id: Set(user_id.0),
        added_at_ms: Set(now_ms + place),
    });
    let stay = OnConflict::columns([chat_file::Column::ChatId, chat_file::Column::FileId])
        .do_nothing_on([chat_file::Column::ChatId, chat_file::Column::FileId])
        .to_owned();
    chat_file::Entity::insert_many(rows).on_conflict(stay).exec_without_returning(transaction).await?;
    let all = chat_file::Entity::find()
        .filter(chat_file::Column::ChatId.eq(chat_id.0))
        .filter(chat_file::Column::UserId.eq(user_id.0));
    if all.count(transaction).await? > limits::FILES_PER_CHAT_MAX {
        return Err(Error::from(InvalidInput::ChatFiles).into());
    }
    note_use(transaction, chat_id).await
}

/// Notes that a chat has to do with files.
pub(super) async fn note_use(transaction: &impl ConnectionTrait, chat_id: ChatId) -> Written<()> {
    chat_session::Entity::update_many()
        .col_expr(chat_session::Column::UsesFiles, Expr::value(true))
        .filter(chat_session::Column::Id.eq(chat_id.0))
        .exec(transaction)
        .await?;
    Ok(())
}

/// Puts the files of one chat to another.
pub(super) async fn copy_chat_files(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    from: ChatId,
    to: ChatId,
) -> Written<()> {
    let rows = chat_file::Entity::find()
        .filter(chat_file::Column::ChatId.eq(from.0))
        .filter(chat_file::Column::UserId.eq(user_id.0))
        .all(transaction)
        .await?;
    let files = rows.iter().map(|row| FileId(row.file_id));
    let there = hold(transaction, user_id, files, LockType::KeyShare).await?;
    let copies: Vec<_> = rows
        .into_iter()
        .filter(|row| there.contains(&row.file_id))
        .map(|row| chat_file::Model { chat_id: to.0, ..row }.into_active_model())
        .collect();
    if !copies.is_empty() {
        chat_file::Entity::insert_many(copies).exec_without_returning(transaction).await?;
    }
    Ok(())
}
