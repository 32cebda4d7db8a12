//! Every setting, as a flag and as an environment variable; `--help` is their documentation.
//!
//! A wrong value ends the program at the start with one line that names it. To add one: a field here with its doc comment,
//! a line in the README's table, and, when it needs more than its type, a check in [`Config::check`].

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, ValueEnum};
use ipnet::IpNet;

use super::{ai::address, origin::PublicUrl};
use crate::domain::limits;

/// What a server is started with.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Where to listen.
    #[arg(long, env = "SARDONYX_ADDR", default_value = "127.0.0.1:3000", value_name = "ADDRESS:PORT")]
    pub addr: SocketAddr,

    /// The address that people type, for example https://chat.example.org. Cookies, links and the cross-site check go by
    /// it. Without it, only browsers on this machine can log in.
    #[arg(long, env = "SARDONYX_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<PublicUrl>,

    /// Proxies in front of this server: addresses or networks, with commas. What they say in X-Forwarded-For about where a
    /// request comes from counts; nobody else's word does.
    #[arg(long, env = "SARDONYX_TRUSTED_PROXIES", value_delimiter = ',', value_parser = parse_network, value_name = "NETWORKS")]
    pub trusted_proxies: Vec<IpNet>,

    #[command(flatten)]
    pub storage: StorageConfig,

    #[command(flatten)]
    pub secrets: SecretConfig,

    #[command(flatten)]
    pub models: ModelConfig,

    #[command(flatten)]
    pub limits: LimitConfig,

    /// How to write the log.
    #[arg(long, env = "SARDONYX_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// What to log: a level, or levels by module, as in "info,sardonyx=debug".
    #[arg(long, env = "SARDONYX_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,

    /// The program whose hidden commands the server uses; this one, but in tests.
    #[arg(skip)]
    pub program: Option<PathBuf>,

    /// How long reading one file may take.
    #[arg(skip = limits::FILE_READER_SECONDS_MAX)]
    pub file_reader_seconds: u64,
}

/// Where things are kept.
#[derive(Args, Clone)]
pub struct StorageConfig {
    /// The database: sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE.
    #[arg(
        long,
        env = "DATABASE_URL",
        default_value = "sqlite://data/sardonyx.db",
        value_name = "URL",
        hide_env_values = true
    )]
    pub database_url: String,

    /// Connections to the database at a time, for each server: on Postgres for everything, and one more while it starts; on
    /// SQLite for reading.
    #[arg(long, env = "SARDONYX_DATABASE_CONNECTIONS", default_value_t = limits::DATABASE_CONNECTIONS, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub database_connections: u32,

    /// Redis (6.2 or newer), for several servers side by side: redis://[:PASSWORD@]HOST:PORT. It keeps the sessions and
    /// carries live events between servers. Without it, sessions are kept in the database.
    #[arg(long, env = "REDIS_URL", value_name = "URL", hide_env_values = true)]
    pub redis_url: Option<String>,

    /// The folder for everything that is kept in files.
    #[arg(long, env = "SARDONYX_DATA", default_value = "data", value_name = "FOLDER")]
    pub data: PathBuf,

    /// Where the content of people's files is kept: a folder, or s3://BUCKET/PREFIX on any S3-compatible server, whose
    /// address and keys come from the usual variables (AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID,
    /// AWS_SECRET_ACCESS_KEY; AWS_ALLOW_HTTP=true for one without TLS). Several servers need the same place. Without it:
    /// the folder `files` in the data folder.
    #[arg(long, env = "SARDONYX_FILES", value_name = "FOLDER|URL")]
    pub files: Option<String>,
}

/// What tokens of the API are signed with, and the keys of providers sealed.
#[derive(Args, Clone)]
pub struct SecretConfig {
    /// The secret that tokens of the API are signed with, and the keys of providers sealed: at least 32 characters that
    /// nobody can guess, for example from `openssl rand -hex 32`. Several servers need the same one. Without it, a secret is
    /// made at the first start and kept in the file `secret` in the data folder.
    #[arg(long, env = "SARDONYX_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub secret: Option<String>,

