//! What others wait for while many log in at once: hashing passwords takes whole processor cores, and must not take them all.

use std::time::Instant;

use anyhow::{Result, ensure};
use futures::{StreamExt, stream::FuturesUnordered};

use crate::{
    client::{Browser, LogIn, http_client},
    report::{Budget, Report},
    seed::Seeded,
    server::Sardonyx,
    stats::{Samples, ms},
};

/// Log-ins that begin in one moment.
const CROWD: usize = 200;
/// Against the same page while nobody else asks for anything (THREATS L8).
const SLOWER_TIMES_MAX: f64 = 2.0;
/// A log-in is done or refused for now after this: two seconds of waiting for its turn, and the way there and back.
const ANSWER_MS_MAX: f64 = 3_000.0;
/// How often the crowd comes.
const ROUNDS: usize = 3;
const PAGE: &str = "/chats";

/// Loads a page again and again, first alone, then beside the crowd.
pub async fn measure(server: &Sardonyx, seeded: &Seeded, requests: usize, report: &mut Report) -> Result<()> {
    let http = http_client()?;
    let reader = Browser::log_in(&http, server, &seeded.reader).await?;
    let mut idle = Samples::default();
    // The first times find everything cold.
    for request in 0..requests + 10 {
        let time = report.take("page", load(&reader).await);
        idle.extend(time.filter(|_| request >= 10));
    }
    let (mut beside, mut answers) = (Samples::default(), Samples::default());
    let (mut let_in, mut refused) = (0, 0);
    let before_mb = server.process.resident_mb()?;
    let mut most_mb = before_mb;
    for _ in 0..ROUNDS {
        // Everybody comes by a connection of their own.
        let crowd = http_client()?;
        let started = Instant::now();
        let mut log_ins: FuturesUnordered<_> =
            seeded.people.iter().cycle().take(CROWD).map(|email| Browser::try_log_in(&crowd, server, email)).collect();
        let answered = async {
            while let Some(outcome) = log_ins.next().await {
                answers.push(ms(started.elapsed()));
                match report.take("log-in in a crowd", outcome) {
                    Some(LogIn::Done) => let_in += 1,
                    Some(LogIn::ComeBackLater) => refused += 1,
                    None => {}
                }
            }
        };
        let pages = async {
            loop {
                // One that fails counts as endless.
                beside.push(load(&reader).await.unwrap_or(f64::INFINITY));
                most_mb = most_mb.max(server.process.resident_mb().unwrap_or_default());
            }
        };
        tokio::select! {
            () = answered => {}
            () = pages => {}
        }
    }
    ensure!(let_in > 0, "nobody of the crowd could log in");
    let part = format!("page {PAGE} while {CROWD} log in at once; floor: while nobody does");
    for (percent, budget) in [(50, Budget::None), (99, Budget::Times(SLOWER_TIMES_MAX))] {
        let name = format!("p{percent}");
        report.add(&part, name, "ms", beside.percentile(percent), idle.percentile(percent), budget);
    }
    let part = format!("{CROWD} log-ins at once");
    let slowest = answers.percentile(100);
    report.add(&part, "the last answer", "ms", slowest, None, Budget::Below(ANSWER_MS_MAX));
    let share = |count: usize| Some(count as f64 * 100.0 / (let_in + refused) as f64);
    report.add(&part, "let in", "%", share(let_in), None, Budget::None);
    report.add(&part, "told to come back later", "%", share(refused), None, Budget::None);
    report.add(&part, "more memory, at most", "MB", Some(most_mb - before_mb), None, Budget::None);
    Ok(())
}

async fn load(browser: &Browser) -> Result<f64> {
    let started = Instant::now();
    browser.page(PAGE).await?;
    Ok(ms(started.elapsed()))
}
