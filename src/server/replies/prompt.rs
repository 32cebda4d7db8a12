//! What a model is asked for a reply, and what comes back from it.

use std::pin::Pin;

use futures::{Stream, StreamExt};

use super::joint::BEGINNING_BYTES_MIN;
use crate::{
    domain::{
        limits,
        message::{Author, ReplyFailure},
        model::{Prompt, PromptLine, PromptRole},
    },
    error::Result,
    server::{
        ai::{Piece, tokens},
        db::{StoredMessage, UserDb},
        state::AppState,
    },
};

/// What comes from a model.
pub enum Said {
    /// First of all: whether it goes on from what is there, and how much it was given to read, by estimate.
    Begins {
        continues: bool,
        prompt_tokens: u64,
    },
    Piece(Piece),
}

type Pieces = Pin<Box<dyn Stream<Item = Result<Said, ReplyFailure>> + Send>>;

/// What the model says, beginning with the question: gathering the prompt and connecting happen on the first poll.
pub fn ask(state: AppState, db: UserDb, reply: StoredMessage) -> impl Stream<Item = Result<Said, ReplyFailure>> + Send {
    let pieces = async move {
        let model = match &reply.author {
            Author::Model(model) => model.clone(),
            Author::You => return fail(ReplyFailure::Internal),
        };
        let continues = reply.text.len() >= BEGINNING_BYTES_MIN && state.models.can_continue(&model).await;
        let prompt = match gather_prompt(&db, &reply, continues).await {
            Ok(prompt) => prompt,
            Err(_) => return fail(ReplyFailure::Internal),
        };
        let prompt_tokens = tokens::of_prompt(&prompt) as u64;
        match state.models.generate(&model, &prompt).await {
            Ok(pieces) => {
                let begins = futures::stream::once(async move { Ok(Said::Begins { continues, prompt_tokens }) });
                Box::pin(begins.chain(pieces.map(|piece| piece.map(Said::Piece))))
            }
            Err(failure) => fail(failure),
        }
    };
    futures::stream::once(pieces).flatten()
}

fn fail(failure: ReplyFailure) -> Pieces {
    Box::pin(futures::stream::once(async move { Err(failure) }))
}

/// The conversation up to the message that is answered: as much of it as fits, roles taking turns, which many models'
/// templates insist on; with the text so far, when the model is to go on from there. What a model thought is no part of it.
async fn gather_prompt(db: &UserDb, reply: &StoredMessage, continues: bool) -> Result<Prompt> {
    let earlier = db.list_prompt(reply, limits::PROMPT_CHARS_MAX).await?;
    let mut lines: Vec<PromptLine> = Vec::with_capacity(earlier.len());
    for line in earlier.into_iter().rev() {
        let role = if line.is_reply { PromptRole::Assistant } else { PromptRole::User };
        match lines.last_mut() {
            Some(last) if last.role == role => {
                last.text.push_str("\n\n");
                last.text.push_str(&line.text);
            }
            None if role == PromptRole::Assistant => {}
            _ => lines.push(PromptLine { role, text: line.text }),
        }
    }
    Ok(Prompt { lines, begun: if continues { reply.text.clone() } else { String::new() } })
}
