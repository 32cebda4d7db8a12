//! The live connection over server-sent events: the same as a socket, for those who can have none.

use futures::StreamExt;
use reqwest::{Method, header};
use sardonyx::{
    api::{live::SendLiveCommand, session::LogOut},
    domain::{
        limits,
        live::{CloseReason, LiveCommand},
        message::MessageState,
        session::SessionEnd,
    },
};
use uuid::Uuid;

use crate::support::{
    Person, Setup, Tab, TestApp, eventually, soon,
    tab::{Way, text},
};

crate::on_both_databases![
    w1_w5_a_stream_is_for_whoever_is_logged_in_and_ends_with_the_session,
    a_reply_is_followed_over_a_stream,
    x11_nobody_elses_session_commands_a_stream,
];
crate::once![
    w2_a_page_of_another_site_gets_no_stream,
    w10_too_many_commands_end_their_stream_only,
    w11_commands_that_make_no_sense_are_refused_on_the_stream,
    w14_streams_and_sockets_are_counted_together,
    w21_streams_and_sockets_that_come_and_go_leave_nothing,
    k4_a_stream_is_told_that_the_server_restarts,
    the_first_bytes_of_a_stream_come_at_once,
];
crate::on_a_cluster![a_command_that_meets_another_server_finds_its_stream];

/// How a page of the site asks.
const SAME_ORIGIN: [(&str, &str); 1] = [("sec-fetch-site", "same-origin")];

async fn w1_w5_a_stream_is_for_whoever_is_logged_in_and_ends_with_the_session(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    assert_eq!(Tab::try_open_stream(&app.anonymous(), Uuid::new_v4(), &SAME_ORIGIN).await.err(), Some(401));
    let mut tab = Tab::open_stream(&alice).await;
    let thief = Person { client: alice.client.copy(), ..alice.clone() };
    alice.call::<LogOut>(&[]).await.ok::<()>();
    assert_eq!(tab.until_closed().await.0, Some(CloseReason::SessionEnded(SessionEnd::LoggedOut)));
    assert_eq!(Tab::try_open_stream(&thief, Uuid::new_v4(), &SAME_ORIGIN).await.err(), Some(401));
    app.disable(&bob).await;
    assert_eq!(Tab::try_open_stream(&bob, Uuid::new_v4(), &SAME_ORIGIN).await.err(), Some(401));
}

async fn w2_a_page_of_another_site_gets_no_stream(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let page = format!("{}/chats", alice.origin);
    let lookalike = format!("{}.evil.example/chats", alice.origin);
    for headers in [
        &[] as &[(&str, &str)],
        &[("sec-fetch-site", "same-site"), ("referer", &page)],
        &[("sec-fetch-site", "cross-site")],
        &[("origin", "https://evil.example"), ("referer", &page)],
        &[("origin", "null"), ("referer", &page)],
        &[("referer", "https://evil.example/")],
        &[("referer", &lookalike)],
        &[("referer", "nonsense")],
        &[("referer", &page), ("referer", &page)],
    ] {
        assert_eq!(Tab::try_open_stream(&alice, Uuid::new_v4(), headers).await.err(), Some(403), "{headers:?}");
    }
    // A site without TLS hears of its own pages by their address alone.
    for headers in [&[("referer", &*page)], &SAME_ORIGIN, &[("origin", &*alice.origin)]] {
        assert!(Tab::try_open_stream(&alice, Uuid::new_v4(), headers).await.is_ok(), "{headers:?}");
    }
}

