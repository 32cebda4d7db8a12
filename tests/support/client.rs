//! A browser without a screen: it keeps its cookies, says where its requests come from, and follows no redirect.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use leptos::server_fn::ServerFn;
use reqwest::{Method, RequestBuilder, header};
use sardonyx::{
    api::{
        chats::{CreateChat, ListChats, OpenChat},
        drafts::SaveDraft,
        messages::{ListMessages, RetryReply, SendMessage, StopReply},
    },
    domain::{
        chat::{Chat, ChatCursor, ChatPage, ChatView},
        ids::{ChatId, ClientMessageId, MessageId},
        message::{MessagePage, Sent},
    },
};
use serde::de::DeserializeOwned;

use super::{canaries::Canaries, tab::Tab};

/// One browser at one server.
#[derive(Clone)]
pub struct Client {
    pub http: reqwest::Client,
    pub addr: SocketAddr,
    /// What it says about where a request comes from.
    pub origin: String,
    pub cookies: Arc<Mutex<BTreeMap<String, String>>>,
    /// What it typed and was given that no log may hold.
    pub canaries: Canaries,
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: header::HeaderMap,
    pub body: Bytes,
}

impl Client {
    pub fn new(http: reqwest::Client, addr: SocketAddr, canaries: Canaries) -> Self {
        Self { http, addr, origin: format!("http://{addr}"), cookies: Arc::default(), canaries }
    }

    /// The same browser at another server of the site.
    pub fn at(&self, addr: SocketAddr) -> Self {
        Self { origin: format!("http://{addr}"), addr, ..self.clone() }
    }

    /// Another browser with a copy of the cookies.
    pub fn copy(&self) -> Self {
        Self { cookies: Arc::new(Mutex::new(self.cookies.lock().unwrap().clone())), ..self.clone() }
    }

    /// The value of the only cookie.
    pub fn cookie(&self) -> Option<String> {
        self.cookies.lock().unwrap().values().next().cloned()
    }

    /// What the `Cookie` header says.
    pub fn cookie_header(&self) -> String {
        let cookies = self.cookies.lock().unwrap();
        cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// A request with the cookies and nothing else.
    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("http://{}{path}", self.addr));
        let cookies = self.cookie_header();
        if cookies.is_empty() { request } else { request.header(header::COOKIE, cookies) }
    }

    /// A request as a page of the site makes it.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let is_safe = method == Method::GET;
        let request = self.bare(method, path);
        if is_safe { request } else { request.header(header::ORIGIN, &self.origin) }
    }

    /// Sends a request and keeps the cookies of its answer.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = Self::send_only(request).await;
        self.canaries.add_body(&answer.body);
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") || value.is_empty() {
                self.cookies.lock().unwrap().remove(name);
            } else {
                self.canaries.add(value);
                self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// Sends a request, whatever cookies its answer sets.
    pub async fn send_only(request: RequestBuilder) -> Answer {
        let response = super::soon("an answer", request.send()).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: super::soon("a whole answer", response.bytes()).await.unwrap() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// Posts a form as the hydrated page does.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        fields.iter().for_each(|(name, value)| self.canaries.add_field(name, value));
        self.send(self.form_request(path, form(fields))).await
    }

    /// Posts a form as a page without a script does, from `page`.
    pub async fn submit(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        fields.iter().for_each(|(name, value)| self.canaries.add_field(name, value));
        let request = self.form_request(path, form(fields));
        let page = format!("{}{page}", self.origin);
        self.send(request.header(header::ACCEPT, "text/html,*/*;q=0.8").header(header::REFERER, page)).await
    }

    /// Calls a server function.
    pub async fn call<F: ServerFn>(&self, fields: &[(&str, &str)]) -> Answer {
        self.post(F::PATH, fields).await
    }

    /// A request of a program: no cookie, no origin; the token, if there is one.
    pub fn program(&self, method: Method, path: &str, token: Option<&str>) -> RequestBuilder {
        let request = self.http.request(method, format!("http://{}{path}", self.addr));
        match token {
            Some(token) => {
                self.canaries.add(token);
                request.bearer_auth(token)
            }
            None => request,
        }
    }

    /// A form's request with any body.
    pub fn form_request(&self, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        let request = self.request(Method::POST, path).body(body);
        request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
    }
}

