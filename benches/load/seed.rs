//! A site as it is after some use: accounts, chat lists and chats of several lengths. Written through the server's own
//! repositories while no server runs, so that it is what the server itself would have written.

use std::path::Path;

use anyhow::{Result, anyhow, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use sardonyx::{
    domain::{
        ids::{ChatId, ClientMessageId, SessionId, UserId},
        limits,
        message::{MessageState, MessageText},
        model::ModelName,
        user::{Email, Password, Role},
    },
    server::{
        auth::password::Passwords,
        clock,
        db::{Db, Lease, NewExchange, NewReply, NewSession, UserDb},
    },
};
use uuid::Uuid;

use crate::{server::database_url, upstream};

/// Everybody's.
pub const PASSWORD: &str = "rock-candle-orbit-93";
/// Writes that wait for the one writer at a time.
const WRITES_AT_A_TIME: usize = 256;
/// Words in a message, as people ask.
const QUESTION: &str = "How do I read a file line by line, and what happens when a line is not valid UTF-8?";

/// Something in three sizes: a little, exactly one page, a lot.
pub struct Sized<T> {
    pub size: usize,
    pub what: T,
}

/// What was made.
pub struct Seeded {
    /// People with nothing yet.
    pub people: Vec<String>,
    /// By chats: an account's address.
    pub lists: Vec<Sized<String>>,
    /// By messages: a chat of [`Seeded::reader`].
    pub chats: Vec<Sized<ChatId>>,
    pub reader: String,
}

impl Seeded {
    pub async fn new(home: &Path, users: usize) -> Result<Self> {
        let db =
            Db::connect(&database_url(home), limits::DATABASE_CONNECTIONS).await.map_err(|error| anyhow!(error))?;
        db.migrate().await.map_err(|error| anyhow!(error))?;
        let password = Password::parse_new(PASSWORD.to_owned())?;
        // One hash for all: how long the log-in takes does not depend on whose it is.
        let hash = Passwords::new().hash(password).await?;
        let people: Vec<String> = (0..users).map(|user| format!("person-{user}@example.org")).collect();
        for email in &people {
            add_account(&db, email, &hash).await?;
        }
        let page = usize::try_from(limits::CHATS_PER_PAGE)?;
        let mut lists = Vec::new();
        for size in [10, page, 5_000] {
            let email = format!("list-{size}@example.org");
            let owner = open(&db, add_account(&db, &email, &hash).await?).await?;
            let chats = stream::iter((0..size).map(|_| add_chat(&owner, 2))).buffer_unordered(WRITES_AT_A_TIME);
            ensure!(chats.try_fold(0, async |count, _| Ok(count + 1)).await? == size, "chats are missing");
            lists.push(Sized { size, what: email });
        }
        let page = usize::try_from(limits::MESSAGES_PER_PAGE)?;
        let reader = "reader@example.org".to_owned();
        let owner = open(&db, add_account(&db, &reader, &hash).await?).await?;
        let mut chats = Vec::new();
        for size in [10, page, 2_000] {
            chats.push(Sized { size, what: add_chat(&owner, size).await? });
        }
        db.close().await;
        Ok(Self { people, lists, chats, reader })
    }
}

/// Somebody who has nothing yet; their part of the database.
pub async fn add_owner(db: &Db, email: &str) -> Result<UserDb> {
    let hash = Passwords::new().hash(Password::parse_new(PASSWORD.to_owned())?).await?;
    open(db, add_account(db, email, &hash).await?).await
}

/// The account's own part of the database.
#[expect(clippy::disallowed_methods, reason = "there is no session to guard: the database is the benchmark's own")]
pub async fn open(db: &Db, user_id: UserId) -> Result<UserDb> {
    let (id, expires_at_ms) = (SessionId(Uuid::now_v7()), clock::now_ms() + 3_600_000);
    let new = NewSession { id, device: String::new(), name: None, address: String::new(), expires_at_ms };
    db.add_session(user_id, new).await?;
    let open = db.open_session(user_id, id).await?;
    open.map(|open| open.db).map_err(|end| anyhow!("a session cannot be used: {}", end.text()))
}

async fn add_account(db: &Db, email: &str, hash: &str) -> Result<UserId> {
    Ok(db.add_account_as_operator(&Email::parse(email)?, hash.to_owned(), Role::Member).await?)
}

/// A chat with so many messages, every second one a reply.
async fn add_chat(owner: &UserDb, messages: usize) -> Result<ChatId> {
    let chat = owner.add_chat(Vec::new(), false).await?;
    // One after the other: while a reply of a chat has not ended, the next one waits.
    for number in 0..messages / 2 {
        add_exchange(owner, chat.id, number).await?;
    }
    Ok(chat.id)
}

async fn add_exchange(owner: &UserDb, chat_id: ChatId, number: usize) -> Result<()> {
    let lease = Lease::new();
    let new = NewExchange {
        files: Vec::new(),
        chat_id,
        edits: None,
        text: MessageText::parse(&format!("{QUESTION} ({number})"))?,
        client_message_id: ClientMessageId::random(),
        model: ModelName::new("openai", upstream::MODEL)?,
        draft_ms: None,
        lease: Some(lease),
        running_max: u64::MAX,
    };
    let NewReply::Added { reply, .. } = owner.add_exchange(new).await? else {
        return Err(anyhow!("a random id came twice"));
    };
    let text = format!("{}\n\n{number}", upstream::script(200));
    let kept = owner.finish_reply(&reply, lease, text, MessageState::Complete, None).await?;
    ensure!(kept.is_some(), "a reply was not kept");
    Ok(())
}
