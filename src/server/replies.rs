//! The one real use case: a message is saved, a model asked, its reply saved and announced piece by piece.
//!
//! What a user asks for is here; `engine` writes one reply, `joint` puts it to what was there before, `follow` hears one out
//! for a program, `context` chooses what a model reads, and has older messages summarised (`summary`), `sources` adds what files have to say, `view` makes messages ready to show, `running` knows what runs on this server, `queue` whose turn is next,
//! `sweep` goes on with what lost its server, `versions` says things otherwise.

mod context;
mod engine;
pub mod follow;
mod joint;
mod material;
mod prompt;
mod queue;
pub mod running;
mod sources;
mod summary;
pub mod sweep;
mod tell;
mod thoughts;
pub mod versions;
mod view;

use std::collections::{HashMap, HashSet};

use crate::{
    domain::{
        chat::ChatView,
        ids::{ChatId, ClientMessageId, FileId, MessageId},
        limits,
        live::LiveEvent,
        message::{Author, Message, MessagePage, MessageState, MessageText, Sent},
        model::ModelName,
        preferences::Preferences,
    },
    error::{Error, InvalidInput, Result},
    server::{
        chats,
        db::{Lease, NewExchange, NewReply, Replacement, StoredMessage, UserDb},
        failpoints,
        live::hub::Mailbox,
        state::AppState,
    },
};

pub use self::{running::Running, summary::SummaryPauses, tell::looked, view::Views};

/// A chat with its newest messages and its draft.
///
/// # Errors
/// [`Error::NotFound`] when it is not theirs.
pub async fn open_chat(state: &AppState, db: &UserDb, chat_id: ChatId) -> Result<ChatView> {
    let mut chat = db.find_chat(chat_id).await?.ok_or(Error::NotFound)?;
    let messages = read_page(state, db, chat_id, None).await?;
    let (draft, unsent) = (db.find_draft(chat_id).await?, db.list_unsent_files(chat_id).await?);
    let unsent_files = unsent.into_iter().map(|(file, _)| file).collect();
    let invitation = if messages.messages.is_empty() { chats::invite(db, &chat).await? } else { String::new() };
    if std::mem::take(&mut chat.is_unread) {
        tell::seen(state, db, chat_id).await;
    }
    Ok(ChatView { chat, messages, draft, unsent_files, invitation })
}

/// The messages of a chat before a place.
///
/// # Errors
/// [`Error::NotFound`] when the chat is not theirs.
pub async fn list_messages(state: &AppState, db: &UserDb, chat_id: ChatId, before_seq: i64) -> Result<MessagePage> {
    read_page(state, db, chat_id, Some(before_seq)).await
}

/// Follows a chat on a live connection: from now on its events come; then what is new after a place and the draft; then the
/// text of its running reply. In this order nothing falls between.
///
/// # Errors
/// [`Error::NotFound`] when the chat is not theirs.
pub async fn watch(
    state: &AppState,
    db: &UserDb,
    mailbox: &Mailbox,
    chat_id: ChatId,
    after_seq: i64,
    last_id: Option<MessageId>,
) -> Result<()> {
    mailbox.watch(Some(chat_id));
    let mut stored = db.list_messages_after(chat_id, after_seq).await?.ok_or(Error::NotFound)?;
    let missed = stored.len().saturating_sub(usize::try_from(limits::MESSAGES_PER_PAGE).unwrap_or(usize::MAX));
    // With the last one, all before it are on the path that is shown.
    let is_outdated = match last_id {
        Some(id) => !db.is_message_shown(chat_id, id).await?,
        None => false,
    };
    if is_outdated || (last_id.is_some() && missed > 0) {
        mailbox.push(LiveEvent::ChatOutdated { chat_id });
        return Ok(());
    }
    stored.drain(..missed);
    let running: Vec<MessageId> =
        stored.iter().filter(|message| message.state == MessageState::Generating).map(|message| message.id).collect();
    let draft = db.find_draft(chat_id).await?;
    let newest = stored.iter().rposition(|message| message.author != Author::You);
    let context = match newest {
        Some(at) => view::with_summary(db, stored[at].context.clone()).await,
        None => None,
    };
    let mut messages = show_all(state, db, stored, true).await;
    if let Some(at) = newest {
        messages[at].details.context = context;
    }
    mailbox.push(LiveEvent::Messages { chat_id, messages });
    if draft.updated_at_ms > 0 {
        mailbox.push(LiveEvent::DraftChanged { chat_id, change: draft.into() });
    }
    for message_id in running {
        if state.live.find_reply(db.user_id(), message_id).is_some() {
            mailbox.mark_progress(chat_id, message_id, 0);
        }
    }
    tell::looked(state, db, mailbox, false).await
}

