//! Chats.

use axum::{Json, extract::State, http::StatusCode};

use super::{
    Refusal,
    caller::{Caller, ChatsRead, ChatsWrite},
    input::{Body, Id, Params},
    views::{ChatPageView, ChatParams, ChatRequest, ChatView, ErrorView},
};
use crate::{
    domain::{chat::ChatCursor, ids::ChatId, token::Scope},
    error::{Error, InvalidInput, Result},
    server::{chats, state::AppState},
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

/// A new chat.
#[utoipa::path(
    post,
    path = "/api/v1/chats",
    tag = "Chats",
    request_body = ChatRequest,
    responses(
        (status = 201, description = "The chat", body = ChatView),
        (status = 404, description = "One of the files does not exist, or is not yours", body = ErrorView),
    ),
)]
pub async fn create_chat(
    State(state): State<AppState>,
    caller: Caller<ChatsWrite>,
    Body(request): Body<ChatRequest>,
) -> Result<(StatusCode, Json<ChatView>), Refusal> {
    let files = request.files.iter().map(|id| id.parse()).collect::<Result<Vec<_>>>()?;
    if !files.is_empty() || request.searches_files {
        // The replies tell what is in them.
        caller.shown.check(Scope::FilesRead)?;
    }
    let chat = chats::create(&state, caller.db(), files, request.searches_files).await?;
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

/// Delete a chat.
///
/// With all that was said in it, and the files that came with that and are in no other chat; so the token needs `files:write`, too.
#[utoipa::path(
    delete,
    path = "/api/v1/chats/{id}",
    tag = "Chats",
    params(("id" = String, Path, description = "The chat's id")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "It does not exist, or is not yours", body = ErrorView),
    ),
)]
pub async fn delete_chat(
    State(state): State<AppState>,
    caller: Caller<ChatsWrite>,
    Id(id): Id<ChatId>,
) -> Result<StatusCode, Refusal> {
    // Files that came with its messages go, too.
    caller.shown.check(Scope::FilesWrite)?;
    chats::delete(&state, caller.db(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