    /// Secrets that were used before, with commas: tokens that were signed with them stay valid until they end, and keys of
    /// providers that were sealed with them can still be opened.
    #[arg(
        long,
        env = "SARDONYX_SECRET_PREVIOUS",
        value_delimiter = ',',
        value_name = "SECRETS",
        hide_env_values = true
    )]
    pub secret_previous: Vec<String>,
}

/// What answers.
#[derive(Args, Clone)]
pub struct ModelConfig {
    /// An OpenAI-compatible server, with the version in its path: https://api.openai.com/v1, http://127.0.0.1:11434/v1
    /// (Ollama), http://127.0.0.1:8000/v1 (vLLM, llama.cpp, LM Studio …).
    #[arg(long, env = "OPENAI_BASE_URL", value_name = "URL")]
    pub openai_base_url: Option<reqwest::Url>,

    /// Its access key, where it wants one.
    #[arg(long, env = "OPENAI_API_KEY", value_name = "KEY", hide_env_values = true)]
    pub openai_api_key: Option<String>,

    /// The model that a new chat uses: one of that server's, or embedded/NAME. Without it: the server's first one, else the
    /// embedded one.
    #[arg(long, env = "SARDONYX_MODEL", value_name = "MODEL")]
    pub model: Option<String>,

    /// The embedded model: any GGUF file with a chat template. Without it: models/SmolLM2-135M-Instruct.Q4_1.gguf in the
    /// data folder.
    #[arg(long, env = "SARDONYX_MODEL_FILE", value_name = "FILE")]
    pub model_file: Option<PathBuf>,

    /// The model that finds text in files by its meaning: embedded (the small one that comes along), one of a provider's such
    /// as openai/text-embedding-3-small, or off: files are searched by their words alone then.
    #[arg(long, env = "SARDONYX_SEARCH_MODEL", default_value = "embedded", value_name = "MODEL")]
    pub search_model: String,

    /// Replies that the embedded model writes at a time.
    #[arg(long, env = "SARDONYX_EMBEDDED_PARALLEL", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub embedded_parallel: u16,

    /// End the embedded model's process when it was idle for this many seconds.
    #[arg(long, env = "SARDONYX_EMBEDDED_IDLE_SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    pub embedded_idle_seconds: u64,

    /// Seconds to connect to a model's server.
    #[arg(long, env = "SARDONYX_CONNECT_SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub connect_seconds: u64,

    /// Seconds until a model's server must have begun its reply.
    #[arg(long, env = "SARDONYX_FIRST_BYTE_SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub first_byte_seconds: u64,

    /// Seconds without a word after which a reply has stalled.
    #[arg(long, env = "SARDONYX_IDLE_SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub idle_seconds: u64,

    /// Seconds that a reply may take in all.
    #[arg(long, env = "SARDONYX_REPLY_SECONDS", default_value_t = 900, value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub reply_seconds: u64,

    /// Tokens of a conversation that a model can have, its reply included, where its server does not say how many. What does
    /// not fit is summarised or left out.
    #[arg(long, env = "SARDONYX_CONTEXT_TOKENS", default_value_t = limits::CONTEXT_TOKENS, value_parser = context_tokens)]
    pub context_tokens: usize,

    /// Times that a model's server is asked again when it failed before the first word of its reply.
    #[arg(long, env = "SARDONYX_RETRIES", default_value_t = limits::PROVIDER_RETRIES, value_parser = clap::value_parser!(u32).range(0..=5))]
    pub retries: u32,

    /// Seconds that a model's server that fails again and again is left alone; it is not waited for longer when it asks for
    /// time itself.
    #[arg(long, env = "SARDONYX_REST_SECONDS", default_value_t = limits::PROVIDER_REST_SECONDS, value_parser = clap::value_parser!(u64).range(1..=15))]
    pub rest_seconds: u64,
}

