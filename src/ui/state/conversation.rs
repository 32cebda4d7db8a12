//! The conversation on the screen: its messages in order, and how news of them are worked in.
//!
//! News come from the live connection, from fetching, and from what this tab sends; they may come late, twice, or in another
//! order. Whatever comes is worked in by id and place, so that the end is the same. To handle a new kind of news, add a
//! method here; `state::live` and the components only call.

use leptos::{prelude::*, task::spawn_local};
use uuid::Uuid;

use super::{
    effect::after,
    entry::{Entry, set},
    session::Session,
};
use crate::{
    api::{chats::open_chat, messages::list_messages},
    domain::{
        chat::{Chat, ChatView},
        ids::{ChatId, MessageId},
        message::{Author, Message, MessagePage, MessageState, SafeHtml, Sent},
        reply::{Context, ReasoningPiece, ReplyPhase},
    },
    error::Error,
};

/// Somebody who was not typing for this long has stopped.
const TYPING_SECONDS: u64 = 5;

/// The conversation on the screen.
#[derive(Clone)]
pub struct Conversation {
    pub chat: ArcRwSignal<Chat>,
    /// Oldest first. Changes when a message comes or goes, not when one changes.
    pub entries: ArcRwSignal<Vec<Entry>>,
    pub has_older: ArcRwSignal<bool>,
    /// Where what the model of the newest reply read begins.
    pub context: ArcRwSignal<Option<Context>>,
    /// What went wrong last with something other than sending.
    pub error: ArcRwSignal<Option<Error>>,
    /// The name of the model that is chosen for the next reply; none for the server's default.
    pub model: ArcRwSignal<Option<String>>,
    /// When somebody was last typing here on another device; none once that is a while ago.
    pub typed_ms: ArcRwSignal<Option<f64>>,
    /// Told whenever anything that is shown has changed.
    pub changed: ArcTrigger,
    chat_id: ChatId,
    is_loading_older: ArcStoredValue<bool>,
    /// The last running reply that was heard of and is not there.
    missing: ArcStoredValue<Option<MessageId>>,
}

impl Conversation {
    pub fn new(view: ChatView) -> Self {
        Self {
            chat_id: view.chat.id,
            chat: ArcRwSignal::new(view.chat),
            entries: ArcRwSignal::new(view.messages.messages.into_iter().map(Entry::new).collect()),
            has_older: ArcRwSignal::new(view.messages.has_older),
            context: ArcRwSignal::new(view.messages.context),
            error: ArcRwSignal::new(None),
            model: ArcRwSignal::new(None),
            typed_ms: ArcRwSignal::new(None),
            changed: ArcTrigger::new(),
            is_loading_older: ArcStoredValue::new(false),
            missing: ArcStoredValue::new(None),
        }
    }

    pub fn chat_id(&self) -> ChatId {
        self.chat_id
    }

    /// Shows what went wrong, or leads away when the session is over.
    pub fn fail(&self, session: Session, error: Error) {
        self.error.set(Some(error));
        session.leave_if_ended(error);
    }

    /// Works in a new title, model or moment.
    pub fn apply_chat(&self, chat: Chat) {
        if chat.updated_at_ms >= self.chat.with_untracked(|known| known.updated_at_ms) {
            self.chat.set(chat);
        }
    }

    /// Works in messages that are new or have changed.
    pub fn apply_messages(&self, messages: Vec<Message>) {
        // What was being typed is a message now.
        if messages.iter().any(|message| message.author == Author::You && !self.has(message.id)) {
            self.typed_ms.set(None);
        }
        for message in messages {
            self.apply_message(message);
        }
        self.changed.notify();
    }

    fn apply_message(&self, message: Message) {
        self.hear_context(&message);
        let known = self.entries.with_untracked(|entries| entries.iter().find(|e| e.id == Some(message.id)).cloned());
        if let Some(entry) = known {
            if entry.seq != message.seq {
                self.move_to(entry.key, message.seq);
            }
            entry.update(message);
            return;
        }
        // On the path that is shown nothing stands between a message and what it follows.
        let follows_seq = match message.parent_id {
            None => Some(0),
            Some(id) => self.entries.with_untracked(|entries| entries.iter().find(|e| e.id == Some(id)).map(|e| e.seq)),
        };
        let is_newer_version = |entry: &Entry| {
            entry.id.is_some()
                && entry.seq > message.seq
                && follows_seq.is_some()
                && entry.parent_id == message.parent_id
        };
        if !message.is_shown || self.entries.with_untracked(|entries| entries.iter().any(is_newer_version)) {
            return;
        }
        self.entries.update(|entries| {
            if let Some(follows_seq) = follows_seq {
                entries.retain(|entry| entry.seq <= follows_seq || entry.seq >= message.seq);
            }
            if let Some(entry) = entries.iter_mut().find(|entry| entry.became(&message)) {
                entry.id = Some(message.id);
                entry.seq = message.seq;
                entry.is_on_its_way.set(false);
                set(&entry.files, message.files);
            } else {
                let place = entries.partition_point(|entry| entry.seq < message.seq);
                entries.insert(place, Entry::new(message));
            }
        });
    }

