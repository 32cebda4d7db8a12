//! What goes over the wire. Fields are only ever added here: programs that somebody wrote once must go on working.

pub mod files;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::input::Input;
use crate::{
    domain::{
        chat::{Chat, ChatCursor, ChatPage},
        limits,
        message::{Author, MessageState, Sent},
        reply::Usage,
        session::ActiveSession,
        source::{FileUse, FilesSearched, MessageFile},
        user::User,
    },
    server::{auth::token::Issued, clock, db::StoredMessage},
};

/// What went wrong.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorView {
    /// The stable word for it.
    #[schema(example = "not_found")]
    code: String,
    /// For people.
    text: String,
    /// When it makes sense to ask again.
    #[schema(required = false)]
    retry_after_seconds: Option<u32>,
}

/// Who one is, for a token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    #[schema(example = "you@example.org")]
    pub email: String,
    pub password: String,
    /// What the list of active sessions shows.
    #[schema(example = "nightly report")]
    pub name: Option<String>,
    /// The second factor's code, for accounts that have one.
    pub code: Option<String>,
}

impl Input for TokenRequest {
    const BYTES_MAX: usize = limits::PASSWORD_BODY_BYTES_MAX;
}

/// A signed token. It ends with its session, or before that by itself; refresh it in time.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
pub struct TokenView {
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until the token ends.
    expires_in: i64,
    /// The session that it belongs to.
    session_id: String,
    /// When the session ends: milliseconds since 1970 (UTC), like all moments here.
    session_expires_at_ms: i64,
}

impl From<Issued> for TokenView {
    fn from(issued: Issued) -> Self {
        Self {
            access_token: issued.token,
            token_type: "Bearer",
            expires_in: ((issued.expires_at_ms - clock::now_ms()) / 1_000).max(0),
            session_id: issued.session_id.to_string(),
            session_expires_at_ms: issued.session_expires_at_ms,
        }
    }
}

/// Whose token this is.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserView {
    id: String,
    email: String,
    /// `member` or `admin`.
    role: &'static str,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self { id: user.id.to_string(), email: user.email.clone(), role: user.role.name() }
    }
}

/// A chat.
#[derive(Serialize, ToSchema)]
#[schema(as = Chat)]
pub struct ChatView {
    id: String,
    /// Made from the first message; empty until there is one.
    title: String,
    /// The model that was last asked.
    model: Option<String>,
    /// When a message was last added.
    updated_at_ms: i64,
}

impl From<Chat> for ChatView {
    fn from(chat: Chat) -> Self {
        let model = chat.model.map(|model| model.as_str().to_owned());
        Self { id: chat.id.to_string(), title: chat.title, model, updated_at_ms: chat.updated_at_ms }
    }
}

/// A page of chats, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = ChatPage)]
pub struct ChatPageView {
    chats: Vec<ChatView>,
    /// Where the next page starts; nothing when this is the last.
    next: Option<CursorView>,
}

/// A place in the list of chats: the query of the next page.
#[derive(Serialize, ToSchema)]
#[schema(as = ChatCursor)]
pub struct CursorView {
    before_ms: i64,
    before_id: String,
}

impl From<ChatPage> for ChatPageView {
    fn from(page: ChatPage) -> Self {
        let next = |next: ChatCursor| CursorView { before_ms: next.updated_at_ms, before_id: next.id.to_string() };
        Self { chats: page.chats.into_iter().map(ChatView::from).collect(), next: page.next.map(next) }
    }
}

/// Where a page of chats starts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ChatParams {
    /// From the page before, together with `before_id`.
    pub before_ms: Option<i64>,
    /// From the page before, together with `before_ms`.
    pub before_id: Option<String>,
}

/// A new chat. It has nothing to say yet.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatRequest {
    /// Ids of files that the chat has from the start; for these the token needs `files:read`, too.
    #[serde(default)]
    pub files: Vec<String>,
    /// Whether all of one's files are searched for each reply; for this, too.
    #[serde(default)]
    pub searches_files: bool,
}

impl Input for ChatRequest {}

/// A message, or the reply to one.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageView {
    id: String,
    chat_id: String,
    /// Its place in the chat, from 1.
    seq: i64,
    /// The message that a reply answers.
    parent_id: Option<String>,
    /// `you` or `model`.
    author: &'static str,
    /// The model that wrote it.
    model: Option<String>,
    /// What it says: of a reply the model's own Markdown.
    text: String,
    /// `queued`, `generating`, `complete`, `stopped`, `failed` or `interrupted`.
    state: &'static str,
    /// Why it failed.
    failure: Option<FailureView>,
    /// What the model thought before it answered, where it said so.
    reasoning: Option<String>,
    /// How many tokens a reply was that has ended.
    usage: Option<UsageView>,
    /// The files that came with a message, or the sources of a reply.
    files: Vec<MessageFileView>,
    /// How files were searched for a reply: `both` by words and meaning, or `words`; nothing when they were not.
    files_searched: Option<&'static str>,
    created_at_ms: i64,
}

/// How many tokens a reply was.
#[derive(Serialize, ToSchema)]
#[schema(as = Usage)]
pub struct UsageView {
    /// Of the conversation that the model read.
    prompt_tokens: u64,
    /// Of what it wrote, its reasoning included.
    completion_tokens: u64,
    /// Whether they are an estimate: the model's server did not count.
    estimated: bool,
}

