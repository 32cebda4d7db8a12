//! That every reply is what the model said, on the screen and in the database.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, anyhow, ensure};
use sardonyx::{
    domain::{
        chat::ChatView,
        ids::ChatId,
        limits,
        message::{Message, MessageBody, MessageState, SafeHtml},
        user::Email,
    },
    server::{db::Db, markdown},
};
use tokio::time::{Instant, sleep};

use crate::{client::Browser, report::Report, seed, server::database_url, upstream};

/// Replies that nobody follows have this long to be complete.
const COMPLETE_SECONDS_MAX: u64 = 60;

/// A chat with one reply.
pub struct Kept {
    pub browser: Browser,
    pub chat_id: ChatId,
    pub tokens: usize,
}

/// Waits for the replies that nobody follows.
pub async fn wait_until_complete(kept: &[Kept], report: &mut Report) {
    let deadline = Instant::now() + Duration::from_secs(COMPLETE_SECONDS_MAX);
    for kept in kept {
        loop {
            match open_reply(kept).await {
                Ok(reply) if reply.state.is_final() || Instant::now() > deadline => break,
                Ok(_) => sleep(Duration::from_millis(50)).await,
                Err(error) => return report.error(format_args!("opening a chat: {error:#}")),
            }
        }
    }
}

/// Opens every chat and compares what it shows with what the model said.
pub async fn check_shown(kept: &[Kept], report: &mut Report) {
    for kept in kept {
        let shown = async {
            let reply = open_reply(kept).await?;
            ensure!(reply.state == MessageState::Complete, "it is {:?}", reply.state);
            let blocks = markdown::render_all(&upstream::script(kept.tokens));
            ensure!(
                reply.body == MessageBody::Html { blocks, tail: SafeHtml::default() },
                "it is not what the model said"
            );
            Ok(())
        };
        report.take("reply as shown", shown.await);
    }
}

/// Compares every reply in the database, byte by byte. No server runs any more.
pub async fn check_kept(home: &Path, kept: &[Kept], report: &mut Report) -> Result<()> {
    let db = Db::connect(&database_url(home), limits::DATABASE_CONNECTIONS).await.map_err(|error| anyhow!(error))?;
    for kept in kept {
        let stored = async {
            let account = db.find_credentials(&Email::parse(kept.browser.email())?).await?.context("no account")?;
            let owner = seed::open(&db, account.user_id).await?;
            let (messages, _) = owner.list_messages(kept.chat_id, None).await?.context("no chat")?;
            let [_, reply] = &messages[..] else { return Err(anyhow!("not one message and one reply")) };
            ensure!(reply.state == MessageState::Complete, "it is {:?}", reply.state);
            ensure!(reply.text == upstream::script(kept.tokens), "its text is not what the model said");
            Ok(())
        };
        report.take("reply in the database", stored.await);
    }
    db.close().await;
    Ok(())
}

async fn open_reply(kept: &Kept) -> Result<Message> {
    let view: ChatView = kept.browser.ask("open_chat", &[("chat_id", &kept.chat_id.to_string())]).await?;
    view.messages.messages.into_iter().last().context("the chat is empty")
}
