//! Files of messages: those that came with what a person wrote, and the sources of replies.

use std::collections::{HashMap, HashSet};

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::LockType,
};
use uuid::Uuid;

use super::{
    UserDb,
    entity::{chat_message, message_file},
    failed,
    file_uses::{hold, take_into_use},
    write::Written,
};
use crate::{
    domain::{
        file::FileName,
        ids::{FileId, MessageId, UserId},
        limits,
        place::Place,
        source::{FileUse, MessageFile},
    },
    error::{Error, InvalidInput, Result},
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
}

/// Puts files to a message that was just added.
///
/// # Errors
/// [`Error::NotFound`] when one of them is not theirs, or not complete; [`InvalidInput::MessageFiles`].
pub(super) async fn attach(
    transaction: &impl ConnectionTrait,
    message: &chat_message::Model,
    ids: &[FileId],
) -> Written<()> {
    if ids.len() > limits::FILES_PER_MESSAGE_MAX {
        return Err(Error::from(InvalidInput::MessageFiles).into());
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
    let files = rows.iter().filter_map(|row| row.file_id).map(FileId);
    let there = hold(transaction, UserId(to.user_id), files, LockType::KeyShare).await?;
    let copies = rows.into_iter().map(|row| message_file::Model {
        message_id: to.id,
        chat_id: to.chat_id,
        file_id: row.file_id.filter(|id| there.contains(id)),
        ..row
    });
    insert(transaction, copies).await
}

/// Holds the files of sources, before the reply whose they are is written; gives those that are there.
pub(super) async fn hold_sources(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    sources: &[MessageFile],
) -> Written<HashSet<Uuid>> {
    hold(transaction, user_id, sources.iter().filter_map(|source| source.file_id), LockType::KeyShare).await
}

/// Keeps what a reply was given, in the place of what was kept before. Of these files only those are `there`.
pub(super) async fn keep_sources(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    message_id: MessageId,
    sources: Vec<MessageFile>,
    there: &HashSet<Uuid>,
) -> Written<()> {
    let chat_id: Option<Uuid> = chat_message::Entity::find_by_id(message_id.0)
        .select_only()
        .column(chat_message::Column::ChatId)
        .filter(chat_message::Column::UserId.eq(user_id.0))
        .into_tuple()
        .one(transaction)
        .await?;
    let chat_id = chat_id.ok_or(Error::NotFound)?;
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
