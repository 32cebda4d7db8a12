//! What is typed and not yet sent, per chat. Nothing typed is ever lost: it is in a draft until the server has it, through
//! moving between chats, failed sends, and the end of the session.
//!
//! The server keeps drafts, too, for the person's other devices: a little after each letter, and when the page is left. A
//! newer one from elsewhere takes the place of what is here when nobody is typing here and when it was typed by somebody who
//! had seen what is here. Otherwise what is here stays, and the server has whichever was saved last.

use std::{collections::HashMap, mem};

use leptos::{
    ev, leptos_dom::helpers::window_event_listener_untyped, prelude::*, server_fn::ServerFn, task::spawn_local,
    web_sys::UrlSearchParams,
};

use super::{
    conversation::Conversation,
    effect::{after, effect},
    live::Live,
    session::Session,
    uploads::Uploads,
};
use crate::{
    api::{
        drafts::{SaveDraft, save_draft},
        messages::send_message,
    },
    domain::{
        draft::{ChatDraft, DraftChange, UnsentFile},
        ids::{ChatId, ClientMessageId},
        limits,
    },
    error::Error,
};

/// Time from a letter to when it is saved, with all that was typed meanwhile.
const SAVE_MS: u64 = 1_000;

/// The drafts of all chats that were opened in this tab.
#[derive(Clone, Copy)]
pub struct Drafts(StoredValue<HashMap<ChatId, Draft>>);

/// What is typed in one chat.
#[derive(Clone)]
pub struct Draft {
    pub text: ArcRwSignal<String>,
    /// The text that is on its way to the server.
    pub on_its_way: ArcRwSignal<Option<String>>,
    /// What is to come with it.
    pub files: ArcRwSignal<Vec<DraftFile>>,
    /// What is said of those that are not there any more, until the next step.
    pub gone: ArcRwSignal<String>,
    /// Why the last attempt failed.
    pub error: ArcRwSignal<Option<Error>>,
    pub chat_id: ChatId,
    kept: ArcStoredValue<Kept>,
    attempt: ArcStoredValue<Attempt>,
}

/// A file that is to come with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftFile {
    /// Of its upload, if it was one of this page.
    pub key: u32,
    pub name: String,
    /// None until all of it is at the server.
    pub file_id: Option<String>,
}

/// What the server has.
#[derive(Default)]
struct Kept {
    /// What was saved here or taken over last.
    draft: ChatDraft,
    /// A newer one, until nobody is typing here.
    heard: Option<DraftChange>,
    /// Whether what is typed is being saved, or will be soon.
    is_saving: bool,
}

/// The id for the next message. An id belongs to one text: sending that text again after a failure is the same message to
/// the server, while another text under it, or other files, would be refused.
struct Attempt {
    id: ClientMessageId,
    failed: Option<Failed>,
}

/// What could not be sent, as far as is known here.
struct Failed {
    id: ClientMessageId,
    text: String,
    file_ids: Vec<String>,
}

impl Drafts {
    pub fn new() -> Self {
        Self(StoredValue::new(HashMap::new()))
    }

    /// The draft in a chat; `first_id` is the id of its first message, the one that the page's plain form has, too.
    pub fn of(self, chat_id: ChatId, first_id: ClientMessageId) -> Draft {
        if is_server() {
            // Nothing is typed there, and nothing may be shared between the threads that render one page.
            return Draft::new(chat_id, first_id);
        }
        let mut draft = None;
        self.0.update_value(|drafts| {
            draft = Some(drafts.entry(chat_id).or_insert_with(|| Draft::new(chat_id, first_id)).clone());
        });
        draft.unwrap_or_else(|| Draft::new(chat_id, first_id))
    }

    /// What is typed and neither sent nor kept by the server, by chat.
    pub fn unsent(self) -> HashMap<ChatId, String> {
        let unsent = |draft: Draft| draft.unkept().map(|text| (draft.chat_id, text));
        self.all().into_iter().filter_map(unsent).filter(|(_, text)| !text.trim().is_empty()).collect()
    }

