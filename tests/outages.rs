//! What the server depends on goes away, and comes back: nobody is taken for somebody else, or for nobody.

use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::{Method, Url};
use sardonyx::{
    api::session::{FindCurrentSession, LogIn},
    domain::{
        ids::ClientMessageId,
        limits,
        message::{MessageState, Sent},
        session::CurrentSession,
    },
};

use crate::support::{
    Person, Setup, Tab, TestApp,
    database::needed,
    eventually,
    people::PASSWORD,
    proxy::{Line, Proxy},
    tab::text,
    times,
};

crate::once![d9_while_redis_refuses_nobody_becomes_a_stranger, d10_while_redis_says_nothing_nobody_waits_long,];
crate::on_postgres![
    d2_postgres_that_goes_away_under_many_sends_keeps_each_once,
    d3_a_commit_whose_answer_is_lost_is_found_by_the_retry,
    d4_while_postgres_says_nothing_nobody_waits_long_and_afterwards_all_is_well,
    d5_a_slow_postgres_only_makes_slow,
    n10_while_every_connection_is_taken_the_rest_is_refused_in_time,
];
crate::on_a_cluster![d17_what_redis_lost_is_made_up_for];

/// Nobody waits longer for Postgres than a request may take at all.
const PATIENCE_WITH_POSTGRES: Duration = Duration::from_secs(limits::REQUEST_SECONDS_MAX + 5);

/// Nobody waits longer for Redis than this.
const PATIENCE_WITH_REDIS: Duration = Duration::from_secs(2);

async fn d9_while_redis_refuses_nobody_becomes_a_stranger(setup: Setup) {
    outage(setup, Line::Refused).await;
}

async fn d10_while_redis_says_nothing_nobody_waits_long(setup: Setup) {
    outage(setup, Line::Blackhole).await;
}

async fn outage(setup: Setup, line: Line) {
    let redis = needed("SARDONYX_TEST_REDIS");
    let target = redis.trim_start_matches("redis://").parse().unwrap();
    let proxy = Proxy::before(target).await;
    let url = format!("redis://{}", proxy.address);
    let app = TestApp::start(setup.with_redis().config(move |config| {
        config.storage.redis_url = Some(url.clone());
    }))
    .await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("Tell me").await;
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece("The first half");
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    tab.until("the text", |screen| screen.text_of(sent.reply_id).contains("half")).await;

    proxy.set(line);
    expect_refusals(&app, &alice).await;
    // What is running goes on and is kept.
    call.piece(" and the second.");
    call.done();
    assert_eq!(tab.until_end(sent.reply_id).await.state, MessageState::Complete);
    expect_refusals(&app, &alice).await;

    proxy.set(Line::Open);
    eventually("the way back", async || alice.get("/chats").await.status == 200).await;
    alice.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>();
    assert_eq!(app.database.message(sent.reply_id.0).await.0, "The first half and the second.");
}

/// Everything that needs to know who asks is refused for now, soon, and with the cookie where it is.
async fn expect_refusals(app: &TestApp, alice: &Person) {
    for path in ["/chats", "/settings/sessions", "/login"] {
        let started = Instant::now();
        let answer = alice.get(path).await;
        assert_eq!(answer.status, 503, "{path}");
        assert!(started.elapsed() < PATIENCE_WITH_REDIS, "{path} took {:?}", started.elapsed());
        assert!(!answer.header("retry-after").is_empty() && !answer.headers.contains_key("set-cookie"), "{path}");
    }
    let answer = alice.call::<FindCurrentSession>(&[]).await;
    assert_eq!(answer.refusal(), (503, "unavailable".to_owned()));
    assert_eq!(Tab::try_open(alice, &[]).await.err(), Some(503));
    // A stranger still sees the log-in, but cannot log in.
    let stranger = app.anonymous();
    assert_eq!(stranger.request(Method::GET, "/login").send().await.unwrap().status(), 200);
    let answer = stranger.call::<LogIn>(&[("email", "alice@example.org"), ("password", PASSWORD)]).await;
    assert_eq!((answer.status, stranger.cookie()), (503, None));
}

