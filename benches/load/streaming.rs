//! Replies that stream, one at a time and many that start within a second: through Sardonyx ([`chat`]), and through the
//! bare relay ([`bare`]) as the floor. Readers and model server are the same for both and share the machine with them.

mod bare;
mod chat;
mod check;
mod figures;

use std::{io::Write, path::Path, time::Duration};

use anyhow::Result;
use futures::future::{join_all, try_join_all};
use reqwest::Client;
use sardonyx::domain::limits;
use tokio::time::{Instant, sleep, timeout};

pub use self::check::{Kept, check_kept};
use self::{
    chat::Tab,
    figures::{Figures, Seen},
};
use crate::{
    Effort,
    client::{Browser, Socket, http_client},
    memory,
    process::Folder,
    relay::Relay,
    report::{Budget, Report},
    server::Sardonyx,
    stats::{Samples, ms},
    upstream::Upstream,
};

/// A long reply, and one of those that come one at a time.
const TOKENS: usize = 200;
const TOKENS_SINGLE: usize = 40;
/// A reply that takes longer does not come any more.
const REPLY_SECONDS_MAX: u64 = 60;
/// Replies beside idle connections, and the number of the first: another one than those of the other measures.
const REPLIES_BESIDE: usize = 100;
const FIRST_BESIDE: u64 = 1_000_000;
/// A write of about what a message takes.
const DISK_WRITE_BYTES: usize = 8 * 1_024;
const DISK_WRITES: usize = 50;

/// Whoever takes part in it.
struct Stage<'a> {
    server: &'a Sardonyx,
    relay: Relay,
    upstream: &'a Upstream,
    http: Client,
    /// Names the next reply.
    next: u64,
    kept: Vec<Kept>,
    report: &'a mut Report,
}

/// Measures replies of every number; gives what must be in the database then.
pub async fn measure(
    server: &Sardonyx,
    upstream: &Upstream,
    browsers: &[Browser],
    effort: &Effort,
    folder: &Folder,
    report: &mut Report,
) -> Result<Vec<Kept>> {
    add_disk_floor(folder.path(), report)?;
    let relay = Relay::start(&upstream.base_url).await?;
    let mut stage = Stage { server, relay, upstream, http: http_client()?, next: 0, kept: Vec::new(), report };
    let (mut through, mut bare) = (Figures::default(), Figures::default());
    for browser in browsers.iter().cycle().take(effort.single_replies) {
        bare += stage.relay_burst(1, TOKENS_SINGLE).await?;
        through += stage.chat_burst(1, TOKENS_SINGLE, std::slice::from_ref(browser)).await?;
    }
    figures::add_rows("streaming, one reply at a time; floor: the bare relay", &through, &bare, stage.report);
    for &replies in effort.bursts {
        let (mut through, mut bare) = (Figures::default(), Figures::default());
        for _ in 0..effort.rounds {
            bare += stage.relay_burst(replies, TOKENS).await?;
            through += stage.chat_burst(replies, TOKENS, browsers).await?;
        }
        let part = format!("streaming, {replies} replies within a second; floor: the bare relay");
        figures::add_rows(&part, &through, &bare, stage.report);
        // The same by one person, who has fewer live connections than chats.
        if replies == effort.burst_of_one {
            let alone = stage.chat_burst(replies, TOKENS, &browsers[..1]).await?;
            let part = format!("streaming, {replies} replies of one person within a second; floor: the bare relay");
            figures::add_rows(&part, &alone, &bare, stage.report);
        }
    }
    let Stage { relay, kept, report, .. } = stage;
    drop(relay);
    memory::add(server, "after the streaming", Budget::None, report).await?;
    Ok(kept)
}

/// Measures replies while very many live connections are open on which nothing happens; gives what must be in the database
/// then.
pub async fn measure_beside(
    server: &Sardonyx,
    upstream: &Upstream,
    browsers: &[Browser],
    idle: Vec<Socket>,
    report: &mut Report,
) -> Result<Vec<Kept>> {
    let relay = Relay::start(&upstream.base_url).await?;
    let (http, next, kept) = (http_client()?, FIRST_BESIDE, Vec::new());
    let mut stage = Stage { server, relay, upstream, http, next, kept, report };
    let figures = stage.chat_burst(REPLIES_BESIDE, TOKENS, browsers).await?;
    let part = format!("streaming, {REPLIES_BESIDE} replies beside {} idle live connections", idle.len());
    figures::add_lag(&part, &figures, stage.report);
    Ok(stage.kept)
}

