//! Writes one reply: asks the model, shows what comes, keeps it about every second, and writes its end once.
//!
//! The task belongs to the server, not to a request: closing every tab changes nothing. It is the reply's only writer as
//! long as it renews its lease; when it cannot do so in time, or learns that the lease is lost, it stops without another
//! word. A reply that a server left behind goes on from its text so far ([`joint`](super::joint)).

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt, future::OptionFuture};
use tokio::{
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until},
};

use super::{
    joint::{Change, Joint},
    prompt::{Said, ask},
    running::Place,
    tell,
    thoughts::Thoughts,
    view,
};
use crate::{
    domain::{
        limits,
        message::{Message, MessageState, ReplyFailure},
        reply::{ReplyPhase, Usage},
        source::Grounds,
    },
    error::{Error, Result},
    server::{
        ai::{Piece, tokens},
        db::{Kept, Lease, ReplyContent, StoredMessage, UserDb},
        failpoints,
        live::reply::LiveReply,
        markdown::{Citations, Renderer, sources_html},
        state::AppState,
    },
};

/// Rendering may take this part of the time: after one that took long, the next one waits accordingly.
const RENDER_SHARE: u32 = 10;
/// The longest wait between two updates.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// A longer open block is rendered on a blocking thread.
const INLINE_BYTES_MAX: usize = 8 * 1024;
/// The end of a reply is tried to be written for this long.
const FINISH_SECONDS_MAX: u64 = 60;

/// One reply to write.
pub struct Task {
    state: AppState,
    db: UserDb,
    reply: StoredMessage,
    lease: Lease,
    live: Arc<LiveReply>,
    place: Place,
    text: String,
    joint: Joint,
    thoughts: Thoughts,
    phase: ReplyPhase,
    /// How many tokens it was, as far as is known; none while the model was not asked.
    usage: Option<Usage>,
    /// What it was given of files, and whether that is kept.
    grounds: Grounds,
    grounds_kept: bool,
    /// Whether it is not yet shown where what the model reads begins, or what it was given.
    has_new_details: bool,
    /// The phase that is shown.
    shown_phase: ReplyPhase,
    renderer: Renderer,
    /// Bytes of the text that are shown, and kept.
    shown_bytes: usize,
    kept_bytes: usize,
}

/// What the writing ended with.
enum End {
    State(MessageState),
    /// This server goes; another one, or its next start, goes on.
    HandedOver,
    /// Another server may have taken this reply over.
    LeaseLost,
}

impl Task {
    /// From here on the reply can be followed and stopped.
    pub fn new(state: &AppState, db: &UserDb, reply: &StoredMessage, lease: Lease, mut place: Place) -> Self {
        let live = Arc::new(LiveReply::ours(db.user_id(), reply.chat_id, reply.id));
        state.live.begin_reply(&live);
        place.occupy(reply.id);
        Self {
            state: state.clone(),
            db: db.clone(),
            reply: reply.clone(),
            lease,
            live,
            place,
            text: reply.text.clone(),
            joint: Joint::Adding,
            thoughts: Thoughts::new(&reply.reasoning),
            phase: ReplyPhase::default(),
            usage: None,
            grounds: Grounds::default(),
            grounds_kept: true,
            has_new_details: false,
            shown_phase: ReplyPhase::default(),
            renderer: Renderer::default(),
            shown_bytes: 0,
            kept_bytes: reply.text.len(),
        }
    }

    /// Writes the reply to its end.
    pub async fn run(mut self) {
        let started = Instant::now();
        // Whatever breaks in here, the reply has an end.
        let end = AssertUnwindSafe(self.write()).catch_unwind().await;
        match end.unwrap_or(End::State(MessageState::Failed(ReplyFailure::Internal))) {
            End::LeaseLost => {
                tracing::warn!(message = %self.reply.id, "this server may not write this reply any more");
                self.state.live.reply_interrupted(self.db.user_id(), self.reply.id);
            }
            End::HandedOver => {
                self.show().await;
                // When this fails, the lease lapses by itself.
                let _ = self.db.hand_over_reply(self.reply.id, self.lease, self.content()).await;
                tracing::info!(message = %self.reply.id, bytes = self.text.len(), "a reply was handed over");
            }
            End::State(state) => {
                self.show().await;
                self.finish(state).await;
                tracing::info!(message = %self.reply.id, ?state, bytes = self.text.len(), ms = started.elapsed().as_millis(), "a reply ended");
            }
        }
    }

