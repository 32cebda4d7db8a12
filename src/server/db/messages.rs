//! A user's messages, read: pages for the screen, and the path that leads to a reply. What is written is in `exchanges` and `replies`.

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::{UserDb, content, entity::chat_message, failed};
use crate::{
    domain::{
        ids::{ChatId, MessageId},
        limits,
        message::{Author, MessageState, ReplyFailure},
        model::ModelName,
        reply::{Context, Usage},
        source::FilesSearched,
    },
    error::Result,
};

/// A message as it is kept: its text, not yet ready to show.
#[derive(Clone, Debug)]
pub struct StoredMessage {
    pub id: MessageId,
    pub chat_id: ChatId,
    pub seq: i64,
    pub parent_id: Option<MessageId>,
    pub is_shown: bool,
    pub author: Author,
    pub text: String,
    pub state: MessageState,
    pub reasoning: String,
    pub usage: Option<Usage>,
    /// Without the summary.
    pub context: Option<Context>,
    /// Whether there may be files of it.
    pub uses_files: bool,
    /// How files were searched for a reply.
    pub files_searched: Option<FilesSearched>,
    pub created_at_ms: i64,
}

/// One message of the path that leads to a reply.
#[derive(Clone, Debug)]
pub struct PathMessage {
    pub id: MessageId,
    pub is_reply: bool,
    pub text: String,
    /// Of a reply: where what its model read begins.
    pub context: Option<Context>,
    /// Whether there may be files of it.
    pub uses_files: bool,
    /// Where the path goes on; none for the first message.
    pub before: Option<PathPlace>,
}

/// Where on a path one is, going back: at this message, and all before it have lower places than the one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathPlace {
    pub id: MessageId,
    below_seq: i64,
}

impl StoredMessage {
    /// Where the path before it begins; none for the first message.
    pub fn before(&self) -> Option<PathPlace> {
        self.parent_id.map(|id| PathPlace { id, below_seq: self.seq })
    }
}