impl Stage<'_> {
    /// Lets so many replies go through the relay.
    async fn relay_burst(&mut self, replies: usize, tokens: usize) -> Result<Figures> {
        warm(&self.http, &self.relay.origin, replies).await?;
        let before = self.relay.process.processor_seconds()?;
        let begin = Instant::now();
        let runs = (0..replies).map(|place| {
            let number = self.next + place as u64;
            let run =
                bare::reply(self.http.clone(), self.relay.origin.clone(), number, tokens, start(begin, place, replies));
            tokio::spawn(timeout(Duration::from_secs(REPLY_SECONDS_MAX), run))
        });
        let seen = join_all(runs.collect::<Vec<_>>()).await;
        let seconds = self.relay.process.processor_seconds()? - before;
        let seen = seen.into_iter().map(|seen| Ok(Some(seen???)));
        let figures = self.gather("reply through the relay", seen.collect(), tokens, seconds);
        self.next += replies as u64;
        Ok(figures)
    }

    /// Lets so many replies go through Sardonyx, each in a new chat of one of these people.
    async fn chat_burst(&mut self, replies: usize, tokens: usize, people: &[Browser]) -> Result<Figures> {
        let mut tabs = Vec::with_capacity(replies);
        // One person's chats may be more than their live connections: then every so many-th is on a screen, and the last.
        let stride = replies.div_ceil(people.len() * limits::SOCKETS_PER_USER_MAX);
        for place in 0..replies {
            let is_on_screen = (place / people.len() + 1).is_multiple_of(stride);
            tabs.push(Tab::open(&people[place % people.len()], is_on_screen).await?);
        }
        let kept: Vec<Kept> = tabs.iter().map(|tab| tab.kept(tokens)).collect();
        warm(&self.http, &self.server.origin, replies).await?;
        let before = self.server.process.processor_seconds()?;
        let begin = Instant::now();
        let runs = tabs.into_iter().enumerate().map(|(place, tab)| {
            let run = tab.reply(self.next + place as u64, tokens, start(begin, place, replies));
            tokio::spawn(timeout(Duration::from_secs(REPLY_SECONDS_MAX), run))
        });
        let seen = join_all(runs.collect::<Vec<_>>()).await;
        let seconds = self.server.process.processor_seconds()? - before;
        check::wait_until_complete(&kept, self.report).await;
        check::check_shown(&kept, self.report).await;
        self.kept.extend(kept);
        let seen = seen.into_iter().map(|seen| seen??);
        let figures = self.gather("reply", seen.collect(), tokens, seconds);
        self.next += replies as u64;
        Ok(figures)
    }

    /// Puts together what readers saw and what the model server knows, in the order of the replies' numbers.
    fn gather(
        &mut self,
        doing: &str,
        seen: Vec<Result<Option<Seen>>>,
        tokens: usize,
        processor_seconds: f64,
    ) -> Figures {
        let mut figures = Figures::new(seen.len() * tokens, processor_seconds);
        for (number, seen) in (self.next..).zip(seen) {
            let spoken = self.upstream.spoken(number);
            if let (Some(Some(seen)), Some(spoken)) = (self.report.take(doing, seen), self.report.take(doing, spoken)) {
                figures.add(&seen, &spoken);
            }
        }
        figures
    }
}

/// When the reply at this place starts: all within a second.
fn start(begin: Instant, place: usize, replies: usize) -> Instant {
    begin + Duration::from_secs(1).mul_f64(place as f64 / replies as f64)
}

/// A page that somebody sends from has its connection already.
async fn warm(http: &Client, origin: &str, connections: usize) -> Result<()> {
    let url = format!("{origin}/healthz");
    try_join_all((0..connections).map(|_| async { http.get(&url).send().await?.error_for_status()?.bytes().await }))
        .await?;
    // Whoever read before has hung up by now, too.
    sleep(Duration::from_millis(300)).await;
    Ok(())
}

/// What any durable write costs here: a message is kept before its reply begins, which the relay does not do.
fn add_disk_floor(folder: &Path, report: &mut Report) -> Result<()> {
    let mut file = std::fs::File::create(folder.join("durable"))?;
    let mut times = Samples::default();
    for _ in 0..DISK_WRITES {
        let started = std::time::Instant::now();
        file.write_all(&[0; DISK_WRITE_BYTES])?;
        file.sync_data()?;
        times.push(ms(started.elapsed()));
    }
    for percent in [50, 99] {
        let name = format!("8 KiB written and synced, p{percent}");
        report.add("this machine's disk", name, "ms", times.percentile(percent), None, Budget::None);
    }
    Ok(())
}