/// Saves a message and starts the reply to it, or puts that into the queue.
///
/// # Errors
/// [`Error::NotFound`], also for a file; [`Error::Conflict`], [`Error::TooMany`], [`Error::TooManyReplies`],
/// [`InvalidInput::Model`]; nothing is saved then.
pub async fn send_message(state: &AppState, db: &UserDb, chat_id: ChatId, new: NewMessage) -> Result<Sent> {
    let NewMessage { text, files, client_message_id, model, draft_ms } = new;
    let mut seen = HashSet::new();
    let files = files.into_iter().filter(|id| seen.insert(*id)).collect();
    add_exchange(state, db, chat_id, Typed { edits: None, text, files, client_message_id, draft_ms }, model).await
}

/// A message to send.
#[derive(Clone, Debug)]
pub struct NewMessage {
    pub text: MessageText,
    /// What comes with it.
    pub files: Vec<FileId>,
    pub client_message_id: ClientMessageId,
    /// What is to answer it; the chat's last one without it.
    pub model: Option<ModelName>,
    /// The moment of the draft that it was.
    pub draft_ms: Option<i64>,
}

/// What somebody typed, and where.
struct Typed {
    /// The message of which it is another version.
    edits: Option<MessageId>,
    text: MessageText,
    files: Vec<FileId>,
    client_message_id: ClientMessageId,
    /// The moment of the draft that it was.
    draft_ms: Option<i64>,
}

async fn add_exchange(
    state: &AppState,
    db: &UserDb,
    chat_id: ChatId,
    typed: Typed,
    model: Option<ModelName>,
) -> Result<Sent> {
    let chat = db.find_chat(chat_id).await?.ok_or(Error::NotFound)?;
    let model = choose_model(state, model, chat.model, &db.user().preferences).await?;
    let running_max = state.config.limits.replies_per_user;
    let (state, db) = (state.clone(), db.clone());
    // A task of its own: a client that goes away between the save and the start would leave a message without a reply.
    state
        .clone()
        .finish(async move {
            let writer = Writer::reserve(&state);
            let lease = writer.as_ref().map(|writer| writer.lease);
            let Typed { edits, text, files, client_message_id, draft_ms } = typed;
            let new =
                NewExchange { chat_id, edits, text, files, client_message_id, model, draft_ms, lease, running_max };
            match db.add_exchange(new).await? {
                NewReply::Repeated { message_id, reply_id } => Ok(Sent { message_id, reply_id }),
                NewReply::Added { chat, message, reply, draft } => {
                    let message_id = message.as_ref().map_or(reply.id, |message| message.id);
                    let sent = Sent { message_id, reply_id: reply.id };
                    failpoints::reach("message_saved");
                    state.live.chat_changed(db.user_id(), &chat);
                    start(&state, &db, message, reply, edits.is_some(), writer).await;
                    if let Some(change) = draft {
                        state.live.draft_changed(db.user_id(), chat_id, change);
                    }
                    failpoints::reach("reply_begun");
                    Ok(sent)
                }
            }
        })
        .await
}

/// Asks again for a reply, or for the rest of it: another version takes its place. Gives the chat and the new reply.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Conflict`], [`Error::TooManyReplies`], [`InvalidInput::Model`].
pub async fn retry_reply(
    state: &AppState,
    db: &UserDb,
    message_id: MessageId,
    model: Option<ModelName>,
    goes_on: bool,
) -> Result<(ChatId, MessageId)> {
    let old = db.find_message(message_id).await?.ok_or(Error::NotFound)?;
    let of_reply = match old.author {
        Author::Model(model) => Some(model),
        Author::You => None,
    };
    let model = choose_model(state, model, of_reply, &db.user().preferences).await?;
    let (state, db) = (state.clone(), db.clone());
    state
        .clone()
        .finish(async move {
            let writer = Writer::reserve(&state);
            let lease = writer.as_ref().map(|writer| writer.lease);
            let running_max = state.config.limits.replies_per_user;
            match db.replace_reply(Replacement { id: message_id, model, goes_on, lease, running_max }).await? {
                NewReply::Repeated { reply_id, .. } => Ok((old.chat_id, reply_id)),
                NewReply::Added { chat, message, reply, .. } => {
                    let reply_id = reply.id;
                    state.live.chat_changed(db.user_id(), &chat);
                    start(&state, &db, message, reply, false, writer).await;
                    Ok((old.chat_id, reply_id))
                }
            }
        })
        .await
}

