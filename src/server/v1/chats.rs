//! Chats.

use axum::{Json, extract::State, http::StatusCode};

use super::{
    Refusal,
    caller::{Caller, ChatsRead, ChatsWrite},
    input::{Body, Id, Params},
    views::{ChatPageView, ChatParams, ChatRequest, ChatView, ErrorView},
};
use crate::{
    domain::{chat::ChatCursor, ids::ChatId},
    error::{Error, InvalidInput},
    server::state::AppState,
};

/// The chats, newest first, a page at a time.
#[utoipa::path(
    get,
    path = "/api/v1/chats",
    tag = "Chats",
    params(ChatParams),
    responses((status = 200, description = "A page", body = ChatPageView)),
)]
pub async fn list_chats(
    caller: Caller<ChatsRead>,
    Params(params): Params<ChatParams>,
) -> Result<Json<ChatPageView>, Refusal> {
    let before = match (params.before_ms, params.before_id) {
        (None, None) => None,
        (Some(updated_at_ms), Some(id)) => {
            Some(ChatCursor { updated_at_ms, id: id.parse().map_err(|_| InvalidInput::Cursor)? })
        }
        _ => return Err(InvalidInput::Cursor.into()),
    };
    Ok(Json(caller.db().list_chats(before).await?.into()))
}

/// A new, empty chat.
#[utoipa::path(
    post,
    path = "/api/v1/chats",
    tag = "Chats",
    request_body = ChatRequest,
    responses((status = 201, description = "The chat", body = ChatView)),
)]
pub async fn create_chat(
    State(state): State<AppState>,
    caller: Caller<ChatsWrite>,
    Body(_): Body<ChatRequest>,
) -> Result<(StatusCode, Json<ChatView>), Refusal> {
    let db = caller.db();
    let chat = db.add_chat().await?;
    state.live.chat_changed(db.user_id(), &chat);
    Ok((StatusCode::CREATED, Json(chat.into())))
}

/// One chat.
#[utoipa::path(
    get,
    path = "/api/v1/chats/{id}",
    tag = "Chats",
    params(("id" = String, Path, description = "The chat's id")),
    responses(
        (status = 200, description = "The chat", body = ChatView),
        (status = 404, description = "It does not exist, or is not yours", body = ErrorView),
    ),
)]
pub async fn find_chat(caller: Caller<ChatsRead>, Id(id): Id<ChatId>) -> Result<Json<ChatView>, Refusal> {
    Ok(Json(caller.db().find_chat(id).await?.ok_or(Error::NotFound)?.into()))
}
