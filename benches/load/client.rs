//! A browser as far as the server can tell: pages, server functions as the page calls them, and the live connection.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use bytes::Bytes;
use futures::{SinkExt, Stream, StreamExt};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header};
use sardonyx::domain::{chat::Chat, ids::ChatId, live::LiveCommand};
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message as Frame, Utf8Bytes, client::IntoClientRequest, protocol::WebSocketConfig},
};

use crate::{seed, server::Sardonyx};

/// A client without a memory of its own: cookies are handled here, and redirects are answers.
pub fn http_client() -> Result<Client> {
    Ok(Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().tcp_nodelay(true).build()?)
}

/// How a log-in ended that is right.
pub enum LogIn {
    Done,
    ComeBackLater,
}

/// Somebody's browser, logged in. Cheap to clone.
#[derive(Clone)]
pub struct Browser {
    http: Client,
    origin: Arc<str>,
    port: u16,
    cookie: Arc<str>,
    email: Arc<str>,
}

impl Browser {
    /// Logs in.
    pub async fn log_in(http: &Client, server: &Sardonyx, email: &str) -> Result<Self> {
        let nobody = Self::nobody(http, server, email);
        let response = check(nobody.send_log_in().await?).await?;
        let cookie = response.headers().get(header::SET_COOKIE).context("the log-in gave no cookie")?.to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().into();
        Ok(Self { cookie, ..nobody })
    }

    /// Logs in, or is told that too many do.
    pub async fn try_log_in(http: &Client, server: &Sardonyx, email: &str) -> Result<LogIn> {
        let response = Self::nobody(http, server, email).send_log_in().await?;
        if response.status() == StatusCode::SERVICE_UNAVAILABLE && response.headers().contains_key(header::RETRY_AFTER)
        {
            return Ok(LogIn::ComeBackLater);
        }
        check(response).await.map(|_| LogIn::Done)
    }

    fn nobody(http: &Client, server: &Sardonyx, email: &str) -> Self {
        Self {
            http: http.clone(),
            origin: server.origin.as_str().into(),
            port: server.port,
            cookie: "".into(),
            email: email.into(),
        }
    }

    async fn send_log_in(&self) -> Result<Response> {
        Ok(self.post("log_in", &[("email", &self.email), ("password", seed::PASSWORD)]).send().await?)
    }

    /// Whose it is.
    pub fn email(&self) -> &str {
        &self.email
    }

    /// Loads a page; gives its HTML once all of it is there.
    pub async fn page(&self, path: &str) -> Result<Bytes> {
        let request = self.http.get(format!("{}{path}", self.origin)).header(header::ACCEPT, "text/html");
        let html = check(self.with_cookie(request).send().await?).await?.bytes().await?;
        // What was fetched for the page follows its HTML, in scripts; without them it is not all there.
        ensure!(html.trim_ascii_end().ends_with(b"</script>"), "{path} is cut off");
        Ok(html)
    }

    /// Calls a server function; gives its answer as it came.
    pub async fn call(&self, function: &str, arguments: &[(&str, &str)]) -> Result<Bytes> {
        Ok(check(self.post(function, arguments).send().await?).await?.bytes().await?)
    }

    /// Calls a server function; gives its answer.
    pub async fn ask<T: DeserializeOwned>(&self, function: &str, arguments: &[(&str, &str)]) -> Result<T> {
        let answer = self.call(function, arguments).await?;
        serde_json::from_slice(&answer).with_context(|| format!("the answer of {function} is not as expected"))
    }

    /// Makes an empty chat.
    pub async fn create_chat(&self) -> Result<ChatId> {
        Ok(self.ask::<Chat>("create_chat", &[]).await?.id)
    }

    /// Announces a file (tus 1.0); gives where its content goes.
    pub async fn begin_upload(&self, name: &str, bytes: u64) -> Result<String> {
        let name = base64::engine::general_purpose::STANDARD.encode(name);
        let request = self.tus(Method::POST, "/files/uploads").header("upload-length", bytes);
        let response = request.header("upload-metadata", format!("filename {name}")).send().await?;
        ensure!(response.status() == StatusCode::CREATED, "an upload was refused: {}", response.status());
        Ok(response.headers().get(header::LOCATION).context("an upload has no place")?.to_str()?.to_owned())
    }

