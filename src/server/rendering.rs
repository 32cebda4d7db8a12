//! Where pages are rendered: each on one thread, from beginning to end.
//!
//! What a page waits for is fetched by tasks that tell the page through signals. When such tasks run on other threads than
//! the page, a message can be lost now and then, and the page never ends: seen about once in some hundred pages on a busy
//! machine, and known of Leptos (<https://github.com/leptos-rs/leptos/issues/4851> and what it refers to; less often since
//! 0.8.23, but still). On a thread of its own that has a runtime of its own, all tasks of a page take turns.

use std::{num::NonZero, sync::LazyLock, thread::available_parallelism};

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    middleware::Next,
    response::Response,
};
use tokio_util::task::LocalPoolHandle;
use tracing::Instrument;

use super::refusal;
use crate::error::Error;

/// As many as the machine does at a time. They live as long as the process: a connection of the database that was opened
/// on one of them is used by others, too.
static RENDERERS: LazyLock<LocalPoolHandle> =
    LazyLock::new(|| LocalPoolHandle::new(available_parallelism().map_or(1, NonZero::get)));

/// Renders the page that was asked for, whole.
pub async fn on_one_thread(request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    let span = tracing::Span::current();
    let rendering = RENDERERS.spawn_pinned(move || {
        async move {
            let (parts, body) = next.run(request).await.into_parts();
            // Written as it is rendered, by tasks as before.
            let whole = to_bytes(body, usize::MAX).await?;
            Ok::<_, axum::Error>(Response::from_parts(parts, Body::from(whole)))
        }
        .instrument(span)
    });
    match rendering.await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            tracing::error!(%error, "a page was not rendered to its end");
            refusal::answer(&headers, Error::Internal)
        }
        // It has said why.
        Err(_panicked) => refusal::answer(&headers, Error::Internal),
    }
}
