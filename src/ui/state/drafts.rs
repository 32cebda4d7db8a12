//! What is typed and not yet sent, per chat. Nothing typed is ever lost: it is in a draft until the server has it, through
//! moving between chats, failed sends, and the end of the session.

use std::collections::HashMap;

use leptos::{prelude::*, task::spawn_local};

use super::{conversation::Conversation, live::Live, session::Session};
use crate::{
    api::messages::send_message,
    domain::ids::{ChatId, ClientMessageId},
    error::Error,
};

/// The drafts of all chats that were opened in this tab.
#[derive(Clone, Copy)]
pub struct Drafts(StoredValue<HashMap<ChatId, Draft>>);

/// What is typed in one chat.
#[derive(Clone)]
pub struct Draft {
    pub text: ArcRwSignal<String>,
    /// The text that is on its way to the server.
    pub on_its_way: ArcRwSignal<Option<String>>,
    /// Why the last attempt failed.
    pub error: ArcRwSignal<Option<Error>>,
    attempt: ArcStoredValue<Attempt>,
}

/// The id for the next message. An id belongs to one text: sending that text again after a failure is the same message to
/// the server, while another text under it would be refused.
#[derive(Clone)]
struct Attempt {
    id: ClientMessageId,
    failed_text: Option<String>,
}

impl Drafts {
    pub fn new() -> Self {
        Self(StoredValue::new(HashMap::new()))
    }

    /// The draft in a chat; `first_id` is the id of its first message, the one that the page's plain form has, too.
    pub fn of(self, chat_id: ChatId, first_id: ClientMessageId) -> Draft {
        let mut draft = None;
        self.0.update_value(|drafts| {
            draft = Some(drafts.entry(chat_id).or_insert_with(|| Draft::new(first_id)).clone());
        });
        draft.unwrap_or_else(|| Draft::new(first_id))
    }

    /// What is typed and not sent, by chat.
    pub fn unsent(self) -> HashMap<ChatId, String> {
        self.0
            .try_with_value(|drafts| {
                drafts
                    .iter()
                    .map(|(chat_id, draft)| (*chat_id, draft.unsent()))
                    .filter(|(_, text)| !text.trim().is_empty())
                    .collect()
            })
            .unwrap_or_default()
    }

    /// Puts back what was unsent, wherever nothing new was typed.
    pub fn restore(self, unsent: HashMap<ChatId, String>) {
        for (chat_id, text) in unsent {
            let draft = self.of(chat_id, ClientMessageId::random());
            if draft.text.with_untracked(String::is_empty) {
                draft.text.set(text);
            }
        }
    }
}

impl Draft {
    fn new(first_id: ClientMessageId) -> Self {
        Self {
            text: ArcRwSignal::new(String::new()),
            on_its_way: ArcRwSignal::new(None),
            error: ArcRwSignal::new(None),
            attempt: ArcStoredValue::new(Attempt { id: first_id, failed_text: None }),
        }
    }

    /// Everything of which the server has not said that it has it.
    fn unsent(&self) -> String {
        join(self.on_its_way.get_untracked().as_deref().unwrap_or_default(), &self.text.get_untracked())
    }

    fn id_for(&self, text: &str) -> ClientMessageId {
        self.attempt.with_value(|attempt| match &attempt.failed_text {
            Some(failed) if failed != text => ClientMessageId::random(),
            _ => attempt.id,
        })
    }

    /// Sends what is typed: shows it at once, and takes it back into the draft when the server did not get it.
    pub fn send(&self, conversation: &Conversation, session: Session, live: Live) {
        let text = self.text.with_untracked(|text| text.trim().to_owned());
        if text.is_empty() || self.on_its_way.with_untracked(Option::is_some) {
            return;
        }
        let id = self.id_for(&text);
        let key = conversation.add_on_its_way(&text);
        self.on_its_way.set(Some(text.clone()));
        self.error.set(None);
        self.text.set(String::new());
        let (draft, conversation) = (self.clone(), conversation.clone());
        spawn_local(async move {
            let chat_id = conversation.chat_id().to_string();
            let model = conversation.model.get_untracked();
            let answer = send_message(chat_id, text.clone(), id.to_string(), model, None).await;
            draft.on_its_way.set(None);
            match answer {
                Ok(sent) => {
                    draft.attempt.set_value(Attempt { id: ClientMessageId::random(), failed_text: None });
                    conversation.has_arrived(key, sent);
                    live.catch_up(&conversation, sent.reply_id);
                }
                Err(error) => {
                    conversation.take_back(key);
                    draft.put_back(text, id, error);
                    session.leave_if_ended(error);
                }
            }
        });
    }

    fn put_back(&self, text: String, id: ClientMessageId, error: Error) {
        self.text.update(|typed| *typed = join(&text, typed));
        // A conflict says that this id stands for another text already, so the next attempt needs a new one.
        let id = if error == Error::Conflict { ClientMessageId::random() } else { id };
        self.attempt.set_value(Attempt { id, failed_text: Some(text) });
        self.error.set(Some(error));
    }
}

/// A text and what was typed after it.
fn join(text: &str, typed_since: &str) -> String {
    match (text.is_empty(), typed_since.trim().is_empty()) {
        (true, _) => typed_since.to_owned(),
        (false, true) => text.to_owned(),
        (false, false) => format!("{text}\n\n{typed_since}"),
    }
}
