//! Live connections under strain: cut, slow, dead, too many.

use std::time::{Duration, Instant};

use futures::future::join_all;
use rand::Rng;
use sardonyx::domain::{
    live::LiveCommand,
    message::{MessageBody, MessageState, SafeHtml},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
    time::{sleep, timeout},
};

use crate::support::{
    Setup, Tab, TestApp, eventually,
    people::PASSWORD,
    process::Process,
    site::{Site, log_in},
    soon,
    tab::Way,
    times,
};

crate::on_a_cluster![w15_cut_again_and_again_on_two_servers_every_tab_has_every_byte_once];
crate::once![
    w12_who_does_not_read_costs_a_bounded_buffer_and_nobody_else_waits,
    w13_a_connection_that_died_in_silence_is_let_go,
    w18_a_place_that_never_was_is_resumed_from_all_the_same,
    p1_connections_that_ask_for_nothing_are_closed_and_nobody_notices,
];

/// Words of a reply, with all that markdown makes difficult when it is cut.
fn token(n: usize) -> String {
    match n % 50 {
        0 => format!("\n\n## Part {n}\n\n"),
        10 => "\n\n- item".to_owned(),
        11..14 => format!("\n- item *{n}*"),
        14 => "\n\n```rust\nlet it".to_owned(),
        20 => ";\n```\n\n".to_owned(),
        30 => " **bold".to_owned(),
        33 => "** 日本語 😀".to_owned(),
        _ => format!(" word{n}"),
    }
}

async fn w15_cut_again_and_again_on_two_servers_every_tab_has_every_byte_once(setup: Setup) {
    const TOKENS: usize = 2_000;
    let app = TestApp::start(setup).await;
    let other = app.another().await;
    let alice = app.alice().await;
    let there = alice.at(&other);
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("Tell me everything").await;
    let mut call = app.upstream.call().await;
    call.begin();
    let mut tabs = [Tab::on_chat(&alice, chat_id).await, Tab::on_chat(&there, chat_id).await];
    let cuts = times(15, 200);
    let mut at: Vec<usize> = (0..cuts).map(|_| rand::rng().random_range(1..TOKENS)).collect();
    at.sort_unstable();
    let mut said = String::new();
    for n in 0..TOKENS {
        let token = token(n);
        said.push_str(&token);
        call.piece(&token);
        for _ in 0..at.iter().filter(|cut| **cut == n).count() {
            let (which, to_other, way) = (n % 2, rand::rng().random_bool(0.5), rand::rng().random_bool(0.5));
            // Sometimes it has just heard something, sometimes nothing for long.
            if rand::rng().random_bool(0.5) {
                let before = tabs[which].screen.progress.len();
                let heard = tabs[which].until("some news", |screen| screen.progress.len() > before);
                let _ = timeout(Duration::from_millis(100), heard).await;
            }
            let way = if way { Way::Socket } else { Way::Stream };
            tabs[which].reconnect_by(way, if to_other { &there } else { &alice }).await;
        }
    }
    call.done();
    let said = said.trim_start().to_owned();
    let ends = [tabs[0].until_end(sent.reply_id).await, tabs[1].until_end(sent.reply_id).await];
    let kept = app.database.message(sent.reply_id.0).await;
    assert_eq!((kept.0.trim_start(), kept.1.as_str()), (said.as_str(), "complete"));
    let blocks = sardonyx::server::markdown::render_all(&kept.0);
    for (tab, end) in tabs.iter().zip(ends) {
        assert_eq!(end.state, MessageState::Complete);
        assert_eq!(end.body, MessageBody::Html { blocks: blocks.clone(), tail: SafeHtml::default() });
        assert_eq!(tab.screen.messages, alice.open_chat(chat_id).await.messages.messages);
    }
    println!("{cuts} cuts in {TOKENS} tokens, two tabs, two servers, sockets and streams: byte-equal");
}

