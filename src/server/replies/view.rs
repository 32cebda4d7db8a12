//! Messages made ready to show. A reply's markdown is rendered once and kept for a while: reading a page again costs
//! nothing.

use std::sync::Arc;

use quick_cache::{Weighter, sync::Cache};

use crate::{
    domain::{
        ids::{MessageId, UserId},
        message::{Author, Message, MessageBody, MessageState, SafeHtml},
        reply::{Context, ContextCut, ReplyDetails},
    },
    server::{
        db::{StoredMessage, UserDb},
        markdown,
        state::AppState,
    },
};

/// Memory for rendered replies.
const CACHE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Replies of average length that fit in it.
const CACHE_ITEMS_ESTIMATED: usize = 4_000;
/// A longer text is rendered on a blocking thread, so that it does not hold up others.
const INLINE_BYTES_MAX: usize = 16 * 1024;

/// Replies as they were rendered, by id; only final ones, whose text never changes.
pub struct Views(Cache<MessageId, Arc<Vec<SafeHtml>>, ByBytes>);

#[derive(Clone)]
struct ByBytes;

impl Weighter<MessageId, Arc<Vec<SafeHtml>>> for ByBytes {
    fn weight(&self, _: &MessageId, blocks: &Arc<Vec<SafeHtml>>) -> u64 {
        blocks.iter().map(|block| block.as_str().len() as u64 + 24).sum::<u64>() + 64
    }
}

impl Default for Views {
    fn default() -> Self {
        Self(Cache::with_weighter(CACHE_ITEMS_ESTIMATED, CACHE_BYTES_MAX, ByBytes))
    }
}

/// A message as its owner sees it.
pub async fn show(state: &AppState, user_id: UserId, stored: StoredMessage) -> Message {
    let StoredMessage {
        id, chat_id, seq, parent_id, is_shown, author, text, state: message_state, created_at_ms, ..
    } = stored;
    let mut details = ReplyDetails { reasoning: stored.reasoning, usage: stored.usage, ..ReplyDetails::default() };
    let body = match author {
        Author::You => MessageBody::Text(text),
        Author::Model(_) if message_state.is_final() => {
            MessageBody::Html { blocks: final_blocks(state, id, text).await, tail: SafeHtml::default() }
        }
        Author::Model(_) if message_state != MessageState::Generating => {
            MessageBody::Html { blocks: Vec::new(), tail: SafeHtml::default() }
        }
        // What the engine has is newer than what it last kept.
        Author::Model(_) => match state.live.find_reply(user_id, id) {
            Some(reply) => {
                let (blocks, tail) = reply.whole();
                details = reply.details();
                MessageBody::Html { blocks, tail }
            }
            None => MessageBody::Html { blocks: render(text).await, tail: SafeHtml::default() },
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
        state: message_state,
        details,
        created_at_ms,
    }
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

async fn final_blocks(state: &AppState, id: MessageId, text: String) -> Vec<SafeHtml> {
    if let Some(blocks) = state.views.0.get(&id) {
        return blocks.to_vec();
    }
    let blocks = render(text).await;
    state.views.0.insert(id, Arc::new(blocks.clone()));
    blocks
}

async fn render(text: String) -> Vec<SafeHtml> {
    if text.len() <= INLINE_BYTES_MAX {
        return markdown::render_all(&text);
    }
    match tokio::task::spawn_blocking(move || markdown::render_all(&text)).await {
        Ok(blocks) => blocks,
        Err(error) => {
            tracing::error!(%error, "a reply could not be rendered");
            Vec::new()
        }
    }
}