impl From<Usage> for UsageView {
    fn from(usage: Usage) -> Self {
        let Usage { prompt_tokens, completion_tokens, is_estimated } = usage;
        Self { prompt_tokens, completion_tokens, estimated: is_estimated }
    }
}

/// Why a model gave no complete reply.
#[derive(Serialize, ToSchema)]
#[schema(as = Failure)]
pub struct FailureView {
    /// The stable word for it.
    code: &'static str,
    /// For people.
    text: &'static str,
}

/// A file that came with a message, or a source of a reply.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageFile)]
pub struct MessageFileView {
    /// From 1; of a source the number that the reply names it by, such as `[1]`.
    number: u32,
    /// Nothing once the file is deleted.
    file_id: Option<String>,
    name: String,
    /// `attached`, `piece` or `picture`; or why nothing of it was given: `failed`, `late`, `unseen`, `too_long`.
    used_as: &'static str,
    /// Which piece of the file's text, from 0.
    seq: Option<u32>,
    /// Where that stands, for people: a page, a line, a row.
    place: Option<String>,
}

impl From<MessageFile> for MessageFileView {
    fn from(file: MessageFile) -> Self {
        let used_as = file.used_as.code();
        let (seq, place) = match file.used_as {
            FileUse::Piece { seq, place } => (Some(seq), Some(place.to_string())),
            _ => (None, None),
        };
        let file_id = file.file_id.map(|id| id.to_string());
        Self { number: file.number, file_id, name: file.name.as_str().to_owned(), used_as, seq, place }
    }
}

impl MessageView {
    /// A message with its files, or a reply with its sources.
    pub fn new(stored: StoredMessage, files: Vec<MessageFile>) -> Self {
        let (author, model) = match &stored.author {
            Author::You => ("you", None),
            Author::Model(model) => ("model", Some(model.as_str().to_owned())),
        };
        let (state, failure) = match stored.state {
            MessageState::Queued { .. } => ("queued", None),
            MessageState::Generating => ("generating", None),
            MessageState::Complete => ("complete", None),
            MessageState::Stopped => ("stopped", None),
            MessageState::Interrupted => ("interrupted", None),
            MessageState::Failed(failure) => {
                ("failed", Some(FailureView { code: failure.code(), text: failure.text() }))
            }
        };
        Self {
            id: stored.id.to_string(),
            chat_id: stored.chat_id.to_string(),
            seq: stored.seq,
            parent_id: stored.parent_id.map(|id| id.to_string()),
            author,
            model,
            text: stored.text,
            state,
            failure,
            reasoning: Some(stored.reasoning).filter(|reasoning| !reasoning.is_empty()),
            usage: stored.usage.map(UsageView::from),
            files: files.into_iter().map(MessageFileView::from).collect(),
            files_searched: stored.files_searched.map(FilesSearched::code),
            created_at_ms: stored.created_at_ms,
        }
    }
}

/// A page of messages, oldest first.
#[derive(Serialize, ToSchema)]
#[schema(as = MessagePage)]
pub struct MessagePageView {
    pub messages: Vec<MessageView>,
    /// Whether there are older ones: ask for them with the first one's `seq` as `before_seq`.
    pub has_older: bool,
}

/// Where a page of messages ends.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MessageParams {
    /// Only messages before this place; the newest without it.
    pub before_seq: Option<i64>,
}

/// A message to send.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageRequest {
    #[schema(example = "What is a sardonyx?")]
    pub text: String,
    /// A UUID of one's own: sending again with the same one is not a second message.
    pub client_message_id: Option<String>,
    /// Which model answers, as `provider/model`; the chat's last one without it.
    pub model: Option<String>,
    /// Ids of files that come with it; for these the token needs `files:read`, too.
    #[serde(default)]
    pub files: Vec<String>,
    /// Whether the reply comes as a stream of events, as with `Accept: text/event-stream`.
    #[serde(default)]
    pub stream: bool,
}

impl Input for MessageRequest {}

/// What sending gave, the first event of a stream.
#[derive(Serialize, ToSchema)]
#[schema(as = Sent)]
pub struct SentView {
    message_id: String,
    reply_id: String,
}

impl From<Sent> for SentView {
    fn from(sent: Sent) -> Self {
        Self { message_id: sent.message_id.to_string(), reply_id: sent.reply_id.to_string() }
    }
}

/// What the model wrote next, an event of a stream.
#[derive(Serialize, ToSchema)]
#[schema(as = Text)]
pub struct TextView {
    pub text: String,
}

/// An active session.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionView {
    id: String,
    /// The program's name, or browser and system.
    name: String,
    /// Where it was last used from.
    address: String,
    created_at_ms: i64,
    /// Written at most once a minute.
    last_access_ms: i64,
    /// Whether it is the one that asks.
    is_current: bool,
}

impl From<ActiveSession> for SessionView {
    fn from(session: ActiveSession) -> Self {
        Self {
            id: session.id.to_string(),
            name: session.device,
            address: session.address,
            created_at_ms: session.created_at_ms,
            last_access_ms: session.last_access_ms,
            is_current: session.is_current,
        }
    }
}

/// How many sessions were ended.
#[derive(Serialize, ToSchema)]
#[schema(as = Ended)]
pub struct EndedView {
    pub ended: u64,
}
