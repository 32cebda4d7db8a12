//! What a model is asked for a reply, and what comes back from it.

use std::pin::Pin;

use futures::{
    Stream, StreamExt,
    channel::mpsc::{UnboundedSender, unbounded},
    stream::{once, select},
};

use super::{context::gather, joint::BEGINNING_BYTES_MIN, sources};
use crate::{
    domain::{
        limits,
        message::{Author, ReplyFailure},
        reply::{Context, ReplyPhase},
        source::Grounds,
    },
    error::Result,
    server::{
        ai::{Piece, PieceStream, tokens},
        db::{StoredMessage, UserDb},
        state::AppState,
    },
};

/// What comes from a model.
pub enum Said {
    /// Before all else, perhaps: what is done for it with files.
    Phase(ReplyPhase),
    /// First of all: whether it goes on from what is there, how much it was given to read, by estimate, and where that
    /// begins, and of which files it was given something.
    Begins {
        continues: bool,
        prompt_tokens: u64,
        context: Option<Context>,
        grounds: Grounds,
    },
    Piece(Piece),
}

type Pieces = Pin<Box<dyn Stream<Item = Result<Said, ReplyFailure>> + Send>>;

/// What the model says, beginning with the question: gathering the prompt and connecting happen on the first poll. Given up
/// at any moment, it leaves nothing behind but summaries that were complete.
pub fn ask(state: AppState, db: UserDb, reply: StoredMessage) -> impl Stream<Item = Result<Said, ReplyFailure>> + Send {
    let (say, phases) = unbounded();
    let pieces = async move {
        let begun = begin(&state, &db, &reply, say).await;
        begun.unwrap_or_else(|failure| Box::pin(once(async move { Err(failure) })))
    };
    // The phases end before the first piece.
    select(phases.map(|phase| Ok(Said::Phase(phase))), once(pieces).flatten())
}

/// Asks; with less, when the model's server finds that it is too long. Nobody has seen a word by then.
async fn begin(
    state: &AppState,
    db: &UserDb,
    reply: &StoredMessage,
    say: UnboundedSender<ReplyPhase>,
) -> Result<Pieces, ReplyFailure> {
    let Author::Model(model) = &reply.author else { return Err(ReplyFailure::Internal) };
    let continues = reply.text.len() >= BEGINNING_BYTES_MIN && state.models.can_continue(model).await;
    let (mut cuts, mut refused_pictures) = (0, None);
    loop {
        let material = sources::gather(state, db, reply, model, refused_pictures.is_none(), &say)
            .await
            .map_err(|_| ReplyFailure::Internal)?;
        if reply.uses_files {
            // A receiver that is gone wants nothing more.
            let _ = say.unbounded_send(ReplyPhase::Reading);
        }
        let prompt = gather(state, db, reply, model, continues, &material).await;
        let (prompt, context) = prompt.map_err(|_| ReplyFailure::Internal)?;
        let prompt_tokens = tokens::of_prompt(&prompt) as u64;
        let window = state.models.window(model).await;
        let pieces: PieceStream = match state.models.generate(model, &prompt).await {
            Ok(pieces) => pieces,
            // What it was to go on from was all: an answer, too.
            Err(ReplyFailure::Empty) if continues => Box::pin(once(async { Err(ReplyFailure::Empty) })),
            // It may be the pictures; without them it can answer what else was asked.
            Err(
                failure @ (ReplyFailure::RequestRefused | ReplyFailure::ProviderError | ReplyFailure::ContextTooLong),
            ) if !prompt.images.is_empty() => {
                refused_pictures = Some(failure);
                continue;
            }
            Err(ReplyFailure::ContextTooLong)
                if cuts < limits::CONTEXT_CUTS_MAX && state.models.window(model).await < window =>
            {
                cuts += 1;
                continue;
            }
            Err(failure) => return Err(failure),
        };
        // A server in trouble, or one that takes no more bytes, says nothing of its models.
        if refused_pictures == Some(ReplyFailure::RequestRefused) {
            state.models.note_blind(model, db.user_id());
        }
        let grounds = material.grounds;
        let begins = once(async move { Ok(Said::Begins { continues, prompt_tokens, context, grounds }) });
        return Ok(Box::pin(begins.chain(pieces.map(|piece| piece.map(Said::Piece)))));
    }
}
