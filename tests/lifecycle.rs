//! A server's end and the next one's beginning: nobody waits for ever.

use std::{
    cell::RefCell,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures::{StreamExt, stream};
use sardonyx::{
    domain::{
        ids::{ChatId, MessageId},
        limits,
        live::CloseReason,
        message::{MessageState, ReplyFailure, Sent},
        model::Prompt,
    },
    server::ai::{Piece, PieceStream, Provider, Window},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use uuid::Uuid;

use crate::support::{Call, Person, Setup, Tab, TestApp, eventually, soon, tab::text};

crate::on_both_databases![
    k3_a_reply_that_lost_its_server_goes_on_from_where_it_was,
    k3_a_model_that_has_nothing_to_add_is_done,
    k3_a_model_that_begins_anew_is_shown_when_it_has_caught_up,
    k3_a_reply_is_not_taken_over_for_ever,
    k3_a_stop_that_no_server_heard_is_obeyed_by_the_next,
    k3_nobody_goes_on_for_a_disabled_account,
    k4_what_a_server_that_stops_is_at_goes_on_at_the_next_start,
    k4_a_reply_that_ends_in_time_is_complete,
    k4_a_server_that_stops_says_so_first,
    k4_a_server_with_nothing_to_do_stops_at_once,
    k17_a_server_that_lost_its_lease_writes_no_more,
    k3_a_lapsed_lease_is_noticed_by_a_running_server,
    i16_a_panic_ends_its_own_reply_only,
];

const FIRST_HALF: &str = "The first half of it,";

async fn k3_a_reply_that_lost_its_server_goes_on_from_where_it_was(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.upstream.continue_replies(true);
    let (alice, chat_id, sent, app) = left_behind(app, 0).await;
    let mut call = app.upstream.call().await;
    assert_eq!(call.lines().last().unwrap(), &("assistant".to_owned(), FIRST_HALF.to_owned()));
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    tab.until("the first half", |screen| screen.text_of(sent.reply_id).contains("half of it")).await;
    call.begin();
    call.piece(" and the second.");
    call.done();
    let message = tab.until_end(sent.reply_id).await;
    let whole = "<p>The first half of it, and the second.</p>";
    assert_eq!((text(&message).as_str(), message.state), (whole, MessageState::Complete));
    assert_eq!(app.upstream.trials(), 1);
    // What was found out is known from then on.
    for _ in 0..2 {
        leave_to(&app, Uuid::new_v4(), sent.reply_id, FIRST_HALF, 0).await;
        let mut call = app.upstream.call().await;
        call.begin();
        call.piece(" and the second.");
        call.done();
        eventually("the end", async || app.database.message(sent.reply_id.0).await.1 == "complete").await;
    }
    assert_eq!(app.upstream.trials(), 1);
}

async fn k3_a_model_that_has_nothing_to_add_is_done(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.upstream.continue_replies(true);
    let (alice, chat_id, sent, app) = left_behind(app, 0).await;
    let mut call = app.upstream.call().await;
    call.begin();
    // Not one piece: the server died between the last of them and the end.
    call.done();
    let message = Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await;
    assert_eq!((text(&message).as_str(), message.state), ("<p>The first half of it,</p>", MessageState::Complete));
}

async fn k3_a_model_that_begins_anew_is_shown_when_it_has_caught_up(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, chat_id, sent, app) = left_behind(app, 0).await;
    let mut call = app.upstream.call().await;
    assert_eq!(call.lines().last().unwrap(), &("user".to_owned(), "Tell me".to_owned()));
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    tab.until("the first half", |screen| screen.text_of(sent.reply_id).contains("half of it")).await;
    call.begin();
    call.piece("In other");
    call.piece(" words: it");
    call.piece(" is ready");
    let seen = RefCell::new(Vec::new());
    tab.until("the other text", |screen| {
        seen.borrow_mut().push(screen.text_of(sent.reply_id));
        screen.text_of(sent.reply_id).contains("is ready")
    })
    .await;
    let seen = seen.into_inner();
    assert!(seen.iter().all(|text| text.contains("half of it") || text.contains("In other words: it is")), "{seen:?}");
    call.piece(".");
    call.done();
    let message = tab.until_end(sent.reply_id).await;
    assert_eq!(
        (text(&message).as_str(), message.state),
        ("<p>In other words: it is ready.</p>", MessageState::Complete)
    );
}

async fn k3_a_reply_is_not_taken_over_for_ever(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, chat_id, sent, app) = left_behind(app, 3).await;
    let message = Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await;
    assert_eq!((text(&message).as_str(), message.state), ("<p>The first half of it,</p>", MessageState::Interrupted));
    let page = alice.get(&format!("/chats/{chat_id}")).await.text();
    assert!(page.contains("What was written is kept.") && page.contains("/api/retry_reply"));
    let asked = app.upstream.asked();
    app.upstream.answer_with("Once more.");
    let reply_id: MessageId = alice.try_retry(sent.reply_id).await.ok();
    let message = Tab::on_chat(&alice, chat_id).await.until_end(reply_id).await;
    assert_eq!((message.state, app.upstream.asked()), (MessageState::Complete, asked + 1));
}

