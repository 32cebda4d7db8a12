//! A browser's tab: it follows the live connection and keeps what it is told as the page does, so that a test can compare
//! what is on the screen with what is in the database.

use std::pin::Pin;

use eventsource_stream::Eventsource;
use futures::{SinkExt, Stream, StreamExt};
use reqwest::{Method, header};
use sardonyx::{
    api::live::SendLiveCommand,
    domain::{
        chat::{Chat, ChatView},
        draft::DraftChange,
        ids::{ChatId, MessageId},
        live::{CloseReason, LiveCommand, LiveEvent},
        message::{Author, Message, MessageBody, MessageState, SafeHtml},
        reply::{ReasoningPiece, ReplyPhase},
    },
};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message as Frame, client::IntoClientRequest, http::HeaderMap},
};

use uuid::Uuid;

use super::{Client, soon};

/// One tab with its live connection.
pub struct Tab {
    pub screen: Screen,
    line: Line,
    watched: Option<ChatId>,
    is_behind: bool,
}

/// What carries a live connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Socket,
    Stream,
}

enum Line {
    Socket(WebSocketStream<TcpStream>),
    /// Events, and where commands go.
    Stream {
        events: Pin<Box<dyn Stream<Item = Option<String>> + Send>>,
        client: Client,
        stream_id: Uuid,
    },
}

/// What a tab shows.
#[derive(Default)]
pub struct Screen {
    /// The open chat's messages, oldest first.
    pub messages: Vec<Message>,
    /// Chats as they were announced, the newest announcement last.
    pub chats: Vec<Chat>,
    /// Chats that were announced as deleted.
    pub deleted: Vec<ChatId>,
    /// Codes of refused commands.
    pub refused: Vec<String>,
    pub resyncs: usize,
    /// Whether another version of the chat is shown by now, so that its page is to be fetched.
    pub is_outdated: bool,
    /// Every event of a running reply's text, as it came.
    pub progress: Vec<LiveEvent>,
    /// Drafts of the watched chat as they were announced, the newest last.
    pub drafts: Vec<DraftChange>,
    /// Names of those who were typing in the watched chat, as they were announced.
    pub typing: Vec<String>,
    pub closing: Option<CloseReason>,
    /// The WebSocket's own close code.
    pub close_code: Option<u16>,
    pub is_closed: bool,
}

impl Tab {
    /// A live connection, no chat open.
    pub async fn open(client: &Client) -> Self {
        Self::try_open(client, &[])
            .await
            .unwrap_or_else(|status| panic!("the live connection was refused with {status}"))
    }

    /// The same where no WebSocket gets through.
    pub async fn open_stream(client: &Client) -> Self {
        Self::try_open_stream(client, Uuid::new_v4(), &[("sec-fetch-site", "same-origin")])
            .await
            .unwrap_or_else(|status| panic!("the stream of events was refused with {status}"))
    }

    /// Either.
    pub async fn open_by(way: Way, client: &Client) -> Self {
        match way {
            Way::Socket => Self::open(client).await,
            Way::Stream => Self::open_stream(client).await,
        }
    }

    /// A stream of events under this id and with these headers, or the status that refused it.
    pub async fn try_open_stream(client: &Client, stream_id: Uuid, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let mut request = client.bare(Method::GET, &format!("/live?id={stream_id}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = soon("the stream", request.send()).await.unwrap();
        if response.status() != 200 {
            return Err(response.status().as_u16());
        }
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store, no-transform");
        let events = response.bytes_stream().eventsource().map(|event| event.ok().map(|event| event.data));
        let line = Line::Stream { events: Box::pin(events), client: client.clone(), stream_id };
        Ok(Self { screen: Screen::default(), line, watched: None, is_behind: false })
    }

    /// A chat opened as a browser does: the page first, then the connection, then what is new.
    pub async fn on_chat(client: &Client, chat_id: ChatId) -> Self {
        let view = client.open_chat(chat_id).await;
        let mut tab = Self::open(client).await;
        tab.show(view).await;
        tab
    }

    /// A live connection with other headers, or the status that refused it. A header without a value is left out.
    pub async fn try_open(client: &Client, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let stream = TcpStream::connect(client.addr).await.unwrap();
        Self::upgrade(client, stream, headers).await
    }

    /// A live connection whose reader is slow: the machine in between keeps next to nothing for it.
    pub async fn open_slow(client: &Client) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4 * 1024).unwrap();
        let stream = socket.connect(client.addr).await.unwrap();
        Self::upgrade(client, stream, &[]).await.unwrap_or_else(|status| panic!("refused with {status}"))
    }

