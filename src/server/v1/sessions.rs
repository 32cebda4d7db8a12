//! Active sessions: those of browsers and those of programs.

use axum::{Json, extract::State, http::StatusCode};

use super::{
    Refusal,
    caller::{Caller, OwnSession},
    input::Id,
    views::{EndedView, ErrorView, SessionView},
};
use crate::{
    domain::{ids::SessionId, session::Sessions},
    error::Error,
    server::{auth::session, state::AppState},
};

/// Every session that can be used: this one, then the last used one first.
#[utoipa::path(
    get,
    path = "/api/v1/sessions",
    tag = "Sessions",
    responses((status = 200, description = "The sessions", body = Vec<SessionView>)),
)]
pub async fn list_sessions(caller: Caller<OwnSession>) -> Result<Json<Vec<SessionView>>, Refusal> {
    let known = caller.shown.session()?;
    let sessions = known.db.list_sessions(known.session_id).await?;
    Ok(Json(sessions.into_iter().map(SessionView::from).collect()))
}

/// End every session but this one.
#[utoipa::path(
    delete,
    path = "/api/v1/sessions",
    tag = "Sessions",
    responses((status = 200, description = "How many there were", body = EndedView)),
)]
pub async fn end_other_sessions(
    State(state): State<AppState>,
    caller: Caller<OwnSession>,
) -> Result<Json<EndedView>, Refusal> {
    let known = caller.shown.session()?;
    let ended = session::revoke(&state, known, Sessions::AllBut(known.session_id)).await?;
    Ok(Json(EndedView { ended }))
}

/// End one session; its tokens are worth nothing from now on. This may be the one that asks.
#[utoipa::path(
    delete,
    path = "/api/v1/sessions/{id}",
    tag = "Sessions",
    params(("id" = String, Path, description = "The session's id")),
    responses(
        (status = 204, description = "It has ended"),
        (status = 404, description = "It is not active, or is not yours", body = ErrorView),
    ),
)]
pub async fn end_session(
    State(state): State<AppState>,
    caller: Caller<OwnSession>,
    Id(id): Id<SessionId>,
) -> Result<StatusCode, Refusal> {
    match session::revoke(&state, caller.shown.session()?, Sessions::One(id)).await? {
        0 => Err(Error::NotFound.into()),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}