/// Stops a running reply, wherever it is written, or gives up a queued one. Gives its chat.
///
/// # Errors
/// [`Error::NotFound`] when it is not theirs.
pub async fn stop_reply(state: &AppState, db: &UserDb, message_id: MessageId) -> Result<ChatId> {
    let message = db.find_message(message_id).await?.ok_or(Error::NotFound)?;
    let was_queued = matches!(message.state, MessageState::Queued { .. });
    if message.state.is_final() || (was_queued && queue::cancel(state, db, message_id).await?) {
        return Ok(message.chat_id);
    }
    if !state.running.stop(message_id) {
        // For whoever writes it, or begins to just now.
        db.want_stop(message_id).await?;
        state.live.stop_elsewhere(message_id);
    }
    Ok(message.chat_id)
}

async fn read_page(state: &AppState, db: &UserDb, chat_id: ChatId, before_seq: Option<i64>) -> Result<MessagePage> {
    let (stored, has_older) = db.list_messages(chat_id, before_seq).await?.ok_or(Error::NotFound)?;
    let context = match before_seq {
        // Its newest reply is on this page.
        None => stored.iter().rev().find(|message| view::is_context_known(message)).and_then(|it| it.context.clone()),
        Some(_) => db.find_context(chat_id).await?,
    };
    let context = view::with_summary(db, context).await;
    Ok(MessagePage { messages: show_all(state, db, stored, true).await, has_older, context })
}

async fn show_all(state: &AppState, db: &UserDb, stored: Vec<StoredMessage>, has_versions: bool) -> Vec<Message> {
    // Without the answer, a tab goes on with what it knows of them.
    let versions = if has_versions { db.list_versions(&stored).await.unwrap_or_default() } else { HashMap::new() };
    let with_files: Vec<MessageId> =
        stored.iter().filter(|message| message.uses_files).map(|message| message.id).collect();
    // Without the answer, the conversation is shown all the same.
    let mut files = db.list_message_files(&with_files).await.unwrap_or_default();
    let mut messages = Vec::with_capacity(stored.len());
    for message in stored {
        let versions = versions.get(&message.id).copied();
        let files = files.remove(&message.id).unwrap_or_default();
        messages.push(Message { versions, ..view::show(state, db.user_id(), message, &files).await });
    }
    let is_queued = |message: &Message| matches!(message.state, MessageState::Queued { .. });
    let queued: Vec<MessageId> =
        messages.iter().filter(|message| is_queued(message)).map(|message| message.id).collect();
    if !queued.is_empty() {
        let places = queue::places_of(state, &queued).await;
        for message in messages.iter_mut().filter(|message| is_queued(message)) {
            message.state = MessageState::Queued { ahead: places.get(&message.id).copied().flatten() };
        }
    }
    messages
}

/// What writes a new reply here, if there is a place for it.
struct Writer {
    lease: Lease,
    place: running::Place,
}

impl Writer {
    fn reserve(state: &AppState) -> Option<Self> {
        state.running.reserve().map(|place| Self { lease: Lease::new(), place })
    }
}

/// Announces a new reply; one that need not wait can be followed from now on, and the engine is set to work.
async fn start(
    state: &AppState,
    db: &UserDb,
    message: Option<StoredMessage>,
    reply: StoredMessage,
    is_edit: bool,
    writer: Option<Writer>,
) {
    let chat_id = reply.chat_id;
    let writer = writer.filter(|_| reply.state == MessageState::Generating);
    let task = writer.map(|Writer { lease, place }| engine::Task::new(state, db, &reply, lease, place));
    // What was just sent has no other version: nobody need wait for them to be counted.
    let has_versions = message.is_none() || is_edit;
    let shown = show_all(state, db, message.into_iter().chain([reply]).collect(), has_versions).await;
    state.live.messages(db.user_id(), chat_id, shown);
    match task {
        Some(task) => _ = state.tasks.spawn(task.run()),
        // It may be its turn by now.
        None => state.running.look_again(),
    }
}

/// The model that was asked for, else the one that answered before, else the person's, else the site's. One that is not
/// offered is never among them.
async fn choose_model(
    state: &AppState,
    asked: Option<ModelName>,
    before: Option<ModelName>,
    likes: &Preferences,
) -> Result<ModelName> {
    if let Some(model) = asked {
        return if state.models.is_offered(&model) { Ok(model) } else { Err(InvalidInput::Model.into()) };
    }
    let offered = |model: &ModelName| state.models.is_offered(model);
    match before.filter(offered).or_else(|| likes.default_model.clone().filter(offered)) {
        Some(model) => Ok(model),
        None => state.models.default_model().await.ok_or(InvalidInput::Model.into()),
    }
}
