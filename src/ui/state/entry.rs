//! One message as it is on the screen: what can change about it is a signal of its own, so that a word more of a reply
//! touches that reply's last block and nothing else.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use leptos::prelude::*;
use uuid::Uuid;

use crate::domain::{
    ids::MessageId,
    message::{Author, Message, MessageBody, MessageState, SafeHtml, Versions},
    reply::{ReasoningPiece, ReplyDetails, ReplyPhase, Usage},
};

/// A message of the open conversation.
#[derive(Clone)]
pub struct Entry {
    /// Stays the same while a message on its way becomes one that the server has.
    pub key: Uuid,
    /// None while the message is on its way.
    pub id: Option<MessageId>,
    /// Its place; the last of all while the message is on its way.
    pub seq: i64,
    pub parent_id: Option<MessageId>,
    pub author: Author,
    pub created_at_ms: i64,
    pub body: EntryBody,
    pub state: ArcRwSignal<MessageState>,
    /// What the model thought before it answered.
    pub reasoning: ArcRwSignal<String>,
    pub phase: ArcRwSignal<ReplyPhase>,
    pub usage: ArcRwSignal<Option<Usage>>,
    /// The files that came with it, or the sources that it was given.
    pub files: ArcRwSignal<SafeHtml>,
    /// Its place among its versions.
    pub versions: ArcRwSignal<Option<Versions>>,
    /// Whether the server has not yet said that it has it.
    pub is_on_its_way: ArcRwSignal<bool>,
}

/// What a message says.
#[derive(Clone)]
pub enum EntryBody {
    Text(Arc<str>),
    Html { blocks: ArcRwSignal<Vec<Block>>, tail: ArcRwSignal<SafeHtml> },
}

/// A finished block of a reply. Its key is new whenever its content is.
#[derive(Clone)]
pub struct Block {
    pub key: u64,
    pub html: Arc<SafeHtml>,
}

impl Block {
    fn new(html: SafeHtml) -> Self {
        static NEXT_KEY: AtomicU64 = AtomicU64::new(0);
        Self { key: NEXT_KEY.fetch_add(1, Ordering::Relaxed), html: Arc::new(html) }
    }
}

impl Entry {
    /// A message that the server has.
    pub fn new(message: Message) -> Self {
        Self {
            key: message.id.0,
            id: Some(message.id),
            seq: message.seq,
            parent_id: message.parent_id,
            author: message.author,
            created_at_ms: message.created_at_ms,
            body: match message.body {
                MessageBody::Text(text) => EntryBody::Text(text.into()),
                MessageBody::Html { blocks, tail } => EntryBody::Html {
                    blocks: ArcRwSignal::new(blocks.into_iter().map(Block::new).collect()),
                    tail: ArcRwSignal::new(tail),
                },
            },
            state: ArcRwSignal::new(message.state),
            reasoning: ArcRwSignal::new(message.details.reasoning),
            phase: ArcRwSignal::new(message.details.phase),
            usage: ArcRwSignal::new(message.details.usage),
            files: ArcRwSignal::new(message.files),
            versions: ArcRwSignal::new(message.versions),
            is_on_its_way: ArcRwSignal::new(false),
        }
    }

    /// A message that is being sent.
    pub fn on_its_way(text: &str) -> Self {
        Self {
            key: Uuid::new_v4(),
            id: None,
            seq: i64::MAX,
            parent_id: None,
            author: Author::You,
            created_at_ms: js_sys::Date::now() as i64,
            body: EntryBody::Text(text.into()),
            state: ArcRwSignal::new(MessageState::Complete),
            reasoning: ArcRwSignal::default(),
            phase: ArcRwSignal::default(),
            usage: ArcRwSignal::default(),
            files: ArcRwSignal::default(),
            versions: ArcRwSignal::new(None),
            is_on_its_way: ArcRwSignal::new(true),
        }
    }

    /// Whether this is what was sent and the server has saved as `message`.
    pub fn became(&self, message: &Message) -> bool {
        self.id.is_none()
            && matches!((&self.body, &message.body), (EntryBody::Text(sent), MessageBody::Text(saved)) if **sent == **saved)
    }

