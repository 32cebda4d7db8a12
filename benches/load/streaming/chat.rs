//! A reply through Sardonyx, as a page has it: the chat is on the screen and followed, the message is sent, and its reply
//! comes over the live connection.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use sardonyx::domain::{
    ids::{ChatId, ClientMessageId},
    live::LiveEvent,
    message::{Author, MessageState},
};

use super::{check::Kept, figures::Seen};
use crate::{
    client::{Browser, Socket},
    upstream,
};

/// How an update of the text begins. Only the first one is read: the readers must not be what is slow.
const UPDATE: &str = r#"{"reply_progress":"#;

/// A new chat, on a screen or not.
pub struct Tab {
    browser: Browser,
    chat_id: ChatId,
    socket: Option<Socket>,
}

impl Tab {
    /// Makes a chat and, when it is to be on a screen, follows it.
    pub async fn open(browser: &Browser, is_on_screen: bool) -> Result<Self> {
        let chat_id = browser.create_chat().await?;
        let mut socket = None;
        if is_on_screen {
            let socket = socket.insert(browser.connect().await?);
            socket.watch(chat_id).await?;
            loop {
                let event = serde_json::from_str(&socket.next().await?)?;
                if matches!(event, LiveEvent::Messages { chat_id: of, .. } if of == chat_id) {
                    break;
                }
            }
        }
        Ok(Self { browser: browser.clone(), chat_id, socket })
    }

    /// What must be kept of its one reply.
    pub fn kept(&self, tokens: usize) -> Kept {
        Kept { browser: self.browser.clone(), chat_id: self.chat_id, tokens }
    }

    /// Sends a message at its time and follows the reply to its end; none when it is on no screen.
    pub async fn reply(mut self, number: u64, tokens: usize, at: tokio::time::Instant) -> Result<Option<Seen>> {
        let (chat_id, text) = (self.chat_id.to_string(), upstream::question(number, tokens));
        let client_message_id = ClientMessageId::random().to_string();
        let arguments = [("chat_id", &*chat_id), ("text", &*text), ("client_message_id", &*client_message_id)];
        tokio::time::sleep_until(at).await;
        let sent = Instant::now();
        let send = self.browser.call("send_message", &arguments);
        match &mut self.socket {
            Some(socket) => Ok(Some(tokio::try_join!(send, follow(socket, self.chat_id, sent))?.1)),
            None => send.await.map(|_| None),
        }
    }
}

/// Reads what is announced until the chat's one reply is complete.
async fn follow(socket: &mut Socket, chat_id: ChatId, sent: Instant) -> Result<Seen> {
    let (mut first, mut longest_pause) = (None, Duration::ZERO);
    let mut last = sent;
    loop {
        let event = socket.next().await?;
        let now = Instant::now();
        if first.is_some() && event.starts_with(UPDATE) {
            longest_pause = longest_pause.max(now - last);
            last = now;
            continue;
        }
        match serde_json::from_str(&event).context("an event is not as expected")? {
            LiveEvent::ReplyProgress { chat_id: of, blocks, tail, .. } => {
                ensure!(of == chat_id, "a reply of a chat that is not on the screen");
                if !blocks.is_empty() || !tail.is_empty() {
                    (first, last) = (Some(now), now);
                }
            }
            LiveEvent::Messages { chat_id: of, messages } if of == chat_id => {
                let reply = messages.iter().find(|message| message.author != Author::You && message.state.is_final());
                if let Some(reply) = reply {
                    ensure!(reply.state == MessageState::Complete, "a reply ended as {:?}", reply.state);
                    let first = first.context("a reply was complete before its first word was seen")?;
                    return Ok(Seen { sent, first, end: now, longest_pause: longest_pause.max(now - last) });
                }
            }
            // As the page does when it is told that it missed something.
            LiveEvent::Resync => socket.watch(chat_id).await?,
            LiveEvent::Refused { code } => bail!("the live connection refused: {code}"),
            LiveEvent::Closing { reason } => bail!("the live connection closes: {reason:?}"),
            LiveEvent::ChatChanged { .. }
            | LiveEvent::ChatDeleted { .. }
            | LiveEvent::Messages { .. }
            | LiveEvent::ChatOutdated { .. }
            | LiveEvent::ReplyQueued { .. }
            | LiveEvent::DraftChanged { .. }
            | LiveEvent::Typing { .. }
            | LiveEvent::AccountChanged
            | LiveEvent::NotificationsChanged
            | LiveEvent::SessionsChanged
            | LiveEvent::FilesChanged
            | LiveEvent::SiteChanged
            | LiveEvent::Alive => {}
        }
    }
}
