//! Connections to Redis, with a limit on every wait: a Redis that is away must cost a request two seconds, not its life.

use std::time::Duration;

use fred::{
    clients::{Pool, SubscriberClient},
    prelude::{Builder, ClientLike, Config as RedisConfig, ReconnectPolicy},
    types::{InfoKind, RespVersion, config::UnresponsiveConfig},
};

/// One command, its way there and back.
const COMMAND_MS_MAX: u64 = 1_500;
/// The first connection.
const CONNECT_SECONDS_MAX: u64 = 5;
/// Between two attempts to connect again.
const RECONNECT_MS_MIN: u32 = 100;
const RECONNECT_MS_MAX: u32 = 2_000;
/// Connections for commands.
const POOL_CONNECTIONS: usize = 4;
/// The oldest version that has `SET … EXAT`.
const VERSION_MIN: (u32, u32) = (6, 2);

/// Both kinds of connection.
#[derive(Clone)]
pub struct Redis {
    pub pool: Pool,
    pub subscriber: SubscriberClient,
}

impl Redis {
    /// Connects and looks at the version.
    ///
    /// # Errors
    /// A line that says what is wrong, without the address, which may carry a password.
    pub async fn connect(url: &str) -> Result<Self, String> {
        // One that is too old fails here already: it does not know how to say which protocol it speaks.
        let explain = |error: fred::error::Error| {
            format!("REDIS_URL: Redis cannot be used (6.2 or newer is needed): {}", error.details())
        };
        let mut config = RedisConfig::from_url(url).map_err(explain)?;
        // In which a connection that subscribes can also be asked something.
        config.version = RespVersion::RESP3;
        let mut builder = Builder::from_config(config);
        builder
            .with_connection_config(|connection| {
                connection.connection_timeout = Duration::from_secs(CONNECT_SECONDS_MAX);
                connection.internal_command_timeout = Duration::from_secs(CONNECT_SECONDS_MAX);
                connection.max_command_attempts = 2;
                // Finds a connection whose other end is silently gone.
                connection.unresponsive =
                    UnresponsiveConfig { max_timeout: Some(Duration::from_secs(10)), interval: Duration::from_secs(2) };
            })
            .with_performance_config(|performance| {
                performance.default_command_timeout = Duration::from_millis(COMMAND_MS_MAX);
                performance.broadcast_channel_capacity = 4_096;
            })
            .set_policy(ReconnectPolicy::new_exponential(0, RECONNECT_MS_MIN, RECONNECT_MS_MAX, 2));
        let pool = builder.build_pool(POOL_CONNECTIONS).map_err(explain)?;
        let subscriber = builder.build_subscriber_client().map_err(explain)?;
        let connect = async {
            pool.init().await?;
            subscriber.init().await
        };
        tokio::time::timeout(Duration::from_secs(CONNECT_SECONDS_MAX), connect)
            .await
            .map_err(|_| "REDIS_URL: Redis does not answer".to_owned())?
            .map_err(explain)?;
        let redis = Self { pool, subscriber };
        redis.check_version().await?;
        Ok(redis)
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> bool {
        self.pool.ping::<String>(None).await.is_ok()
    }

    /// Ends the connections.
    pub async fn close(&self) {
        // Nothing is lost when this fails: the process ends.
        let _ = self.subscriber.quit().await;
        let _ = self.pool.quit().await;
    }

    async fn check_version(&self) -> Result<(), String> {
        let info: String = self
            .pool
            .info(Some(InfoKind::Server))
            .await
            .map_err(|error| format!("REDIS_URL: Redis cannot be used: {}", error.details()))?;
        let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or_default().trim();
        let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or_default());
        let found = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
        if found >= VERSION_MIN {
            Ok(())
        } else {
            Err(format!("REDIS_URL: Redis {version} is too old; 6.2 or newer is needed"))
        }
    }
}
