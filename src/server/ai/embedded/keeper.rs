//! Keeps at most one worker process: starts it for the first reply, forgets it when it ended, and does not start it
//! again and again where that is pointless.
//!
//! Jobs are handed over under one lock, so that a process that is about to be let go either gets the job or is
//! forgotten first. The lock is never held across an await.

use std::{
    fs::Metadata,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::{sync::mpsc, time::Instant};
use tracing::{error, warn};

use super::{
    process::Process,
    settings::EmbeddedSettings,
    talk::{self, Job, Said},
};
use crate::domain::message::ReplyFailure;

/// Starts, remembers and forgets the worker.
pub struct Keeper {
    settings: EmbeddedSettings,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The way to the running process; none when there is none.
    jobs: Option<mpsc::Sender<Job>>,
    /// How often in a row it died before the model was loaded.
    failed_starts: u32,
    /// No start before this.
    start_at_min: Option<Instant>,
    /// The file with which the worker said that it cannot work.
    unusable: Option<FileStamp>,
}

/// Tells whether a file was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp {
    bytes: u64,
    changed: Option<SystemTime>,
}

impl FileStamp {
    pub fn new(metadata: &Metadata) -> Self {
        Self { bytes: metadata.len(), changed: metadata.modified().ok() }
    }
}

/// How a process ended that was not let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// After it had loaded the model.
    Working,
    /// Before.
    Loading,
    /// It said that it cannot work with this file.
    Unusable(FileStamp),
}

impl Death {
    /// What those read who waited for it.
    pub const fn failure(self) -> ReplyFailure {
        match self {
            Self::Working | Self::Loading => ReplyFailure::EmbeddedDied,
            Self::Unusable(_) => ReplyFailure::EmbeddedMissing,
        }
    }
}

impl Keeper {
    pub fn new(settings: EmbeddedSettings) -> Self {
        Self { settings, state: Mutex::default() }
    }

    pub const fn settings(&self) -> &EmbeddedSettings {
        &self.settings
    }

    /// Hands a job to the process, which is started if there is none. Needs a Tokio runtime.
    ///
    /// # Errors
    /// [`ReplyFailure::EmbeddedMissing`] when this file was found to be unusable, [`ReplyFailure::EmbeddedDied`] when the
    /// process cannot be started, or died at its start a moment ago.
    pub fn submit(this: &Arc<Self>, stamp: FileStamp, job: Job) -> Result<(), ReplyFailure> {
        let mut state = this.state();
        let job = match &state.jobs {
            None => job,
            Some(jobs) => match jobs.try_send(job) {
                Ok(()) => return Ok(()),
                Err(mpsc::error::TrySendError::Closed(job)) => job,
                // There is room for as many jobs as there are turns.
                Err(mpsc::error::TrySendError::Full(_)) => return Err(ReplyFailure::Internal),
            },
        };
        if state.unusable == Some(stamp) {
            return Err(ReplyFailure::EmbeddedMissing);
        }
        if state.start_at_min.is_some_and(|start_at_min| Instant::now() < start_at_min) {
            return Err(ReplyFailure::EmbeddedDied);
        }
        let process = Process::start(&this.settings).map_err(|cause| {
            error!(program = %this.settings.program.display(), %cause, "the embedded model's process cannot be started");
            state.note_failed_start(&this.settings);
            ReplyFailure::EmbeddedDied
        })?;
        let (jobs, queue) = mpsc::channel(this.settings.parallel);
        jobs.try_send(job).map_err(|_| ReplyFailure::Internal)?;
        state.jobs = Some(jobs);
        tokio::spawn(talk::tend(Arc::downgrade(this), this.settings.clone(), process, stamp, queue));
        Ok(())
    }

    /// The process has loaded the model.
    pub fn note_ready(&self) {
        let mut state = self.state();
        state.failed_starts = 0;
        state.start_at_min = None;
        state.unusable = None;
    }

    /// Lets the process go if no job is on its way to it: from then on the next job starts a new one.
    pub fn let_go(&self, queue: &mpsc::Receiver<Job>) -> bool {
        let mut state = self.state();
        let idle = queue.is_empty();
        if idle {
            state.jobs = None;
        }
        idle
    }

    /// Forgets a process that died, and fails the jobs that were on their way to it.
    pub fn note_death(&self, death: Death, queue: &mut mpsc::Receiver<Job>) {
        let mut state = self.state();
        state.jobs = None;
        match death {
            Death::Working => {}
            Death::Loading => state.note_failed_start(&self.settings),
            Death::Unusable(stamp) => state.unusable = Some(stamp),
        }
        while let Ok(job) = queue.try_recv() {
            // Whoever went away needs no answer.
            let _ = job.said.try_send(Said::Failed(death.failure()));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete by itself, so that a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note_failed_start(&mut self, settings: &EmbeddedSettings) {
        let pause = back_off(settings.times.back_off_min, settings.times.back_off_max, self.failed_starts);
        self.failed_starts = self.failed_starts.saturating_add(1);
        self.start_at_min = Some(Instant::now() + pause);
        warn!(pause_ms = pause.as_millis(), failed_starts = self.failed_starts, "the embedded model did not start");
    }
}

/// The pause after a failed start when `earlier` others failed before it.
fn back_off(min: Duration, max: Duration, earlier: u32) -> Duration {
    min.saturating_mul(2_u32.saturating_pow(earlier)).min(max)
}