async fn a_reply_is_followed_over_a_stream(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("Tell me").await;
    let mut call = app.upstream.call().await;
    let (mut first, mut second) = (Tab::open_stream(&alice).await, Tab::on_chat(&alice, chat_id).await);
    first.show(alice.open_chat(chat_id).await).await;
    call.begin();
    call.piece("One.\n\nTwo");
    first.until("the text", |screen| screen.text_of(sent.reply_id).contains("Two")).await;
    // Gone, and back by each way in turn.
    for (way, piece, seen) in
        [(Way::Stream, " and\n\nthree", "three"), (Way::Socket, ", four", "four"), (Way::Stream, ", five.", "five")]
    {
        call.piece(piece);
        first.reconnect_by(way, &alice).await;
        first.until("what follows", |screen| screen.text_of(sent.reply_id).contains(seen)).await;
    }
    call.done();
    let message = first.until_end(sent.reply_id).await;
    assert_eq!(message, second.until_end(sent.reply_id).await);
    assert_eq!(message.state, MessageState::Complete);
    assert_eq!(text(&message), "<p>One.</p><p>Two and</p><p>three, four, five.</p>");
    assert_eq!(alice.open_chat(chat_id).await.messages.messages, first.screen.messages);
}

async fn x11_nobody_elses_session_commands_a_stream(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let (chat_id, sent) = alice.ask("Tell me").await;
    Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await;
    let stream_id = Uuid::new_v4();
    let mut tab = Tab::try_open_stream(&alice, stream_id, &SAME_ORIGIN).await.ok().unwrap();
    let elsewhere = app.log_in(&alice.email).await;
    let watch = serde_json::to_string(&LiveCommand::Watch { chat_id, after_seq: 0, last_id: None }).unwrap();
    let fields = [("stream_id", &*stream_id.to_string()), ("command", &*watch)];
    let unknown = [("stream_id", &*Uuid::new_v4().to_string()), ("command", &*watch)];
    for person in [&bob, &elsewhere] {
        let answer = person.call::<SendLiveCommand>(&fields).await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.same(), person.call::<SendLiveCommand>(&unknown).await.same());
    }
    // Nor does anybody else take its name away.
    assert!(Tab::try_open_stream(&bob, stream_id, &SAME_ORIGIN).await.is_ok());
    assert_eq!(Tab::try_open_stream(&alice, stream_id, &SAME_ORIGIN).await.err(), Some(409));
    tab.expect(chat_id);
    alice.call::<SendLiveCommand>(&fields).await.ok::<()>();
    tab.until("the messages", |screen| screen.messages.len() == 2).await;
    assert!(tab.screen.refused.is_empty());
}

async fn w10_too_many_commands_end_their_stream_only(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (mut tab, mut other) = (Tab::open_stream(&alice).await, Tab::open_stream(&alice).await);
    for _ in 0..limits::SOCKET_COMMANDS_PER_MINUTE_MAX - 1 {
        tab.command(&LiveCommand::Unwatch).await;
    }
    tab.command(&LiveCommand::Unwatch).await;
    assert_eq!(tab.until_closed().await.0, Some(CloseReason::TooMuch));
    let chat_id = alice.create_chat().await;
    other.until("the chat", |screen| screen.chats.iter().any(|chat| chat.id == chat_id)).await;
}

async fn w11_commands_that_make_no_sense_are_refused_on_the_stream(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let stream_id = Uuid::new_v4();
    let mut tab = Tab::try_open_stream(&alice, stream_id, &SAME_ORIGIN).await.ok().unwrap();
    let deep = "[".repeat(60_000);
    for (n, command) in ["", "null", "{}", "{\"type\":7}", "{\"type\":\"resync\"}", &deep].into_iter().enumerate() {
        let fields = [("stream_id", &*stream_id.to_string()), ("command", command)];
        alice.call::<SendLiveCommand>(&fields).await.ok::<()>();
        tab.until("a refusal", |screen| screen.refused.len() == n + 1).await;
    }
    let too_long = "x".repeat(limits::SOCKET_MESSAGE_BYTES_MAX + 1);
    let fields = [("stream_id", &*stream_id.to_string()), ("command", &*too_long)];
    assert_eq!(alice.call::<SendLiveCommand>(&fields).await.status, 413);
    for id in ["", "x", "../ws", "{00000000-0000-0000-0000-000000000000}"] {
        let request = alice.bare(Method::GET, &format!("/live?id={id}")).header("sec-fetch-site", "same-origin");
        assert_eq!(crate::support::Client::send_only(request).await.status, 400, "{id}");
    }
}

