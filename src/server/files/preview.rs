//! What a file's page shows: a stretch of its text as it suits its kind, and pictures of images, drawn anew.

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};

use super::content::{Reader, SANDBOX};
use crate::{
    domain::{
        file::Chunk,
        file_kind::FileKind,
        ids::FileId,
        limits,
        preview::{FileView, ShownChunk, ShownContent},
    },
    error::{Error, Result},
    server::{db::UserDb, markdown, refusal, v1::views::ErrorView},
};

/// A file with the stretch of its text that begins at the piece `from`, or has the piece `at` in it.
///
/// # Errors
/// [`Error::NotFound`] when it is not theirs.
pub async fn view(db: &UserDb, id: FileId, from: Option<u32>, at: Option<u32>) -> Result<FileView> {
    let (file, pages) = db.find_file_with_pages(id).await?.ok_or(Error::NotFound)?;
    let length = limits::CHUNKS_PER_PAGE;
    // Always the same stretches, wherever somebody comes from.
    let from = at.or(from).unwrap_or_default() / length * length;
    let mut chunks = db.list_chunks(id, from, u64::from(length) + 1).await?;
    let has_more = chunks.len() > length as usize;
    chunks.truncate(length as usize);
    Ok(FileView {
        chats: db.list_chats_of_files(&[id]).await?.remove(&id).unwrap_or_default(),
        chunks: show(file.kind, chunks, at),
        earlier_from: (from > 0).then(|| from.saturating_sub(length)),
        later_from: has_more.then_some(from + length),
        file,
        pages,
    })
}

fn show(kind: FileKind, chunks: Vec<Chunk>, at: Option<u32>) -> Vec<ShownChunk> {
    if kind == FileKind::Markdown && at.is_none() {
        // What is parted between two pieces is one thing again.
        let text: String = chunks.iter().map(|chunk| chunk.text.as_str()).collect();
        let content = ShownContent::Markdown(markdown::render_all(&text));
        let first = chunks.into_iter().next();
        return first
            .map(|chunk| ShownChunk { seq: chunk.seq, place: chunk.place, content, is_wanted: false })
            .into_iter()
            .collect();
    }
    let shown = |chunk: Chunk| {
        let content = match kind {
            FileKind::Markdown => ShownContent::Markdown(markdown::render_all(&chunk.text)),
            _ => ShownContent::Text(chunk.text),
        };
        ShownChunk { seq: chunk.seq, place: chunk.place, content, is_wanted: at == Some(chunk.seq) }
    };
    if kind.is_table() {
        return show_table(chunks, at);
    }
    chunks.into_iter().map(shown).collect()
}

/// The rows of a table. One that is parted between two pieces is one again, and stands in the first of them.
fn show_table(chunks: Vec<Chunk>, at: Option<u32>) -> Vec<ShownChunk> {
    let mut all: Vec<(ShownChunk, Vec<Vec<String>>)> = Vec::with_capacity(chunks.len());
    let mut is_parted = false;
    for Chunk { seq, mut place, text, .. } in chunks {
        let (mut now, mut is_wanted) = (rows(&text), at == Some(seq));
        if is_parted
            && !now.is_empty()
            && let Some((before, row)) = all.last_mut().and_then(|(chunk, rows)| Some((chunk, rows.last_mut()?)))
        {
            let mut rest = now.remove(0).into_iter();
            if let (Some(cell), Some(more)) = (row.last_mut(), rest.next()) {
                cell.push_str(&more);
            }
            row.extend(rest);
            place = place.down(1);
            if now.is_empty() {
                // All of what somebody came for stands there.
                before.is_wanted |= std::mem::take(&mut is_wanted);
            }
        }
        is_parted = !text.ends_with('\n');
        if !now.is_empty() {
            all.push((ShownChunk { seq, place, content: ShownContent::Rows(Vec::new()), is_wanted }, now));
        }
    }
    all.into_iter().map(|(chunk, rows)| ShownChunk { content: ShownContent::Rows(rows), ..chunk }).collect()
}

fn rows(text: &str) -> Vec<Vec<String>> {
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// A small picture of an image: the route `/files/{id}/thumbnail`.
#[utoipa::path(
    get,
    path = "/api/v1/files/{id}/thumbnail",
    tag = "Files",
    operation_id = "find_thumbnail",
    summary = "A small picture of an image",
    params(("id" = String, Path, description = "The file's id")),
    responses(
        (status = 200, description = "The picture", content_type = "image/jpeg"),
        (status = 404, description = "There is none, or it is not yours", body = ErrorView),
    ),
)]
pub async fn thumbnail(Path(id): Path<String>, Reader(db): Reader, headers: HeaderMap) -> Response {
    picture(&db, &id, &headers, "thumbnail").await
}

/// What people see of an image: the route `/files/{id}/view`.
#[utoipa::path(
    get,
    path = "/api/v1/files/{id}/view",
    tag = "Files",
    operation_id = "find_view",
    summary = "What one looks at of an image",
    params(("id" = String, Path, description = "The file's id")),
    responses(
        (status = 200, description = "The picture", content_type = "image/jpeg"),
        (status = 404, description = "There is none, or it is not yours", body = ErrorView),
    ),
)]
pub async fn large(Path(id): Path<String>, Reader(db): Reader, headers: HeaderMap) -> Response {
    picture(&db, &id, &headers, "view").await
}

async fn picture(db: &UserDb, id: &str, headers: &HeaderMap, use_for: &'static str) -> Response {
    let found = match id.parse() {
        Ok(id) => db.find_picture(id, use_for).await.and_then(|picture| picture.ok_or(Error::NotFound)),
        Err(error) => Err(error),
    };
    match found {
        Ok(picture) => {
            let media_type = if picture.is_png { "image/png" } else { "image/jpeg" };
            let mut response = picture.content.into_response();
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
            response
        }
        Err(error) => refusal::answer(headers, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::place::Place;

    #[test]
    fn a_row_that_is_parted_is_shown_as_one() {
        let chunk = |seq, row, text: &str| Chunk {
            seq,
            place: Place::Row { sheet: String::new(), row },
            heading: String::new(),
            text: text.to_owned(),
        };
        let chunks = vec![
            chunk(0, 1, "a\tb\nlong, "),
            chunk(1, 2, "very "),
            chunk(2, 2, "long\t1\nc\td\n"),
            chunk(3, 4, "e\tf\n"),
        ];
        let shown = show_table(chunks, Some(1));
        let rows = |place: usize| match &shown[place].content {
            ShownContent::Rows(rows) => rows.iter().map(|row| row.join("|")).collect::<Vec<_>>(),
            _ => Vec::new(),
        };
        assert_eq!(
            (rows(0), rows(1), rows(2)),
            (vec!["a|b".to_owned(), "long, very long|1".to_owned()], vec!["c|d".to_owned()], vec!["e|f".to_owned()],)
        );
        assert_eq!(shown.iter().map(|chunk| chunk.is_wanted).collect::<Vec<_>>(), [true, false, false]);
        assert_eq!(shown[1].place, Place::Row { sheet: String::new(), row: 3 });
    }
}