    async fn upgrade(client: &Client, stream: TcpStream, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let mut request = format!("ws://{}/ws", client.addr).into_client_request().unwrap();
        set(request.headers_mut(), "origin", &client.origin);
        set(request.headers_mut(), "cookie", &client.cookie_header());
        for (name, value) in headers {
            set(request.headers_mut(), name, value);
        }
        match soon("the upgrade", client_async(request, stream)).await {
            Ok((socket, _)) => {
                let line = Line::Socket(socket);
                Ok(Self { screen: Screen::default(), line, watched: None, is_behind: false })
            }
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("no WebSocket: {error}"),
        }
    }

    /// Puts a chat that was opened on the screen and follows it from there.
    pub async fn show(&mut self, view: ChatView) {
        self.screen.messages = view.messages.messages;
        self.screen.is_outdated = false;
        self.watched = Some(view.chat.id);
        self.watch_again().await;
    }

    /// Follows a chat of which nothing is on the screen yet.
    pub async fn watch(&mut self, chat_id: ChatId) {
        self.screen.messages.clear();
        self.watched = Some(chat_id);
        self.watch_again().await;
    }

    /// Takes up what comes of a chat that somebody else asks for.
    pub fn expect(&mut self, chat_id: ChatId) {
        self.watched = Some(chat_id);
    }

    /// The connection is gone, the screen stays, and another one takes its place.
    pub async fn reconnect(&mut self, client: &Client) {
        self.reconnect_by(Way::Socket, client).await;
    }

    pub async fn reconnect_by(&mut self, way: Way, client: &Client) {
        self.line = Self::open_by(way, client).await.line;
        self.screen.is_closed = false;
        self.watch_again().await;
    }

    pub async fn command(&mut self, command: &LiveCommand) {
        if let LiveCommand::Visibility { is_visible } = command {
            self.is_behind = !is_visible;
        }
        let json = serde_json::to_string(command).unwrap();
        match &mut self.line {
            Line::Socket(_) => self.send(Frame::Text(json.into())).await.unwrap(),
            Line::Stream { client, stream_id, .. } => {
                let fields = [("stream_id", &*stream_id.to_string()), ("command", &json)];
                client.call::<SendLiveCommand>(&fields).await.ok::<()>();
            }
        }
    }

    /// Any frame.
    pub async fn send(&mut self, frame: Frame) -> Result<(), Error> {
        let Line::Socket(socket) = &mut self.line else { panic!("a stream has no frames") };
        socket.send(frame).await
    }

    /// The next event, worked in; none when the connection has ended.
    pub async fn next(&mut self) -> Option<LiveEvent> {
        loop {
            let event: LiveEvent = serde_json::from_str(&self.next_text().await?).unwrap();
            if event == LiveEvent::Alive {
                continue;
            }
            let needs_watch = self.screen.apply(self.watched, event.clone());
            if needs_watch && self.watched.is_some() {
                self.watch_again().await;
            }
            if self.is_end(&event) && !self.is_behind {
                self.say_seen().await;
            }
            return Some(event);
        }
    }

