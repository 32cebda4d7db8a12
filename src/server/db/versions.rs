//! Versions: messages that follow the same one. A chat's messages are a tree, of which one path is shown; in it places only
//! grow, for what follows was said later. Here one goes from one path to another, and a chat begins with a part of another.

use std::collections::HashMap;

use futures::FutureExt;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
    sea_query::{Expr, LockType},
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    UserDb,
    chat_files::copy_chat_files,
    chats::to_chat,
    entity::{chat_message, chat_session},
    exchanges::{lock_chat, lock_user},
    failed,
    file_uses::{hold, list_files_of_chat},
    message_files::copy_files,
    messages::{StoredMessage, to_state},
    write::Written,
};
use crate::{
    domain::{
        chat::Chat,
        ids::{ChatId, ClientMessageId, MessageId, UserId},
        limits,
        message::Versions,
    },
    error::{Error, InvalidInput, Result},
    server::clock,
};

/// Ids in one statement.
const ROWS_AT_A_TIME: usize = 100;
/// Messages that are copied in one statement.
const COPIES_AT_A_TIME: usize = 20;

impl UserDb {
    /// The place of each of these messages among its versions, for those that have others. All are of one chat.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_versions(&self, messages: &[StoredMessage]) -> Result<HashMap<MessageId, Versions>> {
        let Some(chat_id) = messages.first().map(|message| message.chat_id) else { return Ok(HashMap::new()) };
        let parents = messages.iter().filter_map(|message| message.parent_id).map(|id| id.0);
        let mut follows = Condition::any().add(chat_message::Column::ParentId.is_in(parents));
        if messages.iter().any(|message| message.parent_id.is_none()) {
            follows = follows.add(chat_message::Column::ParentId.is_null());
        }
        let rows: Vec<(Uuid, Option<Uuid>)> = chat_message::Entity::find()
            .select_only()
            .columns([chat_message::Column::Id, chat_message::Column::ParentId])
            .filter(chat_message::Column::ChatId.eq(chat_id.0))
            .filter(chat_message::Column::UserId.eq(self.user_id().0))
            .filter(follows)
            .order_by_asc(chat_message::Column::Seq)
            .into_tuple()
            .all(&self.query().await?)
            .await
            .map_err(failed("list versions"))?;
        let mut siblings: HashMap<Option<Uuid>, Vec<MessageId>> = HashMap::new();
        for (id, parent_id) in rows {
            siblings.entry(parent_id).or_default().push(MessageId(id));
        }
        let mut places = HashMap::new();
        for versions in siblings.into_values().filter(|versions| versions.len() > 1) {
            places.extend((0..versions.len()).map(|at| (versions[at], place_among(&versions, at))));
        }
        Ok(places)
    }

    /// Whether a message is there, theirs, in this chat, and shown.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_message_shown(&self, chat_id: ChatId, id: MessageId) -> Result<bool> {
        let count = chat_message::Entity::find_by_id(id.0)
            .filter(chat_message::Column::UserId.eq(self.user_id().0))
            .filter(chat_message::Column::ChatId.eq(chat_id.0))
            .filter(chat_message::Column::Superseded.eq(false))
            .count(&self.query().await?)
            .await
            .map_err(failed("look for a shown message"))?;
        Ok(count == 1)
    }

    /// Shows this version of a message, with the newest of what follows it, in the place of the one that is shown. Gives its
    /// chat, and whether anything changed.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not theirs; [`Error::Conflict`] when what it follows is not shown itself.
    pub async fn show_version(&self, id: MessageId) -> Result<(ChatId, bool)> {
        let user_id = self.user_id();
        self.write("show version", move |transaction| {
            async move {
                let found = find_row(transaction, user_id, id).await?;
                lock_chat(transaction, user_id, ChatId(found.chat_id)).await?;
                // Read again under the chat's lock.
                let version = find_row(transaction, user_id, id).await?;
                let chat_id = ChatId(version.chat_id);
                if !version.superseded {
                    return Ok((chat_id, false));
                }
                let branches_at = match version.parent_id {
                    Some(parent_id) => {
                        let parent = find_row(transaction, user_id, MessageId(parent_id)).await?;
                        if parent.superseded {
                            return Err(Error::Conflict.into());
                        }
                        parent.seq
                    }
                    None => 0,
                };
                hide_after(transaction, chat_id, branches_at).await?;
                for ids in newest_path(transaction, &version).await?.chunks(ROWS_AT_A_TIME) {
                    chat_message::Entity::update_many()
                        .col_expr(chat_message::Column::Superseded, Expr::value(false))
                        .filter(chat_message::Column::Id.is_in(ids.iter().copied()))
                        .exec(transaction)
                        .await?;
                }
                Ok((chat_id, true))
            }
            .boxed()
        })
        .await
    }

    /// Adds a chat that begins with what was said up to and with a message. The same client id again gives the first chat.
    /// True when it is new.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the message is not theirs, [`Error::ReplyRunning`] when a reply among them has not ended,
    /// [`InvalidInput::ForkTooLong`].
    pub async fn fork_chat(&self, id: MessageId, client_id: ClientMessageId) -> Result<(Chat, bool)> {
        let user_id = self.user_id();
        self.write("fork chat", move |transaction| {
            async move { insert_fork(transaction, user_id, id, fork_id(user_id, client_id)).await }.boxed()
        })
        .await
    }
}