impl UserDb {
    /// Messages of a chat before `before_seq` (the newest without), oldest first, and whether there are older ones. None
    /// when the chat is not theirs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_messages(
        &self,
        chat_id: ChatId,
        before_seq: Option<i64>,
    ) -> Result<Option<(Vec<StoredMessage>, bool)>> {
        if self.find_chat(chat_id).await?.is_none() {
            return Ok(None);
        }
        let mut query = self.shown_messages(chat_id);
        if let Some(before_seq) = before_seq {
            query = query.filter(chat_message::Column::Seq.lt(before_seq));
        }
        let mut rows = query
            .order_by_desc(chat_message::Column::Seq)
            .limit(limits::MESSAGES_PER_PAGE + 1)
            .all(&self.query().await?)
            .await
            .map_err(failed("list messages"))?;
        let page_len = usize::try_from(limits::MESSAGES_PER_PAGE).unwrap_or(usize::MAX);
        let has_older = rows.len() > page_len;
        rows.truncate(page_len);
        rows.reverse();
        Ok(Some((rows.into_iter().map(to_message).collect(), has_older)))
    }

    /// The newest messages of a chat after `after_seq`, oldest first, one more than a page at most. None when the chat is not
    /// theirs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_messages_after(&self, chat_id: ChatId, after_seq: i64) -> Result<Option<Vec<StoredMessage>>> {
        if self.find_chat(chat_id).await?.is_none() {
            return Ok(None);
        }
        let mut rows = self
            .shown_messages(chat_id)
            .filter(chat_message::Column::Seq.gt(after_seq))
            .order_by_desc(chat_message::Column::Seq)
            .limit(limits::MESSAGES_PER_PAGE + 1)
            .all(&self.query().await?)
            .await
            .map_err(failed("list new messages"))?;
        rows.reverse();
        Ok(Some(rows.into_iter().map(to_message).collect()))
    }

    /// A message, if it is there and theirs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_message(&self, id: MessageId) -> Result<Option<StoredMessage>> {
        let row = chat_message::Entity::find_by_id(id.0)
            .filter(chat_message::Column::UserId.eq(self.user_id().0))
            .one(&self.query().await?)
            .await
            .map_err(failed("find message"))?;
        Ok(row.map(to_message))
    }

    /// What was said up to a place, newest first, as long as `takes` wants it. Whatever is shown by now: a reply goes by
    /// what it follows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_path(
        &self,
        chat_id: ChatId,
        from: PathPlace,
        mut takes: impl FnMut(&PathMessage) -> bool + Send,
    ) -> Result<Vec<PathMessage>> {
        const ROWS_AT_A_TIME: u64 = 20;
        let (mut path, mut place) = (Vec::new(), from);
        loop {
            let rows = chat_message::Entity::find()
                .filter(chat_message::Column::ChatId.eq(chat_id.0))
                .filter(chat_message::Column::UserId.eq(self.user_id().0))
                .filter(chat_message::Column::Seq.lt(place.below_seq))
                .order_by_desc(chat_message::Column::Seq)
                .limit(ROWS_AT_A_TIME)
                .all(&self.query().await?)
                .await
                .map_err(failed("list path"))?;
            let is_last_page = rows.len() < usize::try_from(ROWS_AT_A_TIME).unwrap_or(usize::MAX);
            for row in rows {
                place.below_seq = row.seq;
                // What a message follows has a lower place; between the two lie other versions.
                if place.id.0 != row.id {
                    continue;
                }
                let message = to_path_message(row);
                if !takes(&message) {
                    return Ok(path);
                }
                let before = message.before;
                path.push(message);
                let Some(before) = before else { return Ok(path) };
                place = before;
            }
            if is_last_page {
                return Ok(path);
            }
        }
    }

    /// Where what the model of a chat's newest reply read begins: of those that are shown, the newest of which that is
    /// known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_context(&self, chat_id: ChatId) -> Result<Option<Context>> {
        let is_known = Condition::any()
            .add(chat_message::Column::ContextFromId.is_not_null())
            .add(chat_message::Column::LeaseUntilMs.is_null());
        let row = self
            .shown_messages(chat_id)
            .filter(chat_message::Column::Model.is_not_null())
            .filter(is_known)
            .order_by_desc(chat_message::Column::Seq)
            .limit(1)
            .one(&self.query().await?)
            .await
            .map_err(failed("find context"))?;
        Ok(row.and_then(|row| content::context(&row)))
    }

    fn shown_messages(&self, chat_id: ChatId) -> Select<chat_message::Entity> {
        chat_message::Entity::find()
            .filter(chat_message::Column::ChatId.eq(chat_id.0))
            .filter(chat_message::Column::UserId.eq(self.user_id().0))
            .filter(chat_message::Column::Superseded.eq(false))
    }
}

fn to_path_message(row: chat_message::Model) -> PathMessage {
    PathMessage {
        id: MessageId(row.id),
        is_reply: row.model.is_some(),
        context: content::context(&row),
        uses_files: row.uses_files,
        text: row.text,
        before: row.parent_id.map(|id| PathPlace { id: MessageId(id), below_seq: row.seq }),
    }
}

/// A row as the rest of the program knows it.
pub(super) fn to_message(row: chat_message::Model) -> StoredMessage {
    let author = match &row.model {
        // A name that no longer parses still names who wrote this.
        Some(name) => {
            ModelName::parse(name).or_else(|_| ModelName::new("unknown", "model")).map_or(Author::You, Author::Model)
        }
        None => Author::You,
    };
    StoredMessage {
        id: MessageId(row.id),
        chat_id: ChatId(row.chat_id),
        seq: row.seq,
        parent_id: row.parent_id.map(MessageId),
        is_shown: !row.superseded,
        author,
        state: to_state(&row.state, row.failure.as_deref()),
        usage: content::usage(&row),
        context: content::context(&row),
        uses_files: row.uses_files,
        files_searched: row.files_searched.as_deref().and_then(FilesSearched::from_code),
        reasoning: row.reasoning.unwrap_or_default(),
        text: row.text,
        created_at_ms: row.created_at_ms,
    }
}

pub(super) fn to_state(state: &str, failure: Option<&str>) -> MessageState {
    match state {
        "queued" => MessageState::Queued { ahead: None },
        "generating" => MessageState::Generating,
        "complete" => MessageState::Complete,
        "stopped" => MessageState::Stopped,
        "interrupted" => MessageState::Interrupted,
        _ => MessageState::Failed(failure.and_then(ReplyFailure::from_code).unwrap_or(ReplyFailure::Internal)),
    }
}
