//! For load balancers: `/healthz` says that the process lives, `/readyz` that it can serve.

use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{db::Pending, redis::Redis, state::AppState};

/// Alive.
pub async fn alive() -> &'static str {
    "ok"
}

/// Database, its schema and Redis answer, and the server is not about to stop.
pub async fn ready(State(state): State<AppState>, Extension(redis): Extension<Option<Redis>>) -> Response {
    let database = state.db.ping().await.is_ok();
    let migrations = database && state.db.pending_migrations().await == Ok(Pending::None);
    let redis = match redis {
        Some(redis) => redis.ping().await,
        None => true,
    };
    let stopping = state.stopping.is_cancelled();
    let is_ready = database && migrations && redis && !stopping;
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "ready": is_ready, "database": database, "migrations": migrations, "redis": redis, "stopping": stopping });
    (status, axum::Json(body)).into_response()
}