async fn w14_streams_and_sockets_are_counted_together(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let mut tabs = Vec::new();
    for n in 0..limits::SOCKETS_PER_USER_MAX {
        tabs.push(Tab::open_by(if n % 2 == 0 { Way::Stream } else { Way::Socket }, &alice).await);
    }
    assert_eq!(Tab::try_open(&alice, &[]).await.err(), Some(429));
    assert_eq!(Tab::try_open_stream(&alice, Uuid::new_v4(), &SAME_ORIGIN).await.err(), Some(429));
    // A stream that is let go makes place for another.
    tabs.swap_remove(0);
    let again = async || Tab::try_open_stream(&alice, Uuid::new_v4(), &SAME_ORIGIN).await.is_ok();
    eventually("a free place", again).await;
}

async fn w21_streams_and_sockets_that_come_and_go_leave_nothing(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let tasks = app.state.tasks.len();
    // As many as one person may have, again and again: a place that is not given back is missed.
    for _ in 0..10 {
        for n in 0..limits::SOCKETS_PER_USER_MAX {
            let way = if n % 2 == 0 { Way::Stream } else { Way::Socket };
            let tab = async || match way {
                Way::Socket => Tab::try_open(&alice, &[]).await.is_ok(),
                Way::Stream => Tab::try_open_stream(&alice, Uuid::new_v4(), &SAME_ORIGIN).await.is_ok(),
            };
            eventually("a free place", tab).await;
        }
    }
    let is_quiet = async || app.state.tasks.len() <= tasks;
    eventually("the end of every connection's task", is_quiet).await;
}

async fn k4_a_stream_is_told_that_the_server_restarts(setup: Setup) {
    let mut app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let mut tab = Tab::open_stream(&alice).await;
    tab.command(&LiveCommand::Unwatch).await;
    app.stop().await;
    assert_eq!(tab.until_closed().await.0, Some(CloseReason::Restarting));
}

async fn the_first_bytes_of_a_stream_come_at_once(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let request = alice.bare(Method::GET, &format!("/live?id={}", Uuid::new_v4()));
    let response = request.header("sec-fetch-site", "same-origin").send().await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let first = soon("the first bytes", response.bytes_stream().next()).await.unwrap().unwrap();
    assert_eq!(first, "data: \"alive\"\n\n");
}

async fn a_command_that_meets_another_server_finds_its_stream(setup: Setup) {
    let app = TestApp::start(setup).await;
    let other = app.another().await;
    let alice = app.alice().await;
    let (chat_id, sent) = alice.ask("Tell me").await;
    Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await;
    let stream_id = Uuid::new_v4();
    let mut tab = Tab::try_open_stream(&alice, stream_id, &SAME_ORIGIN).await.ok().unwrap();
    tab.expect(chat_id);
    let watch = serde_json::to_string(&LiveCommand::Watch { chat_id, after_seq: 0, last_id: None }).unwrap();
    let fields = [("stream_id", &*stream_id.to_string()), ("command", &*watch)];
    let elsewhere = alice.at(&other);
    elsewhere.call::<SendLiveCommand>(&fields).await.ok::<()>();
    tab.until("the chat's messages", |screen| screen.messages.len() == 2).await;
    // Another session's command does not.
    let stranger = app.log_in(&alice.email).await.at(&other);
    stranger.call::<SendLiveCommand>(&[("stream_id", &*stream_id.to_string()), ("command", "x")]).await.ok::<()>();
    let own = alice.create_chat().await;
    tab.until("the chat", |screen| screen.chats.iter().any(|chat| chat.id == own)).await;
    assert!(tab.screen.refused.is_empty());
}
