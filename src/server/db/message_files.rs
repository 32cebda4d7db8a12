//! Files in a user's chats: those that came with messages, the sources of replies, and those of a whole chat.

use std::collections::{HashMap, HashSet};

use futures::FutureExt;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockType, OnConflict, Query},
};
use uuid::Uuid;

use super::{
    UserDb,
    chats::to_chat,
    entity::{chat_file, chat_message, chat_session, message_file, user_file},
    exchanges::lock_chat,
    failed,
    files::{delete_rows, to_file},
    write::Written,
};
use crate::{
    domain::{
        chat::Chat,
        file::{File, FileInChat, FileName, FileState},
        ids::{ChatId, FileId, MessageId, UserId},
        limits,
        place::Place,
        source::{FileUse, MessageFile},
    },
    error::{Error, Result},
    server::clock,
};

/// Ids in one statement.
const IDS_AT_A_TIME: usize = 100;

impl UserDb {
    /// The files of some messages, and the sources of some replies, of each in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_message_files(&self, ids: &[MessageId]) -> Result<HashMap<MessageId, Vec<MessageFile>>> {
        let mut files: HashMap<MessageId, Vec<MessageFile>> = HashMap::new();
        if ids.is_empty() {
            return Ok(files);
        }
        let read = self.read().await?;
        for ids in ids.chunks(IDS_AT_A_TIME) {
            let rows = message_file::Entity::find()
                .filter(message_file::Column::UserId.eq(self.user_id().0))
                .filter(message_file::Column::MessageId.is_in(ids.iter().map(|id| id.0)))
                .order_by_asc(message_file::Column::MessageId)
                .order_by_asc(message_file::Column::Number)
                .all(&read)
                .await
                .map_err(failed("list files of messages"))?;
            for row in rows {
                files.entry(MessageId(row.message_id)).or_default().push(to_message_file(row));
            }
        }
        Ok(files)
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
            .all(&self.read().await?)
            .await
            .map_err(failed("find files"))?;
        let mut files: HashMap<FileId, File> = rows.into_iter().map(|row| (FileId(row.id), to_file(row))).collect();
        Ok(ids.iter().filter_map(|id| files.remove(id)).collect())
    }

    /// Whether a chat has to do with files; no when it is not theirs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn chat_uses_files(&self, chat_id: ChatId) -> Result<bool> {
        let row = chat_session::Entity::find_by_id(chat_id.0)
            .filter(chat_session::Column::UserId.eq(self.user_id().0))
            .one(&self.read().await?)
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
            .all(&self.read().await?)
            .await
            .map_err(failed("list files of a chat"))?;
        self.find_files(&ids.into_iter().map(FileId).collect::<Vec<_>>()).await
    }

    /// The chats in which some files are used, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_chats_of_files(&self, ids: &[FileId]) -> Result<Vec<FileInChat>> {
        let read = self.read().await?;
        let user_id = self.user_id().0;
        let mut pairs: HashSet<(Uuid, Uuid)> = HashSet::new();
        for ids in ids.chunks(IDS_AT_A_TIME) {
            let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
            let of_messages: Vec<(Option<Uuid>, Uuid)> = message_file::Entity::find()
                .select_only()
                .columns([message_file::Column::FileId, message_file::Column::ChatId])
                .filter(message_file::Column::UserId.eq(user_id))
                .filter(message_file::Column::FileId.is_in(ids.iter().copied()))
                .distinct()
                .into_tuple()
                .all(&read)
                .await
                .map_err(failed("list chats of files"))?;
            pairs.extend(of_messages.into_iter().filter_map(|(file_id, chat_id)| Some((file_id?, chat_id))));
            let of_chats: Vec<(Uuid, Uuid)> = chat_file::Entity::find()
                .select_only()
                .columns([chat_file::Column::FileId, chat_file::Column::ChatId])
                .filter(chat_file::Column::UserId.eq(user_id))
                .filter(chat_file::Column::FileId.is_in(ids.iter().copied()))
                .into_tuple()
                .all(&read)
                .await
                .map_err(failed("list chats of files"))?;
            pairs.extend(of_chats);
        }
        let chat_ids: Vec<Uuid> =
            pairs.iter().map(|(_, chat_id)| *chat_id).collect::<HashSet<_>>().into_iter().collect();
        let mut titles: HashMap<Uuid, (i64, String)> = HashMap::new();
        for ids in chat_ids.chunks(IDS_AT_A_TIME) {
            let rows = chat_session::Entity::find()
                .filter(chat_session::Column::UserId.eq(user_id))
                .filter(chat_session::Column::Id.is_in(ids.iter().copied()))
                .all(&read)
                .await
                .map_err(failed("list chats of files"))?;
            titles.extend(rows.into_iter().map(|row| {
                let chat = to_chat(row);
                (chat.id.0, (chat.updated_at_ms, chat.display_title().to_owned()))
            }));
        }
        let mut found: Vec<(i64, FileInChat)> = pairs
            .into_iter()
            .filter_map(|(file_id, chat_id)| {
                let (updated_at_ms, title) = titles.get(&chat_id)?.clone();
                Some((updated_at_ms, FileInChat { file_id: FileId(file_id), chat_id: ChatId(chat_id), title }))
            })
            .collect();
        found.sort_by_key(|(updated_at_ms, found)| (std::cmp::Reverse(*updated_at_ms), found.chat_id.0));
        Ok(found.into_iter().map(|(_, found)| found).collect())
    }

    /// Gives files to a whole chat.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the chat, or one of the files, is not theirs; [`Error::TooMany`] when it would have too many.
    pub async fn add_chat_files(&self, chat_id: ChatId, ids: Vec<FileId>) -> Result<()> {
        let user_id = self.user_id();
        self.write("add files to a chat", move |transaction| {
            async move {
                lock_chat(transaction, user_id, chat_id).await?;
                let found = take_into_use(transaction, user_id, &ids).await?;
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
                let count = sea_orm::PaginatorTrait::count(all, transaction).await?;
                if count > limits::FILES_PER_CHAT_MAX {
                    return Err(Error::TooMany.into());
                }
                note_use(transaction, chat_id).await
            }
            .boxed()
        })
        .await
    }

    /// Takes a file from a whole chat; with it goes what was only there for its sake.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the chat does not have it, or is not theirs.
    pub async fn remove_chat_file(&self, chat_id: ChatId, id: FileId) -> Result<()> {
        let user_id = self.user_id();
        self.write("take a file from a chat", move |transaction| {
            async move {
                lock_chat(transaction, user_id, chat_id).await?;
                hold_to_delete(transaction, user_id, &[id]).await?;
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

/// What is there of these files, theirs, with their names, in this order, to be used from now on.
///
/// # Errors
/// [`Error::NotFound`] when one is not.
async fn take_into_use(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    ids: &[FileId],
) -> Written<Vec<(FileId, String)>> {
    if ids.len() > IDS_AT_A_TIME {
        return Err(Error::TooMany.into());
    }
    // Held, so that none is deleted before this is done.
    let rows: Vec<(Uuid, String)> = user_file::Entity::find()
        .select_only()
        .columns([user_file::Column::Id, user_file::Column::Name])
        .filter(user_file::Column::UserId.eq(user_id.0))
        .filter(user_file::Column::Id.is_in(ids.iter().map(|id| id.0)))
        .filter(user_file::Column::State.ne(FileState::Uploading.name()))
        .order_by_asc(user_file::Column::Id)
        .lock(LockType::KeyShare)
        .into_tuple()
        .all(transaction)
        .await?;
    let mut names: HashMap<Uuid, String> = rows.into_iter().collect();
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let name = names.remove(&id.0).ok_or(Error::NotFound)?;
        found.push((*id, name));
    }
    if !found.is_empty() {
        user_file::Entity::update_many()
            .col_expr(user_file::Column::UnusedUntilMs, Expr::value(Option::<i64>::None))
            .filter(user_file::Column::Id.is_in(ids.iter().map(|id| id.0)))
            .filter(user_file::Column::UnusedUntilMs.is_not_null())
            .exec(transaction)
            .await?;
    }
    Ok(found)
}

/// Puts files to a message that was just added, and notes that its chat uses files.
///
/// # Errors
/// [`Error::NotFound`] when one of them is not theirs, or not complete; [`Error::TooMany`].
pub(super) async fn attach(
    transaction: &impl ConnectionTrait,
    message: &chat_message::Model,
    ids: &[FileId],
) -> Written<()> {
    if ids.len() > limits::FILES_PER_MESSAGE_MAX {
        return Err(Error::TooMany.into());
    }
    let found = take_into_use(transaction, UserId(message.user_id), ids).await?;
    let rows = found.into_iter().zip(1..).map(|((file_id, name), number)| message_file::Model {
        message_id: message.id,
        number,
        chat_id: message.chat_id,
        user_id: message.user_id,
        file_id: Some(file_id.0),
        name,
        used_as: FileUse::Attached.code().to_owned(),
        seq: None,
        place: None,
        place_number: None,
        place_name: None,
    });
    insert(transaction, rows).await
}

/// Whether a message came with these files, and no others. One that was deleted since may be any of them.
pub(super) async fn came_with(transaction: &impl ConnectionTrait, message_id: Uuid, ids: &[FileId]) -> Written<bool> {
    let kept: Vec<Option<Uuid>> = message_file::Entity::find()
        .select_only()
        .column(message_file::Column::FileId)
        .filter(message_file::Column::MessageId.eq(message_id))
        .into_tuple()
        .all(transaction)
        .await?;
    let asked: HashSet<Uuid> = ids.iter().map(|id| id.0).collect();
    Ok(kept.len() == ids.len() && kept.iter().flatten().all(|id| asked.contains(id)))
}

/// Puts the files of one message, or the sources of one reply, to another.
pub(super) async fn copy_files(
    transaction: &impl ConnectionTrait,
    from: Uuid,
    to: &chat_message::Model,
) -> Written<()> {
    let rows = message_file::Entity::find()
        .filter(message_file::Column::MessageId.eq(from))
        .filter(message_file::Column::UserId.eq(to.user_id))
        .all(transaction)
        .await?;
    // Some may be deleted just now.
    let there = hold(transaction, UserId(to.user_id), rows.iter().filter_map(|row| row.file_id).map(FileId)).await?;
    let copies = rows.into_iter().map(|row| message_file::Model {
        message_id: to.id,
        chat_id: to.chat_id,
        file_id: row.file_id.filter(|id| there.contains(id)),
        ..row
    });
    insert(transaction, copies).await
}

/// Keeps what a reply was given, in the place of what was kept before.
pub(super) async fn keep_sources(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    message_id: MessageId,
    sources: Vec<MessageFile>,
) -> Written<()> {
    let chat_id: Option<Uuid> = chat_message::Entity::find_by_id(message_id.0)
        .select_only()
        .column(chat_message::Column::ChatId)
        .filter(chat_message::Column::UserId.eq(user_id.0))
        .into_tuple()
        .one(transaction)
        .await?;
    let chat_id = chat_id.ok_or(Error::NotFound)?;
    let there = hold(transaction, user_id, sources.iter().filter_map(|source| source.file_id)).await?;
    message_file::Entity::delete_many()
        .filter(message_file::Column::MessageId.eq(message_id.0))
        .filter(message_file::Column::UserId.eq(user_id.0))
        .exec(transaction)
        .await?;
    let rows = sources.into_iter().map(|source| {
        let (seq, place) = match &source.used_as {
            FileUse::Piece { seq, place } => (Some(to_number(*seq)), Some(place.to_columns())),
            _ => (None, None),
        };
        message_file::Model {
            message_id: message_id.0,
            number: to_number(source.number),
            chat_id,
            user_id: user_id.0,
            file_id: source.file_id.map(|id| id.0).filter(|id| there.contains(id)),
            name: source.name.as_str().to_owned(),
            used_as: source.used_as.code().to_owned(),
            seq,
            place: place.map(|(kind, ..)| kind.to_owned()),
            place_number: place.and_then(|(_, number, _)| number).map(to_number),
            place_name: place.and_then(|(.., name)| name).map(str::to_owned),
        }
    });
    insert(transaction, rows).await
}

/// Which of these files are still there. They stay until the end of the transaction. Whoever deletes a file holds it before
/// any row that names it; in the same order here, nobody waits for each other.
async fn hold(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    ids: impl Iterator<Item = FileId>,
) -> Written<HashSet<Uuid>> {
    let ids: HashSet<Uuid> = ids.map(|id| id.0).collect();
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let there: Vec<Uuid> = user_file::Entity::find()
        .select_only()
        .column(user_file::Column::Id)
        .filter(user_file::Column::UserId.eq(user_id.0))
        .filter(user_file::Column::Id.is_in(ids))
        .order_by_asc(user_file::Column::Id)
        .lock(LockType::KeyShare)
        .into_tuple()
        .all(transaction)
        .await?;
    Ok(there.into_iter().collect())
}

/// Holds files that may be deleted, before anything that names them is.
pub(super) async fn hold_to_delete(transaction: &impl ConnectionTrait, user_id: UserId, ids: &[FileId]) -> Written<()> {
    for ids in ids.chunks(IDS_AT_A_TIME) {
        let _: Vec<Uuid> = user_file::Entity::find()
            .select_only()
            .column(user_file::Column::Id)
            .filter(user_file::Column::UserId.eq(user_id.0))
            .filter(user_file::Column::Id.is_in(ids.iter().map(|id| id.0)))
            .filter(user_file::Column::IsKept.eq(false))
            .order_by_asc(user_file::Column::Id)
            .lock_exclusive()
            .into_tuple()
            .all(transaction)
            .await?;
    }
    Ok(())
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

/// The files that a chat has, or that came with what was said in it.
pub(super) async fn list_files_of_chat(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    chat_id: ChatId,
) -> Written<Vec<FileId>> {
    let mut ids: Vec<Uuid> = chat_file::Entity::find()
        .select_only()
        .column(chat_file::Column::FileId)
        .filter(chat_file::Column::ChatId.eq(chat_id.0))
        .filter(chat_file::Column::UserId.eq(user_id.0))
        .into_tuple()
        .all(transaction)
        .await?;
    let attached: Vec<Option<Uuid>> = message_file::Entity::find()
        .select_only()
        .column(message_file::Column::FileId)
        .filter(message_file::Column::ChatId.eq(chat_id.0))
        .filter(message_file::Column::UserId.eq(user_id.0))
        .filter(message_file::Column::FileId.is_not_null())
        .distinct()
        .into_tuple()
        .all(transaction)
        .await?;
    ids.extend(attached.into_iter().flatten());
    Ok(ids.into_iter().map(FileId).collect())
}

/// Deletes those of these files that came with a message and that no chat has any more.
pub(super) async fn delete_unused(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    ids: &[FileId],
) -> Written<Vec<FileId>> {
    let mut deleted = Vec::new();
    // Nobody attaches one of them between the look and the deletion.
    hold_to_delete(transaction, user_id, ids).await?;
    for ids in ids.chunks(IDS_AT_A_TIME) {
        let unused: Vec<Uuid> = user_file::Entity::find()
            .select_only()
            .column(user_file::Column::Id)
            .filter(user_file::Column::UserId.eq(user_id.0))
            .filter(user_file::Column::Id.is_in(ids.iter().map(|id| id.0)))
            .filter(is_unused())
            .into_tuple()
            .all(transaction)
            .await?;
        let unused: Vec<FileId> = unused.into_iter().map(FileId).collect();
        deleted.extend(delete_rows(transaction, user_id, &unused).await?);
    }
    Ok(deleted)
}

/// Of a file: it is not kept for its own sake, and nobody attached it to anything that is still there. What a reply was given
/// of it is no reason to keep it.
pub(super) fn is_unused() -> Condition {
    let in_messages = Query::select()
        .column(message_file::Column::FileId)
        .from(message_file::Entity)
        .and_where(message_file::Column::FileId.is_not_null())
        .and_where(message_file::Column::UsedAs.eq(FileUse::Attached.code()))
        .to_owned();
    let in_chats = Query::select().column(chat_file::Column::FileId).from(chat_file::Entity).to_owned();
    Condition::all()
        .add(user_file::Column::IsKept.eq(false))
        .add(user_file::Column::Id.not_in_subquery(in_messages))
        .add(user_file::Column::Id.not_in_subquery(in_chats))
}

async fn insert(
    transaction: &impl ConnectionTrait,
    rows: impl IntoIterator<Item = message_file::Model>,
) -> Written<()> {
    let rows: Vec<_> = rows.into_iter().map(IntoActiveModel::into_active_model).collect();
    if !rows.is_empty() {
        message_file::Entity::insert_many(rows).exec_without_returning(transaction).await?;
    }
    Ok(())
}

fn to_message_file(row: message_file::Model) -> MessageFile {
    let place =
        row.place.map(|kind| Place::from_columns(&kind, row.place_number.map(i32::unsigned_abs), row.place_name));
    MessageFile {
        number: row.number.unsigned_abs(),
        file_id: row.file_id.map(FileId),
        name: FileName::kept(row.name),
        used_as: FileUse::from_code(&row.used_as, row.seq.map(i32::unsigned_abs).zip(place)),
    }
}

fn to_number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
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
    let there = hold(transaction, user_id, rows.iter().map(|row| FileId(row.file_id))).await?;
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