    /// How much of an upload is there.
    pub async fn upload_offset(&self, place: &str) -> Result<u64> {
        let response = self.tus(Method::HEAD, place).send().await?;
        let offset = response.headers().get("upload-offset").context("an upload is nowhere")?;
        Ok(offset.to_str()?.parse()?)
    }

    /// Goes on with an upload.
    pub async fn send_piece(&self, place: &str, offset: u64, content: impl Into<reqwest::Body>) -> Result<()> {
        let request = self.tus(Method::PATCH, place).header("upload-offset", offset);
        let request = request.header(header::CONTENT_TYPE, "application/offset+octet-stream").body(content);
        let response = request.send().await?;
        ensure!(response.status() == StatusCode::NO_CONTENT, "a piece was refused: {}", response.status());
        Ok(())
    }

    /// A whole file.
    pub async fn upload(&self, name: &str, content: Bytes) -> Result<()> {
        let place = self.begin_upload(name, content.len() as u64).await?;
        self.send_piece(&place, 0, content).await
    }

    /// The content of a file.
    pub async fn download(&self, path: &str) -> Result<impl Stream<Item = reqwest::Result<Bytes>> + use<>> {
        let request = self.http.get(format!("{}{path}/content", self.origin));
        Ok(check(self.with_cookie(request).send().await?).await?.bytes_stream())
    }

    fn tus(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.origin)).header("tus-resumable", "1.0.0");
        let request = request.header(header::ORIGIN, &*self.origin).header("sec-fetch-site", "same-origin");
        self.with_cookie(request)
    }

    /// Opens a live connection.
    pub async fn connect(&self) -> Result<Socket> {
        let mut request = format!("ws://127.0.0.1:{}/ws", self.port).into_client_request()?;
        request.headers_mut().insert(header::ORIGIN, self.origin.parse()?);
        request.headers_mut().insert(header::COOKIE, self.cookie.parse()?);
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.set_nodelay(true)?;
        let config = WebSocketConfig::default().read_buffer_size(8 * 1_024).write_buffer_size(0);
        let (socket, _) = client_async_with_config(request, stream, Some(config)).await?;
        Ok(Socket(socket))
    }

    fn post(&self, function: &str, arguments: &[(&str, &str)]) -> RequestBuilder {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(arguments).finish();
        let request = self
            .http
            .post(format!("{}/api/{function}", self.origin))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .header(header::ORIGIN, &*self.origin)
            .header("sec-fetch-site", "same-origin")
            .body(body);
        self.with_cookie(request)
    }

    fn with_cookie(&self, request: RequestBuilder) -> RequestBuilder {
        if self.cookie.is_empty() { request } else { request.header(header::COOKIE, &*self.cookie) }
    }
}

/// A live connection.
pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Says which chat is on the screen.
    pub async fn watch(&mut self, chat_id: ChatId) -> Result<()> {
        let command = serde_json::to_string(&LiveCommand::Watch { chat_id, after_seq: 0, last_id: None })?;
        Ok(self.0.send(Frame::text(command)).await?)
    }

    /// The next event, as it came.
    pub async fn next(&mut self) -> Result<Utf8Bytes> {
        loop {
            match self.0.next().await {
                Some(Ok(Frame::Text(text))) => return Ok(text),
                Some(Ok(Frame::Close(frame))) => bail!("the server closed the live connection: {frame:?}"),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error).context("the live connection broke"),
                None => bail!("the live connection ended"),
            }
        }
    }
}

async fn check(response: Response) -> Result<Response> {
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(response);
    }
    let path = response.url().path().to_owned();
    let body = response.text().await.unwrap_or_default();
    bail!("{path} answered {status}: {}", body.chars().take(200).collect::<String>());
}
