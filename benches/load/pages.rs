//! Chat list and chat: what they cost must not grow with what there is. A page shows a bounded number of rows, so the floor
//! is the case that fills exactly one page; the small one, which shows less, is for information.

use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::{
    client::{Browser, http_client},
    report::{Budget, Report},
    seed::Seeded,
    server::Sardonyx,
    stats::{Samples, ms},
};

/// Flat, give or take what measuring does.
const FLAT_TIMES_MAX: f64 = 1.25;

/// One thing that is asked for again and again.
struct Case {
    size: usize,
    browser: Browser,
    ask: Ask,
    times: Samples,
}

enum Ask {
    Page(String),
    Call(&'static str, Option<String>),
}

/// Measures every case in turn, so that whatever else the machine does meets all alike.
pub async fn measure(server: &Sardonyx, seeded: &Seeded, requests: usize, report: &mut Report) -> Result<()> {
    let http = http_client()?;
    let (mut list_pages, mut lists, mut chat_pages, mut chats) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for list in &seeded.lists {
        let browser = Browser::log_in(&http, server, &list.what).await?;
        list_pages.push(Case::new(list.size, &browser, Ask::Page("/chats".to_owned())));
        lists.push(Case::new(list.size, &browser, Ask::Call("list_chats", None)));
    }
    let reader = Browser::log_in(&http, server, &seeded.reader).await?;
    for chat in &seeded.chats {
        chat_pages.push(Case::new(chat.size, &reader, Ask::Page(format!("/chats/{}", chat.what))));
        chats.push(Case::new(chat.size, &reader, Ask::Call("open_chat", Some(chat.what.to_string()))));
    }
    let mut all = [list_pages, lists, chat_pages, chats];
    for request in 0..=requests {
        for case in all.iter_mut().flatten() {
            let time = report.take("request", case.run().await);
            // The first time finds everything cold.
            case.times.extend(time.filter(|_| request > 0));
        }
    }
    let [list_pages, lists, chat_pages, chats] = &all;
    let part = "chat list, one after the other; floor: one full page";
    add_group(part, "page /chats", "chats", list_pages, report)?;
    add_group(part, "list_chats", "chats", lists, report)?;
    let part = "chat, one after the other; floor: one full page";
    add_group(part, "page /chats/{id}", "messages", chat_pages, report)?;
    add_group(part, "open_chat", "messages", chats, report)
}

impl Case {
    fn new(size: usize, browser: &Browser, ask: Ask) -> Self {
        Self { size, browser: browser.clone(), ask, times: Samples::default() }
    }

    /// Asks once; gives the milliseconds until all of the answer was there.
    async fn run(&self) -> Result<f64> {
        let started = Instant::now();
        let answer = match &self.ask {
            Ask::Page(path) => self.browser.page(path).await?,
            Ask::Call(function, None) => self.browser.call(function, &[]).await?,
            Ask::Call(function, Some(chat_id)) => self.browser.call(function, &[("chat_id", chat_id)]).await?,
        };
        let time = ms(started.elapsed());
        ensure!(answer.len() > 1_000, "an answer is too short to be right");
        Ok(time)
    }
}

fn add_group(part: &str, name: &str, of_what: &str, cases: &[Case], report: &mut Report) -> Result<()> {
    let [small, page, large] = cases else { return Err(anyhow::anyhow!("there are three sizes")) };
    for percent in [50, 99] {
        let floor = page.times.percentile(percent).context("nothing was measured")?;
        for case in [small, page, large] {
            // Of few measurements the 99th percentile is the worst of them, and says more about the machine.
            let budget =
                if case.size == large.size && percent == 50 { Budget::Times(FLAT_TIMES_MAX) } else { Budget::None };
            let floor = (case.size != page.size).then_some(floor);
            let name = format!("{name}, {} {of_what}, p{percent}", case.size);
            report.add(part, name, "ms", case.times.percentile(percent), floor, budget);
        }
    }
    Ok(())
}
