//! A user's summaries: of what was said up to and with a message. Made once, they hold for every path that the message is on.

use std::collections::HashSet;

use futures::FutureExt;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait, OnConflict, Query},
};
use uuid::Uuid;

use super::{
    UserDb,
    entity::{chat_message, chat_summary},
    failed,
};
use crate::{
    domain::{
        ids::{ChatId, MessageId},
        model::ModelName,
    },
    error::Result,
    server::clock,
};

/// A summary to keep.
#[derive(Clone, Debug)]
pub struct NewSummary {
    pub chat_id: ChatId,
    /// The last message that it covers.
    pub up_to_id: MessageId,
    pub text: String,
    /// What wrote it.
    pub model: ModelName,
}

impl UserDb {
    /// The messages of a chat that a summary goes up to; none when the chat is not theirs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_summarised(&self, chat_id: ChatId) -> Result<HashSet<MessageId>> {
        let ids: Vec<Uuid> = chat_summary::Entity::find()
            .select_only()
            .column(chat_summary::Column::UpToId)
            .filter(chat_summary::Column::ChatId.eq(chat_id.0))
            .filter(chat_summary::Column::UserId.eq(self.user_id().0))
            .into_tuple()
            .all(&self.query().await?)
            .await
            .map_err(failed("list summaries"))?;
        Ok(ids.into_iter().map(MessageId).collect())
    }

    /// The summary of what was said up to and with a message, if there is one and it is theirs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_summary(&self, up_to_id: MessageId) -> Result<Option<String>> {
        let row = chat_summary::Entity::find_by_id(up_to_id.0)
            .filter(chat_summary::Column::UserId.eq(self.user_id().0))
            .one(&self.query().await?)
            .await
            .map_err(failed("find summary"))?;
        Ok(row.map(|row| row.text))
    }

    /// The summary of what was said before a message, if there is one and it is theirs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_summary_before(&self, id: MessageId) -> Result<Option<String>> {
        let before = Query::select()
            .column(chat_message::Column::ParentId)
            .from(chat_message::Entity)
            .and_where(Expr::col(chat_message::Column::Id).eq(id.0))
            .and_where(Expr::col(chat_message::Column::UserId).eq(self.user_id().0))
            .to_owned();
        let row = chat_summary::Entity::find()
            .filter(chat_summary::Column::UpToId.in_subquery(before))
            .filter(chat_summary::Column::UserId.eq(self.user_id().0))
            .one(&self.query().await?)
            .await
            .map_err(failed("find summary"))?;
        Ok(row.map(|row| row.text))
    }

    /// Keeps a summary, unless there is one already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_summary(&self, new: NewSummary) -> Result<()> {
        let row = chat_summary::ActiveModel {
            up_to_id: Set(new.up_to_id.0),
            chat_id: Set(new.chat_id.0),
            user_id: Set(self.user_id().0),
            text: Set(new.text),
            model: Set(new.model.as_str().to_owned()),
            created_at_ms: Set(clock::now_ms()),
        };
        self.write("add summary", move |transaction| {
            async move {
                let stay = OnConflict::column(chat_summary::Column::UpToId).do_nothing().to_owned();
                chat_summary::Entity::insert(row).on_conflict(stay).exec_without_returning(transaction).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }
}
