//! Resumable uploads: tus 1.0.0 (<https://tus.io/protocols/resumable-upload>) with the extensions *creation*, *termination*
//! and *expiration*. With the metadata `goes_with` "message", a file is deleted with the last chat that has it. For pages under `/files/uploads`, for programs under `/api/v1/files/uploads`.

use axum::{
    extract::{FromRequestParts, Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Announced, Source, intake};
use crate::{
    domain::{
        file::{File, FileName},
        file_state::FileState,
        ids::{ChatId, FileId},
        limits,
        token::Scope,
    },
    error::{Error, Result},
    server::{
        auth::guard::{Caller, Program},
        clock,
        db::UserDb,
        door, refusal,
        state::AppState,
        v1::views::ErrorView,
    },
};

const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");
/// The media type of what goes on.
const PIECE_TYPE: &str = "application/offset+octet-stream";

/// Whoever uploads: somebody with a page, or a program that may.
pub struct Uploader(pub UserDb);

impl FromRequestParts<AppState> for Uploader {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Response> {
        let found = match (parts.extensions.get::<Program>(), parts.extensions.get::<Caller>()) {
            (Some(program), _) => {
                program.0.clone().and_then(|shown| shown.check(Scope::FilesWrite).map(|()| shown.db().clone()))
            }
            (None, Some(caller)) => caller.known().map(|known| known.db.clone()),
            (None, None) => Err(Error::NotLoggedIn),
        };
        found.map(Self).map_err(refusal::json)
    }
}

/// Everything on the place where uploads begin.
#[utoipa::path(
    post,
    path = "/api/v1/files/uploads",
    tag = "Files",
    operation_id = "begin_upload",
    summary = "Announces a file that may be cut off and goes on (tus 1.0)",
    description = "The answer's `Location` is where its content goes. Any client of tus 1.0 does all of this by itself. \
                   `Upload-Metadata` has `filename`, and may have `goes_with chat` and `chat_id` of the chat that it is for.",
    params(
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
        ("Upload-Length" = u64, Header, description = "Bytes"),
        ("Upload-Metadata" = String, Header, description = "Names and values in base64"),
    ),
    responses(
        (status = 201, description = "Go on at `Location`"),
        (status = 413, description = "It is larger than this site takes", body = ErrorView),
        (status = 507, description = "There is no room for it", body = ErrorView),
    ),
)]
pub async fn uploads(State(state): State<AppState>, uploader: Uploader, request: Request) -> Response {
    let method = method_of(&request);
    let (parts, _) = request.into_parts();
    let answer = match method {
        Method::OPTIONS => Ok(capabilities(&state)),
        Method::POST => create(&state, &uploader.0, &parts).await,
        _ => Ok(StatusCode::METHOD_NOT_ALLOWED.into_response()),
    };
    finish(answer)
}

/// Everything on one upload.
#[utoipa::path(
    method(head, patch, delete),
    path = "/api/v1/files/uploads/{id}",
    tag = "Files",
    summary = "One upload: how far it is (HEAD), more of it (PATCH), giving it up (DELETE)",
    description = "`Upload-Offset` says how much has arrived, and of what is sent where it begins.",
    params(
        ("id" = String, Path, description = "The file's id"),
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
    ),
    responses(
        (status = 200, description = "So much is there (HEAD)"),
        (status = 204, description = "It was kept, or given up"),
        (status = 404, description = "It does not exist, or is not yours", body = ErrorView),
        (status = 409, description = "It goes on from another place", body = ErrorView),
    ),
)]
pub async fn upload(
    State(state): State<AppState>,
    Path(id): Path<String>,
    uploader: Uploader,
    request: Request,
) -> Response {
    let answer = match id.parse::<FileId>() {
        Ok(id) => act(&state, &uploader.0, id, request).await,
        Err(error) => Err(error),
    };
    finish(answer)
}

