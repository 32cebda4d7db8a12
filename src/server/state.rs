//! What every part of the server shares.

use std::sync::Arc;

use axum::extract::FromRef;
use leptos::config::LeptosOptions;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::{
    ai::Models,
    assets::Assets,
    auth::{keys::Keys, password::Passwords, throttle::Throttle},
    config::Config,
    db::Db,
    files::{Intake, Meanings, Readers, blobs::Blobs},
    flood::Flood,
    live::Live,
    origin::Origins,
    replies::{Running, SummaryPauses, Views},
    site::Site,
};
use crate::error::{Error, Result};

/// Cheap to clone; each field is shared.
#[derive(Clone)]
pub struct AppState {
    pub config: Arc<Config>,
    pub origins: Origins,
    pub assets: Arc<Assets>,
    pub leptos_options: LeptosOptions,
    pub db: Db,
    /// The content of files.
    pub blobs: Blobs,
    /// The uploads that are taken in.
    pub intake: Arc<Intake>,
    /// What reads them.
    pub readers: Arc<Readers>,
    /// What finds text by its meaning.
    pub meanings: Arc<Meanings>,
    pub passwords: Passwords,
    pub throttle: Throttle,
    /// How much each user asks for.
    pub flood: Flood,
    /// What tokens of the API are signed with, and secrets sealed.
    pub keys: Arc<Keys>,
    pub models: Arc<Models>,
    /// What holds for everybody.
    pub site: Arc<Site>,
    pub live: Arc<Live>,
    pub running: Arc<Running>,
    pub views: Arc<Views>,
    pub summary_pauses: Arc<SummaryPauses>,
    /// Names this server to the others: who writes a reply, whose events are one's own.
    pub instance: Uuid,
    /// Cancelled when the server is told to stop.
    pub stopping: CancellationToken,
    /// Work that outlives its request: replies and sockets. The server waits for it before it ends.
    pub tasks: TaskTracker,
}

impl AppState {
    /// Does something to its end, also when whoever asked for it goes away meanwhile.
    ///
    /// # Errors
    /// What it ends with.
    pub async fn finish<T: Send + 'static>(&self, job: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        self.tasks.spawn(job).await.unwrap_or(Err(Error::Internal))
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos_options.clone()
    }
}
