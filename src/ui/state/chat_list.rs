//! The chat list as far as it is loaded, newest first, shared by the sidebar and whatever changes it.

use leptos::{prelude::*, task::spawn_local};

use super::{fetched::Fetched, session::Session};
use crate::{
    api::chats::list_chats,
    domain::{
        chat::{Chat, ChatCursor, ChatPage},
        ids::ChatId,
    },
    error::Error,
};

/// The chat list.
#[derive(Clone, Copy)]
pub struct ChatList {
    rows: StoredValue<Fetched<Vec<ChatRow>>>,
    next: StoredValue<Fetched<Option<ChatCursor>>>,
    /// Why the last attempt to load more failed.
    pub error: RwSignal<Option<Error>>,
    is_loading: RwSignal<bool>,
}

/// One chat of the list; a new title touches its row only.
#[derive(Clone)]
pub struct ChatRow {
    pub id: ChatId,
    pub chat: ArcRwSignal<Chat>,
}

/// Makes the chat list known to everything below.
pub fn provide_chat_list() -> ChatList {
    let list = ChatList {
        rows: StoredValue::new(Fetched::new()),
        next: StoredValue::new(Fetched::new()),
        error: RwSignal::new(None),
        is_loading: RwSignal::new(false),
    };
    provide_context(list);
    list
}

/// The chat list that the app provides.
pub fn use_chat_list() -> ChatList {
    expect_context()
}

impl ChatList {
    /// The part that is loaded.
    pub fn rows(self) -> Fetched<Vec<ChatRow>> {
        self.rows.get_value()
    }

    /// Where the part that is not loaded begins.
    pub fn next(self) -> Fetched<Option<ChatCursor>> {
        self.next.get_value()
    }

    /// Begins anew with a page.
    pub fn start(self, page: ChatPage) {
        self.rows().start(page.chats.into_iter().map(ChatRow::new).collect());
        self.next().start(page.next);
    }

    /// Puts a chat, new or changed, into its place.
    pub fn upsert(self, chat: Chat) {
        let known = self.rows().with_untracked(|rows| rows.iter().find(|row| row.id == chat.id).cloned());
        let has_moved = match known {
            Some(row) => {
                let before_ms = row.chat.with_untracked(|known| known.updated_at_ms);
                if chat.updated_at_ms < before_ms {
                    return;
                }
                let has_moved = chat.updated_at_ms != before_ms;
                row.chat.set(chat);
                has_moved
            }
            None => {
                return self.rows().update(|rows| {
                    rows.push(ChatRow::new(chat));
                    rows.sort_by_cached_key(ChatRow::place);
                });
            }
        };
        if has_moved {
            self.rows().update(|rows| rows.sort_by_cached_key(ChatRow::place));
        }
    }

    /// Takes a chat out.
    pub fn remove(self, id: ChatId) {
        self.rows().update(|rows| rows.retain(|row| row.id != id));
    }

    /// Fetches the newest chats afresh, after news may have been missed.
    pub fn refresh(self, session: Session) {
        spawn_local(async move {
            match list_chats(None, None).await {
                Ok(page) => self.merge(page),
                Err(error) => session.leave_if_ended(error),
            }
        });
    }

    fn merge(self, page: ChatPage) {
        let is_known = |chat: &Chat| self.rows().with_untracked(|rows| rows.iter().any(|row| row.id == chat.id));
        if page.next.is_some() && !page.chats.iter().any(is_known) {
            // So much is new that the loaded part would have a hole.
            self.start(page);
        } else {
            page.chats.into_iter().for_each(|chat| self.upsert(chat));
        }
    }

    /// Fetches the page after the last one.
    pub fn load_more(self, session: Session) {
        let Some(cursor) = self.next().with_untracked(Clone::clone) else { return };
        if self.is_loading.get_untracked() {
            return;
        }
        self.is_loading.set(true);
        self.error.set(None);
        spawn_local(async move {
            match list_chats(Some(cursor.updated_at_ms), Some(cursor.id.to_string())).await {
                Ok(page) => {
                    self.next().start(page.next);
                    page.chats.into_iter().for_each(|chat| self.upsert(chat));
                }
                Err(error) => {
                    self.error.set(Some(error));
                    session.leave_if_ended(error);
                }
            }
            self.is_loading.set(false);
        });
    }
}

impl ChatRow {
    fn new(chat: Chat) -> Self {
        Self { id: chat.id, chat: ArcRwSignal::new(chat) }
    }

    /// Newest first; of the same moment, the later id first, as the server has it.
    fn place(&self) -> std::cmp::Reverse<(i64, ChatId)> {
        std::cmp::Reverse((self.chat.with_untracked(|chat| chat.updated_at_ms), self.id))
    }
}
