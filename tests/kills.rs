//! The server killed again and again, under load: what was acknowledged is there, once, and what was begun goes on by
//! itself. A few times always; two hundred times with `cargo xtask test --long`.

use std::time::{Duration, Instant};

use futures::future::join_all;
use rand::Rng;
use sardonyx::domain::{
    ids::{ChatId, ClientMessageId},
    message::{MessageState, Sent},
};
use tokio::time::{sleep, timeout};

use crate::support::{
    Client, Setup, Tab,
    database::needed,
    eventually, form,
    people::PASSWORD,
    process::Process,
    site::{HalfWritten, Site, log_in},
    tab::text,
    times,
};

crate::on_both_databases![
    f20_killed_at_each_step_of_reading_a_file_its_text_is_there_once,
    k1_k3_killed_at_random_under_load_nothing_is_lost_doubled_or_left,
    k2_killed_at_each_step_of_a_reply_it_is_there_once_and_whole,
];
crate::on_a_cluster![
    k5_servers_that_are_replaced_one_by_one_lose_nothing,
    k17_a_server_that_was_asleep_does_not_go_on_with_what_another_took_over,
];

const CHATS: usize = 4;
const ANSWER: &str = "It goes on and on, however often somebody pulls the plug, until all of this has been said.";
/// The model writes for about a second.
const PAUSE: Duration = Duration::from_millis(60);
const KILLED_WITHIN_MS: u64 = 1_200;
/// A reply that lost its server is going on by then, or has ended.
const LEFT_SECONDS_MAX: u64 = 10;

/// A message that was to be sent.
struct Line {
    chat_id: ChatId,
    client_message_id: ClientMessageId,
    text: String,
    acknowledged: Option<Sent>,
}

async fn k1_k3_killed_at_random_under_load_nothing_is_lost_doubled_or_left(setup: Setup) {
    let rounds = times(3, 200);
    let site = Site::new(&setup).await;
    site.upstream.answer_with(ANSWER);
    site.upstream.take_time(PAUSE);
    assert!(site.add_user("alice@example.org", PASSWORD).await.status.success());
    let mut server = Process::start(&site.settings()).await;
    let mut alice = log_in(&server).await;
    let mut chats = Vec::new();
    for _ in 0..CHATS {
        chats.push(alice.create_chat().await);
    }
    let mut ledger: Vec<Line> = Vec::new();
    let (mut slowest, mut interrupted) = (Duration::ZERO, 0);
    for round in 0..rounds {
        // One kind of model after the other.
        site.upstream.continue_replies(round % 2 == 0);
        let kill_at = Duration::from_millis(rand::rng().random_range(0..KILLED_WITHIN_MS));
        let sends = join_all(chats.iter().map(|chat_id| send(&alice, *chat_id, format!("round {round}"))));
        let kill = async {
            sleep(kill_at).await;
            server.kill().await;
        };
        let (mut lines, ()) = tokio::join!(sends, kill);
        let killed = Instant::now();
        server = Process::start(&site.settings()).await;
        alice = alice.at(server.addr);
        // Whoever was told nothing sends again, under the same id.
        for line in &mut lines {
            let sent: Sent = alice.try_send(line.chat_id, &line.text, line.client_message_id).await.ok();
            assert!(line.acknowledged.is_none_or(|first| first == sent), "round {round}: {kill_at:?}");
            line.acknowledged = Some(sent);
        }
        let writing = "SELECT COUNT(*) FROM chat_message WHERE state = 'generating'";
        eventually("the end of every reply", async || site.database.number(writing).await == 0).await;
        slowest = slowest.max(killed.elapsed());
        ledger.append(&mut lines);
    }
    for chat_id in chats {
        interrupted += compare(&site, &alice, chat_id, &ledger).await;
    }
    if setup.is_sqlite() {
        assert_eq!(site.database.text("PRAGMA integrity_check").await, "ok");
    }
    println!(
        "{rounds} kills, {} messages: 0 lost, 0 doubled; {interrupted} replies did not go on by themselves; the last one \
         of a round ended at most {slowest:.1?} after the kill",
        ledger.len()
    );
    assert!(interrupted * 100 <= ledger.len());
    let bound = Duration::from_secs(LEFT_SECONDS_MAX) + PAUSE * 60;
    assert!(slowest < bound, "{slowest:?}");
    server.kill().await;
}