async fn k3_a_stop_that_no_server_heard_is_obeyed_by_the_next(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, sent) = alice.ask("Tell me").await;
    Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await;
    let app = app.restart().await;
    let (alice, asked) = (alice.at(&app), app.upstream.asked());
    // Its server is gone, and nobody knows yet.
    leave_to(&app, Uuid::new_v4(), sent.reply_id, FIRST_HALF, i64::MAX).await;
    alice.stop_reply(sent.reply_id).await;
    assert_eq!(app.database.message(sent.reply_id.0).await.1, "generating");
    leave_to(&app, Uuid::new_v4(), sent.reply_id, FIRST_HALF, 1).await;
    let message = Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await;
    assert_eq!((text(&message).as_str(), message.state), ("<p>The first half of it,</p>", MessageState::Stopped));
    assert_eq!(app.upstream.asked(), asked);
}

async fn k3_nobody_goes_on_for_a_disabled_account(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, sent) = alice.ask("Tell me").await;
    Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await;
    app.disable(&alice).await;
    let asked = app.upstream.asked();
    leave_to(&app, Uuid::new_v4(), sent.reply_id, FIRST_HALF, 0).await;
    eventually("the end", async || app.database.message(sent.reply_id.0).await.1 == "interrupted").await;
    assert_eq!(app.upstream.asked(), asked);
}

async fn k3_a_lapsed_lease_is_noticed_by_a_running_server(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.upstream.continue_replies(true);
    let alice = app.alice().await;
    let (chat_id, lapsed) = alice.ask("One").await;
    let (held_chat, held) = alice.ask("Two").await;
    Tab::on_chat(&alice, chat_id).await.until_end(lapsed.reply_id).await;
    Tab::on_chat(&alice, held_chat).await.until_end(held.reply_id).await;
    // A server that has shown their end to nobody.
    let app = app.restart().await;
    let alice = alice.at(&app);
    app.upstream.by_hand();
    for sent in [lapsed, held] {
        leave_to(&app, Uuid::new_v4(), sent.reply_id, FIRST_HALF, i64::MAX).await;
    }
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    tab.until("the running reply", |screen| screen.state_of(lapsed.reply_id) == Some(MessageState::Generating)).await;
    leave_to(&app, Uuid::new_v4(), lapsed.reply_id, FIRST_HALF, 1).await;
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece(" and the second.");
    // The tab that was there all the time sees it resume.
    tab.until("the second half", |screen| screen.text_of(lapsed.reply_id).contains("it, and the second.")).await;
    call.done();
    assert_eq!(tab.until_end(lapsed.reply_id).await.state, MessageState::Complete);
    assert_eq!(app.database.message(held.reply_id.0).await.1, "generating");
}

