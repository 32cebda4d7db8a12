//! A user's chats.

use futures::FutureExt;
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::LockType,
};
use uuid::Uuid;

use super::{
    UserDb,
    chat_files::give_files,
    entity::{chat_message, chat_session},
    exchanges::{lock_chat, lock_user},
    failed,
    file_uses::{delete_unused, hold, list_files_of_chat},
    write::Written,
};
use crate::{
    domain::{
        chat::{Chat, ChatCursor, ChatPage},
        ids::{ChatId, FileId, MessageId, UserId},
        limits,
        model::ModelName,
    },
    error::Result,
    server::clock,
};

/// What went with a chat.
#[derive(Clone, Debug)]
pub struct DeletedChat {
    /// Replies that were running, or waited.
    pub running: Vec<MessageId>,
    pub files: Vec<FileId>,
}

impl UserDb {
    /// Adds a chat in which nothing is said yet, that has these files, and searches all of them or not.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::error::Error::NotFound) when one of the files is not theirs;
    /// [`Error::TooMany`](crate::error::Error::TooMany).
    pub async fn add_chat(&self, files: Vec<FileId>, searches_files: bool) -> Result<Chat> {
        let now_ms = clock::now_ms();
        let row = chat_session::Model {
            id: Uuid::now_v7(),
            user_id: self.user_id().0,
            description: String::new(),
            model: None,
            last_seq: 0,
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            is_unread: false,
            uses_files: searches_files,
            searches_files,
        };
        self.write("add chat", move |transaction| {
            async move {
                let new = chat_session::ActiveModel {
                    id: Set(row.id),
                    user_id: Set(row.user_id),
                    description: Set(row.description.clone()),
                    model: NotSet,
                    last_seq: Set(row.last_seq),
                    created_at_ms: Set(row.created_at_ms),
                    updated_at_ms: Set(row.updated_at_ms),
                    is_unread: NotSet,
                    uses_files: Set(row.uses_files),
                    searches_files: Set(row.searches_files),
                };
                chat_session::Entity::insert(new).exec_without_returning(transaction).await?;
                if !files.is_empty() {
                    give_files(transaction, UserId(row.user_id), ChatId(row.id), &files).await?;
                }
                Ok(to_chat(row))
            }
            .boxed()
        })
        .await
    }

    /// Deletes a chat with all that was said in it, and the files that came with that and are in no other chat.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::error::Error::NotFound) when it is not theirs.
    pub async fn delete_chat(&self, id: ChatId) -> Result<DeletedChat> {
        let user_id = self.user_id();
        self.write("delete chat", move |transaction| async move { delete_row(transaction, user_id, id).await }.boxed())
            .await
    }

    /// A page of the chats, newest first, after `before`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_chats(&self, before: Option<ChatCursor>) -> Result<ChatPage> {
        let mut query = chat_session::Entity::find().filter(chat_session::Column::UserId.eq(self.user_id().0));
        if let Some(before) = before {
            query = query
                .filter(
                    Condition::any().add(chat_session::Column::UpdatedAtMs.lt(before.updated_at_ms)).add(
                        Condition::all()
                            .add(chat_session::Column::UpdatedAtMs.eq(before.updated_at_ms))
                            .add(chat_session::Column::Id.lt(before.id.0)),
                    ),
                )
                // Says once more what the condition above implies, so that the index is entered at the cursor.
                .filter(chat_session::Column::UpdatedAtMs.lte(before.updated_at_ms));
        }
        let rows = query
            .order_by_desc(chat_session::Column::UpdatedAtMs)
            .order_by_desc(chat_session::Column::Id)
            .limit(limits::CHATS_PER_PAGE + 1)
            .all(&self.query().await?)
            .await
            .map_err(failed("list chats"))?;
        let mut chats: Vec<Chat> = rows.into_iter().map(to_chat).collect();
        let page_len = usize::try_from(limits::CHATS_PER_PAGE).unwrap_or(usize::MAX);
        let has_more = chats.len() > page_len;
        chats.truncate(page_len);
        let next =
            chats.last().filter(|_| has_more).map(|last| ChatCursor { updated_at_ms: last.updated_at_ms, id: last.id });
        Ok(ChatPage { chats, next })
    }

    /// A chat, if it is there and theirs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_chat(&self, id: ChatId) -> Result<Option<Chat>> {
        let row = chat_session::Entity::find_by_id(id.0)
            .filter(chat_session::Column::UserId.eq(self.user_id().0))
            .one(&self.query().await?)
            .await
            .map_err(failed("find chat"))?;
        Ok(row.map(to_chat))
    }
}

async fn delete_row(transaction: &impl ConnectionTrait, user_id: UserId, id: ChatId) -> Written<DeletedChat> {
    // In the order in which whoever sends takes them.
    lock_user(transaction, user_id).await?;
    lock_chat(transaction, user_id, id).await?;
    let running: Vec<Uuid> = chat_message::Entity::find()
        .select_only()
        .column(chat_message::Column::Id)
        .filter(chat_message::Column::ChatId.eq(id.0))
        .filter(chat_message::Column::UserId.eq(user_id.0))
        .filter(chat_message::Column::LeaseUntilMs.is_not_null())
        .into_tuple()
        .all(transaction)
        .await?;
    let files = list_files_of_chat(transaction, user_id, id).await?;
    hold(transaction, user_id, files.iter().copied(), LockType::Update).await?;
    chat_session::Entity::delete_many()
        .filter(chat_session::Column::Id.eq(id.0))
        .filter(chat_session::Column::UserId.eq(user_id.0))
        .exec(transaction)
        .await?;
    let files = delete_unused(transaction, user_id, &files).await?;
    Ok(DeletedChat { running: running.into_iter().map(MessageId).collect(), files })
}

/// A row as the rest of the program knows it.
pub(super) fn to_chat(row: chat_session::Model) -> Chat {
    Chat {
        id: ChatId(row.id),
        title: row.description,
        model: row.model.and_then(|name| ModelName::parse(&name).ok()),
        updated_at_ms: row.updated_at_ms,
        is_unread: row.is_unread,
        searches_files: row.searches_files,
    }
}
