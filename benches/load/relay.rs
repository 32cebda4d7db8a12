//! The bare relay, the floor of streaming: takes a request, asks the model server as Sardonyx does, and passes its bytes
//! on. Nobody is looked up, nothing is read, rendered or kept. A process of its own, so that its processor time is its own.

use std::{process::Stdio, time::Duration};

use anyhow::{Context, Result};
use axum::{
    Router,
    body::Body,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::ListenerExt,
};
use bytes::Bytes;
use reqwest::Client;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::TcpListener,
    process::{ChildStdin, Command},
};

use crate::process::Process;

/// A running relay.
pub struct Relay {
    pub process: Process,
    pub origin: String,
    /// The relay ends when this is closed, however that comes about.
    _lifeline: ChildStdin,
}

impl Relay {
    /// Starts this program once more, as a relay.
    pub async fn start(base_url: &str) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--relay-to", base_url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("the relay cannot be started")?;
        let lifeline = child.stdin.take().context("the relay has no input")?;
        let output = child.stdout.take().context("the relay has no output")?;
        let origin = BufReader::new(output).lines().next_line().await?.context("the relay said nothing")?;
        Ok(Self { process: Process::new(child)?, origin, _lifeline: lifeline })
    }
}

/// Is the relay, until nobody wants it any more.
pub async fn serve(base_url: &str) -> Result<()> {
    // As the server's own, in `server::ai::remote`.
    let client = Client::builder()
        .connect_timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let app = Router::new()
        .route("/relay", post(relay))
        .route("/healthz", get(async || "ok"))
        .with_state((client, format!("{base_url}/chat/completions")));
    let mut lifeline = tokio::io::stdin();
    tokio::select! {
        served = axum::serve(listener, app).into_future() => served?,
        _ = lifeline.read_u8() => {}
    }
    Ok(())
}

async fn relay(State((client, url)): State<(Client, String)>, body: Bytes) -> Response {
    let request =
        client.post(url).header(header::CONTENT_TYPE, "application/json").header(header::ACCEPT, "text/event-stream");
    match request.body(body).send().await {
        Ok(response) if response.status() == StatusCode::OK => {
            ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(response.bytes_stream())).into_response()
        }
        _ => StatusCode::BAD_GATEWAY.into_response(),
    }
}
