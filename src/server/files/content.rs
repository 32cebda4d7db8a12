//! Gives a file's content back, or a range of it (RFC 9110 §14). As a download under the file's own name, of a type from our
//! own table, in a sandbox: nothing that somebody uploaded runs or renders as a page of this site.

use std::{io, ops::Range};

use axum::{
    body::Body,
    extract::{FromRequestParts, Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::blobs::Blobs;
use crate::{
    domain::{file::File, file_state::FileState, ids::FileId, token::Scope},
    error::{Error, Result},
    server::{
        auth::guard::{Caller, Program},
        db::{FilePart, UserDb},
        refusal,
        state::AppState,
        v1::views::ErrorView,
    },
};

/// What RFC 8187 §3.2.1 lets stand as it is.
const ATTR_CHARS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
pub(super) const SANDBOX: &str =
    "sandbox; default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Whoever reads files: somebody with a page, or a program that may.
pub struct Reader(pub UserDb);

impl FromRequestParts<AppState> for Reader {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Response> {
        let found = match (parts.extensions.get::<Program>(), parts.extensions.get::<Caller>()) {
            (Some(program), _) => {
                program.0.clone().and_then(|shown| shown.check(Scope::FilesRead).map(|()| shown.db().clone()))
            }
            (None, Some(caller)) => caller.known().map(|known| known.db.clone()),
            (None, None) => Err(Error::NotLoggedIn),
        };
        found.map(Self).map_err(|error| refusal::answer(&parts.headers, error))
    }
}

/// The content of a file, or a range of it.
#[utoipa::path(
    get,
    path = "/api/v1/files/{id}/content",
    tag = "Files",
    params(("id" = String, Path, description = "The file's id")),
    responses(
        (status = 200, description = "The content", content_type = "application/octet-stream"),
        (status = 206, description = "The range that was asked for", content_type = "application/octet-stream"),
        (status = 404, description = "It does not exist, or is not yours", body = ErrorView),
    ),
)]
pub async fn download(
    State(state): State<AppState>,
    Path(id): Path<String>,
    reader: Reader,
    headers: HeaderMap,
) -> Response {
    let answer = match id.parse() {
        Ok(id) => answer(&state, &reader.0, id, &headers).await,
        Err(error) => Err(error),
    };
    answer.unwrap_or_else(|error| refusal::answer(&headers, error))
}

async fn answer(state: &AppState, db: &UserDb, id: FileId, headers: &HeaderMap) -> Result<Response> {
    let file = db.find_file(id).await?.filter(|file| file.state != FileState::Uploading).ok_or(Error::NotFound)?;
    let range = match wanted_range(headers, &file) {
        Wanted::All => 0..file.size_bytes,
        Wanted::Part(range) => range,
        Wanted::Nothing => {
            let size = HeaderValue::try_from(format!("bytes */{}", file.size_bytes)).map_err(|_| Error::Internal)?;
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, size)]).into_response());
        }
    };
    let content = open(&state.blobs, db.list_parts(id).await?, range.clone()).await?;
    let mut response = Body::from_stream(content).into_response();
    if range != (0..file.size_bytes) {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let place = format!("bytes {}-{}/{}", range.start, range.end - 1, file.size_bytes);
        response.headers_mut().insert(header::CONTENT_RANGE, value(place)?);
    }
    set_headers(response.headers_mut(), &file, range.end - range.start)?;
    Ok(response)
}