    /// Puts back what was unsent, to what is there.
    pub fn restore(self, unsent: HashMap<ChatId, String>) {
        for (chat_id, text) in unsent {
            self.of(chat_id, ClientMessageId::random()).add(text);
        }
    }

    /// Saves what the server does not have.
    pub fn save_all(self, session: Session) {
        for draft in self.all().into_iter().filter(|draft| draft.unkept().is_some()) {
            draft.save_soon(session);
        }
    }

    /// Saves what the server does not have when the page is left or put aside, as long as the calling component is there.
    pub fn save_when_left(self) {
        effect(move || {
            for event in ["pagehide", "visibilitychange"] {
                let listener = window_event_listener_untyped(event, move |_: ev::Event| {
                    self.all().iter().for_each(Draft::save_now);
                });
                on_cleanup(move || listener.remove());
            }
        });
    }

    /// Works in a draft that was saved, perhaps elsewhere.
    pub fn hear(self, chat_id: ChatId, change: DraftChange) {
        let draft = self.0.with_value(|drafts| drafts.get(&chat_id).cloned());
        if let Some(draft) = draft {
            draft.hear(change);
        }
    }

    fn all(self) -> Vec<Draft> {
        self.0.try_with_value(|drafts| drafts.values().cloned().collect()).unwrap_or_default()
    }
}

impl Draft {
    fn new(chat_id: ChatId, first_id: ClientMessageId) -> Self {
        Self {
            text: ArcRwSignal::new(String::new()),
            on_its_way: ArcRwSignal::new(None),
            files: ArcRwSignal::new(Vec::new()),
            gone: ArcRwSignal::new(String::new()),
            error: ArcRwSignal::new(None),
            chat_id,
            kept: ArcStoredValue::new(Kept::default()),
            attempt: ArcStoredValue::new(Attempt { id: first_id, failed: None }),
        }
    }

    /// Puts a text to what is there, if it is not the same with more or less of its end.
    pub fn add(&self, other: String) {
        self.text.update(|text| {
            if other.starts_with(text.as_str()) {
                *text = other;
            } else if !text.starts_with(&other) {
                *text = join(text, &other);
            }
        });
    }

    /// Puts back files that were uploaded for it before this page was opened, unless there are some already; of those that did
    /// not come whole, that is said.
    pub fn restore_files(&self, unsent: Vec<UnsentFile>, uploads: Uploads) {
        if unsent.is_empty() || !self.files.with_untracked(Vec::is_empty) {
            return;
        }
        let (mut files, mut cut) = (Vec::new(), Vec::new());
        for UnsentFile { id, name, is_whole } in unsent {
            let name = name.as_str().to_owned();
            if is_whole {
                files.push(DraftFile { key: uploads.next_key(), name, file_id: Some(id.to_string()) });
            } else {
                cut.push(name);
            }
        }
        if !cut.is_empty() {
            // Another tab may be sending it.
            self.gone.set(format!("Not whole yet: {}. Attach again what is to go on from here.", cut.join(", ")));
        }
        self.files.set(files);
    }

    /// Works in a draft that was saved, perhaps elsewhere.
    pub fn hear(&self, mut change: DraftChange) {
        self.kept.update_value(|kept| {
            if change.draft.updated_at_ms <= kept.draft.updated_at_ms {
                return;
            }
            if let Some(heard) = &kept.heard {
                change.replaces_ms = change.replaces_ms.min(heard.replaces_ms);
            }
            if kept.heard.as_ref().is_none_or(|heard| heard.draft.updated_at_ms < change.draft.updated_at_ms) {
                kept.heard = Some(change);
            }
        });
        self.catch_up();
    }

