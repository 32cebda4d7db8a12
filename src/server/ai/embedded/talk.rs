//! The talk with one worker process, from its start to its end. One task; all that it waits for is in [`Talk::run`].

use std::{collections::HashMap, future::Future, pin::Pin, sync::Weak, time::Duration};

use futures::{
    StreamExt,
    future::{self, Either},
    stream::FuturesUnordered,
};
use tokio::{
    io::AsyncWriteExt,
    sync::{OwnedSemaphorePermit, mpsc},
    time::{self, Instant},
};
use tracing::{debug, error, info, warn};

use super::{
    keeper::{Death, FileStamp, Keeper},
    process::Process,
    protocol::{End, Event, PROTOCOL_LINE_BYTES_MAX, Request},
    settings::EmbeddedSettings,
};
use crate::domain::{message::ReplyFailure, model::Prompt};

/// A reply to be written.
pub struct Job {
    pub prompt: Prompt,
    /// Has room for all that can be said about one reply.
    pub said: mpsc::Sender<Said>,
    /// Place and turn, given back when the worker is done with the reply.
    pub permits: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

/// What the reader of a reply is told.
pub enum Said {
    Piece(String),
    Complete,
    Failed(ReplyFailure),
}

/// Serves jobs until the process ends or nobody needs it. Holds the keeper weakly: when the provider is dropped, the
/// queue ends, and with the last reply the process.
pub async fn tend(
    keeper: Weak<Keeper>,
    settings: EmbeddedSettings,
    process: Process,
    stamp: FileStamp,
    mut queue: mpsc::Receiver<Job>,
) {
    let mut talk = Talk::new(settings, process);
    let ending = talk.run(&keeper, &mut queue).await;
    let death = match &ending {
        Ending::Idle => None,
        Ending::Unusable(_) => Some(Death::Unusable(stamp)),
        Ending::Closed | Ending::Stuck(_) if talk.ready => Some(Death::Working),
        Ending::Closed | Ending::Stuck(_) => Some(Death::Loading),
    };
    if let Ending::Unusable(reason) = &ending {
        error!(reason, "the embedded model cannot be used");
    }
    if let Some(death) = death {
        // Forgotten first: whoever reads the failure and asks again gets a new process.
        if let Some(keeper) = keeper.upgrade() {
            keeper.note_death(death, &mut queue);
        }
        talk.fail_all(death.failure());
    }
    talk.end(&ending).await;
}

/// Why there is nothing more to talk about.
enum Ending {
    /// Nobody needs it.
    Idle,
    /// It died, or at least has nothing more to say.
    Closed,
    /// It has to be killed.
    Stuck(&'static str),
    /// It said that it cannot work.
    Unusable(String),
}

/// A reply that the worker is at.
struct Reply {
    said: mpsc::Sender<Said>,
    _permits: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

struct Talk {
    settings: EmbeddedSettings,
    process: Process,
    replies: HashMap<u64, Reply>,
    /// Gives a reply's id when its reader goes away.
    gone: FuturesUnordered<Pin<Box<dyn Future<Output = u64> + Send>>>,
    last_id: u64,
    /// Whether the model is loaded.
    ready: bool,
    /// Since when we wait: for the model to load, for the next event, or for the next job.
    waits_since: Instant,
}

impl Talk {
    fn new(settings: EmbeddedSettings, process: Process) -> Self {
        Self {
            settings,
            process,
            replies: HashMap::new(),
            gone: FuturesUnordered::new(),
            last_id: 0,
            ready: false,
            waits_since: Instant::now(),
        }
    }

    async fn run(&mut self, keeper: &Weak<Keeper>, queue: &mut mpsc::Receiver<Job>) -> Ending {
        // Whether more jobs may come.
        let mut open = true;
        while open || !self.replies.is_empty() {
            let too_late = match self.waits_since.checked_add(self.patience()) {
                Some(deadline) => Either::Left(time::sleep_until(deadline)),
                None => Either::Right(future::pending()),
            };
            tokio::select! {
                job = queue.recv(), if open => match job {
                    Some(job) => self.begin(job).await,
                    None => open = false,
                },
                event = self.process.events.recv() => {
                    self.waits_since = Instant::now();
                    match event {
                        Some(Event::Ready) => {
                            self.ready = true;
                            if let Some(keeper) = keeper.upgrade() {
                                keeper.note_ready();
                            }
                        }
                        Some(Event::Working) => {}
                        Some(Event::Piece { id, text }) => self.piece(id, text),
                        Some(Event::Done { id, end }) => self.done(id, end),
                        Some(Event::Unusable { reason }) => return Ending::Unusable(reason),
                        None => return Ending::Closed,
                    }
                }
                Some(id) = self.gone.next() => self.cancel(id).await,
                () = too_late => {
                    if !self.ready {
                        return Ending::Stuck("it did not load the model in time");
                    }
                    if !self.replies.is_empty() {
                        return Ending::Stuck("it was silent for too long");
                    }
                    if keeper.upgrade().is_none_or(|keeper| keeper.let_go(queue)) {
                        return Ending::Idle;
                    }
                }
            }
        }
        Ending::Idle
    }

