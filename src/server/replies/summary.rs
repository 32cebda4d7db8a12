//! Summaries of what no longer fits: made by the model that is about to reply, of the summary before and what was said since,
//! and kept for every later reply on the same path. The built-in model is too small for it and only cuts.

use std::{collections::VecDeque, fmt::Write, time::Duration};

use futures::StreamExt;
use quick_cache::sync::Cache;
use tokio::time::{Instant, timeout};

use crate::{
    domain::{
        ids::ChatId,
        limits,
        message::ReplyFailure,
        model::{ModelName, Prompt, PromptLine, PromptRole},
    },
    error::Error,
    server::{
        ai::{Piece, tokens},
        db::{NewSummary, PathMessage, PathPlace, UserDb},
        state::AppState,
    },
};

/// What is asked, before the conversation.
const TASK: &str = "Summarise the conversation below for the assistant that will go on with it and can no longer read it. Keep \
                    what it needs: what the person wants and said about themselves, facts, names, numbers, decisions, code, \
                    and what is still open. Do not answer anything in it. Write in the language of the conversation, as \
                    plain text, and nothing but the summary. Words at most: ";
/// Around a summary, in the prompt of a reply.
const BEFORE_SUMMARY: &str = "[Summary of the conversation so far, whose wording is no longer here:]\n";
const AFTER_SUMMARY: &str = "\n[The conversation goes on:]";
/// Stands for the middle of a message that would be more than all the rest.
const LEFT_OUT: &str = " […] ";
/// Of a conversation that is summarised, this much at a time at least; and as much for the words around it.
const STEP_TOKENS_MIN: usize = 64;

/// Chats of which a summary could not be made lately: nobody waits for it again at once.
pub struct SummaryPauses(Cache<ChatId, Instant>);

impl Default for SummaryPauses {
    fn default() -> Self {
        Self(Cache::new(limits::SUMMARY_PAUSES_MAX))
    }
}

/// Whether a model is to be asked for summaries of this chat.
pub fn may_be_made(state: &AppState, model: &ModelName, chat_id: ChatId) -> bool {
    let failed_at = state.summary_pauses.0.get(&chat_id);
    let is_paused = failed_at.is_some_and(|at| at.elapsed() < Duration::from_secs(limits::SUMMARY_PAUSE_SECONDS));
    !model.is_embedded() && !is_paused
}

/// What a summary takes of a prompt with so much room, with what is around it.
pub fn tokens_in_prompt(room: usize) -> usize {
    tokens_max(room) + tokens::of_line(BEFORE_SUMMARY) + tokens::estimate(AFTER_SUMMARY)
}

/// A summary as the first line of a prompt. Not as a system's: not every template has a place for one.
pub fn line(summary: &str, room: usize) -> PromptLine {
    let summary = tokens::beginning(summary, tokens_max(room));
    PromptLine { role: PromptRole::User, text: format!("{BEFORE_SUMMARY}{summary}{AFTER_SUMMARY}") }
}

/// Makes the summary of what was said up to a place, and keeps it; when that fails, this chat has none made for a while.
pub async fn make(state: &AppState, db: &UserDb, chat_id: ChatId, model: &ModelName, from: PathPlace) {
    let steps = make_in_steps(state, db, chat_id, model, from);
    let failure = match timeout(Duration::from_secs(limits::SUMMARY_SECONDS_MAX), steps).await {
        Ok(Ok(())) => return,
        Ok(Err(failure)) => failure,
        Err(_) => ReplyFailure::NoAnswer,
    };
    tracing::warn!(chat = %chat_id, ?failure, "a conversation could not be summarised");
    state.summary_pauses.0.insert(chat_id, Instant::now());
}