    /// The next event as it came.
    async fn next_text(&mut self) -> Option<String> {
        while !self.screen.is_closed {
            let socket = match &mut self.line {
                Line::Socket(socket) => socket,
                Line::Stream { events, .. } => {
                    let text = soon("a live event", events.next()).await.flatten();
                    self.screen.is_closed = text.is_none();
                    return text;
                }
            };
            match soon("a live event", socket.next()).await {
                Some(Ok(Frame::Text(text))) => return Some(text.as_str().to_owned()),
                Some(Ok(Frame::Close(frame))) => {
                    self.screen.close_code = frame.map(|frame| u16::from(frame.code));
                    self.screen.is_closed = true;
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => self.screen.is_closed = true,
            }
        }
        None
    }

    /// Follows what comes until the screen is as it should be.
    #[track_caller]
    pub fn until(&mut self, what: &str, is_so: impl Fn(&Screen) -> bool) -> impl Future<Output = ()> {
        soon(what, async move {
            while !is_so(&self.screen) {
                assert!(self.next().await.is_some(), "the live connection ended: {:?}", self.screen.closing);
            }
        })
    }

    /// Follows a reply to its end; gives it as it is on the screen then.
    #[track_caller]
    pub fn until_end(&mut self, id: MessageId) -> impl Future<Output = Message> {
        let until = soon("the reply's end", async move {
            while !self.screen.find(id).is_some_and(|message| message.state.is_final()) {
                assert!(self.next().await.is_some(), "the live connection ended: {:?}", self.screen.closing);
            }
            self.screen.find(id).cloned()
        });
        async move { until.await.unwrap() }
    }

    /// Follows what comes until the connection is closed; gives why.
    pub async fn until_closed(&mut self) -> (Option<CloseReason>, Option<u16>) {
        while self.next().await.is_some() {}
        (self.screen.closing, self.screen.close_code)
    }

    fn is_end(&self, event: &LiveEvent) -> bool {
        let LiveEvent::Messages { chat_id, messages } = event else { return false };
        let is_end = |message: &Message| message.author != Author::You && message.state.is_final();
        self.watched == Some(*chat_id) && messages.iter().any(is_end)
    }

    /// Like a page, it does not mind when the connection ends with that.
    async fn say_seen(&mut self) {
        let json = serde_json::to_string(&LiveCommand::Visibility { is_visible: true }).unwrap();
        match &mut self.line {
            Line::Socket(socket) => _ = socket.send(Frame::Text(json.into())).await,
            Line::Stream { client, stream_id, .. } => {
                let fields = [("stream_id", &*stream_id.to_string()), ("command", &json)];
                client.call::<SendLiveCommand>(&fields).await;
            }
        }
    }

    async fn watch_again(&mut self) {
        let after_seq = self.screen.known_up_to();
        let last_id = self.screen.messages.last().map(|message| message.id);
        let chat_id = self.watched.unwrap();
        self.command(&LiveCommand::Watch { chat_id, after_seq, last_id }).await;
    }
}

impl Screen {
    pub fn find(&self, id: MessageId) -> Option<&Message> {
        self.messages.iter().find(|message| message.id == id)
    }

    /// Everything that a reply shows, as one text.
    pub fn text_of(&self, id: MessageId) -> String {
        self.find(id).map(text).unwrap_or_default()
    }

    /// How far a running reply is.
    pub fn phase_of(&self, id: MessageId) -> Option<ReplyPhase> {
        self.find(id).map(|message| message.details.phase)
    }

    pub fn state_of(&self, id: MessageId) -> Option<MessageState> {
        self.find(id).map(|message| message.state)
    }

    /// The last place up to which every message is known in its final state.
    fn known_up_to(&self) -> i64 {
        let first_running = self.messages.iter().find(|message| !message.state.is_final());
        let last = self.messages.last().map_or(0, |message| message.seq);
        first_running.map_or(last, |message| message.seq - 1)
    }

