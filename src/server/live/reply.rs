//! The text of a running reply as it is shown: written by the engine here, or mirrored from the server that writes it.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::domain::{
    ids::{ChatId, MessageId, UserId},
    live::LiveEvent,
    message::SafeHtml,
    reply::{ReasoningPiece, ReplyDetails, ReplyPhase},
};

/// A running reply. Finished blocks only ever grow in number.
pub struct LiveReply {
    user_id: UserId,
    chat_id: ChatId,
    message_id: MessageId,
    is_ours: bool,
    shown: Mutex<Shown>,
    /// What the model wrote, for programs; only where it is written.
    text: watch::Sender<String>,
}

#[derive(Clone, Default)]
struct Shown {
    blocks: Vec<SafeHtml>,
    tail: SafeHtml,
    /// What it was given of files.
    files: SafeHtml,
    phase: ReplyPhase,
    reasoning: String,
    /// How often another reasoning took the place of the one before.
    turn: u64,
    /// How much of the reasoning other servers were told.
    published: usize,
}

/// How much of a reply a browser has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sent {
    pub blocks: usize,
    reasoning: usize,
    turn: u64,
}

/// What changed in a running reply, for another server: from `first_block` on, everything is new.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Progress {
    pub user_id: UserId,
    pub chat_id: ChatId,
    pub message_id: MessageId,
    pub first_block: usize,
    pub blocks: Vec<SafeHtml>,
    pub tail: SafeHtml,
    #[serde(default)]
    pub phase: ReplyPhase,
    #[serde(default)]
    pub reasoning: Option<ReasoningPiece>,
}

impl LiveReply {
    /// A reply that this server writes.
    pub fn ours(user_id: UserId, chat_id: ChatId, message_id: MessageId) -> Self {
        Self { user_id, chat_id, message_id, is_ours: true, shown: Mutex::default(), text: watch::Sender::default() }
    }

    /// A reply that another server writes, of which `progress` is all that is known.
    pub fn mirrored(progress: &Progress) -> Self {
        Self {
            user_id: progress.user_id,
            chat_id: progress.chat_id,
            message_id: progress.message_id,
            is_ours: false,
            shown: Mutex::default(),
            text: watch::Sender::default(),
        }
    }

    pub fn user_id(&self) -> UserId {
        self.user_id
    }

    pub fn chat_id(&self) -> ChatId {
        self.chat_id
    }

    pub fn message_id(&self) -> MessageId {
        self.message_id
    }

    pub fn is_ours(&self) -> bool {
        self.is_ours
    }

    /// Replaces what is shown from `first_block` on. False when there are not that many blocks: something was missed.
    pub fn show(&self, first_block: usize, blocks: Vec<SafeHtml>, tail: SafeHtml) -> bool {
        let mut shown = self.lock();
        if first_block > shown.blocks.len() {
            return false;
        }
        shown.blocks.truncate(first_block);
        shown.blocks.extend(blocks);
        shown.tail = tail;
        true
    }

    /// How far the reply is, and what is new of its reasoning. False when something before it was missed.
    pub fn tell(&self, phase: ReplyPhase, reasoning: Option<ReasoningPiece>) -> bool {
        let mut shown = self.lock();
        shown.phase = phase;
        let Some(piece) = reasoning else { return true };
        if piece.from < shown.reasoning.len() {
            shown.turn += 1;
            shown.published = 0;
        }
        piece.put_to(&mut shown.reasoning)
    }

    /// What it was given of files, ready to show.
    pub fn ground(&self, files: SafeHtml) {
        self.lock().files = files;
    }

    /// The same.
    pub fn files(&self) -> SafeHtml {
        self.lock().files.clone()
    }

    /// What there is besides the text.
    pub fn details(&self) -> ReplyDetails {
        let shown = self.lock();
        ReplyDetails { reasoning: shown.reasoning.clone(), phase: shown.phase, usage: None, context: None }
    }

    /// Adds to the text.
    pub fn add_text(&self, piece: &str) {
        self.text.send_modify(|text| text.push_str(piece));
    }

    /// Begins the text anew.
    pub fn clear_text(&self) {
        self.text.send_modify(String::clear);
    }

    /// The text as it grows; it closes with the reply's end.
    pub fn follow_text(&self) -> watch::Receiver<String> {
        self.text.subscribe()
    }

    /// All blocks and the tail.
    pub fn whole(&self) -> (Vec<SafeHtml>, SafeHtml) {
        let shown = self.lock();
        (shown.blocks.clone(), shown.tail.clone())
    }

    /// All of it, for another server that knows nothing yet.
    pub fn snapshot(&self) -> Progress {
        self.progress_from(&self.lock(), 0, 0)
    }

    /// What other servers need to know when they have the blocks before `first_block`, and what they were told before.
    pub fn progress(&self, first_block: usize) -> Progress {
        let mut shown = self.lock();
        let (known, all) = (shown.published, shown.reasoning.len());
        shown.published = all;
        self.progress_from(&shown, first_block, known)
    }

    /// The same for a browser that has so much of it, and how much it has then.
    pub fn event(&self, sent: Sent) -> (LiveEvent, Sent) {
        let shown = self.lock();
        let known = if sent.turn == shown.turn { sent.reasoning } else { 0 };
        let progress = self.progress_from(&shown, sent.blocks, known);
        let now = Sent { blocks: shown.blocks.len(), reasoning: shown.reasoning.len(), turn: shown.turn };
        let Progress { chat_id, message_id, first_block, blocks, tail, phase, reasoning, .. } = progress;
        (LiveEvent::ReplyProgress { chat_id, message_id, first_block, blocks, tail, phase, reasoning }, now)
    }

    fn progress_from(&self, shown: &Shown, first_block: usize, known: usize) -> Progress {
        let first_block = first_block.min(shown.blocks.len());
        let reasoning = shown.reasoning.get(known..).filter(|text| !text.is_empty());
        Progress {
            user_id: self.user_id,
            chat_id: self.chat_id,
            message_id: self.message_id,
            first_block,
            blocks: shown.blocks[first_block..].to_vec(),
            tail: shown.tail.clone(),
            phase: shown.phase,
            reasoning: reasoning.map(|text| ReasoningPiece { from: known, text: text.to_owned() }),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shown> {
        // A panic elsewhere leaves whole blocks behind, never half of one.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