fn place_among(versions: &[MessageId], at: usize) -> Versions {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Versions {
        place: number(at + 1),
        count: number(versions.len()),
        previous: at.checked_sub(1).map(|at| versions[at]),
        next: versions.get(at + 1).copied(),
    }
}

/// Makes place for another version of a message that is shown, in a locked chat: hides it and what follows, unless a reply
/// among that has not ended. Gives what both follow.
pub(super) async fn branch_off(transaction: &impl ConnectionTrait, old: chat_message::Model) -> Written<Option<Uuid>> {
    let chat_id = ChatId(old.chat_id);
    let unfinished = chat_message::Entity::find()
        .filter(chat_message::Column::ChatId.eq(old.chat_id))
        .filter(chat_message::Column::Seq.gte(old.seq))
        .filter(chat_message::Column::Superseded.eq(false))
        .filter(chat_message::Column::LeaseUntilMs.is_not_null());
    if unfinished.count(transaction).await? > 0 {
        return Err(Error::ReplyRunning.into());
    }
    let versions = siblings(chat_id, old.parent_id).count(transaction).await?;
    if versions >= limits::VERSIONS_MAX as u64 {
        return Err(Error::Invalid(InvalidInput::TooManyVersions).into());
    }
    hide_after(transaction, chat_id, old.seq - 1).await?;
    Ok(old.parent_id)
}

/// The last message that is shown of a chat.
pub(super) async fn last_shown(transaction: &impl ConnectionTrait, chat_id: ChatId) -> Written<Option<Uuid>> {
    Ok(chat_message::Entity::find()
        .select_only()
        .column(chat_message::Column::Id)
        .filter(chat_message::Column::ChatId.eq(chat_id.0))
        .filter(chat_message::Column::Superseded.eq(false))
        .order_by_desc(chat_message::Column::Seq)
        .limit(1)
        .into_tuple()
        .one(transaction)
        .await?)
}

async fn find_row(transaction: &impl ConnectionTrait, user_id: UserId, id: MessageId) -> Written<chat_message::Model> {
    let row = chat_message::Entity::find_by_id(id.0)
        .filter(chat_message::Column::UserId.eq(user_id.0))
        .one(transaction)
        .await?;
    Ok(row.ok_or(Error::NotFound)?)
}

fn siblings(chat_id: ChatId, parent_id: Option<Uuid>) -> Select<chat_message::Entity> {
    let of_chat = chat_message::Entity::find().filter(chat_message::Column::ChatId.eq(chat_id.0));
    match parent_id {
        Some(parent_id) => of_chat.filter(chat_message::Column::ParentId.eq(parent_id)),
        None => of_chat.filter(chat_message::Column::ParentId.is_null()),
    }
}

async fn hide_after(transaction: &impl ConnectionTrait, chat_id: ChatId, seq: i64) -> Written<()> {
    chat_message::Entity::update_many()
        .col_expr(chat_message::Column::Superseded, Expr::value(true))
        .filter(chat_message::Column::ChatId.eq(chat_id.0))
        .filter(chat_message::Column::Seq.gt(seq))
        .filter(chat_message::Column::Superseded.eq(false))
        .exec(transaction)
        .await?;
    Ok(())
}

/// A message and the newest of what follows it, again and again.
async fn newest_path(transaction: &impl ConnectionTrait, first: &chat_message::Model) -> Written<Vec<Uuid>> {
    let later: Vec<(Uuid, Option<Uuid>)> = chat_message::Entity::find()
        .select_only()
        .columns([chat_message::Column::Id, chat_message::Column::ParentId])
        .filter(chat_message::Column::ChatId.eq(first.chat_id))
        .filter(chat_message::Column::Seq.gt(first.seq))
        .order_by_asc(chat_message::Column::Seq)
        .into_tuple()
        .all(transaction)
        .await?;
    // The last one to follow wins.
    let newest: HashMap<Uuid, Uuid> =
        later.into_iter().filter_map(|(id, parent_id)| parent_id.map(|parent_id| (parent_id, id))).collect();
    Ok(std::iter::successors(Some(first.id), |id| newest.get(id).copied()).collect())
}