/// A reply of Alice's whose server was killed in the middle, taken over so often before, and the next start.
async fn left_behind(app: TestApp, takeovers: u32) -> (Person, ChatId, Sent, TestApp) {
    let alice = app.alice().await;
    let (chat_id, sent) = alice.ask("Tell me").await;
    Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await;
    app.upstream.by_hand();
    let mut app = app;
    app.stop().await;
    leave_to(&app, Uuid::new_v4(), sent.reply_id, FIRST_HALF, 1).await;
    let id = app.database.id(sent.reply_id.0);
    app.database.execute(&format!("UPDATE chat_message SET takeovers = {takeovers} WHERE id = {id}")).await;
    let app = app.another().await;
    (alice.at(&app), chat_id, sent, app)
}

async fn k17_a_server_that_lost_its_lease_writes_no_more(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("Tell me").await;
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece("The first half");
    eventually("the checkpoint", async || app.database.message(sent.reply_id.0).await.0 == "The first half").await;
    // As if another server had found this one gone, while it was only slow.
    let id = app.database.id(sent.reply_id.0);
    let taken = "state = 'interrupted', lease_owner = NULL, lease_until_ms = NULL";
    app.database.execute(&format!("UPDATE chat_message SET {taken} WHERE id = {id}")).await;
    call.piece(" and the second");
    call.gone().await;
    assert_eq!(app.database.message(sent.reply_id.0).await, ("The first half".to_owned(), "interrupted".to_owned()));
    let message = Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await;
    assert_eq!(message.state, MessageState::Interrupted);
}

async fn i16_a_panic_ends_its_own_reply_only(setup: Setup) {
    let app = TestApp::start(setup.provider(Arc::new(Panicking))).await;
    let alice = app.alice().await;
    let (chat_id, sent) = alice.ask("Be well").await;
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    tab.until_end(sent.reply_id).await;
    for _ in 0..3 {
        let broken = alice.send_message(chat_id, "Panic").await;
        assert_eq!(tab.until_end(broken.reply_id).await.state, MessageState::Failed(ReplyFailure::Internal));
        assert_eq!(app.database.message(broken.reply_id.0).await, ("so far".to_owned(), "failed".to_owned()));
    }
    let sent = alice.send_message(chat_id, "Be well").await;
    assert_eq!(tab.until_end(sent.reply_id).await.state, MessageState::Complete);
    assert_eq!(app.state.running.count(), 0);
}

/// A provider with a fault.
struct Panicking;

#[async_trait]
impl Provider for Panicking {
    fn name(&self) -> &str {
        "faulty"
    }

    async fn list(&self) -> Result<Vec<String>, ReplyFailure> {
        Ok(vec!["model".to_owned()])
    }

    async fn can_continue(&self, _: &str) -> bool {
        false
    }

    fn window(&self, _: &str) -> Window {
        Window::new(limits::CONTEXT_TOKENS)
    }

    async fn generate(&self, _: &str, prompt: &Prompt) -> Result<PieceStream, ReplyFailure> {
        let is_panic = prompt.lines.last().is_some_and(|line| line.text == "Panic");
        let pieces = stream::iter(["so far", ", so good"]).enumerate().map(move |(n, piece)| {
            assert!(n == 0 || !is_panic, "as asked");
            Ok(Piece::Text(piece.to_owned()))
        });
        Ok(Box::pin(pieces))
    }
}

