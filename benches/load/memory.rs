//! What the server keeps in memory while nobody asks anything of it. The embedded model is not in use.

use std::time::Duration;

use anyhow::Result;
use futures::future::try_join_all;
use tokio::time::sleep;

use crate::{
    client::{Browser, Socket, http_client},
    report::{Budget, Report},
    seed::Seeded,
    server::Sardonyx,
};

const PAGE_LOADS: usize = 100;
const IDLE_MB_MAX: f64 = 40.0;
const SOCKET_KB_MAX: f64 = 20.0;
/// Time for what was done to settle: the server gives memory back that it has not needed for two seconds.
const SETTLE_SECONDS: u64 = 3;

/// Measures the server before and after pages were loaded from it.
pub async fn measure(server: &Sardonyx, seeded: &Seeded, report: &mut Report) -> Result<()> {
    add(server, "after the start", Budget::Below(IDLE_MB_MAX), report).await?;
    let browser = Browser::log_in(&http_client()?, server, &seeded.reader).await?;
    let chats: Vec<String> = seeded.chats.iter().map(|chat| format!("/chats/{}", chat.what)).collect();
    let paths: Vec<&str> = std::iter::once("/chats").chain(chats.iter().map(String::as_str)).collect();
    for path in paths.iter().cycle().take(PAGE_LOADS) {
        report.take("page", browser.page(path).await);
    }
    add(server, "after 100 page loads", Budget::Below(IDLE_MB_MAX), report).await
}

/// Measures what an open live connection costs, and the server after everybody has logged in. Gives the connections.
pub async fn measure_sockets(
    server: &Sardonyx,
    browsers: &[Browser],
    sockets_max: usize,
    report: &mut Report,
) -> Result<Vec<Socket>> {
    add(server, "after everybody logged in", Budget::Below(IDLE_MB_MAX), report).await?;
    let before_mb = server.process.resident_mb()?;
    let mut sockets = Vec::new();
    for _ in 0..sockets_max / browsers.len() {
        sockets.extend(try_join_all(browsers.iter().map(Browser::connect)).await?);
    }
    sleep(Duration::from_secs(SETTLE_SECONDS)).await;
    let kb = (server.process.resident_mb()? - before_mb) * 1_000.0 / sockets.len() as f64;
    let name = format!("each of {} open live connections", sockets.len());
    report.add("memory", name, "kB", Some(kb), None, Budget::Below(SOCKET_KB_MAX));
    Ok(sockets)
}

/// Adds what the server has in memory now.
pub async fn add(server: &Sardonyx, when: &str, budget: Budget, report: &mut Report) -> Result<()> {
    sleep(Duration::from_secs(SETTLE_SECONDS)).await;
    report.add("memory", when, "MB", Some(server.process.resident_mb()?), None, budget);
    Ok(())
}
