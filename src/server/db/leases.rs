//! Replies that lost their server: the one place that looks over all users' replies. It reads ids and owners, no text.

use std::collections::HashSet;

use futures::FutureExt;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::{
    Db, UserDb,
    accounts::to_user,
    entity::{chat_message, user_account},
    failed,
    replies::{Lease, lease_end_ms},
    scope::Scope,
    write::Written,
};
use crate::{
    domain::{
        ids::{ChatId, MessageId, UserId},
        limits,
    },
    error::Result,
    server::clock,
};

/// A reply that a server may write now: it lost its server, or waited for its turn.
#[derive(Clone, Copy, Debug)]
pub struct TakenReply {
    pub user_id: UserId,
    pub chat_id: ChatId,
    pub message_id: MessageId,
    /// To go on under; none when it has ended now instead.
    pub lease: Option<Lease>,
}

/// Which replies count as lapsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lapsed {
    /// Those whose lease nobody renewed, or that were handed over.
    ByTime,
    /// All that run: right at the start of the only server.
    All,
}

impl Db {
    /// Takes over at most `count` replies that lost their server, but for those that the caller is still at; each is the
    /// caller's to go on with. One that was to be stopped ends as `stopped`, one that was taken over
    /// [`limits::REPLY_TAKEOVERS_MAX`] times already as `interrupted`, with the text of its last checkpoint. Being handed
    /// over does not count.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_over_replies(
        &self,
        lapsed: Lapsed,
        count: usize,
        running: HashSet<MessageId>,
    ) -> Result<Vec<TakenReply>> {
        self.write_as(Scope::Sweeper, "take over replies", move |transaction| {
            async move {
                let rows: Vec<(Uuid, Uuid, Uuid, i32, i64, bool)> = chat_message::Entity::find()
                    .select_only()
                    .columns([chat_message::Column::Id, chat_message::Column::ChatId, chat_message::Column::UserId])
                    .columns([chat_message::Column::Takeovers])
                    .columns([chat_message::Column::LeaseUntilMs, chat_message::Column::StopWanted])
                    .filter(chat_message::Column::LeaseUntilMs.is_not_null())
                    .filter(has_lapsed(lapsed))
                    .limit(u64::try_from(count).unwrap_or(u64::MAX))
                    .into_tuple()
                    .all(transaction)
                    .await?;
                let mut taken = Vec::with_capacity(rows.len());
                for (id, chat_id, user_id, takeovers, lease_until_ms, stop_wanted) in rows {
                    if running.contains(&MessageId(id)) {
                        continue;
                    }
                    let takeovers = takeovers + i32::from(lease_until_ms != 0);
                    let fate = if stop_wanted {
                        Fate::Ends("stopped")
                    } else if takeovers > limits::REPLY_TAKEOVERS_MAX {
                        Fate::Ends("interrupted")
                    } else {
                        Fate::GoesOn(Lease::new())
                    };
                    let lease = match fate {
                        Fate::GoesOn(lease) => Some(lease),
                        Fate::Ends(_) => None,
                    };
                    if take_over(transaction, id, lapsed, takeovers, fate).await? {
                        taken.push(TakenReply {
                            user_id: UserId(user_id),
                            chat_id: ChatId(chat_id),
                            message_id: MessageId(id),
                            lease,
                        });
                    }
                }
                Ok(taken)
            }
            .boxed()
        })
        .await
    }

    /// The database on behalf of whose reply was taken over; none when they may not use the site any more. Only whoever
    /// goes on with replies calls this.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_taken_reply(&self, reply: &TakenReply) -> Result<Option<UserDb>> {
        let account = user_account::Entity::find_by_id(reply.user_id.0)
            .filter(user_account::Column::Status.eq(super::accounts::ACTIVE))
            .one(&self.query_as(Scope::User(reply.user_id)).await?)
            .await
            .map_err(failed("open a reply's account"))?;
        Ok(account.and_then(to_user).map(|user| UserDb { db: self.clone(), user }))
    }

    /// Ends a reply that was taken over and cannot be gone on with.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn interrupt_taken_reply(&self, reply: &TakenReply) -> Result<()> {
        let (id, lease) = (reply.message_id.0, reply.lease.map(Lease::id));
        self.write_as(Scope::Sweeper, "interrupt a reply", move |transaction| {
            async move {
                ended(chat_message::Entity::update_many(), "interrupted")
                    .filter(chat_message::Column::Id.eq(id))
                    .filter(chat_message::Column::LeaseOwner.eq(lease))
                    .exec(transaction)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }
}

/// What becomes of a reply that lost its server.
#[derive(Clone, Copy)]
enum Fate {
    GoesOn(Lease),
    Ends(&'static str),
}

/// True when it was still there to be taken: its server may have renewed it, or another may have taken it.
async fn take_over(
    transaction: &impl ConnectionTrait,
    id: Uuid,
    lapsed: Lapsed,
    takeovers: i32,
    fate: Fate,
) -> Written<bool> {
    let update = chat_message::Entity::update_many();
    let update = match fate {
        Fate::GoesOn(lease) => update
            .col_expr(chat_message::Column::LeaseOwner, Expr::value(lease.id()))
            .col_expr(chat_message::Column::LeaseUntilMs, Expr::value(lease_end_ms()))
            .col_expr(chat_message::Column::Takeovers, Expr::value(takeovers)),
        Fate::Ends(state) => ended(update, state),
    };
    let update = update.filter(chat_message::Column::Id.eq(id)).filter(has_lapsed(lapsed));
    Ok(update.exec(transaction).await?.rows_affected == 1)
}

fn ended(
    update: sea_orm::UpdateMany<chat_message::Entity>,
    state: &'static str,
) -> sea_orm::UpdateMany<chat_message::Entity> {
    update
        .col_expr(chat_message::Column::State, Expr::value(state))
        .col_expr(chat_message::Column::LeaseOwner, Expr::value(Option::<Uuid>::None))
        .col_expr(chat_message::Column::LeaseUntilMs, Expr::value(Option::<i64>::None))
}

fn has_lapsed(lapsed: Lapsed) -> Condition {
    let running = Condition::all().add(chat_message::Column::State.eq("generating"));
    match lapsed {
        Lapsed::ByTime => running.add(Expr::col(chat_message::Column::LeaseUntilMs).lt(clock::now_ms())),
        Lapsed::All => running,
    }
}
