//! Messages: read, and send, with the reply at once, piece by piece, or when it is there.

use std::{convert::Infallible, pin::Pin, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::{Stream, StreamExt, stream};
use tokio::time::{Instant, Interval, interval_at, timeout};

use super::{
    Refusal,
    caller::{Caller, ChatsRead, ChatsWrite},
    input::{Body, Id, Params},
    views::{ErrorView, MessagePageView, MessageParams, MessageRequest, MessageView, SentView, TextView},
};
use crate::{
    domain::{
        ids::{ChatId, ClientMessageId, MessageId},
        limits,
        message::{MessageText, Sent},
        model::ModelName,
        token::Scope,
    },
    error::{Error, Result},
    server::{
        auth::guard::{self, Shown},
        db::{StoredMessage, UserDb},
        replies::{
            self, NewMessage,
            follow::{Follower, Heard},
        },
        state::AppState,
    },
};

/// The messages of a chat, a page at a time, from the newest back.
#[utoipa::path(
    get,
    path = "/api/v1/chats/{id}/messages",
    tag = "Messages",
    params(("id" = String, Path, description = "The chat's id"), MessageParams),
    responses(
        (status = 200, description = "A page, oldest first", body = MessagePageView),
        (status = 404, description = "The chat does not exist, or is not yours", body = ErrorView),
    ),
)]
pub async fn list_messages(
    caller: Caller<ChatsRead>,
    Id(chat_id): Id<ChatId>,
    Params(params): Params<MessageParams>,
) -> Result<Json<MessagePageView>, Refusal> {
    let page = caller.db().list_messages(chat_id, params.before_seq).await?;
    let (messages, has_older) = page.ok_or(Error::NotFound)?;
    Ok(Json(MessagePageView { messages: with_files(caller.db(), messages).await?, has_older }))
}

/// Send a message and get the reply.
///
/// The answer comes when the reply has ended, whatever its end is: look at `state`. With `"stream": true`, or
/// `Accept: text/event-stream`, it comes as events instead: `sent` with both ids, `text` with each piece, `end` with the
/// whole reply; or `error`. A reply goes on without its reader.
#[utoipa::path(
    post,
    path = "/api/v1/chats/{id}/messages",
    tag = "Messages",
    params(("id" = String, Path, description = "The chat's id")),
    request_body = MessageRequest,
    responses(
        (status = 200, description = "The reply, or the events of it", content(
            (MessageView = "application/json"),
            (TextView = "text/event-stream"),
        )),
        (status = 202, description = "The reply takes longer than a request may wait; this is where it is", body = MessageView),
        (status = 404, description = "The chat, or one of the files, does not exist, or is not yours", body = ErrorView),
        (status = 409, description = "The id was used for another text, or a reply is running", body = ErrorView),
        (status = 429, description = "Too many replies are running, or too many messages were sent", body = ErrorView),
    ),
)]
pub async fn send_message(
    State(state): State<AppState>,
    caller: Caller<ChatsWrite>,
    Id(chat_id): Id<ChatId>,
    headers: HeaderMap,
    Body(request): Body<MessageRequest>,
) -> Result<Response, Refusal> {
    let text = MessageText::parse(&request.text)?;
    let given_id = request.client_message_id.as_deref().map(ClientMessageId::parse).transpose()?;
    let client_message_id = given_id.unwrap_or_else(ClientMessageId::random);
    let model = request.model.as_deref().map(ModelName::parse).transpose()?;
    let files = request.files.iter().map(|id| id.parse()).collect::<Result<Vec<_>>>()?;
    if !files.is_empty() || caller.db().chat_uses_files(chat_id).await? {
        // The reply tells what is in them.
        caller.shown.check(Scope::FilesRead)?;
    }
    let new = NewMessage { text, files, client_message_id, model, draft_ms: None };
    let sent = replies::send_message(&state, caller.db(), chat_id, new).await?;
    let following = Following::new(state, caller.shown, sent.reply_id);
    if request.stream || wants_events(&headers) {
        return Ok(events(following, sent));
    }
    let db = following.shown.db().clone();
    let (status, reply) = following.wait().await?;
    Ok((status, Json(with_its_files(&db, reply).await?)).into_response())
}