/// Limits that a self-hoster may want to move; all others are constants.
#[derive(Args, Clone, Debug)]
pub struct LimitConfig {
    /// Seconds that a session lasts from its log-in.
    #[arg(long, env = "SARDONYX_SESSION_SECONDS", default_value_t = limits::SESSION_SECONDS_MAX, value_parser = clap::value_parser!(i64).range(1..=limits::SESSION_SECONDS_MAX))]
    pub session_seconds: i64,

    /// Replies of one user that may run at a time, on all servers together.
    #[arg(long, env = "SARDONYX_REPLIES_PER_USER", default_value_t = limits::RUNNING_REPLIES_PER_USER_MAX, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub replies_per_user: u64,

    /// Messages that one user may send in a minute, to each server; as many chats can be made.
    #[arg(long, env = "SARDONYX_MESSAGES_PER_MINUTE", default_value_t = limits::MESSAGES_PER_MINUTE_MAX, value_parser = clap::value_parser!(u32).range(1..))]
    pub messages_per_minute: u32,

    /// Requests of all kinds that one user may make in a minute, to each server; as many again for their
    /// programs, and as many again of resumable uploads.
    #[arg(long, env = "SARDONYX_REQUESTS_PER_MINUTE", default_value_t = limits::REQUESTS_PER_MINUTE_MAX, value_parser = clap::value_parser!(u32).range(1..))]
    pub requests_per_minute: u32,

    /// Live connections (tabs) of one user.
    #[arg(long, env = "SARDONYX_SOCKETS_PER_USER", default_value_t = limits::SOCKETS_PER_USER_MAX)]
    pub sockets_per_user: usize,

    /// Seconds between two signs of life on a live connection; fewer where a proxy closes quiet connections early.
    #[arg(long, env = "SARDONYX_PING_SECONDS", default_value_t = limits::SOCKET_PING_SECONDS, value_parser = clap::value_parser!(u64).range(1..=limits::SOCKET_PING_SECONDS))]
    pub ping_seconds: u64,

    /// Seconds that running replies are given to end when the server is told to stop.
    #[arg(long, env = "SARDONYX_DRAIN_SECONDS", default_value_t = limits::DRAIN_SECONDS, value_parser = clap::value_parser!(u64).range(0..=25))]
    pub drain_seconds: u64,

    /// Largest file that people may upload, in millions of bytes.
    #[arg(long, env = "SARDONYX_FILE_MEGABYTES", default_value_t = limits::FILE_MEGABYTES_MAX, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub file_megabytes: u64,

    /// What all files of one user may take, in millions of bytes.
    #[arg(long, env = "SARDONYX_STORAGE_MEGABYTES_PER_USER", default_value_t = limits::STORAGE_MEGABYTES_PER_USER_MAX, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub storage_megabytes_per_user: u64,

    /// Days that entries of the audit log are kept; 0 keeps them for ever.
    #[arg(long, env = "SARDONYX_AUDIT_DAYS", default_value_t = limits::AUDIT_DAYS, value_parser = clap::value_parser!(u32).range(0..=36500))]
    pub audit_days: u32,
}

impl LimitConfig {
    /// How long a browser may be silent that is asked for a sign of life so often.
    pub fn silence(&self) -> Duration {
        Duration::from_secs(2 * self.ping_seconds + limits::SOCKET_GRACE_SECONDS)
    }
}

impl LimitConfig {
    /// Largest file, in bytes.
    pub const fn file_bytes(&self) -> u64 {
        self.file_megabytes * 1_000_000
    }

    /// What all files of one user may take, in bytes.
    pub const fn storage_bytes_per_user(&self) -> u64 {
        self.storage_megabytes_per_user * 1_000_000
    }
}

