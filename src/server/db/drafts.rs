//! A user's drafts, one for each chat. The newest wins; a draft that is saved late does not come back after its message.

use futures::FutureExt;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::OnConflict};

use super::{
    UserDb,
    entity::{chat_draft, chat_message},
    exchanges::lock_chat,
    failed,
    write::Written,
};
use crate::{
    domain::{
        draft::{ChatDraft, DraftChange, DraftText},
        ids::{ChatId, ClientMessageId, UserId},
    },
    error::Result,
    server::clock,
};

/// A draft to keep.
#[derive(Clone, Debug)]
pub struct NewDraft {
    pub chat_id: ChatId,
    pub text: DraftText,
    /// Of the message that it would be if it were sent now.
    pub client_message_id: ClientMessageId,
    /// The moment of the newest draft that was seen where it was typed.
    pub draft_ms: i64,
}

impl UserDb {
    /// A chat's draft; an empty one when there is none, or when the chat is not theirs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_draft(&self, chat_id: ChatId) -> Result<ChatDraft> {
        let row = chat_draft::Entity::find_by_id(chat_id.0)
            .filter(chat_draft::Column::UserId.eq(self.user_id().0))
            .one(&self.query().await?)
            .await
            .map_err(failed("find draft"))?;
        Ok(row.map(to_draft).unwrap_or_default())
    }

    /// Keeps a draft; none when it was sent already and is only late.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::error::Error::NotFound) when the chat is not theirs.
    pub async fn save_draft(&self, new: NewDraft) -> Result<Option<DraftChange>> {
        let user_id = self.user_id();
        self.write("save draft", move |transaction| {
            async move {
                // Of a save and a send, the second waits here and then finds what the first did.
                lock_chat(transaction, user_id, new.chat_id).await?;
                let sent = chat_message::Entity::find()
                    .filter(chat_message::Column::UserId.eq(user_id.0))
                    .filter(chat_message::Column::ClientMessageId.eq(new.client_message_id.0))
                    .one(transaction)
                    .await?;
                if sent.is_some() {
                    return Ok(None);
                }
                let before = find_row(transaction, user_id, new.chat_id).await?;
                let updated_at_ms = next_ms(before.as_ref());
                let replaces_ms = match before.filter(|before| was_seen(before, new.client_message_id, new.draft_ms)) {
                    Some(before) => before.updated_at_ms,
                    None => new.draft_ms,
                };
                let text = new.text.as_str().to_owned();
                let row = chat_draft::ActiveModel {
                    chat_id: Set(new.chat_id.0),
                    user_id: Set(user_id.0),
                    client_message_id: Set(new.client_message_id.0),
                    text: Set(text.clone()),
                    updated_at_ms: Set(updated_at_ms),
                };
                put(transaction, row).await?;
                Ok(Some(DraftChange { draft: ChatDraft { text, updated_at_ms }, replaces_ms }))
            }
            .boxed()
        })
        .await
    }
}

/// Clears the draft of a locked chat that has become a message: the one that was typed where the message was sent, or that
/// was seen there. Another one, which is being typed elsewhere, stays.
pub(super) async fn clear_draft(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    chat_id: ChatId,
    client_message_id: ClientMessageId,
    draft_ms: Option<i64>,
) -> Written<Option<DraftChange>> {
    let before = find_row(transaction, user_id, chat_id).await?.filter(|before| !before.text.is_empty());
    let Some(before) = before.filter(|before| was_seen(before, client_message_id, draft_ms.unwrap_or_default())) else {
        return Ok(None);
    };
    let (updated_at_ms, replaces_ms) = (next_ms(Some(&before)), before.updated_at_ms);
    let mut row: chat_draft::ActiveModel = before.into();
    (row.text, row.updated_at_ms) = (Set(String::new()), Set(updated_at_ms));
    put(transaction, row).await?;
    Ok(Some(DraftChange { draft: ChatDraft { text: String::new(), updated_at_ms }, replaces_ms }))
}

async fn find_row(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    chat_id: ChatId,
) -> Written<Option<chat_draft::Model>> {
    Ok(chat_draft::Entity::find_by_id(chat_id.0)
        .filter(chat_draft::Column::UserId.eq(user_id.0))
        .one(transaction)
        .await?)
}

async fn put(transaction: &impl ConnectionTrait, row: chat_draft::ActiveModel) -> Written<()> {
    let replace = OnConflict::column(chat_draft::Column::ChatId)
        .update_columns([
            chat_draft::Column::ClientMessageId,
            chat_draft::Column::Text,
            chat_draft::Column::UpdatedAtMs,
        ])
        .to_owned();
    chat_draft::Entity::insert(row).on_conflict(replace).exec_without_returning(transaction).await?;
    Ok(())
}

/// Whether whoever has seen drafts up to this moment, and types under this id, knows what was here.
fn was_seen(before: &chat_draft::Model, client_message_id: ClientMessageId, draft_ms: i64) -> bool {
    before.client_message_id == client_message_id.0 || before.updated_at_ms <= draft_ms
}

/// Later than the one before, even if another server's clock is ahead of this one's.
fn next_ms(before: Option<&chat_draft::Model>) -> i64 {
    before.map_or(0, |before| before.updated_at_ms.saturating_add(1)).max(clock::now_ms())
}

fn to_draft(row: chat_draft::Model) -> ChatDraft {
    ChatDraft { text: row.text, updated_at_ms: row.updated_at_ms }
}