/// Compares what is in a chat with what was sent there, to the last word. Gives how many replies did not go on.
async fn compare(site: &Site, alice: &Client, chat_id: ChatId, ledger: &[Line]) -> usize {
    let mut expected = ledger.iter().filter(|line| line.chat_id == chat_id).rev();
    let mut before_seq = None;
    let (mut next_seq, mut interrupted) = (None, 0);
    loop {
        let page = match before_seq {
            None => alice.open_chat(chat_id).await.messages,
            Some(before_seq) => alice.list_messages(chat_id, before_seq).await,
        };
        for pair in page.messages.rchunks(2) {
            let [message, reply] = pair else { panic!("a message without its reply") };
            let line = expected.next().expect("a message that nobody sent");
            let sent = line.acknowledged.unwrap();
            assert_eq!((message.id, reply.id), (sent.message_id, sent.reply_id), "{}", line.text);
            assert!(next_seq.is_none_or(|next| reply.seq == next - 1), "a gap after {}", reply.seq);
            next_seq = Some(message.seq);
            match reply.state {
                MessageState::Complete => {
                    let kept = site.database.message(reply.id.0).await.0;
                    assert_eq!(kept, ANSWER, "{}", line.text);
                }
                MessageState::Interrupted => interrupted += 1,
                other => panic!("{}: {other:?}", line.text),
            }
        }
        if !page.has_older {
            break;
        }
        before_seq = page.messages.first().map(|message| message.seq);
    }
    assert!(expected.next().is_none(), "a message was lost");
    interrupted
}

/// Where the server dies, and at which time that it comes there.
const STEPS: [(&str, &str); 6] = [
    ("message_saved", "return"),
    ("reply_begun", "return"),
    ("model_answers", "return"),
    ("text_kept", "return"),
    ("reply_read", "return"),
    ("reply_kept", "return"),
];

async fn k2_killed_at_each_step_of_a_reply_it_is_there_once_and_whole(setup: Setup) {
    join_all(STEPS.iter().map(|(step, when)| killed_at(&setup, step, when))).await;
}

async fn killed_at(setup: &Setup, step: &str, when: &str) {
    let site = Site::new(setup).await;
    site.upstream.answer_with(ANSWER);
    site.upstream.take_time(PAUSE * 2);
    site.upstream.continue_replies(true);
    assert!(site.add_user("alice@example.org", PASSWORD).await.status.success());
    let deadly = format!("{step}={when}");
    let mut settings = site.settings();
    settings.push(("FAILPOINTS", &deadly));
    let server = Process::start(&settings).await;
    let alice = log_in(&server).await;
    let chat_id = alice.create_chat().await;
    let line = send(&alice, chat_id, step.to_owned()).await;
    // Before it answered, or after.
    assert!(line.acknowledged.is_none() || !["message_saved", "reply_begun"].contains(&step), "{step}");
    server.ended().await;
    let server = Process::start(&site.settings()).await;
    let alice = alice.at(server.addr);
    let sent: Sent = alice.try_send(chat_id, &line.text, line.client_message_id).await.ok();
    assert!(line.acknowledged.is_none_or(|first| first == sent), "{step}");
    let message = Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await;
    assert_eq!((message.state, text(&message)), (MessageState::Complete, format!("<p>{ANSWER}</p>")), "{step}");
    assert_eq!(site.database.message(sent.reply_id.0).await, (ANSWER.to_owned(), "complete".to_owned()), "{step}");
    assert_eq!(site.database.count("chat_message").await, 2, "{step}");
    // Nobody asks twice but for what was lost.
    let asked = if ["message_saved", "reply_kept"].contains(&step) { 1..=1 } else { 1..=2 };
    assert!(asked.contains(&site.upstream.asked()), "{step}: {}", site.upstream.asked());
    if setup.is_sqlite() {
        assert_eq!(site.database.text("PRAGMA integrity_check").await, "ok");
    }
    server.kill().await;
}

/// The same for a file that is read.
const FILE_STEPS: [&str; 6] =
    ["file_taken", "chunks_kept", "text_indexed", "vectors_kept", "file_read", "file_finished"];

async fn f20_killed_at_each_step_of_reading_a_file_its_text_is_there_once(setup: Setup) {
    join_all(FILE_STEPS.iter().map(|step| killed_while_reading(&setup, step))).await;
}

async fn killed_while_reading(setup: &Setup, step: &str) {
    let site = Site::new(setup).await;
    assert!(site.add_user("alice@example.org", PASSWORD).await.status.success());
    let deadly = format!("{step}=return");
    let mut alive = site.settings();
    alive.push(("SARDONYX_SEARCH_MODEL", "openai/test-embedding"));
    let settings = [alive.clone(), vec![("FAILPOINTS", &deadly)]].concat();
    let server = Process::start(&settings).await;
    let alice = log_in(&server).await;
    let text: String = (1..=2_000).map(|line| format!("This is line {line} of a long text.\n")).collect();
    let id = alice.upload("long.txt", text.clone()).await;
    server.ended().await;
    let server = Process::start(&alive).await;
    site.database.until_read(id).await;
    assert_eq!(site.database.text_of_file(id).await, text, "{step}");
    let pieces = site.database.count("file_chunk").await;
    assert_eq!(site.database.count_indexed().await, pieces, "{step}");
    assert_eq!(site.database.count("chunk_vector").await, pieces, "{step}");
    // It is told once for each time that it was read.
    assert_eq!(site.database.count("notification").await, 1, "{step}");
    server.kill().await;
}

