//! The log, on stderr. It never holds a message's text, a password, a token or a key: what is logged is named field by
//! field, and paths go in without their query.

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use super::config::{Config, LogFormat};

/// What libraries may say at most: at a lower level some of them print the data they carry.
const LIBRARIES: &str = "sqlx=warn,sea_orm=warn,sea_orm_migration=warn,fred=warn,hyper=info,tower_sessions=error,tower_sessions_core=error,html5ever=error";

/// Starts to log.
///
/// # Errors
/// A line that names the setting when the filter cannot be read.
pub fn start(config: &Config) -> Result<(), String> {
    let filter =
        EnvFilter::try_new(format!("{LIBRARIES},{}", config.log)).map_err(|error| format!("SARDONYX_LOG: {error}"))?;
    let registry = tracing_subscriber::registry().with(filter);
    let started = match config.log_format {
        LogFormat::Text => registry.with(fmt::layer().with_writer(std::io::stderr).with_target(false)).try_init(),
        LogFormat::Json => registry.with(fmt::layer().json().with_writer(std::io::stderr)).try_init(),
    };
    started.map_err(|error| error.to_string())
}