async fn k4_what_a_server_that_stops_is_at_goes_on_at_the_next_start(setup: Setup) {
    let mut app = TestApp::start(setup).await;
    app.upstream.continue_replies(true);
    let (alice, sent, mut tab, call) = running_reply(&app, FIRST_HALF).await;
    let started = Instant::now();
    app.stop().await;
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert_eq!(tab.until_closed().await, (Some(CloseReason::Restarting), Some(1012)));
    assert!(tab.screen.text_of(sent.reply_id).contains(FIRST_HALF));
    call.gone().await;
    assert_eq!(app.database.message(sent.reply_id.0).await, (FIRST_HALF.to_owned(), "generating".to_owned()));

    let app = app.another().await;
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece(" and the second.");
    call.done();
    let chat_id = alice.at(&app).list_chats(None).await.chats[0].id;
    let message = Tab::on_chat(&alice.at(&app), chat_id).await.until_end(sent.reply_id).await;
    let whole = "<p>The first half of it, and the second.</p>";
    assert_eq!((text(&message).as_str(), message.state), (whole, MessageState::Complete));
    let id = app.database.id(sent.reply_id.0);
    assert_eq!(
        app.database.number(&format!("SELECT CAST(takeovers AS BIGINT) FROM chat_message WHERE id = {id}")).await,
        0
    );
}

async fn k4_a_reply_that_ends_in_time_is_complete(setup: Setup) {
    let mut app = TestApp::start(setup.config(|config| config.limits.drain_seconds = 20)).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("Tell me").await;
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece("The first half");
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    tab.until("the first half", |screen| screen.text_of(sent.reply_id).contains("half")).await;
    app.state.stopping.cancel();
    call.piece(" and the second.");
    call.done();
    app.stop().await;
    let message = tab.until_end(sent.reply_id).await;
    assert_eq!(
        (text(&message).as_str(), message.state),
        ("<p>The first half and the second.</p>", MessageState::Complete)
    );
    assert_eq!(tab.until_closed().await, (Some(CloseReason::Restarting), Some(1012)));
}

async fn k4_a_server_that_stops_says_so_first(setup: Setup) {
    let mut app = TestApp::start(setup).await;
    let (_alice, _sent, _tab, _call) = running_reply(&app, "The first half").await;
    // A load balancer's connection that is open already.
    let mut connection = TcpStream::connect(app.addr).await.unwrap();
    assert!(ask_ready(&mut connection).await.starts_with("HTTP/1.1 200"));
    app.state.stopping.cancel();
    let answer = ask_ready(&mut connection).await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("\"stopping\":true"), "{answer}");
    app.stop().await;
    assert!(TcpStream::connect(app.addr).await.is_err(), "it still listens");
}

async fn k4_a_server_with_nothing_to_do_stops_at_once(setup: Setup) {
    let mut app = TestApp::start(setup.config(|config| config.limits.drain_seconds = 25)).await;
    let alice = app.alice().await;
    let mut tab = Tab::open(&alice).await;
    let started = Instant::now();
    app.stop().await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(tab.until_closed().await, (Some(CloseReason::Restarting), Some(1012)));
}

async fn running_reply(app: &TestApp, so_far: &str) -> (Person, Sent, Tab, Call) {
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("Tell me").await;
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece(so_far);
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    tab.until("the text", |screen| screen.text_of(sent.reply_id).contains(so_far)).await;
    // The model goes on thinking for as long as the test holds its call.
    (alice, sent, tab, call)
}

/// Leaves a reply as a server does that is killed in the middle of it.
async fn leave_to(app: &TestApp, owner: Uuid, reply_id: MessageId, text: &str, lease_until_ms: i64) {
    let (id, owner) = (app.database.id(reply_id.0), app.database.id(owner));
    let columns =
        format!("state = 'generating', text = '{text}', lease_owner = {owner}, lease_until_ms = {lease_until_ms}");
    app.database.execute(&format!("UPDATE chat_message SET {columns} WHERE id = {id}")).await;
}

async fn ask_ready(connection: &mut TcpStream) -> String {
    connection.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let (mut answer, mut bytes) = (String::new(), [0; 4096]);
    while !answer.contains("}") {
        let length = soon("the answer", connection.read(&mut bytes)).await.unwrap();
        assert!(length > 0, "the connection was closed after {answer:?}");
        answer.push_str(&String::from_utf8_lossy(&bytes[..length]));
    }
    answer
}