async fn k5_servers_that_are_replaced_one_by_one_lose_nothing(setup: Setup) {
    let site = Site::new(&setup).await;
    site.upstream.answer_with(ANSWER);
    site.upstream.take_time(PAUSE);
    site.upstream.continue_replies(true);
    assert!(site.add_user("alice@example.org", PASSWORD).await.status.success());
    let redis = needed("SARDONYX_TEST_REDIS");
    let mut settings = site.settings();
    settings.push(("REDIS_URL", &redis));
    let mut servers = [Process::start(&settings).await, Process::start(&settings).await];
    let alice = log_in(&servers[0]).await;
    let mut chats = Vec::new();
    for _ in 0..CHATS {
        chats.push(alice.create_chat().await);
    }
    let mut ledger: Vec<Line> = Vec::new();
    for round in 0..times(2, 10) {
        let leaving = round % 2;
        let browser = alice.at(servers[leaving].addr);
        let sends = join_all(chats.iter().map(|chat_id| send(&browser, *chat_id, format!("round {round}"))));
        let lines = sends.await;
        // A new one first, then the old one goes.
        let fresh = Process::start(&settings).await;
        let (status, _) = std::mem::replace(&mut servers[leaving], fresh).terminate().await;
        assert!(status.success());
        for line in lines {
            let there = alice.at(servers[1 - leaving].addr);
            let again: Sent = there.try_send(line.chat_id, &line.text, line.client_message_id).await.ok();
            assert_eq!(line.acknowledged, Some(again));
            ledger.push(line);
        }
    }
    let writing = "SELECT COUNT(*) FROM chat_message WHERE state = 'generating'";
    eventually("the end of every reply", async || site.database.number(writing).await == 0).await;
    for line in &ledger {
        let kept = site.database.message(line.acknowledged.unwrap().reply_id.0).await;
        assert_eq!(kept, (ANSWER.to_owned(), "complete".to_owned()), "{}", line.text);
    }
    assert_eq!(site.database.count("chat_message").await, 2 * ledger.len() as i64);
    for server in servers {
        server.kill().await;
    }
}

async fn k17_a_server_that_was_asleep_does_not_go_on_with_what_another_took_over(setup: Setup) {
    let HalfWritten { site, first, second, alice, mut tab, chat_id, sent, call: asleep } =
        HalfWritten::new(&setup).await;
    first.pause().await;
    // What the model goes on to say waits at its door.
    asleep.piece(" said to nobody.");
    let mut call = site.upstream.call().await;
    call.begin();
    call.piece(" and the second");
    tab.until("the second half", |screen| screen.text_of(sent.reply_id).contains("second")).await;
    first.resume().await;
    asleep.gone().await;
    call.piece(".");
    call.done();
    let message = tab.until_end(sent.reply_id).await;
    let whole = "The first half of it, and the second.";
    assert_eq!((text(&message), message.state), (format!("<p>{whole}</p>"), MessageState::Complete));
    assert_eq!(site.database.message(sent.reply_id.0).await, (whole.to_owned(), "complete".to_owned()));
    assert_eq!(site.upstream.asked(), 2);
    // It is awake and well.
    assert_eq!(alice.open_chat(chat_id).await.messages.messages, tab.screen.messages);
    first.kill().await;
    second.kill().await;
}

/// Sends a message and notes whether that was acknowledged; the server may go away at any moment.
async fn send(alice: &Client, chat_id: ChatId, text: String) -> Line {
    let client_message_id = ClientMessageId::random();
    let fields = form(&[
        ("chat_id", &chat_id.to_string()),
        ("text", &text),
        ("client_message_id", &client_message_id.to_string()),
    ]);
    let answer = async {
        let response = alice.form_request("/api/send_message", fields).send().await.ok()?;
        response.error_for_status().ok()?.json::<Sent>().await.ok()
    };
    // A connection to a server that is gone may hang for a while.
    let acknowledged = timeout(Duration::from_secs(5), answer).await.ok().flatten();
    Line { chat_id, client_message_id, text, acknowledged }
}
