//! Replies that lost their server: the one query over all users' replies. It reads ids and owners, no text.

use futures::FutureExt;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, sea_query::Expr};
use uuid::Uuid;

use super::{Db, entity::chat_message, scope::Scope};
use crate::{
    domain::ids::{ChatId, MessageId, UserId},
    error::Result,
    server::clock,
};

/// A reply that was interrupted, and whose it is.
#[derive(Clone, Copy, Debug)]
pub struct InterruptedReply {
    pub user_id: UserId,
    pub chat_id: ChatId,
    pub message_id: MessageId,
}

/// Replies that one sweep ends.
const SWEEP_ROWS_MAX: u64 = 500;

impl Db {
    /// Ends every running reply whose lease has lapsed as `interrupted`, with the text of its last checkpoint, and says
    /// which. With `all_but`, every running reply that is not that server's counts as lapsed: right when there is no
    /// other server, as on SQLite.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn interrupt_lapsed_replies(&self, all_but: Option<Uuid>) -> Result<Vec<InterruptedReply>> {
        self.write_as(Scope::Sweeper, "interrupt lapsed replies", move |transaction| {
            async move {
                let mut lapsed = chat_message::Entity::find()
                    .select_only()
                    .columns([chat_message::Column::Id, chat_message::Column::ChatId, chat_message::Column::UserId])
                    .filter(chat_message::Column::State.eq("generating"))
                    .filter(chat_message::Column::LeaseUntilMs.is_not_null())
                    .limit(SWEEP_ROWS_MAX);
                lapsed = match all_but {
                    Some(owner) => lapsed.filter(chat_message::Column::LeaseOwner.ne(owner)),
                    None => lapsed.filter(chat_message::Column::LeaseUntilMs.lt(clock::now_ms())),
                };
                let rows: Vec<(Uuid, Uuid, Uuid)> = lapsed.into_tuple().all(transaction).await?;
                let mut interrupted = Vec::with_capacity(rows.len());
                for (id, chat_id, user_id) in rows {
                    let mut update = chat_message::Entity::update_many()
                        .col_expr(chat_message::Column::State, Expr::value("interrupted"))
                        .col_expr(chat_message::Column::LeaseOwner, Expr::value(Option::<Uuid>::None))
                        .col_expr(chat_message::Column::LeaseUntilMs, Expr::value(Option::<i64>::None))
                        .filter(chat_message::Column::Id.eq(id))
                        .filter(chat_message::Column::State.eq("generating"));
                    if all_but.is_none() {
                        // Its server may have renewed it since the query above.
                        update = update.filter(chat_message::Column::LeaseUntilMs.lt(clock::now_ms()));
                    }
                    if update.exec(transaction).await?.rows_affected == 1 {
                        interrupted.push(InterruptedReply {
                            user_id: UserId(user_id),
                            chat_id: ChatId(chat_id),
                            message_id: MessageId(id),
                        });
                    }
                }
                Ok(interrupted)
            }
            .boxed()
        })
        .await
    }
}