async fn act(state: &AppState, db: &UserDb, id: FileId, request: Request) -> Result<Response> {
    let method = method_of(&request);
    if method == Method::OPTIONS {
        return Ok(capabilities(state));
    }
    check_version(request.headers())?;
    match method {
        Method::HEAD => {
            let file = find_upload(db, id).await?;
            if file.state != FileState::Uploading && file.is_kept && file.for_chat_id.is_some() {
                // All of it came, and nobody was there to hear that, or its chat had no room.
                db.give_to_its_chat(id).await?;
            }
            Ok((StatusCode::OK, offset(&file), [(LENGTH, HeaderValue::from(file.size_bytes))]).into_response())
        }
        Method::PATCH => append(state, db, id, request).await,
        Method::DELETE => {
            let file = find_upload(db, id).await?;
            if file.state != FileState::Uploading {
                return Err(Error::Conflict);
            }
            super::delete(state, db, vec![id]).await?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        _ => Ok(StatusCode::METHOD_NOT_ALLOWED.into_response()),
    }
}

fn capabilities(state: &AppState) -> Response {
    let headers = [
        (TUS_VERSION, VERSION),
        (HeaderName::from_static("tus-extension"), HeaderValue::from_static("creation,termination,expiration")),
        (HeaderName::from_static("tus-max-size"), HeaderValue::from(state.config.limits.file_bytes())),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

async fn create(state: &AppState, db: &UserDb, request: &Parts) -> Result<Response> {
    let headers = &request.headers;
    check_version(headers)?;
    if headers.contains_key(DEFER_LENGTH) {
        return Err(Error::Malformed);
    }
    let size_bytes = number(headers, &LENGTH).ok_or(Error::Malformed)?;
    let metadata = headers.get(METADATA).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let goes_with = metadata_value(metadata, "goes_with");
    let for_chat_id: Option<ChatId> = metadata_value(metadata, "chat_id").map(|id| id.parse()).transpose()?;
    if for_chat_id.is_some() {
        super::check_may_change_chats(&request.extensions)?;
    }
    let announced = Announced {
        name: FileName::parse(&metadata_value(metadata, "filename").ok_or(Error::Malformed)?)?,
        size_bytes: Some(size_bytes),
        modified_at_ms: metadata_value(metadata, "modified_at_ms").and_then(|value| value.parse().ok()),
        is_kept: goes_with.as_deref() != Some("message"),
        for_chat_id,
    };
    let file = super::begin(state, db, announced).await?;
    let place = format!("{}/{}", request.uri.path().trim_end_matches('/'), file.id);
    let place = HeaderValue::try_from(place).map_err(|_| Error::Internal)?;
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], offset(&file), expiry(&file)).into_response())
}

async fn append(state: &AppState, db: &UserDb, id: FileId, request: Request) -> Result<Response> {
    let headers = request.headers();
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content_type != Some(PIECE_TYPE) {
        return Ok(StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response());
    }
    let offset_bytes = number(headers, &OFFSET).ok_or(Error::Malformed)?;
    let file = find_upload(db, id).await?;
    // Known before the first byte of it is read.
    if number(headers, &header::CONTENT_LENGTH)
        .is_some_and(|bytes| offset_bytes.saturating_add(bytes) > file.size_bytes)
    {
        door::discard(request.into_body().into_data_stream()).await;
        return Err(Error::TooLarge);
    }
    let content = request.into_body().into_data_stream();
    let place = match state.intake.enter(db.user_id()) {
        Ok(place) => place,
        Err(error) => {
            door::discard(content).await;
            return Err(error);
        }
    };
    let file = intake::receive(state, db, Source::new(place, id, offset_bytes, false, content)).await?;
    Ok((StatusCode::NO_CONTENT, offset(&file), expiry(&file)).into_response())
}

async fn find_upload(db: &UserDb, id: FileId) -> Result<File> {
    db.find_file(id).await?.ok_or(Error::NotFound)
}

/// What a client that cannot send every method says that it means.
fn method_of(request: &Request) -> Method {
    let meant = request.headers().get(METHOD_OVERRIDE).and_then(|value| Method::from_bytes(value.as_bytes()).ok());
    match meant {
        Some(meant) if request.method() == Method::POST => meant,
        _ => request.method().clone(),
    }
}

/// # Errors
/// [`Error::Malformed`]; the answer of [`finish`] says which version would be welcome.
fn check_version(headers: &HeaderMap) -> Result<()> {
    if headers.get(RESUMABLE) == Some(&VERSION) { Ok(()) } else { Err(Error::TusVersion) }
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    headers.get(name).and_then(|value| value.to_str().ok()).and_then(|value| value.parse().ok())
}

/// A value of `Upload-Metadata`: `name base64,name base64`.
fn metadata_value(metadata: &str, name: &str) -> Option<String> {
    let mut pairs = metadata.split(',').map(|pair| pair.trim().split_once(' ').unwrap_or((pair.trim(), "")));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()
}

/// How far an upload is.
fn offset(file: &File) -> [(HeaderName, HeaderValue); 1] {
    [(OFFSET, HeaderValue::from(file.received_bytes))]
}

/// Until when one can go on with an upload that something was just done for.
fn expiry(file: &File) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if file.state == FileState::Uploading {
        let end = clock::now_ms() / 1_000 + limits::UPLOAD_SECONDS_MAX;
        let end = std::time::UNIX_EPOCH + std::time::Duration::from_secs(end.unsigned_abs());
        if let Ok(end) = HeaderValue::try_from(httpdate::fmt_http_date(end)) {
            headers.insert(EXPIRES, end);
        }
    }
    headers
}

fn finish(answer: Result<Response>) -> Response {
    let mut response = answer.unwrap_or_else(refusal::json);
    if response.status() == StatusCode::PRECONDITION_FAILED {
        response.headers_mut().insert(TUS_VERSION, VERSION);
    }
    response.headers_mut().insert(RESUMABLE, VERSION);
    response
}
