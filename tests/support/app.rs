//! A server as it runs, inside the test's process.

use std::{net::SocketAddr, sync::Arc};

use sardonyx::{
    domain::limits,
    router,
    server::{
        ai::{Models, Provider},
        auth::store::Store,
        config::{Config, LimitConfig, LogFormat, ModelConfig, SecretConfig, StorageConfig},
        serve::{self, Server},
        state::AppState,
    },
};
use tokio::task::JoinHandle;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
};

use super::{
    Client, Upstream,
    canaries::Canaries,
    database::{Kind, TestDatabase, needed},
    logs,
    people::PASSWORD,
    soon, times,
};

/// The model that the scripted upstream offers first.
pub const MODEL: &str = "test-model";

/// What a server is to be like.
#[derive(Clone)]
pub struct Setup {
    kind: Kind,
    has_redis: bool,
    changes: Vec<Change>,
    provider: Option<Arc<dyn Provider>>,
}

type Change = Arc<dyn Fn(&mut Config) + Send + Sync>;

impl Setup {
    pub fn sqlite() -> Self {
        Self { kind: Kind::Sqlite, has_redis: false, changes: Vec::new(), provider: None }
    }

    pub fn postgres() -> Self {
        Self { kind: Kind::Postgres, ..Self::sqlite() }
    }

    pub fn with_redis(self) -> Self {
        Self { has_redis: true, ..self }
    }

    /// Changes a setting.
    pub fn config(mut self, change: impl Fn(&mut Config) + Send + Sync + 'static) -> Self {
        self.changes.push(Arc::new(change));
        self
    }

    /// Replaces every provider of models by this one.
    pub fn provider(self, provider: Arc<dyn Provider>) -> Self {
        Self { provider: Some(provider), ..self }
    }

    pub fn is_sqlite(&self) -> bool {
        self.kind == Kind::Sqlite
    }

    pub fn has_redis(&self) -> bool {
        self.has_redis
    }
}

/// A running server.
pub struct TestApp {
    pub state: AppState,
    pub store: Store,
    pub upstream: Arc<Upstream>,
    pub database: Arc<TestDatabase>,
    pub addr: SocketAddr,
    pub http: reqwest::Client,
    pub canaries: Canaries,
    config: Config,
    serving: Option<JoinHandle<()>>,
}

impl TestApp {
    /// Starts a server with an empty database of its own.
    pub async fn start(setup: Setup) -> Self {
        logs::keep();
        // As in `main`; only the first test does it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let database = Arc::new(TestDatabase::create(setup.kind).await);
        let upstream = Arc::new(Upstream::start().await);
        let mut config = config(&database, &upstream, setup.has_redis);
        for change in &setup.changes {
            change(&mut config);
        }
        let canaries = Canaries::new();
        canaries.add(PASSWORD);
        canaries.add("sk-of-the-tests");
        Self::run(config, database, upstream, setup.provider, canaries).await
    }

    /// Another server beside this one, with the same database, Redis and upstream.
    pub async fn another(&self) -> Self {
        self.another_with(|_| {}).await
    }

    /// The same with other settings.
    pub async fn another_with(&self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = self.config.clone();
        change(&mut config);
        Self::run(config, Arc::clone(&self.database), Arc::clone(&self.upstream), None, self.canaries.clone()).await
    }

    /// Stops the server and starts it again, at another port.
    pub async fn restart(mut self) -> Self {
        self.stop().await;
        self.another().await
    }

    /// The same with other settings.
    pub async fn restart_with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self.restart().await
    }

    /// Tells the server to stop and waits until it has.
    pub async fn stop(&mut self) {
        self.state.stopping.cancel();
        if let Some(serving) = self.serving.take() {
            soon("the server's end", serving).await.unwrap();
        }
    }

    /// A browser that nobody has logged in with.
    pub fn anonymous(&self) -> Client {
        Client::new(self.http.clone(), self.addr, self.canaries.clone())
    }

    /// The record of the session with this cookie, if the store has one.
    pub async fn session_record(&self, cookie: &str) -> Option<Record> {
        self.store.load(&cookie.parse::<Id>().unwrap()).await.unwrap()
    }

    /// Rewrites what a session holds, as nobody but the store could.
    pub async fn change_session(&self, cookie: &str, change: impl FnOnce(&mut Record)) {
        let mut record = self.session_record(cookie).await.unwrap();
        change(&mut record);
        self.store.save(&record).await.unwrap();
    }

    async fn run(
        mut config: Config,
        database: Arc<TestDatabase>,
        upstream: Arc<Upstream>,
        provider: Option<Arc<dyn Provider>>,
        canaries: Canaries,
    ) -> Self {
        let listener = serve::listen(([127, 0, 0, 1], 0).into()).unwrap();
        let addr = listener.local_addr().unwrap();
        config.addr = addr;
        let mut server = Server::start(config.clone()).await.unwrap();
        if let Some(provider) = provider {
            server.state.models = Arc::new(Models::new(vec![provider], None));
        }
        let (state, store) = (server.state.clone(), server.store.clone());
        let app = router::new(&server);
        let serving = tokio::spawn(server.run(listener, app));
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        Self { state, store, upstream, database, addr, http, canaries, config, serving: Some(serving) }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.state.stopping.cancel();
        // S18, U9: after every test.
        self.upstream.said().iter().for_each(|text| self.canaries.add(text));
        self.canaries.check();
    }
}

fn config(database: &TestDatabase, upstream: &Upstream, has_redis: bool) -> Config {
    Config {
        addr: SocketAddr::from(([127, 0, 0, 1], 0)),
        public_url: None,
        trusted_proxies: Vec::new(),
        file_reader_seconds: limits::FILE_READER_SECONDS_MAX,
        program: Some(env!("CARGO_BIN_EXE_sardonyx").into()),
        storage: StorageConfig {
            database_url: database.url.clone(),
            // In the long form, whatever would need two connections at once waits for itself.
            database_connections: u32::try_from(times(16, 1)).unwrap(),
            redis_url: has_redis.then(|| needed("SARDONYX_TEST_REDIS")),
            data: database.folder.clone(),
            files: None,
        },
        secrets: SecretConfig { secret: None, secret_previous: Vec::new() },
        models: ModelConfig {
            openai_base_url: Some(upstream.url().parse().unwrap()),
            openai_api_key: Some("sk-of-the-tests".to_owned()),
            model: Some(MODEL.to_owned()),
            search_model: "off".to_owned(),
            model_file: None,
            embedded_parallel: 1,
            embedded_idle_seconds: 1,
            connect_seconds: 5,
            first_byte_seconds: 60,
            idle_seconds: 60,
            reply_seconds: 300,
            // What a test says of the first question is meant.
            retries: 0,
            rest_seconds: 1,
            context_tokens: limits::CONTEXT_TOKENS,
        },
        limits: LimitConfig {
            // A test is quicker than any person; those about these limits set their own.
            replies_per_user: 400,
            messages_per_minute: 100_000,
            requests_per_minute: 1_000_000,
            drain_seconds: 1,
            ..LimitConfig::default()
        },
        log_format: LogFormat::Text,
        log: "info".to_owned(),
    }
}