/// A server whose way to Postgres can fail.
async fn behind_proxy(setup: Setup) -> (TestApp, Proxy) {
    let url = Url::parse(&needed("SARDONYX_TEST_POSTGRES")).unwrap();
    let target = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
    let proxy = Proxy::before(tokio::net::lookup_host(target).await.unwrap().next().unwrap()).await;
    let address = proxy.address;
    let setup = setup.config(move |config| {
        let mut url = Url::parse(&config.storage.database_url).unwrap();
        url.set_ip_host(address.ip()).unwrap();
        url.set_port(Some(address.port())).unwrap();
        config.storage.database_url = url.to_string();
    });
    (TestApp::start(setup).await, proxy)
}

async fn d2_postgres_that_goes_away_under_many_sends_keeps_each_once(setup: Setup) {
    let (app, proxy) = behind_proxy(setup).await;
    // Nobody sends more than one person may have waiting.
    let mut people = Vec::new();
    for n in 0..times(2, 6) {
        let person = app.member(&format!("person-{n}@example.org")).await;
        people.push((person.create_chat().await, person));
    }
    let mut sent = 0;
    for (round, line) in [Line::Refused, Line::Reset].into_iter().enumerate() {
        let these: Vec<_> = (0..people.len() * 16)
            .map(|n| (&people[n % people.len()], ClientMessageId::random(), format!("{round}-{n}")))
            .collect();
        let sends = these.iter().map(|((chat_id, person), id, text)| person.try_send(*chat_id, text, *id));
        let before = app.database.count("chat_message").await;
        let outage = async {
            let some = async || app.database.count("chat_message").await > before + 4;
            eventually("the first of them", some).await;
            proxy.set(line);
        };
        let (answers, ()) = tokio::join!(join_all(sends), outage);
        assert!(
            answers.iter().all(|answer| [200, 503].contains(&answer.status)),
            "{:?}",
            answers.iter().map(|a| a.status).collect::<Vec<_>>()
        );
        proxy.set(Line::Open);
        eventually("the way back", async || people[0].1.get("/chats").await.status == 200).await;
        // Whoever was told nothing sends again; whoever was told something is told the same.
        for (((chat_id, person), id, text), answer) in these.iter().zip(&answers) {
            let again: Sent = person.try_send(*chat_id, text, *id).await.ok();
            assert!(answer.status != 200 || answer.ok::<Sent>() == again, "{text}");
        }
        sent += these.len() as i64;
        let unfinished = "SELECT COUNT(*) FROM chat_message WHERE state IN ('queued', 'generating')";
        eventually("the end of every reply", async || app.database.number(unfinished).await == 0).await;
    }
    assert_eq!(app.database.count("chat_message").await, 2 * sent);
    let uneven = "SELECT COUNT(*) FROM chat_session WHERE last_seq <> \
                  (SELECT COUNT(*) FROM chat_message WHERE chat_id = chat_session.id)";
    assert_eq!(app.database.number(uneven).await, 0);
}