/// An id that only this user's client id gives: whoever repeats a fork finds the first one.
fn fork_id(user_id: UserId, client_id: ClientMessageId) -> Uuid {
    let hash = Sha256::new().chain_update(b"fork").chain_update(user_id.0).chain_update(client_id.0).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

async fn insert_fork(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    id: MessageId,
    chat_id: Uuid,
) -> Written<(Chat, bool)> {
    // Of two identical forks, the second waits here and then finds the first.
    lock_user(transaction, user_id).await?;
    let last = find_row(transaction, user_id, id).await?;
    let origin = lock_chat(transaction, user_id, ChatId(last.chat_id)).await?;
    let earlier = chat_session::Entity::find_by_id(chat_id)
        .filter(chat_session::Column::UserId.eq(user_id.0))
        .one(transaction)
        .await?;
    if let Some(earlier) = earlier {
        return Ok((to_chat(earlier), false));
    }
    let path = path_to(transaction, &last).await?;
    // All at once, before they are copied message by message.
    let files = list_files_of_chat(transaction, user_id, ChatId(last.chat_id)).await?;
    hold(transaction, user_id, files, LockType::KeyShare).await?;
    let now_ms = clock::now_ms();
    let chat = chat_session::Model {
        id: chat_id,
        last_seq: i64::try_from(path.len()).unwrap_or(i64::MAX),
        created_at_ms: now_ms,
        updated_at_ms: now_ms,
        ..origin
    };
    chat_session::Entity::insert(chat.clone().into_active_model()).exec_without_returning(transaction).await?;
    let (mut parent_id, mut seqs) = (None, 1..);
    // A few at a time: each may be as long as a reply can be.
    for ids in path.chunks(COPIES_AT_A_TIME) {
        let mut rows = chat_message::Entity::find()
            .filter(chat_message::Column::Id.is_in(ids.iter().copied()))
            .all(transaction)
            .await?;
        rows.sort_unstable_by_key(|row| row.seq);
        let mut copies = Vec::with_capacity(rows.len());
        let mut with_files = Vec::new();
        for (row, seq) in rows.into_iter().zip(&mut seqs) {
            if !to_state(&row.state, row.failure.as_deref()).is_final() {
                return Err(Error::ReplyRunning.into());
            }
            let (id, origin_id) = (Uuid::now_v7(), row.id);
            let copy = chat_message::Model {
                id,
                chat_id,
                seq,
                parent_id: parent_id.replace(id),
                client_message_id: None,
                superseded: false,
                // It names a message of the other chat.
                context_from_id: None,
                context_cut: None,
                ..row
            };
            if copy.uses_files {
                with_files.push((origin_id, copy.clone()));
            }
            copies.push(copy.into_active_model());
        }
        chat_message::Entity::insert_many(copies).exec_without_returning(transaction).await?;
        for (origin_id, copy) in with_files {
            copy_files(transaction, origin_id, &copy).await?;
        }
    }
    copy_chat_files(transaction, user_id, ChatId(last.chat_id), ChatId(chat_id)).await?;
    Ok((to_chat(chat), true))
}

/// The ids of what was said up to and with a message, oldest first.
async fn path_to(transaction: &impl ConnectionTrait, last: &chat_message::Model) -> Written<Vec<Uuid>> {
    let rows: Vec<(Uuid, Option<Uuid>)> = chat_message::Entity::find()
        .select_only()
        .columns([chat_message::Column::Id, chat_message::Column::ParentId])
        .filter(chat_message::Column::ChatId.eq(last.chat_id))
        .filter(chat_message::Column::Seq.lte(last.seq))
        .into_tuple()
        .all(transaction)
        .await?;
    let parents: HashMap<Uuid, Option<Uuid>> = rows.into_iter().collect();
    let path = std::iter::successors(Some(last.id), |id| parents.get(id).copied().flatten());
    let path: Vec<Uuid> = path.take(limits::FORK_MESSAGES_MAX + 1).collect();
    if path.len() > limits::FORK_MESSAGES_MAX {
        return Err(Error::Invalid(InvalidInput::ForkTooLong).into());
    }
    Ok(path.into_iter().rev().collect())
}