async fn w12_who_does_not_read_costs_a_bounded_buffer_and_nobody_else_waits(setup: Setup) {
    const SLOW: usize = 3;
    let event_bytes = times(8, 20) * 1024 * 1024;
    let site = Site::new(&setup).await;
    assert!(site.add_user("alice@example.org", PASSWORD).await.status.success());
    let server = Process::start(&site.settings()).await;
    let alice = log_in(&server).await;
    site.upstream.by_hand();
    let mut peaks = Vec::new();
    // The first time without anybody who is slow: what the work itself costs.
    for slow in [0, SLOW] {
        let chat_id = alice.create_chat().await;
        let mut idle = Vec::new();
        for _ in 0..slow {
            let mut tab = Tab::open_slow(&alice).await;
            tab.command(&LiveCommand::Watch { chat_id, after_seq: 0, last_id: None }).await;
            idle.push(tab);
        }
        let mut tab = Tab::on_chat(&alice, chat_id).await;
        let sent = alice.send_message(chat_id, "Tell me").await;
        let mut call = site.upstream.call().await;
        call.begin();
        let (mut heard, mut pieces, mut slowest) = (0, 0, Duration::ZERO);
        // One paragraph, which is sent whole again and again.
        let beginning = "word ".repeat(20_000);
        call.piece(&beginning);
        while heard < event_bytes {
            let said = Instant::now();
            call.piece("more ");
            pieces += 1;
            tab.until("the next words", |screen| !screen.progress.is_empty()).await;
            slowest = slowest.max(said.elapsed());
            heard +=
                tab.screen.progress.drain(..).map(|event| serde_json::to_string(&event).unwrap().len()).sum::<usize>();
        }
        call.done();
        assert_eq!(tab.until_end(sent.reply_id).await.state, MessageState::Complete);
        assert_eq!(site.database.message(sent.reply_id.0).await.0.len(), beginning.len() + 5 * pieces);
        println!("{slow} slow readers, {heard} bytes of events to each: the slowest news took {slowest:.0?}");
        peaks.push(server.peak_kib());
    }
    let grown_kib = peaks[1] - peaks[0];
    println!("memory grew by {grown_kib} KiB for {SLOW} slow readers");
    assert!(grown_kib <= (SLOW as u64 + 3) * 1024, "{grown_kib} KiB");
    server.kill().await;
}

async fn w13_a_connection_that_died_in_silence_is_let_go(setup: Setup) {
    let app = TestApp::start(setup.config(|config| config.limits.ping_seconds = 1)).await;
    let alice = app.alice().await;
    let tasks = app.state.tasks.len();
    // Whoever does not read does not answer a ping.
    let dead = Tab::open_slow(&alice).await;
    eventually("its end", async || app.state.tasks.len() == tasks).await;
    drop(dead);
}

async fn w18_a_place_that_never_was_is_resumed_from_all_the_same(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, first) = alice.ask("Tell me").await;
    Tab::on_chat(&alice, chat_id).await.until_end(first.reply_id).await;
    let asked = app.upstream.asked();
    for after_seq in [i64::MIN, -1, 0, 1, 2, 3, 1_000_000, i64::MAX] {
        let mut tab = Tab::open(&alice).await;
        tab.expect(chat_id);
        tab.command(&LiveCommand::Watch { chat_id, after_seq, last_id: None }).await;
        let sent = alice.send_message(chat_id, &format!("after {after_seq}")).await;
        assert_eq!(tab.until_end(sent.reply_id).await.state, MessageState::Complete);
        assert!(tab.screen.refused.is_empty());
    }
    assert_eq!(app.upstream.asked(), asked + 8);
}

async fn p1_connections_that_ask_for_nothing_are_closed_and_nobody_notices(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let median = async || {
        let mut took = Vec::new();
        for _ in 0..21 {
            let started = Instant::now();
            assert_eq!(alice.get("/chats").await.status, 200);
            took.push(started.elapsed());
        }
        took.sort_unstable();
        took[took.len() / 2]
    };
    let undisturbed = median().await;
    // What comes in one moment waits in the kernel's queue, which holds some thousands.
    let (connecting, app) = (Semaphore::new(1_000), &app);
    let until_closed = async |is_slow: bool| {
        let place = connecting.acquire().await.unwrap();
        let mut connection = TcpStream::connect(app.addr).await.unwrap();
        drop(place);
        let opened = Instant::now();
        let (mut from, mut to) = connection.split();
        let mut bytes = [0; 512];
        let drip = async {
            if is_slow {
                for byte in b"GET /chats HTTP/1.1\r\nHost: ".iter().cycle() {
                    if to.write_all(&[*byte]).await.is_err() {
                        break;
                    }
                    sleep(Duration::from_secs(2)).await;
                }
            }
            std::future::pending::<()>().await;
        };
        let closed = async { while from.read(&mut bytes).await.is_ok_and(|count| count > 0) {} };
        tokio::select! {
            () = drip => {}
            () = soon("the end of the connection", closed) => {}
        }
        opened.elapsed()
    };
    let (dripping, silent) = (times(100, 2_000), times(200, 5_000));
    let all = join_all((0..dripping + silent).map(|n| until_closed(n < dripping)));
    let (closed, meanwhile) = tokio::join!(all, median());
    let last = closed.into_iter().max().unwrap();
    println!(
        "{dripping} dripping, {silent} silent: the last was closed after {last:.0?}; a page took {meanwhile:.1?}, before {undisturbed:.1?}"
    );
    assert!(last <= Duration::from_secs(30));
    eventually("a page", async || alice.get("/chats").await.status == 200).await;
}