    /// How long the present wait may take.
    fn patience(&self) -> Duration {
        let times = &self.settings.times;
        if !self.ready {
            times.load_max
        } else if self.replies.is_empty() {
            Duration::from_secs(self.settings.idle_seconds)
        } else {
            times.silence_max
        }
    }

    async fn begin(&mut self, job: Job) {
        if self.ready && self.replies.is_empty() {
            self.waits_since = Instant::now();
        }
        self.last_id += 1;
        let id = self.last_id;
        if !self.write(&Request::Generate { id, prompt: job.prompt }).await {
            let _ = job.said.try_send(Said::Failed(ReplyFailure::RequestRefused));
            return;
        }
        let said = job.said.clone();
        self.gone.push(Box::pin(async move {
            said.closed().await;
            id
        }));
        self.replies.insert(id, Reply { said: job.said, _permits: job.permits });
    }

    /// A reader went away: the worker should stop, unless it has already. The turn is free when it says so.
    async fn cancel(&mut self, id: u64) {
        if self.replies.contains_key(&id) {
            self.write(&Request::Cancel { id }).await;
        }
    }

    fn piece(&mut self, id: u64, text: String) {
        if let Some(reply) = self.replies.get(&id) {
            // There is room for a whole reply; what does not fit, or has no reader any more, is not wanted.
            let _ = reply.said.try_send(Said::Piece(text));
        }
    }

    fn done(&mut self, id: u64, end: End) {
        if let Some(reply) = self.replies.remove(&id) {
            let _ = reply.said.try_send(match end {
                End::Complete => Said::Complete,
                End::TooLong => Said::Failed(ReplyFailure::TooLong),
                End::Cancelled => Said::Failed(ReplyFailure::Cut),
                End::Refused => Said::Failed(ReplyFailure::RequestRefused),
            });
        }
    }

    fn fail_all(&mut self, failure: ReplyFailure) {
        for (_, reply) in self.replies.drain() {
            let _ = reply.said.try_send(Said::Failed(failure));
        }
    }

    /// Writes a request; tells whether it is within the bounds. That the process does not take it is noticed elsewhere:
    /// the end of its events comes after all that it still had to say.
    async fn write(&mut self, request: &Request) -> bool {
        let Ok(mut line) = serde_json::to_vec(request) else { return false };
        line.push(b'\n');
        if line.len() > PROTOCOL_LINE_BYTES_MAX {
            return false;
        }
        match time::timeout(self.settings.times.silence_max, self.process.requests.write_all(&line)).await {
            Ok(Ok(())) => {}
            Ok(Err(cause)) => debug!(%cause, "the embedded model's process does not listen"),
            Err(_) => {
                warn!("the embedded model's process does not read; it is killed");
                let _ = self.process.child.start_kill();
            }
        }
        true
    }

    /// Sees the process off. The end of its stdin tells it to end; one that does not is killed.
    async fn end(self, ending: &Ending) {
        let Process { mut child, requests, events } = self.process;
        drop((requests, events));
        if matches!(ending, Ending::Stuck(_)) {
            let _ = child.start_kill();
        }
        let status = match time::timeout(self.settings.times.end_max, child.wait()).await {
            Ok(status) => status,
            Err(_) => {
                let _ = child.start_kill();
                child.wait().await
            }
        };
        let status = status.map_or_else(|cause| cause.to_string(), |status| status.to_string());
        match ending {
            Ending::Idle => info!(status, "the embedded model's process is ended: nobody needs it"),
            Ending::Closed => error!(status, "the embedded model's process died"),
            Ending::Stuck(reason) => error!(status, reason, "the embedded model's process was killed"),
            Ending::Unusable(_) => debug!(status, "the embedded model's process is ended"),
        }
    }
}
