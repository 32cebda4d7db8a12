//! A connection that can fail: stands between a server and what it depends on, and does what the test says.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What becomes of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// They get through.
    Open,
    /// Every connection is closed, also those that are there.
    Refused,
    /// They are taken and go nowhere; nobody is told.
    Blackhole,
}

/// The one in between.
pub struct Proxy {
    pub address: SocketAddr,
    line: Arc<watch::Sender<Line>>,
}

impl Proxy {
    /// Stands in front of this address, open at first.
    pub async fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let line = Arc::new(watch::Sender::new(Line::Open));
        let changes = Arc::downgrade(&line);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Some(line) = changes.upgrade() else { return };
                if *line.borrow() != Line::Refused {
                    tokio::spawn(connect(client, target, line.subscribe()));
                }
            }
        });
        Self { address, line }
    }

    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

async fn connect(client: TcpStream, target: SocketAddr, mut line: watch::Receiver<Line>) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    let (client, server) = (client.into_split(), server.into_split());
    let there = pump(client.0, server.1, line.clone());
    let back = pump(server.0, client.1, line.clone());
    tokio::select! {
        () = there => {}
        () = back => {}
        _ = line.wait_for(|line| *line == Line::Refused) => {}
    }
}

async fn pump(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut line: watch::Receiver<Line>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
        if line.wait_for(|line| *line != Line::Blackhole).await.is_err()
            || to.write_all(&buffer[..count]).await.is_err()
        {
            return;
        }
    }
}