/// A range of a file's content, piece by piece. The first piece is opened before this returns, so that a missing one is an
/// error and no half answer.
///
/// # Errors
/// [`Error::ContentMissing`]; [`Error::Unavailable`].
pub async fn open(
    blobs: &Blobs,
    parts: Vec<FilePart>,
    range: Range<u64>,
) -> Result<BoxStream<'static, io::Result<Bytes>>> {
    let overlap = move |part: FilePart| {
        let start = range.start.max(part.offset_bytes);
        let end = range.end.min(part.offset_bytes + part.size_bytes);
        (start < end).then(|| (part.blob_id, start - part.offset_bytes..end - part.offset_bytes))
    };
    let mut wanted = parts.into_iter().filter_map(overlap);
    let Some((first_id, first_range)) = wanted.next() else { return Err(Error::ContentMissing) };
    let first = blobs.read(first_id, first_range).await?;
    let blobs = blobs.clone();
    let rest = stream::iter(wanted)
        .then(move |(id, range)| {
            let blobs = blobs.clone();
            async move { blobs.read(id, range).await.map_err(io::Error::other) }
        })
        .try_flatten();
    Ok(first.chain(rest).boxed())
}

fn set_headers(headers: &mut HeaderMap, file: &File, length: u64) -> Result<()> {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind.media_type()));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CONTENT_DISPOSITION, value(disposition(file.name.as_str()))?);
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::ETAG, value(etag(file))?);
    Ok(())
}

/// RFC 6266: the name in its own letters, and for very old clients without what is not ASCII.
fn disposition(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-._ ".contains(c) { c } else { '_' }).collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(name, ATTR_CHARS))
}

/// The content under an id never changes.
fn etag(file: &File) -> String {
    format!("\"{}\"", file.id)
}

fn value(text: String) -> Result<HeaderValue> {
    HeaderValue::try_from(text).map_err(|_| Error::Internal)
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Part(Range<u64>),
    /// No range that there is, or several: those could ask for the same bytes again and again.
    Nothing,
}

/// Which bytes a request asks for. What is no range of bytes is ignored, as the standard wants it.
fn wanted_range(headers: &HeaderMap, file: &File) -> Wanted {
    let if_range = headers.get(header::IF_RANGE).and_then(|value| value.to_str().ok());
    if if_range.is_some_and(|tag| tag != etag(file)) {
        return Wanted::All;
    }
    let range =
        headers.get(header::RANGE).and_then(|value| value.to_str().ok()).and_then(|text| text.strip_prefix("bytes="));
    range.map_or(Wanted::All, |text| parse_range(text, file.size_bytes))
}

fn parse_range(text: &str, size: u64) -> Wanted {
    if text.contains(',') {
        return Wanted::Nothing;
    }
    let Some((first, last)) = text.trim().split_once('-') else { return Wanted::All };
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Ok(first), Err(_)) if last.is_empty() => first..size,
        (Err(_), Ok(count)) if first.is_empty() => size.saturating_sub(count)..size,
        _ => return Wanted::All,
    };
    if range.start < range.end { Wanted::Part(range) } else { Wanted::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f23_ranges_are_within_the_file_or_nothing() {
        let range = |text| parse_range(text, 100);
        assert_eq!(range("0-"), Wanted::Part(0..100));
        assert_eq!(range("0-0"), Wanted::Part(0..1));
        assert_eq!(range("10-19"), Wanted::Part(10..20));
        assert_eq!(range("90-18446744073709551615"), Wanted::Part(90..100));
        assert_eq!(range("-10"), Wanted::Part(90..100));
        assert_eq!(range("-1000"), Wanted::Part(0..100));
        let many = "0-,".repeat(1_000);
        for nothing in ["-0", "100-", "1000-2000", "0-1,1-2", &many] {
            assert_eq!(range(nothing), Wanted::Nothing, "{nothing}");
        }
        for ignored in ["", "x", "5-1", "a-b", "-"] {
            assert_eq!(range(ignored), Wanted::All, "{ignored}");
        }
    }

    #[test]
    fn f2_a_name_cannot_end_its_header() {
        let header = disposition("a\"; x=\"y\u{1F600}.pdf");
        assert_eq!(
            header,
            "attachment; filename=\"a__ x__y_.pdf\"; filename*=UTF-8''a%22%3B%20x%3D%22y%F0%9F%98%80.pdf"
        );
    }
}