impl Default for LimitConfig {
    fn default() -> Self {
        Self {
            session_seconds: limits::SESSION_SECONDS_MAX,
            replies_per_user: limits::RUNNING_REPLIES_PER_USER_MAX,
            messages_per_minute: limits::MESSAGES_PER_MINUTE_MAX,
            requests_per_minute: limits::REQUESTS_PER_MINUTE_MAX,
            sockets_per_user: limits::SOCKETS_PER_USER_MAX,
            ping_seconds: limits::SOCKET_PING_SECONDS,
            drain_seconds: limits::DRAIN_SECONDS,
            file_megabytes: limits::FILE_MEGABYTES_MAX,
            storage_megabytes_per_user: limits::STORAGE_MEGABYTES_PER_USER_MAX,
            audit_days: limits::AUDIT_DAYS,
        }
    }
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

impl Config {
    /// Checks what a type cannot.
    ///
    /// # Errors
    /// A line that names the setting and what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        self.storage.check()?;
        self.secrets.check()?;
        self.models.check()
    }
}

impl StorageConfig {
    /// As [`Config::check`], for commands that need nothing but the database.
    ///
    /// # Errors
    /// A line that names the setting and what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        let scheme = self.database_url.split(':').next().unwrap_or_default();
        if !["sqlite", "postgres", "postgresql"].contains(&scheme) {
            return Err("DATABASE_URL must begin with sqlite:// or postgres://".to_owned());
        }
        if self.database_url.contains(":memory:") || self.database_url.contains("mode=memory") {
            return Err("DATABASE_URL: a database in memory would forget everything at the end".to_owned());
        }
        if let Some(url) = &self.redis_url
            && !["redis://", "rediss://"].iter().any(|scheme| url.starts_with(scheme))
        {
            return Err("REDIS_URL must begin with redis:// or rediss://".to_owned());
        }
        Ok(())
    }

    /// The database's file, when it is one.
    pub fn sqlite_file(&self) -> Option<PathBuf> {
        let path = self.database_url.strip_prefix("sqlite:")?;
        Some(PathBuf::from(path.trim_start_matches("//").split('?').next().unwrap_or_default()))
    }
}

impl SecretConfig {
    fn check(&self) -> Result<(), String> {
        let is_short = |secret: &String| secret.chars().count() < limits::SECRET_CHARS_MIN;
        let (current, previous) = (self.secret.as_ref(), &self.secret_previous);
        let name = match (current.is_some_and(is_short), previous.iter().any(is_short)) {
            (true, _) => "SARDONYX_SECRET",
            (false, true) => "SARDONYX_SECRET_PREVIOUS",
            (false, false) => return Ok(()),
        };
        Err(format!("{name}: a secret must have at least {} characters", limits::SECRET_CHARS_MIN))
    }
}

impl ModelConfig {
    fn check(&self) -> Result<(), String> {
        if let Some(Err(reason)) = self.openai_base_url.as_ref().map(address::check) {
            return Err(format!("OPENAI_BASE_URL {reason}; the key goes into OPENAI_API_KEY"));
        }
        if let Some(key) = &self.openai_api_key
            && (key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err("OPENAI_API_KEY is empty or has characters that no key has".to_owned());
        }
        if let Some(file) = &self.model_file
            && !file.is_file()
        {
            return Err(format!("SARDONYX_MODEL_FILE: there is no file {}", file.display()));
        }
        Ok(())
    }
}

fn context_tokens(text: &str) -> Result<usize, String> {
    let (min, max) = (limits::CONTEXT_TOKENS_MIN, limits::CONTEXT_TOKENS_MAX);
    let tokens = text.parse().ok().filter(|tokens| (min..=max).contains(tokens));
    tokens.ok_or_else(|| format!("{text} is not in {min}..={max}"))
}

/// A network, or one address.
fn parse_network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    network.ok_or_else(|| format!("{text} is neither an address nor a network such as 10.0.0.0/8"))
}

impl std::fmt::Debug for StorageConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Both addresses may carry a password.
        f.debug_struct("StorageConfig").field("redis", &self.redis_url.is_some()).field("data", &self.data).finish()
    }
}

impl std::fmt::Debug for SecretConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretConfig").field("secret", &self.secret.is_some()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ModelConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelConfig")
            .field("openai_base_url", &self.openai_base_url)
            .field("model", &self.model)
            .finish()
    }
}