    /// Takes over where what a model read begins, if it is the newest reply's and known by now.
    fn hear_context(&self, message: &Message) {
        let is_told = message.details.context.is_some() || message.state.is_final();
        let is_later_reply = |entry: &Entry| entry.author != Author::You && entry.seq > message.seq;
        let is_newest = || self.entries.with_untracked(|entries| !entries.iter().any(is_later_reply));
        if is_told && message.is_shown && message.author != Author::You && is_newest() {
            set(&self.context, message.details.context.clone());
        }
    }

    /// The same with the key of the message that it is, once that is there.
    pub fn cut(&self) -> Option<(Uuid, Context)> {
        let context = self.context.get()?;
        let is_first = |entry: &&Entry| entry.id == Some(context.from_id);
        let key = self.entries.with(|entries| entries.iter().find(is_first).map(|entry| entry.key))?;
        Some((key, context))
    }

    /// Gives a message the place that the server says.
    fn move_to(&self, key: Uuid, seq: i64) {
        self.entries.update(|entries| {
            entries.iter_mut().filter(|entry| entry.key == key).for_each(|entry| entry.seq = seq);
            entries.sort_by_key(|entry| entry.seq);
        });
    }

    /// Works in a piece of a running reply. False when something before it is missing.
    pub fn apply_progress(
        &self,
        id: MessageId,
        first_block: usize,
        blocks: Vec<SafeHtml>,
        tail: SafeHtml,
        phase: ReplyPhase,
        reasoning: Option<ReasoningPiece>,
    ) -> bool {
        let entry = self.entries.with_untracked(|entries| entries.iter().rev().find(|e| e.id == Some(id)).cloned());
        let Some(entry) = entry else {
            // Asked for once: it may belong to a version that is not shown.
            return self.missing.try_update_value(|missing| missing.replace(id) == Some(id)).unwrap_or(true);
        };
        let fits = entry.think(phase, reasoning) && entry.advance(first_block, blocks, tail);
        self.changed.notify();
        fits
    }

    /// Works in the place of a queued reply.
    pub fn apply_place(&self, id: MessageId, ahead: Option<u32>) {
        let entry = self.entries.with_untracked(|entries| entries.iter().rev().find(|e| e.id == Some(id)).cloned());
        if let Some(entry) = entry.filter(|entry| matches!(entry.state.get_untracked(), MessageState::Queued { .. })) {
            entry.state.set(MessageState::Queued { ahead });
        }
    }

    /// Notes that somebody is typing here on another device.
    pub fn apply_typing(&self) {
        let now_ms = Some(js_sys::Date::now());
        self.typed_ms.set(now_ms);
        let typed_ms = self.typed_ms.clone();
        let forget = move || {
            if typed_ms.get_untracked() == now_ms {
                typed_ms.set(None);
            }
        };
        after(TYPING_SECONDS * 1_000, forget);
    }

    /// Shows a message that is being sent; gives its key.
    pub fn add_on_its_way(&self, text: &str) -> Uuid {
        let entry = Entry::on_its_way(text);
        let key = entry.key;
        self.entries.update(|entries| entries.push(entry));
        self.changed.notify();
        key
    }

    /// The server has the message with this key. Its place is the next one until the server says which.
    pub fn has_arrived(&self, key: Uuid, sent: Sent) {
        self.entries.update(|entries| {
            if entries.iter().any(|entry| entry.id == Some(sent.message_id) && entry.key != key) {
                entries.retain(|entry| entry.key != key);
                return;
            }
            let next = 1 + entries.iter().map(|entry| entry.seq).filter(|seq| *seq != i64::MAX).max().unwrap_or(0);
            if let Some(entry) = entries.iter_mut().find(|entry| entry.key == key && entry.id.is_none()) {
                entry.id = Some(sent.message_id);
                entry.seq = next;
                entry.is_on_its_way.set(false);
            }
            entries.sort_by_key(|entry| entry.seq);
        });
    }

    /// The message with this key could not be sent.
    pub fn take_back(&self, key: Uuid) {
        self.entries.update(|entries| entries.retain(|entry| entry.key != key || entry.id.is_some()));
        self.changed.notify();
    }

    /// The id of the message with this key, once the server has it.
    pub fn id_of(&self, key: Uuid) -> Option<MessageId> {
        self.entries.with_untracked(|entries| entries.iter().find(|entry| entry.key == key).and_then(|entry| entry.id))
    }

    /// The last message that the server has.
    pub fn last_id(&self) -> Option<MessageId> {
        self.entries.with_untracked(|entries| entries.iter().rev().find_map(|entry| entry.id))
    }

