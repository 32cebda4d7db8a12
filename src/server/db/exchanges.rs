//! What is added to a chat: a message with the reply it asks for, a message in the place of another, a reply in the place
//! of another. What becomes of a reply is in `replies`, how one goes from one version to another in `versions`.

use futures::FutureExt;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, ExprTrait, LockType},
};
use uuid::Uuid;

use super::{
    UserDb,
    chat_files::note_use,
    chats::to_chat,
    drafts::clear_draft,
    entity::{chat_message, chat_session, user_account},
    message_files::{attach, came_with, copy_files},
    messages::{StoredMessage, to_message, to_state},
    queue::{QUEUED_UNTIL_MS, may_start},
    replies::{Lease, lease_end_ms},
    versions::{branch_off, last_shown},
    write::Written,
};
use crate::{
    domain::{
        chat::{Chat, title_from_message},
        draft::DraftChange,
        ids::{ChatId, ClientMessageId, FileId, MessageId, UserId},
        message::MessageText,
        model::ModelName,
    },
    error::{Error, Result},
    server::clock,
};

/// A message to add, with the reply that it asks for.
#[derive(Clone, Debug)]
pub struct NewExchange {
    pub chat_id: ChatId,
    /// The message of which it is another version; none to follow the last one that is shown.
    pub edits: Option<MessageId>,
    pub text: MessageText,
    /// What comes with it; another version of a message has that one's files.
    pub files: Vec<FileId>,
    pub client_message_id: ClientMessageId,
    pub model: ModelName,
    /// The moment of the draft that the message was, where that is known.
    pub draft_ms: Option<i64>,
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
    /// It is there now: the chat as it is after, the message (none on a retry), the reply, which is to be written under
    /// the lease or is queued, and the draft, if the message was one.
    Added { chat: Chat, message: Option<StoredMessage>, reply: StoredMessage, draft: Option<DraftChange> },
    /// It was there already: the message's and the reply's id.
    Repeated { message_id: MessageId, reply_id: MessageId },
}

impl UserDb {
    /// Adds a message and the reply to it in one transaction. The same client message id again gives the first ids.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the chat or one of the files is not theirs, or the other version not in it;
    /// [`Error::Conflict`] when the id stands for another text, chat or other files, or the other version is not shown or not theirs to edit;
    /// [`InvalidInput::TooManyVersions`](crate::error::InvalidInput::TooManyVersions);
    /// [`Error::TooManyReplies`] when as many wait as may.
    pub async fn add_exchange(&self, new: NewExchange) -> Result<NewReply> {
        let user_id = self.user_id();
        self.write("add message", move |transaction| {
            async move { insert_exchange(transaction, user_id, new).await }.boxed()
        })
        .await
    }

