//! A server from its start to its end: connect, migrate, listen, drain.
//!
//! Told to stop (SIGTERM, Ctrl-C), it says that it is not ready, takes no new connection, gives its replies some time,
//! hands over what is left of them with what they have, tells the live connections that it restarts, and ends. Told a second
//! time, it ends at once.

use std::{
    fs::{File, TryLockError},
    io,
    net::SocketAddr,
    path::PathBuf,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use leptos::config::{LeptosOptions, get_config_from_str};
use tokio::{
    net::{TcpListener, TcpSocket},
    signal::unix::{SignalKind, signal},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;
use uuid::Uuid;

use super::{
    ai::{
        Models, Provider,
        embedded::{Embedded, EmbeddedSettings, meaning::MeaningSettings},
        remote::Remote,
    },
    assets::Assets,
    auth::{keys::Keys, password::Passwords, setup, store::Store, throttle::Throttle},
    config::{Config, StorageConfig},
    db::Db,
    files::{self, Meanings, Readers, blobs::Blobs},
    flood::Flood,
    live::Live,
    origin::Origins,
    redis::Redis,
    replies::{Running, Views, sweep},
    site::{self, Site},
    state::AppState,
};
use crate::domain::{
    limits,
    live::CloseReason,
    model::{EMBEDDED_PROVIDER, ModelName},
};

/// The embedded model's file in the data folder.
const MODEL_FILE: &str = "models/SmolLM2-135M-Instruct.Q4_1.gguf";
/// The model for searching, and its tokenizer, beside it.
const SEARCH_MODEL_FILE: &str = "models/all-MiniLM-L6-v2.int8.onnx";
const EMBEDDED_SEARCH_MODEL: &str = "all-minilm-l6-v2";
const SEARCH_TOKENIZER_FILE: &str = "models/all-MiniLM-L6-v2.tokenizer.json";
/// What people see before the slash of the models of `OPENAI_BASE_URL`.
const CONFIGURED: &str = "openai";
/// Time for what is left after the replies: requests and live connections.
const CLOSE_SECONDS_MAX: u64 = 4;
/// A request's head: its line and all its headers.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Wait after a connection could not be taken, for example because there are too many open files.
const ACCEPT_PAUSE_MS: u64 = 50;

/// A server that is ready to listen.
pub struct Server {
    pub state: AppState,
    pub store: Store,
    pub redis: Option<Redis>,
    /// Held until the process ends.
    _lock: Option<File>,
}

/// The open connections, and the word that each of them shall end with its current request.
#[derive(Default)]
struct Connections {
    open: TaskTracker,
    closing: CancellationToken,
}

impl Server {
    /// Connects to everything and brings the database up to date.
    ///
    /// # Errors
    /// One line that names the setting and what is wrong.
    pub async fn start(config: Config) -> Result<Self, String> {
        config.check()?;
        let lock = lock_data(&config.storage)?;
        make_data_folder(&config.storage)?;
        let keys = Keys::load(&config.secrets, &config.storage.data)?;
        let db = open_database(&config.storage).await?;
        let redis = match &config.storage.redis_url {
            Some(url) => Some(Redis::connect(url).await?),
            None => None,
        };
        let store = match &redis {
            Some(redis) => Store::Redis(tower_sessions_redis_store::RedisStore::new(redis.pool.clone())),
            None => Store::Embedded(db.clone()),
        };
        let instance = Uuid::new_v4();
        let live = Live::new(instance, redis.as_ref());
        let running = Arc::new(Running::default());
        let stop = Arc::downgrade(&running);
        live.on_stop(move |message_id| {
            if let Some(running) = stop.upgrade() {
                running.stop(message_id);
            }
        });
        let site = Arc::new(Site::default());
        let of_others = Arc::downgrade(&site);
        live.on_site_changed(move || {
            if let Some(site) = of_others.upgrade() {
                site.changed_elsewhere();
            }
        });
        let state = AppState {
            origins: Origins::new(config.public_url.as_ref(), config.addr),
            assets: Arc::new(Assets::load()),
            leptos_options: leptos_options()?,
            throttle: Throttle::new(db.clone()),
            flood: Flood::new(&config.limits),
            models: Arc::new(connect_models(&config, &db)?),
            db,
            blobs: Blobs::open(&config.storage).await?,
            intake: Arc::default(),
            meanings: Arc::new(Meanings::new(search_model(&config)?)),
            readers: Arc::new(Readers::new(program(&config)?)),
            keys: Arc::new(keys),
            passwords: Passwords::new(),
            site,
            live,
            running,
            views: Arc::new(Views::default()),
            summary_pauses: Arc::default(),
            instance,
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            config: Arc::new(config),
        };
        state.passwords.prepare();
        site::reload(&state).await.map_err(|error| format!("DATABASE_URL: {}", error.text()))?;
        state.tasks.spawn(site::run(state.clone(), Duration::from_secs(limits::SITE_RELOAD_SECONDS_MAX)));
        sweep::take_over_left_behind(&state).await;
        state.tasks.spawn(sweep::run(state.clone()));
        state.tasks.spawn(sweep::sweep_sessions(state.clone()));
        state.tasks.spawn(files::sweep::run(state.clone()));
        state.tasks.spawn(files::reading::run(state.clone()));
        Ok(Self { state, store, redis, _lock: lock })
    }

    /// Prints the link to the first account, while there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn print_setup_link(&self) -> Result<(), String> {
        let link = setup::new_link(&self.state.db).await.map_err(|error| error.text())?;
        if let Some(path) = link {
            println!(
                "\nThere is no account yet. Create the first one here:\n\n    {}{path}\n",
                self.state.origins.base_url()
            );
        }
        Ok(())
    }

    /// Serves until told to stop, then drains.
    pub async fn run(self, listener: TcpListener, app: Router) {
        let connections = Connections::default();
        accept(&self.state, &listener, app, &connections).await;
        drop(listener);
        self.drain(connections).await;
    }

    async fn drain(self, connections: Connections) {
        let Self { state, redis, _lock, .. } = self;
        tracing::info!(replies = state.running.count(), "stopping");
        let patience = Duration::from_secs(state.config.limits.drain_seconds);
        let _ = timeout(patience, replies_end(&state)).await;
        // What is left keeps its text, and goes on elsewhere or at the next start.
        state.running.interrupt_all();
        let closing = Duration::from_secs(CLOSE_SECONDS_MAX);
        let _ = timeout(closing, replies_end(&state)).await;
        state.live.close_all(CloseReason::Restarting);
        state.tasks.close();
        let _ = timeout(closing, state.tasks.wait()).await;
        connections.closing.cancel();
        connections.open.close();
        let _ = timeout(closing, connections.open.wait()).await;
        state.db.close().await;
        if let Some(redis) = redis {
            let _ = timeout(closing, redis.close()).await;
        }
        tracing::info!("stopped");
    }
}

/// A place to take connections at. As many may wait to be taken as the kernel allows: beyond that it drops them in silence
/// and each tries again after seconds, which a site's tabs would feel that all come back at once.
///
/// # Errors
/// When the address is taken or not this machine's.
pub fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As the standard library does it: a server that starts again gets its address at once.
    socket.set_reuseaddr(cfg!(unix))?;
    socket.bind(addr)?;
    socket.listen(limits::CONNECTIONS_MAX as u32)
}

