//! A user's messages, written: a message with the reply it asks for, a reply in the place of another, and a running
//! reply's checkpoints and end. A reply has one writer, whoever holds its lease, and ends once.

use futures::FutureExt;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, LockType},
};
use uuid::Uuid;

use super::{
    UserDb,
    chats::to_chat,
    content::ReplyContent,
    entity::{chat_message, chat_session, user_account},
    messages::{StoredMessage, to_message, to_state},
    queue::{QUEUED_UNTIL_MS, may_start},
    write::Written,
};
use crate::{
    domain::{
        chat::{Chat, title_from_message},
        ids::{ChatId, ClientMessageId, MessageId, UserId},
        limits,
        message::{MessageState, MessageText},
        model::ModelName,
    },
    error::{Error, Result},
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

/// A message to add, with the reply that it asks for.
#[derive(Clone, Debug)]
pub struct NewExchange {
    pub chat_id: ChatId,
    pub text: MessageText,
    pub client_message_id: ClientMessageId,
    pub model: ModelName,
    /// What writes the reply, if it need not wait; none when there is nobody to.
    pub lease: Option<Lease>,
    /// Replies that this user may have running at a time.
    pub running_max: u64,
}

/// A reply to add in the place of another.
#[derive(Clone, Debug)]
pub struct Replacement {
    /// The other.
    pub id: MessageId,
    pub model: ModelName,
    /// Whether it begins with the other's text.
    pub goes_on: bool,
    pub lease: Option<Lease>,
    pub running_max: u64,
}

/// What adding gave.
#[derive(Clone, Debug)]
pub enum NewReply {
    /// It is there now: the chat as it is after, the message (none on a retry) and the reply, which is to be written under
    /// the lease or is queued.
    Added { chat: Chat, message: Option<StoredMessage>, reply: StoredMessage },
    /// It was there already: the message's and the reply's id.
    Repeated { message_id: MessageId, reply_id: MessageId },
}

impl UserDb {
    /// Adds a message and the reply to it in one transaction. The same client message id again gives the first ids.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the chat is not theirs, [`Error::Conflict`] when the id stands for another text or chat,
    /// [`Error::TooManyReplies`] when as many wait as may.
    pub async fn add_exchange(&self, new: NewExchange) -> Result<NewReply> {
        let user_id = self.user_id();
        self.write("add message", move |transaction| {
            async move { insert_exchange(transaction, user_id, new).await }.boxed()
        })
        .await
    }

    /// Puts a new reply in the place of the chat's last one, which ended without being complete. Asked again, it gives
    /// the reply that already took that place.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not theirs; [`Error::Conflict`] when it is running, complete, or not the last, or has
    /// nothing to go on from; [`Error::TooManyReplies`] when as many wait as may.
    pub async fn replace_reply(&self, new: Replacement) -> Result<NewReply> {
        let user_id = self.user_id();
        self.write("replace reply", move |transaction| {
            async move { insert_replacement(transaction, user_id, new).await }.boxed()
        })
        .await
    }

    /// Keeps the text so far and renews the lease.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkpoint_reply(&self, id: MessageId, lease: Lease, content: ReplyContent) -> Result<Kept> {
        let user_id = self.user_id();
        self.write("checkpoint reply", move |transaction| {
            async move {
                let update = running_reply(user_id, id, lease)
                    .col_expr(chat_message::Column::LeaseUntilMs, Expr::value(lease_end_ms()));
                let mut update = content.set(update).into_query();
                update.returning_col(chat_message::Column::StopWanted);
                let Some(row) = transaction.query_one(&update).await? else { return Ok(Kept::Lost) };
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
                content
                    .set(running_reply(user_id, id, lease))
                    .col_expr(chat_message::Column::LeaseOwner, Expr::value(Option::<Uuid>::None))
                    .col_expr(chat_message::Column::LeaseUntilMs, Expr::value(0_i64))
                    .exec(transaction)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Writes a reply's end, once; none when it had ended already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish_reply(
        &self,
        id: MessageId,
        lease: Lease,
        content: impl Into<ReplyContent>,
        state: MessageState,
    ) -> Result<Option<StoredMessage>> {
        let (user_id, content) = (self.user_id(), content.into());
        self.write("finish reply", move |transaction| {
            async move {
                let (state, failure) = state_columns(state);
                let update = content
                    .set(running_reply(user_id, id, lease))
                    .col_expr(chat_message::Column::State, Expr::value(state))
                    .col_expr(chat_message::Column::Failure, Expr::value(failure))
                    .col_expr(chat_message::Column::LeaseOwner, Expr::value(Option::<Uuid>::None))
                    .col_expr(chat_message::Column::LeaseUntilMs, Expr::value(Option::<i64>::None));
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

async fn insert_exchange(transaction: &impl ConnectionTrait, user_id: UserId, new: NewExchange) -> Written<NewReply> {
    lock_user(transaction, user_id).await?;
    // Of two identical sends, the second waits here and then finds the first.
    lock_chat(transaction, user_id, new.chat_id).await?;
    let earlier = chat_message::Entity::find()
        .filter(chat_message::Column::UserId.eq(user_id.0))
        .filter(chat_message::Column::ClientMessageId.eq(new.client_message_id.0))
        .one(transaction)
        .await?;
    if let Some(earlier) = earlier {
        return repeat_exchange(transaction, &new, earlier).await;
    }
    let may_start = may_start(transaction, user_id, new.chat_id, new.running_max).await?;
    let chat = take_places(transaction, new.chat_id, 2, &new.model).await?;
    let chat = if chat.description.is_empty() { set_title(transaction, chat, new.text.as_str()).await? } else { chat };
    let message = chat_message::Model {
        id: Uuid::now_v7(),
        chat_id: new.chat_id.0,
        user_id: user_id.0,
        seq: chat.last_seq - 1,
        parent_id: None,
        client_message_id: Some(new.client_message_id.0),
        model: None,
        text: new.text.as_str().to_owned(),
        state: "complete".to_owned(),
        failure: None,
        superseded: false,
        lease_owner: None,
        lease_until_ms: None,
        takeovers: 0,
        stop_wanted: false,
        reasoning: None,
        prompt_tokens: None,
        completion_tokens: None,
        tokens_estimated: false,
        created_at_ms: chat.updated_at_ms,
    };
    let reply = new_reply(&chat, message.id, &new.model, new.lease.filter(|_| may_start));
    insert(transaction, &message).await?;
    insert(transaction, &reply).await?;
    Ok(NewReply::Added { chat: to_chat(chat), message: Some(to_message(message)), reply: to_message(reply) })
}

/// The answer to a send that was already done.
async fn repeat_exchange(
    transaction: &impl ConnectionTrait,
    new: &NewExchange,
    earlier: chat_message::Model,
) -> Written<NewReply> {
    if earlier.chat_id != new.chat_id.0 || earlier.text != new.text.as_str() {
        return Err(Error::Conflict.into());
    }
    let reply = newest_reply(transaction, earlier.id).await?.ok_or(Error::Internal)?;
    Ok(NewReply::Repeated { message_id: MessageId(earlier.id), reply_id: MessageId(reply.id) })
}

async fn insert_replacement(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    new: Replacement,
) -> Written<NewReply> {
    lock_user(transaction, user_id).await?;
    let old = chat_message::Entity::find_by_id(new.id.0)
        .filter(chat_message::Column::UserId.eq(user_id.0))
        .one(transaction)
        .await?
        .ok_or(Error::NotFound)?;
    let parent_id = old.parent_id.ok_or(Error::Conflict)?;
    let chat = lock_chat(transaction, user_id, ChatId(old.chat_id)).await?;
    // Read again under the chat's lock: somebody else may have asked for the same just now.
    let old = chat_message::Entity::find_by_id(old.id).one(transaction).await?.ok_or(Error::NotFound)?;
    if old.superseded {
        let reply = newest_reply(transaction, parent_id).await?.ok_or(Error::Internal)?;
        return Ok(NewReply::Repeated { message_id: MessageId(parent_id), reply_id: MessageId(reply.id) });
    }
    let state = to_state(&old.state, old.failure.as_deref());
    let can_go_on = state.can_continue() && !old.text.is_empty();
    if !state.can_retry() || old.seq != chat.last_seq || (new.goes_on && !can_go_on) {
        return Err(Error::Conflict.into());
    }
    let may_start = may_start(transaction, user_id, ChatId(chat.id), new.running_max).await?;
    chat_message::Entity::update_many()
        .col_expr(chat_message::Column::Superseded, Expr::value(true))
        .filter(chat_message::Column::Id.eq(old.id))
        .exec(transaction)
        .await?;
    let chat = take_places(transaction, ChatId(chat.id), 1, &new.model).await?;
    let mut reply = new_reply(&chat, parent_id, &new.model, new.lease.filter(|_| may_start));
    if new.goes_on {
        (reply.text, reply.reasoning) = (old.text, old.reasoning);
    }
    insert(transaction, &reply).await?;
    Ok(NewReply::Added { chat: to_chat(chat), message: None, reply: to_message(reply) })
}

/// Lets a user's sends pass one after the other, also in different chats and on different servers, so that what runs can be
/// counted. Before any lock on a chat, as the deletion of an account goes. Foreign keys to the user do not wait for it.
async fn lock_user(transaction: &impl ConnectionTrait, user_id: UserId) -> Written<()> {
    let locked: Option<Uuid> = user_account::Entity::find_by_id(user_id.0)
        .select_only()
        .column(user_account::Column::Id)
        .lock(LockType::NoKeyUpdate)
        .into_tuple()
        .one(transaction)
        .await?;
    locked.map(|_| ()).ok_or(Error::NotFound.into())
}

/// Holds a chat of the user's until the end of the transaction (SQLite has one writer anyway and knows no row locks).
async fn lock_chat(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    chat_id: ChatId,
) -> Written<chat_session::Model> {
    let chat = chat_session::Entity::find_by_id(chat_id.0)
        .filter(chat_session::Column::UserId.eq(user_id.0))
        .lock_exclusive()
        .one(transaction)
        .await?;
    Ok(chat.ok_or(Error::NotFound)?)
}

/// Takes the next `count` places of a locked chat and moves it to the top of the list.
async fn take_places(
    transaction: &impl ConnectionTrait,
    chat_id: ChatId,
    count: i64,
    model: &ModelName,
) -> Written<chat_session::Model> {
    let changed = chat_session::Entity::update_many()
        .col_expr(chat_session::Column::LastSeq, Expr::col(chat_session::Column::LastSeq).add(count))
        .col_expr(chat_session::Column::UpdatedAtMs, Expr::value(clock::now_ms()))
        .col_expr(chat_session::Column::Model, Expr::value(model.as_str()))
        .filter(chat_session::Column::Id.eq(chat_id.0))
        .exec_with_returning(transaction)
        .await?;
    Ok(changed.into_iter().next().ok_or(Error::NotFound)?)
}

async fn set_title(
    transaction: &impl ConnectionTrait,
    mut chat: chat_session::Model,
    first_message: &str,
) -> Written<chat_session::Model> {
    chat.description = title_from_message(first_message);
    chat_session::Entity::update_many()
        .col_expr(chat_session::Column::Description, Expr::value(chat.description.clone()))
        .filter(chat_session::Column::Id.eq(chat.id))
        .exec(transaction)
        .await?;
    Ok(chat)
}

async fn newest_reply(transaction: &impl ConnectionTrait, parent_id: Uuid) -> Written<Option<chat_message::Model>> {
    Ok(chat_message::Entity::find()
        .filter(chat_message::Column::ParentId.eq(parent_id))
        .order_by_desc(chat_message::Column::Seq)
        .one(transaction)
        .await?)
}

/// A reply that is written under this lease; without one it is queued.
fn new_reply(
    chat: &chat_session::Model,
    parent_id: Uuid,
    model: &ModelName,
    lease: Option<Lease>,
) -> chat_message::Model {
    chat_message::Model {
        id: Uuid::now_v7(),
        chat_id: chat.id,
        user_id: chat.user_id,
        seq: chat.last_seq,
        parent_id: Some(parent_id),
        client_message_id: None,
        model: Some(model.as_str().to_owned()),
        text: String::new(),
        state: if lease.is_some() { "generating" } else { "queued" }.to_owned(),
        failure: None,
        superseded: false,
        lease_owner: lease.map(Lease::id),
        lease_until_ms: Some(if lease.is_some() { lease_end_ms() } else { QUEUED_UNTIL_MS }),
        takeovers: 0,
        stop_wanted: false,
        reasoning: None,
        prompt_tokens: None,
        completion_tokens: None,
        tokens_estimated: false,
        created_at_ms: chat.updated_at_ms,
    }
}

async fn insert(transaction: &impl ConnectionTrait, row: &chat_message::Model) -> Written<()> {
    let row = row.clone();
    let new = chat_message::ActiveModel {
        id: Set(row.id),
        chat_id: Set(row.chat_id),
        user_id: Set(row.user_id),
        seq: Set(row.seq),
        parent_id: Set(row.parent_id),
        client_message_id: Set(row.client_message_id),
        model: Set(row.model),
        text: Set(row.text),
        state: Set(row.state),
        failure: Set(row.failure),
        superseded: Set(row.superseded),
        lease_owner: Set(row.lease_owner),
        lease_until_ms: Set(row.lease_until_ms),
        takeovers: Set(row.takeovers),
        stop_wanted: Set(row.stop_wanted),
        reasoning: Set(row.reasoning),
        prompt_tokens: Set(row.prompt_tokens),
        completion_tokens: Set(row.completion_tokens),
        tokens_estimated: Set(row.tokens_estimated),
        created_at_ms: Set(row.created_at_ms),
    };
    chat_message::Entity::insert(new).exec_without_returning(transaction).await?;
    Ok(())
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