    /// Whether this message is there.
    pub fn has(&self, id: MessageId) -> bool {
        self.entries.with_untracked(|entries| entries.iter().any(|entry| entry.id == Some(id)))
    }

    /// Whether somebody's message leads to this file, as one that came with it does.
    pub fn leads_to(&self, file_id: &str) -> bool {
        let leads = |entry: &Entry| entry.files.with(|files| files.as_str().contains(file_id));
        self.entries.with(|entries| entries.iter().any(|entry| entry.author == Author::You && leads(entry)))
    }

    /// The reply that is being generated.
    pub fn running_reply(&self) -> Option<MessageId> {
        let is_running = |entry: &&Entry| entry.state.get() == MessageState::Generating;
        self.entries.with(|entries| entries.iter().rev().find(is_running).and_then(|entry| entry.id))
    }

    /// Whether a reply runs or waits for its turn.
    pub fn has_unfinished(&self) -> bool {
        self.entries.with(|entries| entries.iter().any(|entry| !entry.state.get().is_final()))
    }

    /// The key of the last message.
    pub fn last_key(&self) -> Option<Uuid> {
        self.entries.with(|entries| entries.last().map(|entry| entry.key))
    }

    /// The place up to which every message is known in its final state.
    pub fn known_up_to(&self) -> i64 {
        self.entries.with_untracked(|entries| {
            let saved = || entries.iter().filter(|entry| entry.seq != i64::MAX);
            let unfinished = saved().find(|entry| !entry.state.get_untracked().is_final());
            match unfinished {
                Some(entry) => entry.seq - 1,
                None => saved().next_back().map_or(0, |entry| entry.seq),
            }
        })
    }

    /// The place of the oldest message that is there.
    pub fn oldest_seq(&self) -> Option<i64> {
        self.entries.with(|entries| entries.first().map(|entry| entry.seq))
    }

    /// Fetches the newest messages afresh; `after` is called when they are there.
    pub fn refresh(&self, session: Session, after: impl FnOnce() + 'static) {
        let this = self.clone();
        spawn_local(async move {
            match open_chat(this.chat_id.to_string()).await {
                Ok(view) => {
                    this.apply_chat(view.chat);
                    session.drafts.hear(this.chat_id, view.draft.into());
                    this.replace(view.messages);
                    after();
                }
                Err(error) => session.leave_if_ended(error),
            }
        });
    }

    /// Shows this page; of what was shown, what comes before it, if they fit together, and what was said since.
    fn replace(&self, page: MessagePage) {
        set(&self.context, page.context);
        let (first, last_id) = (page.messages.first(), page.messages.last().map(|message| message.id));
        let known = self.entries.get_untracked();
        let first_follows = first.and_then(|first| first.parent_id);
        let before =
            known.iter().position(|entry| entry.id.is_some() && entry.id == first_follows).map_or(0, |at| at + 1);
        if before == 0 {
            self.has_older.set(page.has_older);
        }
        let mut entries: Vec<Entry> = known[..before].to_vec();
        for message in page.messages {
            match known.iter().find(|entry| entry.id == Some(message.id)) {
                Some(entry) => {
                    entry.update(message);
                    entries.push(entry.clone());
                }
                None => entries.push(Entry::new(message)),
            }
        }
        let mut last_id = last_id;
        for entry in &known[before..] {
            let is_next = entry.id.is_none() || (last_id.is_some() && entry.parent_id == last_id);
            if is_next && entries.iter().all(|shown| shown.key != entry.key) {
                last_id = entry.id.or(last_id);
                entries.push(entry.clone());
            }
        }
        self.entries.set(entries);
        self.changed.notify();
    }

    /// Fetches the messages before the oldest one; `before_insert` is called right before they are put in.
    pub fn load_older(&self, session: Session, before_insert: impl FnOnce() + 'static) {
        let Some(before_seq) = self.entries.with_untracked(|entries| entries.first().map(|entry| entry.seq)) else {
            return;
        };
        if self.is_loading_older.get_value() || !self.has_older.get_untracked() {
            return;
        }
        self.is_loading_older.set_value(true);
        let this = self.clone();
        spawn_local(async move {
            match list_messages(this.chat_id.to_string(), before_seq).await {
                Ok(page) => {
                    before_insert();
                    this.prepend(page);
                }
                Err(error) => this.fail(session, error),
            }
            this.is_loading_older.set_value(false);
        });
    }

    fn prepend(&self, page: MessagePage) {
        self.has_older.set(page.has_older);
        self.entries.update(|entries| {
            let oldest = entries.first().map_or(i64::MAX, |entry| entry.seq);
            let older = page.messages.into_iter().filter(|message| message.seq < oldest).map(Entry::new);
            entries.splice(0..0, older);
        });
    }

    /// Whether nothing was said yet.
    pub fn is_empty(&self) -> bool {
        self.entries.with(Vec::is_empty)
    }
}
