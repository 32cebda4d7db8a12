//! Files.

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
};

use super::{
    Refusal,
    caller::{Caller, FilesRead, FilesWrite},
    input::{Id, Params},
    views::{
        ErrorView,
        files::{FilePageView, FileParams, FileView, NewFileParams},
    },
};
use crate::{
    domain::{file::FileOrder, ids::FileId},
    error::{Error, InvalidInput},
    server::{files, request::search_text, state::AppState},
};

/// The files, a page at a time.
#[utoipa::path(
    get,
    path = "/api/v1/files",
    tag = "Files",
    params(FileParams),
    responses((status = 200, description = "A page", body = FilePageView)),
)]
pub async fn list_files(
    State(state): State<AppState>,
    caller: Caller<FilesRead>,
    Params(params): Params<FileParams>,
) -> Result<Json<FilePageView>, Refusal> {
    let search = params.search.unwrap_or_default();
    let order = params.order.map_or(Ok(FileOrder::default()), |name| FileOrder::parse(&name))?;
    let after = params.after.map(|id| id.parse().map_err(|_| InvalidInput::Cursor)).transpose()?;
    Ok(Json(files::list(&state, caller.db(), search_text(&search)?, order, after).await?.into()))
}

/// A new file, from the body of the request.
///
/// One that may be cut off goes to `/api/v1/files/uploads` instead, with any client of tus 1.0; several at once, as a form
/// (`multipart/form-data`, fields `file`), to `/api/v1/files/form`.
#[utoipa::path(
    post,
    path = "/api/v1/files",
    tag = "Files",
    params(NewFileParams),
    request_body(content_type = "application/octet-stream", description = "The content"),
    responses(
        (status = 201, description = "The file", body = FileView),
        (status = 413, description = "It is larger than this site takes", body = ErrorView),
        (status = 507, description = "There is no room for it", body = ErrorView),
    ),
)]
pub async fn add_file(
    State(state): State<AppState>,
    caller: Caller<FilesWrite>,
    Params(params): Params<NewFileParams>,
    request: Request,
) -> Result<(StatusCode, Json<FileView>), Refusal> {
    let file = files::form::take_body(&state, caller.db(), &params.name, request).await?;
    Ok((StatusCode::CREATED, Json(file.into())))
}

/// One file.
///
/// Its content is at `/api/v1/files/{id}/content`; of an image there are `/thumbnail` and `/view`, too.
#[utoipa::path(
    get,
    path = "/api/v1/files/{id}",
    tag = "Files",
    params(("id" = String, Path, description = "The file's id")),
    responses(
        (status = 200, description = "The file", body = FileView),
        (status = 404, description = "It does not exist, or is not yours", body = ErrorView),
    ),
)]
pub async fn find_file(caller: Caller<FilesRead>, Id(id): Id<FileId>) -> Result<Json<FileView>, Refusal> {
    Ok(Json(caller.db().find_file(id).await?.ok_or(Error::NotFound)?.into()))
}

/// Deletes a file and everything that was made of it.
#[utoipa::path(
    delete,
    path = "/api/v1/files/{id}",
    tag = "Files",
    params(("id" = String, Path, description = "The file's id")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "It does not exist, or is not yours", body = ErrorView),
    ),
)]
pub async fn delete_file(
    State(state): State<AppState>,
    caller: Caller<FilesWrite>,
    Id(id): Id<FileId>,
) -> Result<StatusCode, Refusal> {
    files::delete(&state, caller.db(), vec![id]).await?;
    Ok(StatusCode::NO_CONTENT)
}