    /// True when something was missed, so that the chat must be asked for again.
    fn apply(&mut self, watched: Option<ChatId>, event: LiveEvent) -> bool {
        match event {
            LiveEvent::ChatChanged { chat } => self.chats.push(chat),
            LiveEvent::Messages { chat_id, messages } => {
                if watched == Some(chat_id) {
                    messages.into_iter().for_each(|message| self.apply_message(message));
                }
            }
            LiveEvent::ReplyProgress {
                chat_id,
                message_id,
                first_block,
                ref blocks,
                ref tail,
                phase,
                ref reasoning,
            } => {
                self.progress.push(event.clone());
                if watched == Some(chat_id) {
                    return !(self.apply_reasoning(message_id, phase, reasoning.as_ref())
                        && self.apply_progress(message_id, first_block, blocks, tail));
                }
            }
            LiveEvent::ChatOutdated { chat_id } => self.is_outdated |= watched == Some(chat_id),
            LiveEvent::ReplyQueued { message_id, ahead, .. } => {
                let queued =
                    self.messages.iter_mut().find(|message| message.id == message_id && !message.state.is_final());
                if let Some(message) = queued.filter(|message| message.state != MessageState::Generating) {
                    message.state = MessageState::Queued { ahead };
                }
            }
            LiveEvent::DraftChanged { chat_id, change } => {
                assert_eq!(watched, Some(chat_id));
                self.drafts.push(change);
            }
            LiveEvent::Typing { chat_id, name, .. } => {
                assert_eq!(watched, Some(chat_id));
                self.typing.push(name);
            }
            LiveEvent::Resync => {
                self.resyncs += 1;
                return true;
            }
            LiveEvent::Refused { code } => self.refused.push(code),
            LiveEvent::Closing { reason } => self.closing = Some(reason),
            LiveEvent::ChatDeleted { chat_id } => self.deleted.push(chat_id),
            LiveEvent::AccountChanged
            | LiveEvent::NotificationsChanged
            | LiveEvent::SessionsChanged
            | LiveEvent::FilesChanged
            | LiveEvent::SiteChanged
            | LiveEvent::Alive => {}
        }
        false
    }

    fn apply_message(&mut self, message: Message) {
        if let Some(known) = self.messages.iter_mut().find(|known| known.id == message.id) {
            let is_stale = known.state.is_final() && !message.state.is_final();
            let is_behind = !message.state.is_final() && extent(&message.body) < extent(&known.body);
            if !is_stale && !is_behind {
                let versions = message.versions.or(known.versions);
                *known = Message { versions, ..message };
            }
            return;
        }
        let follows_seq = match message.parent_id {
            None => Some(0),
            Some(id) => self.messages.iter().find(|known| known.id == id).map(|known| known.seq),
        };
        let is_newer_version = |known: &Message| known.parent_id == message.parent_id && known.seq > message.seq;
        if !message.is_shown || (follows_seq.is_some() && self.messages.iter().any(is_newer_version)) {
            return;
        }
        if let Some(follows_seq) = follows_seq {
            self.messages.retain(|known| known.seq <= follows_seq || known.seq >= message.seq);
        }
        let place = self.messages.partition_point(|known| known.seq < message.seq);
        self.messages.insert(place, message);
    }

    fn apply_reasoning(&mut self, id: MessageId, phase: ReplyPhase, piece: Option<&ReasoningPiece>) -> bool {
        let Some(message) = self.messages.iter_mut().find(|message| message.id == id) else { return false };
        if message.state.is_final() {
            return true;
        }
        message.details.phase = phase;
        piece.is_none_or(|piece| piece.put_to(&mut message.details.reasoning))
    }

    fn apply_progress(&mut self, id: MessageId, first_block: usize, new: &[SafeHtml], new_tail: &SafeHtml) -> bool {
        let Some(message) = self.messages.iter_mut().find(|message| message.id == id) else { return false };
        if message.state.is_final() {
            return true;
        }
        let MessageBody::Html { blocks, tail } = &mut message.body else { panic!("progress of what a person wrote") };
        if first_block > blocks.len() {
            return false;
        }
        blocks.truncate(first_block);
        blocks.extend_from_slice(new);
        *tail = new_tail.clone();
        true
    }
}

/// Everything that a message shows, as one text.
pub fn text(message: &Message) -> String {
    match &message.body {
        MessageBody::Text(text) => text.clone(),
        MessageBody::Html { blocks, tail } => blocks.iter().chain([tail]).map(SafeHtml::as_str).collect(),
    }
}

/// How far a reply has come: blocks, then the tail's length.
fn extent(body: &MessageBody) -> (usize, usize) {
    match body {
        MessageBody::Text(_) => (0, 0),
        MessageBody::Html { blocks, tail } => (blocks.len(), tail.as_str().len()),
    }
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if value.is_empty() {
        headers.remove(name);
    } else {
        headers.insert(name, value.parse().unwrap());
    }
}