/// Messages with their files and sources.
async fn with_files(db: &UserDb, stored: Vec<StoredMessage>) -> Result<Vec<MessageView>> {
    let ids: Vec<MessageId> = stored.iter().filter(|message| message.uses_files).map(|message| message.id).collect();
    let mut files = db.list_message_files(&ids).await?;
    let shown = stored.into_iter().map(|message| {
        let files = files.remove(&message.id).unwrap_or_default();
        MessageView::new(message, files)
    });
    Ok(shown.collect())
}

async fn with_its_files(db: &UserDb, stored: StoredMessage) -> Result<MessageView> {
    with_files(db, vec![stored]).await?.pop().ok_or(Error::Internal)
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/event-stream"))
}

/// The reply as a stream of events.
fn events(following: Following, sent: Sent) -> Response {
    let first = event("sent", &SentView::from(sent));
    let db = following.shown.db().clone();
    let pieces = following.into_stream().then(move |heard| {
        let db = db.clone();
        async move {
            match heard {
                Ok(Heard::Text(text)) => event("text", &TextView { text }),
                Ok(Heard::End(reply)) => match with_its_files(&db, reply).await {
                    Ok(reply) => event("end", &reply),
                    Err(error) => event("error", &error),
                },
                Err(error) => event("error", &error),
            }
        }
    });
    let stream: Pin<Box<dyn Stream<Item = Result<Event, Infallible>> + Send>> =
        Box::pin(stream::once(async { first }).chain(pieces).map(Ok));
    let mut response = Sse::new(stream).keep_alive(KeepAlive::default()).into_response();
    // nginx would gather the events otherwise.
    let buffering = HeaderName::from_static("x-accel-buffering");
    response.headers_mut().insert(buffering, HeaderValue::from_static("no"));
    response
}

fn event(name: &str, data: &impl serde::Serialize) -> Event {
    // JSON has no line end of its own, which is all that could be wrong with it.
    Event::default().event(name).json_data(data).unwrap_or_default()
}

/// Hears a reply out for somebody, and looks now and then whether they still may.
struct Following {
    state: AppState,
    shown: Shown,
    reply_id: MessageId,
    follower: Follower,
    rechecks: Interval,
}

impl Following {
    fn new(state: AppState, shown: Shown, reply_id: MessageId) -> Self {
        let period = Duration::from_secs(limits::API_RECHECK_SECONDS);
        let follower = Follower::new(&state, shown.db(), reply_id);
        Self { state, shown, reply_id, follower, rechecks: interval_at(Instant::now() + period, period) }
    }

    async fn next(&mut self) -> Result<Heard> {
        loop {
            tokio::select! {
                biased;
                _ = self.rechecks.tick() => guard::recheck(&self.state, &self.shown).await?,
                heard = self.follower.next() => return heard,
            }
        }
    }

    /// Everything up to the end, or to what went wrong.
    fn into_stream(self) -> impl Stream<Item = Result<Heard>> {
        stream::unfold(Some(self), async |following| {
            let mut following = following?;
            let heard = following.next().await;
            let is_over = matches!(heard, Ok(Heard::End(_)) | Err(_));
            Some((heard, (!is_over).then_some(following)))
        })
    }

    /// The reply at its end; when that takes too long, as it is then.
    async fn wait(mut self) -> Result<(StatusCode, StoredMessage)> {
        let patience = Duration::from_secs(limits::API_REPLY_SECONDS_MAX);
        let end = timeout(patience, async {
            loop {
                if let Heard::End(reply) = self.next().await? {
                    return Ok::<_, Error>(reply);
                }
            }
        });
        match end.await {
            Ok(reply) => Ok((StatusCode::OK, reply?)),
            Err(_) => {
                let reply = self.shown.db().find_message(self.reply_id).await?.ok_or(Error::NotFound)?;
                Ok((StatusCode::ACCEPTED, reply))
            }
        }
    }
}
