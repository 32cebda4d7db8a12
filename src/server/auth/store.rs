//! Where sessions are kept: Redis when it is configured, the database otherwise.

use async_trait::async_trait;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store,
};
use tower_sessions_redis_store::RedisStore;

use super::session::id_hash;
use crate::server::db::Db;

/// The two stores behind one type, chosen once at the start.
#[derive(Clone)]
pub enum Store {
    Embedded(Db),
    Redis(RedisStore<fred::clients::Pool>),
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Embedded(_) => "Embedded",
            Self::Redis(_) => "Redis",
        })
    }
}

#[async_trait]
impl SessionStore for Store {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        match self {
            Self::Redis(redis) => redis.create(record).await,
            Self::Embedded(db) => {
                while !db
                    .add_session_record(id_hash(&record.id), encode(record)?, expires_at_ms(record))
                    .await
                    .map_err(backend)?
                {
                    record.id = Id::default();
                }
                Ok(())
            }
        }
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        match self {
            Self::Redis(redis) => redis.save(record).await,
            Self::Embedded(db) => db
                .update_session_record(id_hash(&record.id), encode(record)?, expires_at_ms(record))
                .await
                .map_err(backend),
        }
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        match self {
            Self::Redis(redis) => redis.load(id).await,
            Self::Embedded(db) => match db.find_session_record(&id_hash(id)).await.map_err(backend)? {
                None => Ok(None),
                Some(data) => {
                    let mut record: Record =
                        serde_json::from_str(&data).map_err(|error| session_store::Error::Decode(error.to_string()))?;
                    record.id = *id;
                    Ok(Some(record))
                }
            },
        }
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        match self {
            Self::Redis(redis) => redis.delete(id).await,
            Self::Embedded(db) => db.delete_session_record(id_hash(id)).await.map_err(backend),
        }
    }
}

/// The record without its id, which is the secret.
fn encode(record: &Record) -> session_store::Result<String> {
    let record = Record { id: Id(0), ..record.clone() };
    serde_json::to_string(&record).map_err(|error| session_store::Error::Encode(error.to_string()))
}

fn expires_at_ms(record: &Record) -> i64 {
    record.expiry_date.unix_timestamp().saturating_mul(1_000)
}

fn backend(error: crate::error::Error) -> session_store::Error {
    session_store::Error::Backend(error.code().to_owned())
}
