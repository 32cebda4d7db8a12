//! What the server depends on goes away, and comes back: nobody is taken for somebody else, or for nobody.

use std::time::{Duration, Instant};

use reqwest::Method;
use sardonyx::{
    api::session::{FindCurrentSession, LogIn},
    domain::{message::MessageState, session::CurrentSession},
};

use crate::support::{
    Person, Setup, Tab, TestApp,
    database::needed,
    eventually,
    people::PASSWORD,
    proxy::{Line, Proxy},
};

crate::once![d9_while_redis_refuses_nobody_becomes_a_stranger, d10_while_redis_says_nothing_nobody_waits_long,];

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