    /// Puts a new version in the place of a reply that has ended; what followed the other one is not shown any more. Asked
    /// again, it gives the reply that already took that place.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not theirs; [`Error::Conflict`] when it is not ended, or has
    /// nothing to go on from; [`Error::TooManyReplies`] when as many wait as may.
    pub async fn replace_reply(&self, new: Replacement) -> Result<NewReply> {
        let user_id = self.user_id();
        self.write("replace reply", move |transaction| {
            async move { insert_replacement(transaction, user_id, new).await }.boxed()
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
    let edited = new.edits;
    let parent_id = match new.edits {
        Some(id) => branch_off(transaction, find_edited(transaction, user_id, new.chat_id, id).await?).await?,
        None => last_shown(transaction, new.chat_id).await?,
    };
    let mut chat = take_places(transaction, new.chat_id, 2, &new.model).await?;
    if !new.files.is_empty() {
        note_use(transaction, new.chat_id).await?;
        chat.uses_files = true;
    }
    let chat = if chat.description.is_empty() { set_title(transaction, chat, new.text.as_str()).await? } else { chat };
    let message = chat_message::Model {
        id: Uuid::now_v7(),
        chat_id: new.chat_id.0,
        user_id: user_id.0,
        seq: chat.last_seq - 1,
        parent_id,
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
        context_from_id: None,
        context_cut: None,
        created_at_ms: chat.updated_at_ms,
        uses_files: chat.uses_files,
        files_searched: None,
    };
    let reply = new_reply(&chat, message.id, &new.model, new.lease.filter(|_| may_start));
    insert(transaction, &message).await?;
    insert(transaction, &reply).await?;
    match edited {
        Some(edited) if chat.uses_files => copy_files(transaction, edited.0, &message).await?,
        _ => attach(transaction, &message, &new.files).await?,
    }
    let draft = clear_draft(transaction, user_id, new.chat_id, new.client_message_id, new.draft_ms).await?;
    Ok(NewReply::Added { chat: to_chat(chat), message: Some(to_message(message)), reply: to_message(reply), draft })
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
    if new.edits.is_none() && !came_with(transaction, earlier.id, &new.files).await? {
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
    let Some(parent_id) = old.parent_id.filter(|_| old.model.is_some()) else { return Err(Error::Conflict.into()) };
    let chat = lock_chat(transaction, user_id, ChatId(old.chat_id)).await?;
    // Read again under the chat's lock: somebody else may have asked for the same just now.
    let old = chat_message::Entity::find_by_id(old.id).one(transaction).await?.ok_or(Error::NotFound)?;
    if old.superseded {
        let reply = newest_reply(transaction, parent_id).await?.ok_or(Error::Internal)?;
        return Ok(NewReply::Repeated { message_id: MessageId(parent_id), reply_id: MessageId(reply.id) });
    }
    let state = to_state(&old.state, old.failure.as_deref());
    let can_go_on = state.can_continue() && !old.text.is_empty();
    if !state.is_final() || (new.goes_on && !can_go_on) {
        return Err(Error::Conflict.into());
    }
    let may_start = may_start(transaction, user_id, ChatId(chat.id), new.running_max).await?;
    let begun = new.goes_on.then(|| (old.id, old.text.clone(), old.reasoning.clone(), old.files_searched.clone()));
    let parent_id = branch_off(transaction, old).await?.ok_or(Error::Conflict)?;
    let chat = take_places(transaction, ChatId(chat.id), 1, &new.model).await?;
    let mut reply = new_reply(&chat, parent_id, &new.model, new.lease.filter(|_| may_start));
    let mut goes_on_from = None;
    if let Some((id, text, reasoning, files_searched)) = begun {
        (reply.text, reply.reasoning, reply.files_searched) = (text, reasoning, files_searched);
        goes_on_from = Some(id).filter(|_| reply.uses_files);
    }
    insert(transaction, &reply).await?;
    if let Some(id) = goes_on_from {
        // Its numbers mean the same sources.
        copy_files(transaction, id, &reply).await?;
    }
    Ok(NewReply::Added { chat: to_chat(chat), message: None, reply: to_message(reply), draft: None })
}

/// What a person wrote and wants to have said otherwise. It must be what is shown: of a version that is not, nobody can want
/// that.
async fn find_edited(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    chat_id: ChatId,
    id: MessageId,
) -> Written<chat_message::Model> {
    let edited = chat_message::Entity::find_by_id(id.0)
        .filter(chat_message::Column::UserId.eq(user_id.0))
        .filter(chat_message::Column::ChatId.eq(chat_id.0))
        .one(transaction)
        .await?
        .ok_or(Error::NotFound)?;
    if edited.model.is_some() || edited.superseded { Err(Error::Conflict.into()) } else { Ok(edited) }
}

/// Lets a user's sends pass one after the other, also in different chats and on different servers, so that what runs can be
/// counted. Before any lock on a chat, as the deletion of an account goes. Foreign keys to the user do not wait for it.
pub(super) async fn lock_user(transaction: &impl ConnectionTrait, user_id: UserId) -> Written<()> {
    lock_account(transaction, user_id, LockType::NoKeyUpdate).await
}

/// Holds a user's account until the end of the transaction: for `KeyShare`, it is not deleted meanwhile.
pub(super) async fn lock_account(transaction: &impl ConnectionTrait, user_id: UserId, lock: LockType) -> Written<()> {
    try_lock_account(transaction, user_id, lock).await?.then_some(()).ok_or(Error::NotFound.into())
}

async fn try_lock_account(transaction: &impl ConnectionTrait, user_id: UserId, lock: LockType) -> Written<bool> {
    let locked: Option<Uuid> = user_account::Entity::find_by_id(user_id.0)
        .select_only()
        .column(user_account::Column::Id)
        .lock(lock)
        .into_tuple()
        .one(transaction)
        .await?;
    Ok(locked.is_some())
}

/// Holds a chat of the user's until the end of the transaction (SQLite has one writer anyway and knows no row locks).
pub(super) async fn lock_chat(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    chat_id: ChatId,
) -> Written<chat_session::Model> {
    Ok(locked_chat(user_id, chat_id).one(transaction).await?.ok_or(Error::NotFound)?)
}

/// The same where a chat that is gone is no error; false then. Before it their account, of which something is to be told.
pub(super) async fn try_lock_told_chat(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    chat_id: ChatId,
) -> Written<bool> {
    Ok(try_lock_account(transaction, user_id, LockType::KeyShare).await?
        && locked_chat(user_id, chat_id).one(transaction).await?.is_some())
}

fn locked_chat(user_id: UserId, chat_id: ChatId) -> Select<chat_session::Entity> {
    chat_session::Entity::find_by_id(chat_id.0).filter(chat_session::Column::UserId.eq(user_id.0)).lock_exclusive()
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
        context_from_id: None,
        context_cut: None,
        created_at_ms: chat.updated_at_ms,
        uses_files: chat.uses_files,
        files_searched: None,
    }
}

async fn insert(transaction: &impl ConnectionTrait, row: &chat_message::Model) -> Written<()> {
    chat_message::Entity::insert(row.clone().into_active_model()).exec_without_returning(transaction).await?;
    Ok(())
}