/// What a page does with the server functions, where a test expects no refusal.
impl Client {
    pub async fn create_chat(&self) -> ChatId {
        self.call::<CreateChat>(&[]).await.ok::<Chat>().id
    }

    pub async fn list_chats(&self, before: Option<ChatCursor>) -> ChatPage {
        let cursor = before.map(|before| (before.updated_at_ms.to_string(), before.id.to_string()));
        let fields = cursor.as_ref().map(|(ms, id)| [("before_ms", ms.as_str()), ("before_id", id.as_str())]);
        self.call::<ListChats>(fields.as_ref().map_or(&[][..], |fields| &fields[..])).await.ok()
    }

    pub async fn open_chat(&self, chat_id: ChatId) -> ChatView {
        self.call::<OpenChat>(&[("chat_id", &chat_id.to_string())]).await.ok()
    }

    pub async fn list_messages(&self, chat_id: ChatId, before_seq: i64) -> MessagePage {
        let (chat_id, before_seq) = (chat_id.to_string(), before_seq.to_string());
        self.call::<ListMessages>(&[("chat_id", &chat_id), ("before_seq", &before_seq)]).await.ok()
    }

    /// Sends a message; whatever the server says.
    pub async fn try_send(&self, chat_id: ChatId, text: &str, client_message_id: ClientMessageId) -> Answer {
        let (chat_id, client_message_id) = (chat_id.to_string(), client_message_id.to_string());
        let fields = [("chat_id", chat_id.as_str()), ("text", text), ("client_message_id", &client_message_id)];
        self.call::<SendMessage>(&fields).await
    }

    pub async fn send_message(&self, chat_id: ChatId, text: &str) -> Sent {
        self.try_send(chat_id, text, ClientMessageId::random()).await.ok()
    }

    /// Keeps a draft as a tab does that has seen drafts up to `draft_ms`; gives its moment, or none when it is late.
    pub async fn save_draft(&self, chat_id: ChatId, text: &str, id: ClientMessageId, draft_ms: i64) -> Option<i64> {
        let (chat_id, id, draft_ms) = (chat_id.to_string(), id.to_string(), draft_ms.to_string());
        let fields = [("chat_id", &*chat_id), ("text", text), ("client_message_id", &id), ("draft_ms", &draft_ms)];
        self.call::<SaveDraft>(&fields).await.ok()
    }

    /// A message in a new chat.
    pub async fn ask(&self, text: &str) -> (ChatId, Sent) {
        let chat_id = self.create_chat().await;
        (chat_id, self.send_message(chat_id, text).await)
    }

    /// Looks at a reply that has ended: nothing of its chat changes by itself any more.
    pub async fn read_reply(&self, chat_id: ChatId, sent: &Sent) {
        Tab::on_chat(self, chat_id).await.until_end(sent.reply_id).await;
        self.open_chat(chat_id).await;
    }

    pub async fn stop_reply(&self, id: MessageId) {
        self.call::<StopReply>(&[("message_id", &id.to_string())]).await.ok::<()>();
    }

    pub async fn try_retry(&self, id: MessageId) -> Answer {
        self.call::<RetryReply>(&[("message_id", &id.to_string())]).await
    }
}

impl Answer {
    /// What a successful answer holds.
    #[track_caller]
    pub fn ok<T: DeserializeOwned>(&self) -> T {
        assert_eq!(self.status, 200, "{}", self.text());
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The code of a refusal; empty when there is none.
    pub fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body.get("code").and_then(|code| code.as_str()).unwrap_or_default().to_owned()
    }

    /// Status and code, to compare a refusal with.
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.code())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Everything but what differs from answer to answer by its nature.
    pub fn same(&self) -> Self {
        let mut headers = self.headers.clone();
        headers.remove(header::DATE);
        headers.remove("x-request-id");
        Self { headers, ..self.clone() }
    }
}

/// A body of unknown length.
pub fn stream_of(part: &str, times: usize) -> reqwest::Body {
    let part = part.to_owned();
    let parts = std::iter::repeat_with(move || Ok::<_, std::io::Error>(part.clone())).take(times);
    reqwest::Body::wrap_stream(futures::stream::iter(parts))
}

/// Fields as a form encodes them.
pub fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
