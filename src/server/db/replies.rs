//! A running reply, written: its checkpoints and its end. It has one writer, whoever holds its lease, and ends once.

use std::collections::HashSet;

use futures::FutureExt;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryTrait, sea_query::Expr};
use uuid::Uuid;

use super::{
    UserDb,
    content::ReplyContent,
    entity::chat_message,
    exchanges::try_lock_told_chat,
    message_files::{hold_sources, keep_sources},
    messages::{StoredMessage, to_message},
    notifications::tell_unread,
    write::Written,
};
use crate::{
    domain::{
        ids::{MessageId, NotificationId, UserId},
        limits,
        message::MessageState,
        notification::NotificationKind,
    },
    error::Result,
    server::clock,
};

/// The right to write one reply, for a short while, to be renewed. Each writing has its own: also within one server, what
/// was taken over is not written twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease(Uuid);

impl Lease {
    /// Another one.
    pub fn new() -> Self {
        Self(Uuid::new_v4())
    }

    /// As it is kept.
    pub(super) fn id(self) -> Uuid {
        self.0
    }
}

/// A reply that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    pub message: StoredMessage,
    /// What there is to tell of it.
    pub news: Option<NotificationId>,
}

/// What became of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The text is kept and the lease renewed.
    Ours,
    /// The same, and the user has had enough.
    StopWanted,
    /// Another has the lease by now.
    Lost,
}

impl UserDb {
    /// Keeps the text so far and renews the lease.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkpoint_reply(&self, id: MessageId, lease: Lease, content: ReplyContent) -> Result<Kept> {
        let user_id = self.user_id();
        self.write("checkpoint reply", move |transaction| {
            async move {
                let there = hold_grounds(transaction, user_id, &content).await?;
                let update = running_reply(user_id, id, lease)
                    .col_expr(chat_message::Column::LeaseUntilMs, Expr::value(lease_end_ms()));
                let mut update = content.set(update).into_query();
                update.returning_col(chat_message::Column::StopWanted);
                let Some(row) = transaction.query_one(&update).await? else { return Ok(Kept::Lost) };
                keep_grounds(transaction, user_id, id, content, &there).await?;
                Ok(if row.try_get_by_index(0)? { Kept::StopWanted } else { Kept::Ours })
            }
            .boxed()
        })
        .await
    }

    /// Notes that a running reply is to be stopped, for when its server does not hear of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn want_stop(&self, id: MessageId) -> Result<()> {
        let user_id = self.user_id();
        self.write("want stop", move |transaction| {
            async move {
                chat_message::Entity::update_many()
                    .col_expr(chat_message::Column::StopWanted, Expr::value(true))
                    .filter(chat_message::Column::Id.eq(id.0))
                    .filter(chat_message::Column::UserId.eq(user_id.0))
                    .filter(chat_message::Column::State.eq("generating"))
                    .exec(transaction)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Keeps the text so far and gives the lease back, for another server, or the next start, to go on from there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hand_over_reply(&self, id: MessageId, lease: Lease, content: ReplyContent) -> Result<()> {
        let user_id = self.user_id();
        self.write("hand over reply", move |transaction| {
            async move {
                let there = hold_grounds(transaction, user_id, &content).await?;
                let handed_over = content
                    .set(running_reply(user_id, id, lease))
                    .col_expr(chat_message::Column::LeaseOwner, Expr::value(Option::<Uuid>::None))
                    .col_expr(chat_message::Column::LeaseUntilMs, Expr::value(0_i64))
                    .exec(transaction)
                    .await?;
                if handed_over.rows_affected > 0 {
                    keep_grounds(transaction, user_id, id, content, &there).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Writes a reply's end, once, and with it what there is to tell of it; none when it had ended already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish_reply(
        &self,
        reply: &StoredMessage,
        lease: Lease,
        content: impl Into<ReplyContent>,
        state: MessageState,
        news: Option<NotificationKind>,
    ) -> Result<Option<Finished>> {
        let (user_id, id, chat_id, content) = (self.user_id(), reply.id, reply.chat_id, content.into());
        self.write("finish reply", move |transaction| {
            async move {
                // The chat first, as whoever sends into it does: so two of these wait for each other, and never both.
                if news.is_some() && !try_lock_told_chat(transaction, user_id, chat_id).await? {
                    return Ok(None);
                }
                let there = hold_grounds(transaction, user_id, &content).await?;
                let (state, failure) = state_columns(state);
                let ended = content
                    .set(running_reply(user_id, id, lease))
                    .col_expr(chat_message::Column::State, Expr::value(state))
                    .col_expr(chat_message::Column::Failure, Expr::value(failure))
                    .col_expr(chat_message::Column::LeaseOwner, Expr::value(Option::<Uuid>::None))
                    .col_expr(chat_message::Column::LeaseUntilMs, Expr::value(Option::<i64>::None))
                    .exec_with_returning(transaction)
                    .await?;
                let Some(ended) = ended.into_iter().next() else { return Ok(None) };
                keep_grounds(transaction, user_id, id, content, &there).await?;
                let news = match news {
                    Some(kind) => tell_unread(transaction, user_id, chat_id, kind).await?,
                    None => None,
                };
                Ok(Some(Finished { message: to_message(ended), news }))
            }
            .boxed()
        })
        .await
    }
}

/// Whoever deletes a chat holds its files before its messages; so does who writes one of these.
async fn hold_grounds(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    content: &ReplyContent,
) -> Written<HashSet<Uuid>> {
    match &content.grounds {
        Some(grounds) => hold_sources(transaction, user_id, &grounds.sources).await,
        None => Ok(HashSet::new()),
    }
}

/// What a reply was given belongs to its text: both are kept, or neither.
async fn keep_grounds(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    id: MessageId,
    content: ReplyContent,
    there: &HashSet<Uuid>,
) -> Written<()> {
    match content.grounds {
        Some(grounds) => keep_sources(transaction, user_id, id, grounds.sources, there).await,
        None => Ok(()),
    }
}

/// The update of a reply that is running, and that is written under this lease.
fn running_reply(user_id: UserId, id: MessageId, lease: Lease) -> sea_orm::UpdateMany<chat_message::Entity> {
    chat_message::Entity::update_many()
        .filter(chat_message::Column::Id.eq(id.0))
        .filter(chat_message::Column::UserId.eq(user_id.0))
        .filter(chat_message::Column::State.eq("generating"))
        .filter(chat_message::Column::LeaseOwner.eq(lease.0))
}

pub(super) fn lease_end_ms() -> i64 {
    clock::now_ms() + limits::REPLY_LEASE_SECONDS * 1_000
}

fn state_columns(state: MessageState) -> (&'static str, Option<&'static str>) {
    match state {
        MessageState::Queued { .. } => ("queued", None),
        MessageState::Generating => ("generating", None),
        MessageState::Complete => ("complete", None),
        MessageState::Stopped => ("stopped", None),
        MessageState::Interrupted => ("interrupted", None),
        MessageState::Failed(failure) => ("failed", Some(failure.code())),
    }
}
