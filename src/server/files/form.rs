//! Files from a plain form (`multipart/form-data`, RFC 7578), and from a program as the body of one request: each of them whole
//! or not at all. What can be cut off and goes on is in `tus`.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Poll, ready},
};

use axum::{
    body::BodyDataStream,
    extract::{Path, Request, State},
    http::header,
    response::{IntoResponse, Redirect, Response},
};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use multer::{Multipart, parse_boundary};

use super::{
    Announced, Source,
    intake::{self, Place},
    tus::Uploader,
};
use crate::{
    domain::{
        file::{File, FileName},
        ids::{ChatId, FileId},
        limits,
    },
    error::{Error, InvalidInput, Result},
    server::{db::UserDb, door, refusal, state::AppState, v1::views::ErrorView},
};

/// Where the form stands.
const PAGE: &str = "/files";
/// The field that files are in.
const FIELD: &str = "file";
/// Longest boundary (RFC 2046 §5.1.1).
const BOUNDARY_CHARS_MAX: usize = 70;
/// Between two pieces of content: headers of a part, or a part that nobody asked for.
const OVERHEAD_BYTES_MAX: usize = 1024 * 1024;
/// What the parser gets between two pauses.
const IN_A_ROW_BYTES_MAX: usize = 128 * 1024;

/// Takes the files of a form in, and leads back to the page.
#[utoipa::path(
    post,
    path = "/api/v1/files/form",
    tag = "Files",
    operation_id = "add_files_as_form",
    summary = "Several new files, as a form",
    request_body(content_type = "multipart/form-data", description = "Fields `file`"),
    responses(
        (status = 200, description = "The files"),
        (status = 413, description = "One is larger than this site takes; those before it stay", body = ErrorView),
        (status = 422, description = "There is none, one is empty, or there are too many; the first ones stay", body = ErrorView),
        (status = 507, description = "There is no room for it; those before it stay", body = ErrorView),
    ),
)]
pub async fn submit(State(state): State<AppState>, uploader: Uploader, request: Request) -> Response {
    let is_page = refusal::accepts_html(request.headers());
    let (files, taken) = take_form(&state, &uploader.0, request).await;
    match taken {
        Ok(()) if is_page => Redirect::to(PAGE).into_response(),
        Ok(()) => axum::Json(files).into_response(),
        Err(error) if is_page => Redirect::to(&format!("{PAGE}?error={}", error.code())).into_response(),
        Err(error) => refusal::json(error),
    }
}

/// The same for the files of a chat, which the chat's own page has a form for.
#[utoipa::path(
    post,
    path = "/api/v1/files/form/{id}",
    tag = "Files",
    operation_id = "add_chat_files_as_form",
    summary = "Several new files for a chat, as a form",
    params(("id" = String, Path, description = "The chat's id")),
    request_body(content_type = "multipart/form-data", description = "Fields `file`"),
    responses(
        (status = 200, description = "The files"),
        (status = 404, description = "The chat does not exist, or is not yours", body = ErrorView),
        (status = 422, description = "There is none, one is empty, or there are too many; the first ones stay, unless the chat has no room for them", body = ErrorView),
    ),
)]
pub async fn submit_for_chat(
    State(state): State<AppState>,
    Path(chat_id): Path<String>,
    uploader: Uploader,
    request: Request,
) -> Response {
    let is_page = refusal::accepts_html(request.headers());
    let taken = match super::check_may_change_chats(request.extensions()).and_then(|()| chat_id.parse()) {
        Ok(chat_id) => take_for_chat(&state, &uploader.0, chat_id, request).await.map(|files| (chat_id, files)),
        Err(error) => {
            door::discard(request.into_body().into_data_stream()).await;
            Err(error)
        }
    };
    let page = |query: &str| Redirect::to(&format!("/chats/{chat_id}/settings{query}")).into_response();
    match taken {
        Ok(_) if is_page => page(""),
        Ok((_, files)) => axum::Json(files).into_response(),
        Err(error) if is_page && chat_id.parse::<ChatId>().is_ok() => page(&format!("?error={}", error.code())),
        Err(error) => refusal::json(error),
    }
}

async fn take_for_chat(state: &AppState, db: &UserDb, chat_id: ChatId, request: Request) -> Result<Vec<File>> {
    // Known before anything is kept.
    if db.find_chat(chat_id).await?.is_none() {
        door::discard(request.into_body().into_data_stream()).await;
        return Err(Error::NotFound);
    }
    let (files, taken) = take_form(state, db, request).await;
    let ids: Vec<FileId> = files.iter().map(|file| file.id).collect();
    if !ids.is_empty()
        && let Err(error) = db.add_chat_files(chat_id, ids.clone()).await
    {
        // They came for this chat. Whoever sends them once more must not have them twice.
        super::delete(state, db, ids).await?;
        return Err(error);
    }
    taken.map(|()| files)
}

