//! Where files are used: in which chats, and which are used nowhere any more.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap, HashSet},
};

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, LockType, Query, SimpleExpr},
};
use uuid::Uuid;

use super::{
    UserDb,
    chats::to_chat,
    entity::{chat_file, chat_session, message_file, user_file},
    failed,
    file_deletion::{delete_files, is_there},
    write::Written,
};
use crate::{
    domain::{
        file::{ChatLink, FileChats},
        file_state::FileState,
        ids::{ChatId, FileId, UserId},
        limits,
        source::FileUse,
    },
    error::{Error, Result},
};

/// Ids in one statement.
const IDS_AT_A_TIME: usize = 100;

impl UserDb {
    /// The chats in which some files are used, of those that are used in any.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_chats_of_files(&self, ids: &[FileId]) -> Result<HashMap<FileId, FileChats>> {
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
                .filter(chat_file::Column::FileId.is_in(ids))
                .into_tuple()
                .all(&read)
                .await
                .map_err(failed("list chats of files"))?;
            pairs.extend(of_chats);
        }
        let chat_ids: BTreeSet<Uuid> = pairs.iter().map(|(_, chat_id)| *chat_id).collect();
        let mut chats: HashMap<Uuid, (i64, ChatLink)> = HashMap::new();
        for ids in Vec::from_iter(chat_ids).chunks(IDS_AT_A_TIME) {
            let rows = chat_session::Entity::find()
                .filter(chat_session::Column::UserId.eq(user_id))
                .filter(chat_session::Column::Id.is_in(ids.iter().copied()))
                .all(&read)
                .await
                .map_err(failed("list chats of files"))?;
            chats.extend(rows.into_iter().map(to_chat).map(|chat| {
                let link = ChatLink { chat_id: chat.id, title: chat.display_title().to_owned() };
                (chat.id.0, (chat.updated_at_ms, link))
            }));
        }
        let mut of_files: HashMap<Uuid, Vec<&(i64, ChatLink)>> = HashMap::new();
        for (file_id, chat_id) in pairs {
            of_files.entry(file_id).or_default().extend(chats.get(&chat_id));
        }
        let to_shown = |(file_id, mut links): (Uuid, Vec<&(i64, ChatLink)>)| {
            links.sort_unstable_by_key(|(updated_at_ms, link)| (Reverse(*updated_at_ms), link.chat_id.0));
            let more = links.len().saturating_sub(limits::CHATS_PER_FILE_SHOWN);
            links.truncate(limits::CHATS_PER_FILE_SHOWN);
            let shown = links.into_iter().map(|(_, link)| link.clone()).collect();
            (FileId(file_id), FileChats { shown, more })
        };
        Ok(of_files.into_iter().map(to_shown).collect())
    }
}

/// What is there of these files, theirs, with their names, in this order, to be used from now on.
///
/// # Errors
/// [`Error::NotFound`] when one is not.
pub(super) async fn take_into_use(
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
        .filter(is_there())
        .order_by_asc(user_file::Column::Id)
        .lock(LockType::NoKeyUpdate)
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

/// Locks those of these files that are still there until the end of the transaction, and gives them. All are locked by all in
/// the order of their ids, and before any row that names one: so nobody waits for each other.
pub(super) async fn hold(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    ids: impl IntoIterator<Item = FileId>,
    lock: LockType,
) -> Written<HashSet<Uuid>> {
    hold_those(transaction, user_id, ids, is_there(), lock).await
}

/// The same of those that are as is said.
pub(super) async fn hold_those(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    ids: impl IntoIterator<Item = FileId>,
    such: SimpleExpr,
    lock: LockType,
) -> Written<HashSet<Uuid>> {
    let ids: BTreeSet<Uuid> = ids.into_iter().map(|id| id.0).collect();
    let mut there = HashSet::with_capacity(ids.len());
    for ids in Vec::from_iter(ids).chunks(IDS_AT_A_TIME) {
        let some: Vec<Uuid> = user_file::Entity::find()
            .select_only()
            .column(user_file::Column::Id)
            .filter(user_file::Column::UserId.eq(user_id.0))
            .filter(user_file::Column::Id.is_in(ids.iter().copied()))
            .filter(such.clone())
            .order_by_asc(user_file::Column::Id)
            .lock(lock)
            .into_tuple()
            .all(transaction)
            .await?;
        there.extend(some);
    }
    Ok(there)
}

/// The files that a chat has, or that came with what was said in it or is to come with what is written in it, or of which its
/// replies were given something.
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
    let of_messages: Vec<Option<Uuid>> = message_file::Entity::find()
        .select_only()
        .column(message_file::Column::FileId)
        .filter(message_file::Column::ChatId.eq(chat_id.0))
        .filter(message_file::Column::UserId.eq(user_id.0))
        .filter(message_file::Column::FileId.is_not_null())
        .distinct()
        .into_tuple()
        .all(transaction)
        .await?;
    ids.extend(of_messages.into_iter().flatten());
    let unsent: Vec<Uuid> = user_file::Entity::find()
        .select_only()
        .column(user_file::Column::Id)
        .filter(user_file::Column::UserId.eq(user_id.0))
        .filter(user_file::Column::ForChatId.eq(chat_id.0))
        .filter(user_file::Column::UnusedUntilMs.is_not_null())
        .into_tuple()
        .all(transaction)
        .await?;
    ids.extend(unsent);
    Ok(ids.into_iter().map(FileId).collect())
}

/// Deletes those of these files that came with a message and that no chat has any more.
pub(super) async fn delete_unused(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    ids: &[FileId],
) -> Written<Vec<FileId>> {
    // Nobody attaches one of them between the look and the deletion.
    let there = Vec::from_iter(hold(transaction, user_id, ids.iter().copied(), LockType::Update).await?);
    let mut unused = Vec::new();
    for ids in there.chunks(IDS_AT_A_TIME) {
        let some: Vec<Uuid> = user_file::Entity::find()
            .select_only()
            .column(user_file::Column::Id)
            .filter(user_file::Column::Id.is_in(ids.iter().copied()))
            .filter(is_unused())
            .into_tuple()
            .all(transaction)
            .await?;
        unused.extend(some.into_iter().map(FileId));
    }
    delete_files(transaction, user_id, &unused).await
}

/// Of a file: it is not kept for its own sake, and nobody attached it to anything that is still there. What a reply was given
/// of it is no reason to keep it.
fn is_unused() -> Condition {
    let file = Expr::col((user_file::Entity, user_file::Column::Id));
    let in_message = Query::select()
        .expr(Expr::value(1))
        .from(message_file::Entity)
        .and_where(Expr::col((message_file::Entity, message_file::Column::FileId)).eq(file.clone()))
        .and_where(message_file::Column::UsedAs.eq(FileUse::Attached.code()))
        .to_owned();
    let in_chat = Query::select()
        .expr(Expr::value(1))
        .from(chat_file::Entity)
        .and_where(Expr::col((chat_file::Entity, chat_file::Column::FileId)).eq(file))
        .to_owned();
    Condition::all()
        .add(user_file::Column::IsKept.eq(false))
        .add(Expr::exists(in_message).not())
        .add(Expr::exists(in_chat).not())
}