    /// Takes over what the server says of this message, unless that is older than what is known.
    pub fn update(&self, message: Message) {
        if message.versions.is_some() && message.versions != self.versions.get_untracked() {
            self.versions.set(message.versions);
        }
        set(&self.files, message.files);
        let known = self.state.get_untracked();
        if !message.state.may_follow(known) {
            return;
        }
        if let (EntryBody::Html { blocks, tail }, MessageBody::Html { blocks: new_blocks, tail: new_tail }) =
            (&self.body, message.body)
        {
            let is_behind = !message.state.is_final() && {
                let (known, new) = (blocks.with_untracked(Vec::len), new_blocks.len());
                let known_tail = tail.with_untracked(|tail| tail.as_str().len());
                new < known || (new == known && new_tail.as_str().len() < known_tail)
            };
            if !is_behind {
                let (new_blocks, new_tail) = where_it_stands(tail, new_blocks, new_tail);
                replace_blocks(blocks, 0, new_blocks);
                set(tail, new_tail);
            }
        }
        let ReplyDetails { reasoning, phase, usage, .. } = message.details;
        let is_behind =
            !message.state.is_final() && self.reasoning.with_untracked(|known| known.len() > reasoning.len());
        if !is_behind {
            set(&self.reasoning, reasoning);
            set(&self.phase, phase);
        }
        set(&self.usage, usage);
        if known != message.state {
            self.state.set(message.state);
        }
    }

    /// Takes over a piece of a running reply: `new_blocks` from `first_block` on, and the open tail. False when blocks
    /// before it are missing.
    pub fn advance(&self, first_block: usize, new_blocks: Vec<SafeHtml>, new_tail: SafeHtml) -> bool {
        let EntryBody::Html { blocks, tail } = &self.body else { return true };
        if self.state.get_untracked().is_final() {
            return true;
        }
        if first_block > blocks.with_untracked(Vec::len) {
            return false;
        }
        replace_blocks(blocks, first_block, new_blocks);
        set(tail, new_tail);
        true
    }

    /// Takes over how far a running reply is, and more of its reasoning. False when something before it is missing.
    pub fn think(&self, phase: ReplyPhase, piece: Option<ReasoningPiece>) -> bool {
        if self.state.get_untracked().is_final() {
            return true;
        }
        set(&self.phase, phase);
        let Some(piece) = piece else { return true };
        self.reasoning.try_update(|reasoning| piece.put_to(reasoning)).unwrap_or(true)
    }

    /// Whether nothing of a reply is there yet.
    pub fn is_empty(&self) -> bool {
        match &self.body {
            EntryBody::Text(text) => text.is_empty(),
            EntryBody::Html { blocks, tail } => tail.with(SafeHtml::is_empty) && blocks.with(Vec::is_empty),
        }
    }
}

/// The end of a reply that is what stood there open already: not moved, for somebody may be on a link in it, or have
/// selected some of it.
fn where_it_stands(
    tail: &ArcRwSignal<SafeHtml>,
    mut new_blocks: Vec<SafeHtml>,
    new_tail: SafeHtml,
) -> (Vec<SafeHtml>, SafeHtml) {
    let open = tail.get_untracked();
    let (mut rest, mut moved) = (open.as_str(), new_blocks.len());
    while let Some(before) = moved.checked_sub(1).and_then(|last| rest.strip_suffix(new_blocks[last].as_str())) {
        (rest, moved) = (before.trim_end(), moved - 1);
    }
    if !new_tail.is_empty() || !rest.is_empty() {
        return (new_blocks, new_tail);
    }
    new_blocks.truncate(moved);
    (new_blocks, open)
}

/// Puts `new` in the place of everything from `first` on, leaving alone what stays the same.
fn replace_blocks(blocks: &ArcRwSignal<Vec<Block>>, first: usize, new: Vec<SafeHtml>) {
    let same = blocks.with_untracked(|known| {
        known[first.min(known.len())..].iter().zip(&new).take_while(|(known, new)| *known.html == **new).count()
    });
    let keep = first + same;
    if same == new.len() && keep == blocks.with_untracked(Vec::len) {
        return;
    }
    blocks.update(|known| {
        known.truncate(keep);
        known.extend(new.into_iter().skip(same).map(Block::new));
    });
}

/// Tells nobody of what is not new.
pub fn set<T: PartialEq + Send + Sync + 'static>(signal: &ArcRwSignal<T>, new: T) {
    if signal.with_untracked(|known| *known != new) {
        signal.set(new);
    }
}