    /// Takes over the newest draft that was heard of, unless somebody is typing here.
    pub fn catch_up(&self) {
        let is_waiting = self.kept.with_value(|kept| kept.heard.is_some() && !kept.is_saving);
        if !is_waiting || self.on_its_way.with_untracked(Option::is_some) {
            return;
        }
        let text = self.text.get_untracked();
        if !text.is_empty() && is_typing() {
            return;
        }
        let mut taken = None;
        self.kept.update_value(|kept| {
            let heard = kept.heard.take().filter(|heard| heard.draft.updated_at_ms > kept.draft.updated_at_ms);
            let Some(DraftChange { draft, replaces_ms }) = heard else { return };
            let is_unchanged = text == kept.draft.text && replaces_ms >= kept.draft.updated_at_ms;
            if text.is_empty() || text == draft.text || is_unchanged {
                taken = (text != draft.text).then(|| draft.text.clone());
                kept.draft = draft;
            } else {
                // The server has another text now than the one that is here.
                kept.draft.text = draft.text;
            }
        });
        if let Some(text) = taken {
            self.text.set(text);
        }
    }

    /// Saves what is typed, a little later, so that a word is not saved letter by letter.
    pub fn save_soon(&self, session: Session) {
        let was_saving = self.kept.try_update_value(|kept| mem::replace(&mut kept.is_saving, true));
        if was_saving == Some(false) {
            let draft = self.clone();
            after(SAVE_MS, move || draft.save(session));
        }
    }

    fn save(self, session: Session) {
        spawn_local(async move {
            // While it is on its way as a message, it is known by then what is left to save.
            let is_sending = self.on_its_way.with_untracked(Option::is_some);
            let is_over = session.ended.with_untracked(Option::is_some);
            let answer = match self.unkept().filter(|_| !is_sending && !is_over) {
                Some(text) => self.ask_to_keep(text).await,
                None => Ok(()),
            };
            self.kept.update_value(|kept| kept.is_saving = false);
            match answer {
                Ok(()) if !is_sending && !is_over && self.unkept().is_some() => self.save_soon(session),
                Ok(()) => {}
                // It is saved with the next letter, or when the page connects again.
                Err(error) => session.leave_if_ended(error),
            }
            self.catch_up();
        });
    }

    async fn ask_to_keep(&self, text: String) -> Result<(), Error> {
        let (id, draft_ms) = (self.id_for(&text), self.kept.with_value(|kept| kept.draft.updated_at_ms));
        let kept = save_draft(self.chat_id.to_string(), text.clone(), id.to_string(), draft_ms).await?;
        self.kept.update_value(|known| match kept {
            Some(updated_at_ms) if updated_at_ms > known.draft.updated_at_ms => {
                known.draft = ChatDraft { text, updated_at_ms };
            }
            // It is a message already, or somebody was faster.
            _ => known.draft.text = text,
        });
        Ok(())
    }

    /// Saves what is typed while the page goes away, which may not wait for an answer. What cannot be saved like this was a
    /// moment ago.
    fn save_now(&self) {
        let Some(text) = self.unkept() else { return };
        let id = self.on_its_way.with_untracked(|sending| self.id_for(sending.as_ref().unwrap_or(&text)));
        let draft_ms = self.kept.with_value(|kept| kept.draft.updated_at_ms);
        if let Ok(fields) = UrlSearchParams::new() {
            fields.append("chat_id", &self.chat_id.to_string());
            fields.append("text", &text);
            fields.append("client_message_id", &id.to_string());
            fields.append("draft_ms", &draft_ms.to_string());
            _ = window().navigator().send_beacon_with_opt_url_search_params(SaveDraft::url(), Some(&fields));
        }
    }

    /// Everything of which the server has not said that it has it, unless it has exactly that, or cannot take it.
    fn unkept(&self) -> Option<String> {
        let text = join(self.on_its_way.get_untracked().as_deref().unwrap_or_default(), &self.text.get_untracked());
        let is_kept = self.kept.with_value(|kept| kept.draft.text == text);
        (!is_kept && text.chars().count() <= limits::MESSAGE_CHARS_MAX).then_some(text)
    }