    async fn write(&mut self) -> End {
        let (stop, interrupt) = (self.place.stop.clone(), self.place.interrupt.clone());
        let total = sleep(Duration::from_secs(self.state.config.models.reply_seconds));
        tokio::pin!(total);
        let between = Duration::from_secs(limits::REPLY_CHECKPOINT_SECONDS);
        // At its beginning, a reply has just been written.
        let mut checkpoints = interval_at(Instant::now() + between, between);
        checkpoints.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut checkpoint: Option<Checkpoint> = None;
        let mut pieces = Box::pin(ask(self.state.clone(), self.db.clone(), self.reply.clone()));
        let mut next_show: Option<Instant> = None;
        // What was there before.
        self.show().await;
        let mut last_show = Instant::now();
        let mut pause = Duration::ZERO;
        let mut renewed = Instant::now();
        // Nobody else takes over what the only server writes.
        let is_shared = !self.state.db.is_sqlite();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return End::State(MessageState::Stopped),
                () = interrupt.cancelled() => return End::HandedOver,
                () = sleep_until(renewed + Duration::from_secs(limits::REPLY_UNRENEWED_SECONDS_MAX)), if is_shared => {
                    return End::LeaseLost;
                }
                () = &mut total => return End::State(MessageState::Failed(ReplyFailure::TooLong)),
                Some(kept) = OptionFuture::from(checkpoint.as_mut()) => {
                    checkpoint = None;
                    match kept {
                        Ok((began, (bytes, thought_bytes, with_grounds), Ok(Kept::Ours))) => {
                            (renewed, self.kept_bytes) = (began, bytes);
                            self.grounds_kept |= with_grounds;
                            self.thoughts.note_kept(thought_bytes);
                            failpoints::reach("text_kept");
                        }
                        // Asked for where this server did not hear of it.
                        Ok((_, _, Ok(Kept::StopWanted))) => return End::State(MessageState::Stopped),
                        Ok((_, _, Ok(Kept::Lost))) => return End::LeaseLost,
                        // A database that is away is tried again at the next checkpoint; the text is still here.
                        Ok((_, _, Err(_))) | Err(_) => {}
                    }
                }
                () = at(next_show) => {
                    next_show = None;
                    pause = self.show().await;
                    last_show = Instant::now();
                }
                _ = checkpoints.tick(), if checkpoint.is_none() => checkpoint = Some(self.checkpoint()),
                piece = pieces.next() => {
                    match self.take(piece) {
                        Some(state) => return End::State(state),
                        None if !self.has_news() => {}
                        None => { next_show.get_or_insert(last_show + pause); }
                    }
                }
            }
        }
    }

    /// Adds a piece; gives the state when it was the last.
    fn take(&mut self, said: Option<Result<Said, ReplyFailure>>) -> Option<MessageState> {
        match said {
            Some(Ok(Said::Phase(phase))) => {
                self.phase = phase;
                None
            }
            Some(Ok(Said::Begins { continues, prompt_tokens, context, grounds })) => {
                failpoints::reach("model_answers");
                self.joint = Joint::new(&self.text, continues);
                self.has_new_details = context.is_some() || !grounds.is_empty();
                self.reply.context = context;
                // Also when nothing was found: a writing before this one may have kept something.
                self.grounds_kept = !self.reply.uses_files;
                if !grounds.is_empty() {
                    self.renderer = Renderer::new(Citations::of(&grounds.sources));
                    self.live.ground(sources_html(&grounds.sources, grounds.searched));
                }
                self.grounds = grounds;
                self.usage = Some(Usage { prompt_tokens, completion_tokens: 0, is_estimated: true });
                None
            }
            Some(Ok(Said::Piece(Piece::Counted { prompt_tokens, completion_tokens }))) => {
                self.usage = Some(Usage { prompt_tokens, completion_tokens, is_estimated: false });
                None
            }
            Some(Ok(Said::Piece(Piece::Reasoning(piece)))) => {
                self.thoughts.add(&without_nul(&piece), self.text.is_empty());
                if self.phase == ReplyPhase::Reading {
                    self.phase = ReplyPhase::Thinking;
                }
                None
            }
            Some(Ok(Said::Piece(Piece::Text(piece)))) => {
                let piece = without_nul(&piece);
                if self.text.is_empty() {
                    self.thoughts.replace();
                }
                self.phase = ReplyPhase::Writing;
                let change = self.joint.add(&mut self.text, &piece);
                self.note(change);
                if self.text.len() <= limits::REPLY_BYTES_MAX {
                    return None;
                }
                self.text.truncate(self.text.floor_char_boundary(limits::REPLY_BYTES_MAX));
                Some(MessageState::Failed(ReplyFailure::TooLong))
            }
            // There was nothing to add to what had been written before.
            Some(Err(ReplyFailure::Empty)) if matches!(self.joint, Joint::Listening(_)) => Some(MessageState::Complete),
            Some(Err(failure)) => Some(MessageState::Failed(failure)),
            None => {
                failpoints::reach("reply_read");
                let change = self.joint.end(&mut self.text);
                self.note(change);
                let is_empty = self.text.trim().is_empty();
                Some(if is_empty { MessageState::Failed(ReplyFailure::Empty) } else { MessageState::Complete })
            }
        }
    }

    /// After another text has taken the place of the first, all of it is to be shown and kept.
    fn note(&mut self, change: Change) {
        if change == Change::Replaced {
            self.renderer = Renderer::new(Citations::of(&self.grounds.sources));
            (self.shown_bytes, self.kept_bytes) = (0, usize::MAX);
            self.live.clear_text();
            self.thoughts.replace();
        }
    }

    /// Whether there is something that is not shown.
    fn has_news(&self) -> bool {
        self.shown_bytes != self.text.len()
            || self.thoughts.has_news()
            || self.has_new_details
            || self.shown_phase != self.phase
    }

    /// Shows the text so far. Gives the time to wait before the next one.
    async fn show(&mut self) -> Duration {
        let usual = usual_pause(self.state.running.count());
        if std::mem::take(&mut self.has_new_details) {
            let message = self.with_context(self.reply.clone()).await;
            self.state.live.messages(self.db.user_id(), self.reply.chat_id, vec![message]);
        }
        if !self.has_news() {
            return usual;
        }
        self.shown_phase = self.phase;
        self.live.tell(self.phase, self.thoughts.take_news());
        if self.shown_bytes == self.text.len() {
            self.state.live.reply_progressed(&self.live, usize::MAX);
            return usual;
        }
        let started = Instant::now();
        self.live.add_text(&self.text[self.shown_bytes..]);
        self.shown_bytes = self.text.len();
        let rendered = if self.renderer.open_bytes(&self.text) <= INLINE_BYTES_MAX {
            self.renderer.render(&self.text)
        } else {
            let (mut renderer, text) = (std::mem::take(&mut self.renderer), self.text.clone());
            let rendered = tokio::task::spawn_blocking(move || (renderer.render(&text), renderer)).await;
            let Ok((rendered, renderer)) = rendered else {
                tracing::error!(message = %self.reply.id, "a running reply could not be rendered");
                return usual;
            };
            self.renderer = renderer;
            rendered
        };
        self.live.show(rendered.first_block, rendered.blocks, rendered.tail);
        self.state.live.reply_progressed(&self.live, rendered.first_block);
        // On a machine that was busy for a moment it took long for once; that is no reason to be silent for long.
        usual.max(started.elapsed() * RENDER_SHARE).min(PAUSE_MAX)
    }

    /// This reply as it is shown, with where what its model read begins.
    async fn with_context(&self, stored: StoredMessage) -> Message {
        let context = view::with_summary(&self.db, stored.context.clone()).await;
        let mut message = if self.grounds.is_empty() {
            // Before anything was gathered, what its beginning was given.
            view::show_with_files(&self.state, &self.db, stored).await
        } else {
            view::show(&self.state, self.db.user_id(), stored, &self.grounds.sources).await
        };
        message.details.context = context;
        message
    }

    /// Keeps what there is more than was kept, and renews the lease.
    fn checkpoint(&self) -> Checkpoint {
        let bytes = self.text.len();
        let text = (self.kept_bytes != bytes).then(|| self.text.clone());
        let (reasoning, thought_bytes) = self.thoughts.to_keep();
        let grounds = (!self.grounds_kept).then(|| self.grounds.clone());
        let with_grounds = grounds.is_some();
        let content = ReplyContent { text, reasoning, usage: None, context: self.reply.context.clone(), grounds };
        let (db, id, lease, began) = (self.db.clone(), self.reply.id, self.lease, Instant::now());
        tokio::spawn(async move {
            (began, (bytes, thought_bytes, with_grounds), db.checkpoint_reply(id, lease, content).await)
        })
    }

    /// All that there is. What nobody counted is estimated, unless the model has said nothing.
    fn content(&self) -> ReplyContent {
        let reasoning = self.thoughts.text();
        let written = tokens::estimate(&self.text) + tokens::estimate(reasoning);
        let usage =
            self.usage.filter(|usage| !usage.is_estimated || written > 0).map(|usage| match usage.is_estimated {
                true => Usage { completion_tokens: written as u64, ..usage },
                false => usage,
            });
        let reasoning = (!reasoning.is_empty()).then(|| reasoning.to_owned());
        let grounds = (!self.grounds_kept).then(|| self.grounds.clone());
        ReplyContent { text: Some(self.text.clone()), reasoning, usage, context: self.reply.context.clone(), grounds }
    }

    /// Writes the end; while the database is away, again and again for a while.
    async fn finish(&self, state: MessageState) {
        let deadline = Instant::now() + Duration::from_secs(FINISH_SECONDS_MAX);
        let mut wait = Duration::from_millis(100);
        loop {
            match self.db.finish_reply(&self.reply, self.lease, self.content(), state, tell::news(state)).await {
                Ok(Some(finished)) => {
                    failpoints::reach("reply_kept");
                    let message = self.with_context(finished.message).await;
                    self.state.live.end_reply(self.db.user_id(), message);
                    if let Some(news) = finished.news {
                        tell::tell(&self.state, &self.db, self.reply.chat_id, news);
                    }
                    return;
                }
                Ok(None) => return self.state.live.reply_interrupted(self.db.user_id(), self.reply.id),
                Err(error) if Instant::now() < deadline && error != Error::Internal => {
                    sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(5));
                }
                // Its lease will lapse, and it is then interrupted with what was last kept.
                Err(_) => return self.state.live.reply_interrupted(self.db.user_id(), self.reply.id),
            }
        }
    }
}

/// When it began, how much of text and reasoning it keeps, whether also what the reply was given, and what became of it.
type Checkpoint = JoinHandle<(Instant, (usize, usize, bool), Result<Kept>)>;

/// Time between two updates of a reply, when so many are running.
fn usual_pause(running: usize) -> Duration {
    let alone = Duration::from_secs(1) / limits::REPLY_UPDATES_PER_SECOND_MAX;
    let together = Duration::from_secs(1) * running as u32 / limits::UPDATES_PER_SECOND_MAX;
    alone.max(together)
}

/// Postgres cannot keep a NUL.
fn without_nul(piece: &str) -> String {
    piece.replace('\0', "")
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