/// Opens the database and brings it up to date; also for the command line.
///
/// # Errors
/// One line that names the setting and what is wrong.
pub async fn open_database(storage: &StorageConfig) -> Result<Db, String> {
    storage.check()?;
    make_data_folder(storage)?;
    let db = Db::connect(&storage.database_url, storage.database_connections).await?;
    db.migrate().await?;
    Ok(db)
}

fn make_data_folder(storage: &StorageConfig) -> Result<(), String> {
    std::fs::create_dir_all(&storage.data)
        .map_err(|error| format!("SARDONYX_DATA: {} cannot be made: {error}", storage.data.display()))
}

/// A SQLite database belongs to one server: a second one would take the first one's replies for lost.
fn lock_data(storage: &StorageConfig) -> Result<Option<File>, String> {
    let Some(file) = storage.sqlite_file() else { return Ok(None) };
    make_data_folder(storage)?;
    let path = file.with_added_extension("lock");
    let explain = |error: io::Error| format!("DATABASE_URL: {} cannot be made: {error}", path.display());
    let lock = File::create(&path).map_err(explain)?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => {
            Err(format!("DATABASE_URL: another server is using {}; several servers need Postgres", file.display()))
        }
        // A file system without locks: then it cannot be told.
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// Tells once when the process is asked to stop; the second time ends it.
pub fn stop_on_signals(stopping: CancellationToken) -> Result<(), String> {
    let watch = |kind| signal(kind).map_err(|error| format!("signals cannot be heard: {error}"));
    let (mut terminate, mut interrupt) = (watch(SignalKind::terminate())?, watch(SignalKind::interrupt())?);
    tokio::spawn(async move {
        for is_second in [false, true] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if is_second {
                std::process::exit(1);
            }
            stopping.cancel();
        }
    });
    Ok(())
}