/// The files of a form. Those that came before something went wrong stay.
///
/// # Errors
/// [`Error::Malformed`] when it is none; [`InvalidInput::NoFile`], [`InvalidInput::FormFiles`]; as [`take_body`].
async fn take_form(state: &AppState, db: &UserDb, request: Request) -> (Vec<File>, Result<()>) {
    let mut files = Vec::new();
    let taken = take_form_into(state, db, request, &mut files).await;
    (files, taken)
}

async fn take_form_into(state: &AppState, db: &UserDb, request: Request, files: &mut Vec<File>) -> Result<()> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = content_type.and_then(|value| parse_boundary(value).ok());
    let boundary = boundary.filter(|boundary| boundary.len() <= BOUNDARY_CHARS_MAX);
    let request = check_length(state, request, limits::FILES_PER_FORM_MAX).await?;
    let body = Arc::new(Mutex::new(request.into_body().into_data_stream()));
    let taken = match boundary {
        Some(boundary) => take_fields(state, db, boundary, Arc::clone(&body), files).await,
        None => Err(Error::Malformed),
    };
    if taken.is_err() {
        // Whoever is still sending would not hear the answer otherwise.
        door::discard(stream::poll_fn(move |context| lock(&body).poll_next_unpin(context))).await;
    }
    taken
}

/// What is sent, read by the parser, and by nobody when that has had enough.
type Body = Arc<Mutex<BodyDataStream>>;

fn lock(body: &Body) -> MutexGuard<'_, BodyDataStream> {
    body.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn take_fields(state: &AppState, db: &UserDb, boundary: String, body: Body, files: &mut Vec<File>) -> Result<()> {
    let overhead = Arc::new(AtomicUsize::new(0));
    let mut form = Multipart::new(guarded(body, Arc::clone(&overhead)), boundary);
    while let Some(field) = form.next_field().await.map_err(|_| Error::Malformed)? {
        if field.name() != Some(FIELD) {
            continue;
        }
        // A browser sends one without a name when none was chosen.
        let Some(name) = field.file_name().filter(|name| !name.is_empty()).map(str::to_owned) else { continue };
        if files.len() as u64 >= limits::FILES_PER_FORM_MAX {
            return Err(InvalidInput::FormFiles.into());
        }
        let counter = Arc::clone(&overhead);
        let content = field.inspect_ok(move |_| counter.store(0, Ordering::Relaxed));
        files.push(take(state, db, &name, content).await?);
    }
    if files.is_empty() { Err(InvalidInput::NoFile.into()) } else { Ok(()) }
}

/// A file that is the whole body of a request.
///
/// # Errors
/// [`Error::FileTooLarge`], [`Error::StorageFull`], [`Error::TooManyFiles`]; as [`intake::receive`].
pub async fn take_body(state: &AppState, db: &UserDb, name: &str, request: Request) -> Result<File> {
    let request = check_length(state, request, 1).await?;
    take(state, db, name, request.into_body().into_data_stream()).await
}

async fn take<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    state: &AppState,
    db: &UserDb,
    name: &str,
    content: impl Stream<Item = Result<bytes::Bytes, E>> + Send + 'static,
) -> Result<File> {
    match admit(state, db, name).await {
        Ok((place, file)) => intake::receive(state, db, Source::new(place, file.id, 0, true, content)).await,
        Err(error) => {
            door::discard(content.boxed()).await;
            Err(error)
        }
    }
}

/// The place first: a file for which there is none is not begun.
async fn admit(state: &AppState, db: &UserDb, name: &str) -> Result<(Place, File)> {
    let name = FileName::parse(name)?;
    let place = state.intake.enter(db.user_id())?;
    let announced = Announced { name, size_bytes: None, modified_at_ms: None, is_kept: true, for_chat_id: None };
    Ok((place, super::begin(state, db, announced).await?))
}

/// What says beforehand that it is too large is refused before it is kept.
async fn check_length(state: &AppState, request: Request, files: u64) -> Result<Request> {
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let bytes_max = state.config.limits.file_bytes().saturating_mul(files) + OVERHEAD_BYTES_MAX as u64;
    if length.is_none_or(|length| length <= bytes_max) {
        return Ok(request);
    }
    door::discard(request.into_body().into_data_stream()).await;
    Err(Error::FileTooLarge)
}

/// The body, with a bound on what is between contents, which the parser keeps in memory; and with pauses, for it reads as
/// long as there is something before it gives anything.
fn guarded(body: Body, overhead: Arc<AtomicUsize>) -> impl Stream<Item = io::Result<bytes::Bytes>> + Send {
    let mut in_a_row = 0;
    stream::poll_fn(move |context| {
        if in_a_row > IN_A_ROW_BYTES_MAX {
            in_a_row = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(piece) = ready!(lock(&body).poll_next_unpin(context)) else { return Poll::Ready(None) };
        let piece = piece.map_err(io::Error::other)?;
        in_a_row += piece.len();
        if overhead.fetch_add(piece.len(), Ordering::Relaxed) > OVERHEAD_BYTES_MAX {
            return Poll::Ready(Some(Err(io::Error::other("too much between the parts of a form"))));
        }
        Poll::Ready(Some(Ok(piece)))
    })
}
