//! A connection that can fail: stands between a server and what it depends on, and does what the test says.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::sleep,
};

/// What becomes of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// They get through.
    Open,
    /// They get through, each of them this much later.
    Slow(Duration),
    /// Every connection is closed, also those that are there.
    Refused,
    /// The same, without a farewell: whoever writes is told that nobody ever spoke to them.
    Reset,
    /// They are taken and go nowhere; nobody is told.
    Blackhole,
}

/// The one in between.
pub struct Proxy {
    pub address: SocketAddr,
    line: Arc<watch::Sender<Line>>,
    cut: Arc<Cut>,
}

/// Words after which a connection is cut: all of them came, one after the other, on their way to the server.
#[derive(Default)]
struct Cut {
    words: Mutex<Vec<Vec<u8>>>,
    done: watch::Sender<u32>,
}

impl Proxy {
    /// Stands in front of this address, open at first.
    pub async fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let line = Arc::new(watch::Sender::new(Line::Open));
        let cut = Arc::new(Cut::default());
        let (changes, cutting) = (Arc::downgrade(&line), Arc::clone(&cut));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Some(line) = changes.upgrade() else { return };
                let now = *line.borrow();
                match now {
                    Line::Refused => {}
                    Line::Reset => reset(&client),
                    _ => _ = tokio::spawn(connect(client, target, line.subscribe(), Arc::clone(&cutting))),
                }
            }
        });
        Self { address, line, cut }
    }

    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }

    /// Cuts the first connection on which all of these come, in this order: after the last of them has reached the server,
    /// and before its answer has come back.
    pub fn cut_after(&self, words: &[&str]) {
        *self.cut.words.lock().unwrap() = words.iter().map(|word| word.as_bytes().to_vec()).collect();
    }

    /// How often a connection was cut.
    pub fn cuts(&self) -> u32 {
        *self.cut.done.borrow()
    }
}

async fn connect(client: TcpStream, target: SocketAddr, mut line: watch::Receiver<Line>, cut: Arc<Cut>) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    let (client, server) = (client.into_split(), server.into_split());
    let (mut client_in, mut client_out) = client;
    let (mut server_in, mut server_out) = server;
    let there = pump(&mut client_in, &mut server_out, line.clone(), Some(&cut));
    let back = pump(&mut server_in, &mut client_out, line.clone(), None);
    let mut is_reset = false;
    tokio::select! {
        () = there => {}
        () = back => {}
        ended = line.wait_for(|line| matches!(line, Line::Refused | Line::Reset)) => {
            is_reset = ended.is_ok_and(|line| *line == Line::Reset);
        }
    }
    if is_reset && let Ok(client) = client_in.reunite(client_out) {
        reset(&client);
    }
}

/// Has the connection end with a reset when it is dropped.
fn reset(connection: &TcpStream) {
    #[expect(deprecated, reason = "it lingers for no time at all, so nobody waits")]
    connection.set_linger(Some(Duration::ZERO)).unwrap();
}

async fn pump(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    mut line: watch::Receiver<Line>,
    cut: Option<&Cut>,
) {
    let mut buffer = vec![0; 16 * 1024];
    let mut heard = 0;
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
        let Ok(now) = line.wait_for(|line| *line != Line::Blackhole).await.map(|line| *line) else { return };
        if let Line::Slow(delay) = now {
            sleep(delay).await;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
        if cut.is_some_and(|cut| cut.is_due(&buffer[..count], &mut heard)) {
            // Time for the server to hear it; its answer goes nowhere, for nobody reads it any more.
            return to.shutdown().await.unwrap_or_default();
        }
    }
}

impl Cut {
    /// Whether the last of the words has come; `heard` counts those that came on this connection.
    fn is_due(&self, bytes: &[u8], heard: &mut usize) -> bool {
        let mut words = self.words.lock().unwrap();
        let mut rest = bytes;
        while let Some(word) = words.get(*heard) {
            let Some(at) = rest.windows(word.len()).position(|window| window == word) else { return false };
            rest = &rest[at + word.len()..];
            *heard += 1;
        }
        let is_due = !words.is_empty();
        if is_due {
            words.clear();
            self.done.send_modify(|done| *done += 1);
        }
        is_due
    }
}