/// Goes on from the newest summary there is. Each step is kept, so that what a later one fails at need not be done again.
async fn make_in_steps(
    state: &AppState,
    db: &UserDb,
    chat_id: ChatId,
    model: &ModelName,
    from: PathPlace,
) -> Result<(), ReplyFailure> {
    let internal = |_: Error| ReplyFailure::Internal;
    let summarised = db.list_summarised(chat_id).await.map_err(internal)?;
    let step = step_tokens(state, model).await;
    let (mut earlier, mut used) = (None, 0);
    let takes = |message: &PathMessage| {
        if summarised.contains(&message.id) {
            earlier = Some(message.id);
            return false;
        }
        used += tokens::of_line(&message.text).min(step);
        used <= step * limits::SUMMARY_QUESTIONS_MAX
    };
    let mut older: VecDeque<PathMessage> =
        db.list_path(chat_id, from, takes).await.map_err(internal)?.into_iter().rev().collect();
    let mut summary = match earlier {
        Some(id) => db.find_summary(id).await.map_err(internal)?.unwrap_or_default(),
        None => String::new(),
    };
    let mut cuts = 0;
    while !older.is_empty() {
        let window = state.models.window(model).await;
        let step = step_tokens(state, model).await;
        let count = fitting(&older, step);
        let prompt = question(&summary, older.iter().take(count), step, tokens_max(window.prompt_tokens()));
        match ask(state, model, &prompt, tokens_max(window.prompt_tokens())).await {
            Ok(text) => summary = text,
            Err(ReplyFailure::ContextTooLong)
                if cuts < limits::CONTEXT_CUTS_MAX && state.models.window(model).await < window =>
            {
                cuts += 1;
                continue;
            }
            Err(failure) => return Err(failure),
        }
        let Some(last) = older.drain(..count).next_back() else { return Err(ReplyFailure::Internal) };
        let new = NewSummary { chat_id, up_to_id: last.id, text: summary.clone(), model: model.clone() };
        db.add_summary(new).await.map_err(internal)?;
    }
    Ok(())
}

/// Tokens of a summary.
fn tokens_max(room: usize) -> usize {
    (room / 8).min(limits::SUMMARY_TOKENS_MAX)
}

/// Tokens of the conversation that are summarised at a time.
async fn step_tokens(state: &AppState, model: &ModelName) -> usize {
    let room = state.models.window(model).await.prompt_tokens();
    room.saturating_sub(tokens_max(room) + tokens::of_line(TASK) + STEP_TOKENS_MIN).max(STEP_TOKENS_MIN)
}

/// How many of the oldest fit into one step, at least one.
fn fitting(older: &VecDeque<PathMessage>, step: usize) -> usize {
    let used = older.iter().scan(0, |used, message| {
        *used += tokens::of_line(&message.text);
        Some(*used)
    });
    used.take_while(|used| *used <= step).count().max(1)
}

/// One line: as a conversation, the model would go on with it.
fn question<'a>(
    earlier: &str,
    messages: impl Iterator<Item = &'a PathMessage>,
    step: usize,
    summary_tokens: usize,
) -> Prompt {
    // About as many as the tokens are enough for, in any language.
    let mut text = format!("{TASK}{}.\n\n", summary_tokens / 2);
    if !earlier.is_empty() {
        let earlier = tokens::beginning(earlier, summary_tokens);
        let _ = write!(text, "What was said before, already summarised:\n{earlier}\n\n");
    }
    text.push_str("The conversation:\n");
    for message in messages.filter(|message| !message.text.is_empty()) {
        let who = if message.is_reply { "Assistant" } else { "Person" };
        let _ = write!(text, "\n{who}: {}\n", tokens::shorten(&message.text, step, LEFT_OUT));
    }
    Prompt { lines: vec![PromptLine { role: PromptRole::User, text }], begun: String::new(), images: Vec::new() }
}

/// What the model answers, at most so many tokens: when it says more, nobody listens.
async fn ask(state: &AppState, model: &ModelName, prompt: &Prompt, tokens_max: usize) -> Result<String, ReplyFailure> {
    let mut pieces = state.models.generate(model, prompt).await?;
    let mut text = String::new();
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(Piece::Text(piece)) => text.push_str(&piece.replace('\0', "")),
            Ok(Piece::Reasoning(_) | Piece::Counted { .. }) => {}
            // Its own limit is a limit, too.
            Err(ReplyFailure::TooLong) => break,
            Err(failure) => return Err(failure),
        }
        if tokens::estimate(&text) > tokens_max {
            break;
        }
    }
    let text = tokens::beginning(text.trim(), tokens_max).trim_end();
    if text.is_empty() { Err(ReplyFailure::Empty) } else { Ok(text.to_owned()) }
}