    fn id_for(&self, text: &str) -> ClientMessageId {
        self.attempt.with_value(|attempt| match &attempt.failed {
            Some(failed) if failed.text == text.trim() => failed.id,
            _ => attempt.id,
        })
    }

    /// The files that come with the message that has this id. When its answer was lost, those are not here any more that
    /// its message leads to by now.
    fn file_ids(&self, id: ClientMessageId, conversation: &Conversation) -> Vec<String> {
        let mut ids: Vec<String> =
            self.files.with_untracked(|files| files.iter().filter_map(|file| file.file_id.clone()).collect());
        self.attempt.with_value(|attempt| {
            for sent in attempt.failed.iter().filter(|failed| failed.id == id).flat_map(|failed| &failed.file_ids) {
                if !ids.contains(sent) && conversation.leads_to(sent) {
                    ids.push(sent.clone());
                }
            }
        });
        ids
    }

    /// Sends what is typed: shows it at once, and takes it back into the draft when the server did not get it.
    pub fn send(&self, conversation: &Conversation, session: Session, live: Live) {
        let text = self.text.with_untracked(|text| text.trim().to_owned());
        if text.is_empty() || self.on_its_way.with_untracked(Option::is_some) {
            return;
        }
        let id = self.id_for(&text);
        let files = self.file_ids(id, conversation);
        let key = conversation.add_on_its_way(&text);
        self.on_its_way.set(Some(text.clone()));
        self.error.set(None);
        self.gone.set(String::new());
        self.text.set(String::new());
        let (draft, conversation) = (self.clone(), conversation.clone());
        let draft_ms = self.kept.with_value(|kept| kept.draft.updated_at_ms);
        spawn_local(async move {
            let chat_id = conversation.chat_id().to_string();
            let model = conversation.model.get_untracked();
            let answer =
                send_message(chat_id, text.clone(), id.to_string(), model, Some(draft_ms), files.clone()).await;
            draft.on_its_way.set(None);
            match answer {
                Ok(sent) => {
                    draft.attempt.set_value(Attempt { id: ClientMessageId::random(), failed: None });
                    draft.kept.update_value(|kept| kept.draft.text.clear());
                    if !files.is_empty() {
                        let is_left = |file: &DraftFile| file.file_id.as_ref().is_none_or(|id| !files.contains(id));
                        draft.files.update(|known| known.retain(is_left));
                    }
                    conversation.has_arrived(key, sent);
                    live.catch_up(&conversation, sent.reply_id);
                }
                Err(error) => {
                    conversation.take_back(key);
                    draft.put_back(Failed { id, text, file_ids: files }, error);
                    session.leave_if_ended(error);
                }
            }
            if draft.unkept().is_some() {
                draft.save_soon(session);
            }
            draft.catch_up();
        });
    }

    fn put_back(&self, failed: Failed, error: Error) {
        self.text.update(|typed| *typed = join(&failed.text, typed));
        // A conflict says that this id stands for another message already, so the next attempt needs a new one.
        let failed = (error != Error::Conflict).then_some(failed);
        self.attempt.set_value(Attempt { id: ClientMessageId::random(), failed });
        self.error.set(Some(error));
    }
}

/// Whether somebody is at the field of this tab.
fn is_typing() -> bool {
    let field = document().active_element().filter(|element| element.id() == "message-field");
    field.is_some() && document().has_focus().unwrap_or(false)
}

/// A text and what was typed after it.
fn join(text: &str, typed_since: &str) -> String {
    match (text.is_empty(), typed_since.trim().is_empty()) {
        (true, _) => typed_since.to_owned(),
        (false, true) => text.to_owned(),
        (false, false) => format!("{text}\n\n{typed_since}"),
    }
}