/// What Leptos needs to know, from the file that is built into the binary.
fn leptos_options() -> Result<LeptosOptions, String> {
    get_config_from_str(include_str!("../../Leptos.toml")).map_err(|error| format!("Leptos.toml: {error}"))
}

fn connect_models(config: &Config, db: &Db) -> Result<Models, String> {
    let models = &config.models;
    let mut providers: Vec<Arc<dyn Provider>> = Vec::new();
    if let Some(base_url) = &models.openai_base_url {
        let remote = Remote::new(CONFIGURED, base_url, models.openai_api_key.clone(), models, Arc::new(db.clone()));
        providers.push(Arc::new(remote.map_err(|reason| format!("OPENAI_BASE_URL: {reason}"))?));
    }
    let model_file: PathBuf = models.model_file.clone().unwrap_or_else(|| config.storage.data.join(MODEL_FILE));
    let program = program(config)?;
    let settings = EmbeddedSettings {
        parallel: usize::from(models.embedded_parallel),
        idle_seconds: models.embedded_idle_seconds,
        ..EmbeddedSettings::new(model_file, program)
    };
    let meaning = MeaningSettings {
        model_file: config.storage.data.join(SEARCH_MODEL_FILE),
        tokenizer_file: config.storage.data.join(SEARCH_TOKENIZER_FILE),
        program: settings.program.clone(),
        idle_seconds: settings.idle_seconds,
    };
    providers.push(Arc::new(Embedded::new(settings, meaning)));
    Ok(Models::new(providers, models.model.as_deref()))
}

/// The model that finds text by its meaning, if there is to be one.
fn search_model(config: &Config) -> Result<Option<ModelName>, String> {
    match config.models.search_model.as_str() {
        "off" => Ok(None),
        "embedded" => Ok(ModelName::new(EMBEDDED_PROVIDER, EMBEDDED_SEARCH_MODEL).ok()),
        name => ModelName::parse(name)
            .map(Some)
            .map_err(|_| format!("SARDONYX_SEARCH_MODEL: {name} is neither embedded, off, nor PROVIDER/MODEL")),
    }
}

/// This program. On Linux not its path but the running file itself: an update may have replaced or removed the path.
fn program(config: &Config) -> Result<PathBuf, String> {
    if let Some(program) = &config.program {
        return Ok(program.clone());
    }
    if cfg!(target_os = "linux") {
        return Ok(PathBuf::from("/proc/self/exe"));
    }
    std::env::current_exe().map_err(|error| format!("this program's own file cannot be found: {error}"))
}

/// Takes connections until told to stop. Every wait for a client is bounded: one that sends its request's head slowly, or
/// nothing at all, is let go.
async fn accept(state: &AppState, listener: &TcpListener, app: Router, connections: &Connections) {
    let places = Arc::new(Semaphore::new(limits::CONNECTIONS_MAX));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits::REQUEST_HEAD_SECONDS_MAX))
        .max_buf_size(HEAD_BYTES_MAX);
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let (stream, address) = tokio::select! {
            () = state.stopping.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::error!(%error, "a connection could not be taken");
                    sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
                    continue;
                }
            },
        };
        // Pieces of a reply are small and must not wait for each other.
        let _ = stream.set_nodelay(true);
        let service = app.clone().map_request(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(address));
            request
        });
        let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).with_upgrades();
        let closing = connections.closing.clone();
        connections.open.spawn(async move {
            let mut connection = pin!(connection);
            // What a client does wrong on its connection is its own affair.
            tokio::select! {
                _ = connection.as_mut() => {}
                () = closing.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    let _ = connection.await;
                }
            }
            drop(place);
        });
    }
}

async fn replies_end(state: &AppState) {
    while state.running.count() > 0 {
        sleep(Duration::from_millis(50)).await;
    }
}