async fn d3_a_commit_whose_answer_is_lost_is_found_by_the_retry(setup: Setup) {
    let (app, proxy) = behind_proxy(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let id = ClientMessageId::random();
    proxy.cut_after(&["INSERT INTO \"chat_message\"", "COMMIT"]);
    let answer = alice.try_send(chat_id, "once", id).await;
    assert_eq!(proxy.cuts(), 1);
    assert_eq!(answer.status, 503, "{}", answer.text());
    // The client knows nothing; the database has it.
    assert_eq!(app.database.count("chat_message").await, 2);
    let sent: Sent = alice.try_send(chat_id, "once", id).await.ok();
    assert_eq!(alice.try_send(chat_id, "once", id).await.ok::<Sent>(), sent);
    assert_eq!(alice.try_send(chat_id, "another", id).await.status, 409);
    // Its reply had no writer; it finds one.
    let message = Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await;
    assert_eq!((message.state, text(&message).as_str()), (MessageState::Complete, "<p>Hello there.</p>"));
    assert_eq!((app.database.count("chat_message").await, app.upstream.asked()), (2, 1));
}

async fn d4_while_postgres_says_nothing_nobody_waits_long_and_afterwards_all_is_well(setup: Setup) {
    let (app, proxy) = behind_proxy(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    proxy.set(Line::Blackhole);
    let started = Instant::now();
    // More than there are connections.
    let answers = join_all((0..40).map(|_| alice.get("/chats"))).await;
    assert!(answers.iter().all(|answer| answer.status == 503));
    assert!(started.elapsed() < PATIENCE_WITH_POSTGRES, "{:?}", started.elapsed());
    let started = Instant::now();
    assert_eq!(alice.try_send(chat_id, "hello", ClientMessageId::random()).await.status, 503);
    assert!(started.elapsed() < PATIENCE_WITH_POSTGRES, "{:?}", started.elapsed());
    proxy.set(Line::Open);
    eventually("the way back", async || alice.get("/chats").await.status == 200).await;
    let answers = join_all((0..40).map(|_| alice.get("/chats"))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let sent = alice.send_message(chat_id, "hello again").await;
    assert_eq!(Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await.state, MessageState::Complete);
}

async fn d5_a_slow_postgres_only_makes_slow(setup: Setup) {
    let (app, proxy) = behind_proxy(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    proxy.set(Line::Slow(Duration::from_millis(100)));
    let (sent, answers) =
        tokio::join!(alice.send_message(chat_id, "hello"), join_all((0..10).map(|_| alice.get("/chats"))));
    assert!(answers.iter().all(|answer| answer.status == 200));
    proxy.set(Line::Open);
    assert_eq!(Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await.state, MessageState::Complete);
}

async fn n10_while_every_connection_is_taken_the_rest_is_refused_in_time(setup: Setup) {
    const CONNECTIONS: usize = 4;
    let app = TestApp::start(setup.config(|config| config.storage.database_connections = CONNECTIONS as u32)).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let locked = app.database.lock_chats().await;
    let stuck = join_all((0..CONNECTIONS).map(|_| alice.try_send(chat_id, "hello", ClientMessageId::random())));
    let refused = async {
        let waiting =
            "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
        eventually("the connections to be taken", async || app.database.number(waiting).await == CONNECTIONS as i64)
            .await;
        let started = Instant::now();
        let answers = join_all((0..20).map(|_| alice.get("/chats"))).await;
        for answer in answers {
            assert_eq!((answer.status, answer.header("retry-after").is_empty()), (503, false));
        }
        let took = started.elapsed();
        assert!(took < PATIENCE_WITH_POSTGRES, "{took:?}");
        locked.rollback().await.unwrap();
        took
    };
    let (stuck, took) = tokio::join!(stuck, refused);
    println!("{CONNECTIONS} connections were taken: 20 others were refused within {took:.1?}");
    // Those that had one are served as soon as they can be, or were told to come again; nothing is there twice.
    let served = stuck.iter().filter(|answer| answer.status == 200).count();
    assert!(stuck.iter().all(|answer| [200, 503].contains(&answer.status)));
    eventually("the way back", async || alice.get("/chats").await.status == 200).await;
    assert_eq!(app.database.count("chat_message").await, 2 * served as i64);
    let sent = alice.send_message(chat_id, "hello again").await;
    assert_eq!(Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await.state, MessageState::Complete);
}

async fn d17_what_redis_lost_is_made_up_for(setup: Setup) {
    let redis = needed("SARDONYX_TEST_REDIS");
    let proxy = Proxy::before(redis.trim_start_matches("redis://").parse().unwrap()).await;
    let url = format!("redis://{}", proxy.address);
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    // The server at which she reads hears of the other by way of what fails.
    let reading = app.another_with(|config| config.storage.redis_url = Some(url)).await;
    app.upstream.by_hand();
    let chat_id = alice.create_chat().await;
    let mut tab = Tab::on_chat(&alice.at(&reading), chat_id).await;
    let sent = alice.send_message(chat_id, "Tell me").await;
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece("One.\n\n");
    tab.until("the first words", |screen| screen.text_of(sent.reply_id).contains("One")).await;
    proxy.set(Line::Refused);
    call.piece("Two.\n\nThree");
    let mut here = Tab::on_chat(&alice, chat_id).await;
    here.until("what is said meanwhile", |screen| screen.text_of(sent.reply_id).contains("Three")).await;
    proxy.set(Line::Open);
    // Told that it missed something, the tab asks, and the other server sends the whole.
    tab.until("what was missed", |screen| screen.text_of(sent.reply_id).contains("Three")).await;
    assert!(tab.screen.resyncs > 0);
    call.piece(".");
    call.done();
    let message = here.until_end(sent.reply_id).await;
    assert_eq!(tab.until_end(sent.reply_id).await, message);
    assert_eq!(app.upstream.asked(), 1);
}
