//! All that is a user's, in the order of its making, for them to take along. Rows as they are, nothing left out but what is
//! secret: hashes.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    UserDb,
    entity::{
        access_token, chat_draft, chat_file, chat_message, chat_session, chat_summary, login_session, message_file,
        notification, user_account, user_file,
    },
    failed,
    file_deletion::is_there,
};
use crate::{
    domain::ids::{ChatId, FileId},
    error::Result,
};

/// Rows that are read at a time.
const ROWS_AT_A_TIME: u64 = 200;

impl UserDb {
    /// The account, its sessions, notifications and access tokens.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn export_account(&self) -> Result<Value> {
        let (read, id) = (self.read().await?, self.user_id().0);
        let account =
            user_account::Entity::find_by_id(id).one(&read).await.map_err(failed("export account"))?.map(|row| {
                json!({
                    "id": row.id, "email": row.email, "role": row.role, "created_at_ms": row.created_at_ms,
                    "display_name": row.display_name, "theme": row.theme, "language": row.language,
                    "default_model": row.default_model, "tells_new_device": row.tells_new_device,
                })
            });
        let sessions: Vec<Value> = login_session::Entity::find()
            .filter(login_session::Column::UserId.eq(id))
            .order_by_asc(login_session::Column::Id)
            .all(&read)
            .await
            .map_err(failed("export sessions"))?
            .into_iter()
            .map(|row| {
                json!({
                    "id": row.id, "device": row.device, "address": row.address, "created_at_ms": row.created_at_ms,
                    "last_access_ms": row.last_access_ms, "expires_at_ms": row.expires_at_ms, "end": row.end_reason,
                })
            })
            .collect();
        let notifications: Vec<Value> = notification::Entity::find()
            .filter(notification::Column::UserId.eq(id))
            .order_by_asc(notification::Column::Id)
            .all(&read)
            .await
            .map_err(failed("export notifications"))?
            .into_iter()
            .map(|row| {
                json!({
                    "id": row.id, "kind": row.kind, "detail": row.detail, "created_at_ms": row.created_at_ms,
                    "read_at_ms": row.read_at_ms, "chat_id": row.chat_id,
                })
            })
            .collect();
        let tokens: Vec<Value> = access_token::Entity::find()
            .filter(access_token::Column::UserId.eq(id))
            .order_by_asc(access_token::Column::Id)
            .all(&read)
            .await
            .map_err(failed("export access tokens"))?
            .into_iter()
            .map(|row| {
                json!({
                    "id": row.id, "name": row.name, "scopes": row.scopes, "created_at_ms": row.created_at_ms,
                    "expires_at_ms": row.expires_at_ms, "last_used_at_ms": row.last_used_at_ms,
                })
            })
            .collect();
        Ok(json!({
            "account": account, "sessions": sessions, "notifications": notifications, "access_tokens": tokens,
        }))
    }

    /// Some chats with their drafts and summaries, those after `after`; none when there are no more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn export_chats(&self, after: Option<ChatId>) -> Result<Vec<(ChatId, Value)>> {
        let mut query = chat_session::Entity::find().filter(chat_session::Column::UserId.eq(self.user_id().0));
        if let Some(after) = after {
            query = query.filter(chat_session::Column::Id.gt(after.0));
        }
        let read = self.read().await?;
        let rows = query
            .order_by_asc(chat_session::Column::Id)
            .limit(ROWS_AT_A_TIME)
            .all(&read)
            .await
            .map_err(failed("export chats"))?;
        let mut drafts: HashMap<Uuid, String> = chat_draft::Entity::find()
            .filter(chat_draft::Column::UserId.eq(self.user_id().0))
            .filter(chat_draft::Column::ChatId.is_in(rows.iter().map(|row| row.id)))
            .filter(chat_draft::Column::Text.ne(""))
            .all(&read)
            .await
            .map_err(failed("export drafts"))?
            .into_iter()
            .map(|row| (row.chat_id, row.text))
            .collect();
        let mut summaries: HashMap<Uuid, Vec<Value>> = HashMap::new();
        let of_chats = chat_summary::Entity::find()
            .filter(chat_summary::Column::UserId.eq(self.user_id().0))
            .filter(chat_summary::Column::ChatId.is_in(rows.iter().map(|row| row.id)))
            .order_by_asc(chat_summary::Column::UpToId);
        for row in of_chats.all(&read).await.map_err(failed("export summaries"))? {
            summaries.entry(row.chat_id).or_default().push(json!({
                "up_to_id": row.up_to_id, "text": row.text, "model": row.model, "created_at_ms": row.created_at_ms,
            }));
        }
        let mut files: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        let of_chats = chat_file::Entity::find()
            .filter(chat_file::Column::UserId.eq(self.user_id().0))
            .filter(chat_file::Column::ChatId.is_in(rows.iter().map(|row| row.id)))
            .order_by_asc(chat_file::Column::AddedAtMs);
        for row in of_chats.all(&read).await.map_err(failed("export files of chats"))? {
            files.entry(row.chat_id).or_default().push(row.file_id);
        }
        let chat = |row: chat_session::Model| {
            let value = json!({
                "id": row.id, "title": row.description, "model": row.model, "created_at_ms": row.created_at_ms,
                "updated_at_ms": row.updated_at_ms, "is_unread": row.is_unread, "draft": drafts.remove(&row.id),
                "summaries": summaries.remove(&row.id).unwrap_or_default(),
                "files": files.remove(&row.id).unwrap_or_default(), "searches_files": row.searches_files,
            });
            (ChatId(row.id), value)
        };
        Ok(rows.into_iter().map(chat).collect())
    }

    /// Some files, those after `after`; none when there are no more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn export_files(&self, after: Option<FileId>) -> Result<Vec<(FileId, Value)>> {
        let theirs = user_file::Column::UserId.eq(self.user_id().0);
        let mut query = user_file::Entity::find().filter(theirs).filter(is_there());
        if let Some(after) = after {
            query = query.filter(user_file::Column::Id.gt(after.0));
        }
        let rows = query
            .order_by_asc(user_file::Column::Id)
            .limit(ROWS_AT_A_TIME)
            .all(&self.query().await?)
            .await
            .map_err(failed("export files"))?;
        let file = |row: user_file::Model| {
            let value = json!({
                "id": row.id, "name": row.name, "kind": row.kind, "size_bytes": row.size_bytes,
                "received_bytes": row.received_bytes, "modified_at_ms": row.modified_at_ms, "state": row.state,
                "failure": row.failure, "created_at_ms": row.created_at_ms, "is_kept": row.is_kept, "for_chat_id": row.for_chat_id,
                "content": format!("/files/{}/content", row.id),
            });
            (FileId(row.id), value)
        };
        Ok(rows.into_iter().map(file).collect())
    }

    /// Some messages of a chat, those after the place `after_seq`, with each one's place; none when there are no more.
    /// Replies that were asked for again are among them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn export_messages(&self, chat_id: ChatId, after_seq: i64) -> Result<Vec<(i64, Value)>> {
        let read = self.read().await?;
        let rows = chat_message::Entity::find()
            .filter(chat_message::Column::UserId.eq(self.user_id().0))
            .filter(chat_message::Column::ChatId.eq(chat_id.0))
            .filter(chat_message::Column::Seq.gt(after_seq))
            .order_by_asc(chat_message::Column::Seq)
            .limit(ROWS_AT_A_TIME)
            .all(&read)
            .await
            .map_err(failed("export messages"))?;
        let mut files: HashMap<Uuid, Vec<Value>> = HashMap::new();
        let of_messages = message_file::Entity::find()
            .filter(message_file::Column::UserId.eq(self.user_id().0))
            .filter(message_file::Column::MessageId.is_in(rows.iter().map(|row| row.id)))
            .order_by_asc(message_file::Column::Number);
        for row in of_messages.all(&read).await.map_err(failed("export files of messages"))? {
            files.entry(row.message_id).or_default().push(json!({
                "number": row.number, "file_id": row.file_id, "name": row.name, "used_as": row.used_as,
                "seq": row.seq, "place": row.place, "place_number": row.place_number, "place_name": row.place_name,
            }));
        }
        let message = |row: chat_message::Model| {
            let value = json!({
                "id": row.id, "seq": row.seq, "parent_id": row.parent_id, "model": row.model, "text": row.text,
                "state": row.state, "failure": row.failure, "superseded": row.superseded,
                "reasoning": row.reasoning, "prompt_tokens": row.prompt_tokens,
                "completion_tokens": row.completion_tokens, "tokens_estimated": row.tokens_estimated,
                "context_from_id": row.context_from_id, "context_cut": row.context_cut,
                "created_at_ms": row.created_at_ms, "files_searched": row.files_searched,
                "files": files.remove(&row.id).unwrap_or_default(),
            });
            (row.seq, value)
        };
        Ok(rows.into_iter().map(message).collect())
    }
}
