//! Messages made ready to show. A reply's markdown is rendered once and kept for a while: reading a page again costs
//! nothing.

use std::{collections::HashMap, sync::Arc};

use quick_cache::{Weighter, sync::Cache};

use crate::{
    domain::{
        ids::{MessageId, UserId},
        message::{Author, Message, MessageBody, MessageState, SafeHtml},
        reply::{Context, ContextCut, ReplyDetails},
        source::MessageFile,
    },
    server::{
        db::{StoredMessage, UserDb},
        markdown::{self, Citations, attached_html, sources_html},
        state::AppState,
    },
};

/// Memory for rendered replies.
const CACHE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Replies of average length that fit in it.
const CACHE_ITEMS_ESTIMATED: usize = 4_000;
/// A longer text is rendered on a blocking thread, so that it does not hold up others.
const INLINE_BYTES_MAX: usize = 16 * 1024;

/// Replies as they were rendered, by id and by where the numbers in them lead; only final ones, whose text never changes.
pub struct Views(Cache<(MessageId, u64), Arc<Vec<SafeHtml>>, ByBytes>);

#[derive(Clone)]
struct ByBytes;

impl Weighter<(MessageId, u64), Arc<Vec<SafeHtml>>> for ByBytes {
    fn weight(&self, _: &(MessageId, u64), blocks: &Arc<Vec<SafeHtml>>) -> u64 {
        blocks.iter().map(|block| block.as_str().len() as u64 + 24).sum::<u64>() + 64
    }
}

impl Default for Views {
    fn default() -> Self {
        Self(Cache::with_weighter(CACHE_ITEMS_ESTIMATED, CACHE_BYTES_MAX, ByBytes))
    }
}

/// A message as its owner sees it, with its files.
pub async fn show(state: &AppState, user_id: UserId, stored: StoredMessage, files: &[MessageFile]) -> Message {
    let StoredMessage {
        id, chat_id, seq, parent_id, is_shown, author, text, state: message_state, created_at_ms, ..
    } = stored;
    let mut shown_files = match author {
        Author::You => attached_html(files),
        Author::Model(_) => sources_html(files, stored.files_searched),
    };
    let citations = Citations::of(files);
    let mut details = ReplyDetails { reasoning: stored.reasoning, usage: stored.usage, ..ReplyDetails::default() };
    let body = match author {
        Author::You => MessageBody::Text(text),
        Author::Model(_) if message_state.is_final() => {
            MessageBody::Html { blocks: final_blocks(state, id, text, &citations).await, tail: SafeHtml::default() }
        }
        Author::Model(_) if message_state != MessageState::Generating => {
            MessageBody::Html { blocks: Vec::new(), tail: SafeHtml::default() }
        }
        // What the engine has is newer than what it last kept.
        Author::Model(_) => match state.live.find_reply(user_id, id) {
            Some(reply) => {
                let (blocks, tail) = reply.whole();
                details = reply.details();
                shown_files = Some(reply.files()).filter(|files| !files.is_empty()).unwrap_or(shown_files);
                MessageBody::Html { blocks, tail }
            }
            None => MessageBody::Html { blocks: render(text, &citations).await, tail: SafeHtml::default() },
        },
    };
    Message {
        id,
        chat_id,
        seq,
        parent_id,
        is_shown,
        versions: None,
        author,
        body,
        files: shown_files,
        state: message_state,
        details,
        created_at_ms,
    }
}

/// The same, with the files looked up.
pub async fn show_with_files(state: &AppState, db: &UserDb, stored: StoredMessage) -> Message {
    let (id, mut files) = (stored.id, HashMap::new());
    if stored.uses_files {
        // Without the answer, the message is shown all the same.
        files = db.list_message_files(&[id]).await.unwrap_or_default();
    }
    show(state, db.user_id(), stored, &files.remove(&id).unwrap_or_default()).await
}

/// Whether it is known of a reply what its model read.
pub fn is_context_known(message: &StoredMessage) -> bool {
    message.author != Author::You && (message.context.is_some() || message.state.is_final())
}

/// Where what a model read begins, with the summary of what is before.
pub async fn with_summary(db: &UserDb, context: Option<Context>) -> Option<Context> {
    let mut context = context?;
    if context.cut == ContextCut::Summarised {
        // Without it, the mark is still right.
        context.summary = db.find_summary_before(context.from_id).await.ok().flatten().unwrap_or_default();
    }
    Some(context)
}

async fn final_blocks(state: &AppState, id: MessageId, text: String, citations: &Citations) -> Vec<SafeHtml> {
    let key = (id, citations.fingerprint());
    if let Some(blocks) = state.views.0.get(&key) {
        return blocks.to_vec();
    }
    let blocks = render(text, citations).await;
    state.views.0.insert(key, Arc::new(blocks.clone()));
    blocks
}

async fn render(text: String, citations: &Citations) -> Vec<SafeHtml> {
    if text.len() <= INLINE_BYTES_MAX {
        return markdown::render_reply(&text, citations);
    }
    let citations = citations.clone();
    match tokio::task::spawn_blocking(move || markdown::render_reply(&text, &citations)).await {
        Ok(blocks) => blocks,
        Err(error) => {
            tracing::error!(%error, "a reply could not be rendered");
            Vec::new()
        }
    }
}
