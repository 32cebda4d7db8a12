//! Replies that wait for their turn: whether a new one has to, which there are, and how one begins or is given up. Which of
//! them is next is for `replies::queue` to say. What is read of other people's replies is ids and owners, no text.

use futures::FutureExt;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use uuid::Uuid;

use super::{
    Db, UserDb,
    entity::chat_message,
    failed,
    leases::TakenReply,
    messages::{StoredMessage, to_message},
    replies::{Lease, lease_end_ms},
    scope::Scope,
    write::Written,
};
use crate::{
    domain::{
        ids::{ChatId, MessageId, UserId},
        limits,
    },
    error::{Error, Result},
    server::clock,
};

/// Kept as the end of a queued reply's lease, which it does not have: so it lies beside the running ones in their index.
pub(super) const QUEUED_UNTIL_MS: i64 = i64::MAX;

/// A reply that runs or waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnfinishedReply {
    pub user_id: UserId,
    pub chat_id: ChatId,
    pub message_id: MessageId,
    /// Its place in the chat.
    pub seq: i64,
    pub is_queued: bool,
}

impl Db {
    /// All replies that run or wait, the oldest first; empty when none waits.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_unfinished_replies(&self) -> Result<Vec<UnfinishedReply>> {
        let read = self.read_as(Scope::Sweeper).await?;
        let queued: Option<Uuid> = chat_message::Entity::find()
            .select_only()
            .column(chat_message::Column::Id)
            .filter(chat_message::Column::LeaseUntilMs.eq(QUEUED_UNTIL_MS))
            .limit(1)
            .into_tuple()
            .one(&read)
            .await
            .map_err(failed("look for queued replies"))?;
        if queued.is_none() {
            return Ok(Vec::new());
        }
        let rows: Vec<(Uuid, Uuid, Uuid, i64, String)> = chat_message::Entity::find()
            .select_only()
            .columns([chat_message::Column::Id, chat_message::Column::ChatId, chat_message::Column::UserId])
            .columns([chat_message::Column::Seq, chat_message::Column::State])
            .filter(chat_message::Column::LeaseUntilMs.is_not_null())
            .order_by_asc(chat_message::Column::Id)
            .limit(limits::QUEUE_LOOKED_AT_MAX)
            .into_tuple()
            .all(&read)
            .await
            .map_err(failed("list queued replies"))?;
        let unfinished = |(id, chat_id, user_id, seq, state): (Uuid, Uuid, Uuid, i64, String)| UnfinishedReply {
            user_id: UserId(user_id),
            chat_id: ChatId(chat_id),
            message_id: MessageId(id),
            seq,
            is_queued: state == "queued",
        };
        Ok(rows.into_iter().map(unfinished).collect())
    }

    /// Begins queued replies: each that no other server began first, or its user gave up, is the caller's to write.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start_queued_replies(&self, replies: Vec<UnfinishedReply>) -> Result<Vec<TakenReply>> {
        self.write_as(Scope::Sweeper, "start queued replies", move |transaction| {
            async move {
                let mut started = Vec::with_capacity(replies.len());
                for UnfinishedReply { user_id, chat_id, message_id, .. } in replies {
                    let lease = Lease::new();
                    let update = chat_message::Entity::update_many()
                        .col_expr(chat_message::Column::State, Expr::value("generating"))
                        .col_expr(chat_message::Column::LeaseOwner, Expr::value(lease.id()))
                        .col_expr(chat_message::Column::LeaseUntilMs, Expr::value(lease_end_ms()))
                        .filter(chat_message::Column::Id.eq(message_id.0))
                        .filter(chat_message::Column::State.eq("queued"));
                    if update.exec(transaction).await?.rows_affected == 1 {
                        started.push(TakenReply { user_id, chat_id, message_id, lease: Some(lease) });
                    }
                }
                Ok(started)
            }
            .boxed()
        })
        .await
    }
}

impl UserDb {
    /// Ends a queued reply before it begins; none when it is not queued (any more).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cancel_queued_reply(&self, id: MessageId) -> Result<Option<StoredMessage>> {
        let user_id = self.user_id();
        self.write("cancel queued reply", move |transaction| {
            async move {
                let update = chat_message::Entity::update_many()
                    .col_expr(chat_message::Column::State, Expr::value("stopped"))
                    .col_expr(chat_message::Column::LeaseUntilMs, Expr::value(Option::<i64>::None))
                    .filter(chat_message::Column::Id.eq(id.0))
                    .filter(chat_message::Column::UserId.eq(user_id.0))
                    .filter(chat_message::Column::State.eq("queued"));
                if update.exec(transaction).await?.rows_affected == 0 {
                    return Ok(None);
                }
                Ok(chat_message::Entity::find_by_id(id.0).one(transaction).await?.map(to_message))
            }
            .boxed()
        })
        .await
    }
}

/// Whether a new reply may begin: not when another one of its chat is unfinished, nor when as many of the user's run as
/// may, whichever servers write them. One that lost its server takes no place, but its chat waits for it.
pub(super) async fn may_start(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    chat_id: ChatId,
    running_max: u64,
) -> Written<bool> {
    let unfinished: Vec<(Uuid, String, i64)> = chat_message::Entity::find()
        .select_only()
        .columns([chat_message::Column::ChatId, chat_message::Column::State, chat_message::Column::LeaseUntilMs])
        .filter(chat_message::Column::UserId.eq(user_id.0))
        .filter(chat_message::Column::LeaseUntilMs.is_not_null())
        .into_tuple()
        .all(transaction)
        .await?;
    let (queued, running): (Vec<_>, Vec<_>) = unfinished.iter().partition(|(_, state, _)| state == "queued");
    if queued.len() as u64 >= limits::QUEUED_REPLIES_PER_USER_MAX {
        return Err(Error::TooManyReplies.into());
    }
    let now_ms = clock::now_ms();
    let places_taken = running.iter().filter(|(_, _, lease_until_ms)| *lease_until_ms > now_ms).count();
    let chat_is_free = unfinished.iter().all(|(chat, _, _)| *chat != chat_id.0);
    Ok(chat_is_free && (places_taken as u64) < running_max)
}
