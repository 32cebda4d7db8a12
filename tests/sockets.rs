//! The live connection: who gets one, and what it bears.

use reqwest::Method;
use sardonyx::{
    api::session::LogOut,
    domain::{
        ids::ChatId,
        limits,
        live::{CloseReason, LiveCommand},
        session::SessionEnd,
    },
};
use tokio_tungstenite::tungstenite::{Bytes, Message as Frame};
use uuid::Uuid;

use crate::support::{Client, Person, Setup, Tab, TestApp};

crate::on_both_databases![
    w1_a_stranger_gets_no_live_connection,
    w4_every_command_is_authorised_anew,
    w14_one_connection_too_many_is_refused_and_the_others_live,
];
crate::once![
    w2_a_page_of_another_site_gets_no_live_connection,
    w9_a_frame_that_is_too_large_ends_its_connection_only,
    w10_too_many_commands_end_their_connection_only,
    w11_frames_that_make_no_sense_are_refused,
    w19_what_only_a_server_says_is_not_passed_on,
    w20_no_compression_is_agreed_on,
    only_an_upgrade_is_answered,
];

async fn w1_a_stranger_gets_no_live_connection(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    assert_eq!(Tab::try_open(&app.anonymous(), &[]).await.err(), Some(401));
    for cookie in ["sardonyx=", "sardonyx=x", &format!("sardonyx={}", tower_sessions::session::Id::default())] {
        assert_eq!(Tab::try_open(&app.anonymous(), &[("cookie", cookie)]).await.err(), Some(401), "{cookie}");
    }
    let thief = Person { client: alice.client.copy(), ..alice.clone() };
    alice.call::<LogOut>(&[]).await.ok::<()>();
    assert_eq!(Tab::try_open(&thief, &[]).await.err(), Some(401));
    app.disable(&bob).await;
    assert_eq!(Tab::try_open(&bob, &[]).await.err(), Some(401));
}

async fn w2_a_page_of_another_site_gets_no_live_connection(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (evil, port) = (format!("{}.evil.example", alice.origin), alice.addr.port());
    let https = format!("https://127.0.0.1:{port}");
    for origin in ["", "null", "https://evil.example", &evil, &https, "http://127.0.0.1"] {
        assert_eq!(Tab::try_open(&alice, &[("origin", origin)]).await.err(), Some(403), "{origin:?}");
    }
    for site in ["cross-site", "same-site", "none"] {
        assert_eq!(Tab::try_open(&alice, &[("sec-fetch-site", site)]).await.err(), Some(403), "{site}");
    }
    // Without an origin, the browser's own word alone is not enough here: browsers always send the origin.
    assert_eq!(Tab::try_open(&alice, &[("origin", ""), ("sec-fetch-site", "same-origin")]).await.err(), Some(403));
    assert!(Tab::try_open(&alice, &[("sec-fetch-site", "same-origin")]).await.is_ok());
}

async fn w4_every_command_is_authorised_anew(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let mut tab = Tab::open(&alice).await;
    let chat_id = alice.create_chat().await;
    tab.until("the chat", |screen| !screen.chats.is_empty()).await;
    // Gone without anybody being told.
    app.database.execute("DELETE FROM login_session").await;
    tab.command(&LiveCommand::Watch { chat_id, after_seq: 0, last_id: None }).await;
    assert_eq!(tab.until_closed().await, (Some(CloseReason::SessionEnded(SessionEnd::Expired)), Some(1008)));
    assert!(tab.screen.messages.is_empty());
}

async fn w9_a_frame_that_is_too_large_ends_its_connection_only(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let mut other = Tab::open(&alice).await;
    for frame in [
        Frame::Text("x".repeat(limits::SOCKET_MESSAGE_BYTES_MAX + 1).into()),
        Frame::Binary(Bytes::from(vec![0; limits::SOCKET_MESSAGE_BYTES_MAX + 1])),
        Frame::Text("x".repeat(4 * 1024 * 1024).into()),
    ] {
        let mut tab = Tab::open(&alice).await;
        // The server may hang up before it has heard all of it.
        let _ = tab.send(frame).await;
        let (reason, code) = tab.until_closed().await;
        assert!(reason.is_none_or(|reason| reason == CloseReason::TooMuch), "{reason:?}");
        assert!(code.is_none_or(|code| code == 1008), "{code:?}");
    }
    still_works(&alice, &mut other).await;
    // The largest that is allowed is heard.
    let mut tab = Tab::open(&alice).await;
    tab.send(Frame::Text("x".repeat(limits::SOCKET_MESSAGE_BYTES_MAX).into())).await.unwrap();
    tab.until("the refusal", |screen| screen.refused == ["malformed"]).await;
}

async fn w10_too_many_commands_end_their_connection_only(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (mut tab, mut other) = (Tab::open(&alice).await, Tab::open(&alice).await);
    for _ in 0..=limits::SOCKET_COMMANDS_PER_MINUTE_MAX {
        if tab.send(Frame::Text("{\"type\":\"unwatch\"}".into())).await.is_err() {
            break;
        }
    }
    assert_eq!(tab.until_closed().await, (Some(CloseReason::TooMuch), Some(1008)));
    still_works(&alice, &mut other).await;
}

async fn w11_frames_that_make_no_sense_are_refused(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let id = Uuid::new_v4();
    let mut frames = vec![
        String::new(),
        "x".to_owned(),
        "null".to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        "{\"type\":\"watch\"}".to_owned(),
        "{\"type\":\"unknown\"}".to_owned(),
        "{\"type\":7}".to_owned(),
        "{\"type\":\"watch\",\"chat_id\":\"x\",\"after_seq\":0}".to_owned(),
        format!("{{\"type\":\"watch\",\"chat_id\":\"{id}\",\"after_seq\":\"0\"}}"),
        format!("{{\"type\":\"watch\",\"chat_id\":\"{id}\",\"after_seq\":1.5}}"),
        format!("{{\"type\":\"watch\",\"chat_id\":\"{id}\",\"after_seq\":9223372036854775808}}"),
        format!("{{\"type\":\"watch\",\"chat_id\":\"{id}\",\"after_seq\":0,\"user_id\":\"{id}\"}}"),
        format!("{{\"type\":\"watch\",\"type\":\"unwatch\",\"chat_id\":\"{id}\"}}"),
        "[".repeat(60_000),
        "{\"a\":".repeat(10_000),
        "\u{0}\u{feff}\u{202e}".to_owned(),
    ];
    // Pieces of what would make sense, in an order that does not.
    let parts = [
        "{",
        "}",
        "\"type\"",
        ":",
        "\"watch\"",
        ",",
        "\"chat_id\"",
        "\"x\"",
        "-1",
        "1e999",
        "[",
        "]",
        "null",
        "\"\\ud800\"",
    ];
    let mut state = 11_u64;
    frames.extend((0..300).map(|_| {
        let mut frame = String::from("{");
        for _ in 0..12 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            frame.push_str(parts[(state >> 33) as usize % parts.len()]);
        }
        frame
    }));
    for some in frames.chunks(100) {
        let mut tab = Tab::open(&alice).await;
        for (n, frame) in some.iter().enumerate() {
            tab.send(Frame::Text(frame.as_str().into())).await.unwrap();
            tab.until("a refusal", |screen| screen.refused.len() == n + 1).await;
        }
        tab.send(Frame::Binary(Bytes::from_static(b"\xff\x00"))).await.unwrap();
        tab.until("a refusal", |screen| screen.refused.len() == some.len() + 1).await;
        assert!(tab.screen.refused.iter().all(|code| code == "malformed"), "{:?}", tab.screen.refused);
        still_works(&alice, &mut tab).await;
    }
}

async fn w14_one_connection_too_many_is_refused_and_the_others_live(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let mut tabs = Vec::new();
    for _ in 0..limits::SOCKETS_PER_USER_MAX {
        tabs.push(Tab::open(&alice).await);
    }
    assert_eq!(Tab::try_open(&alice, &[]).await.err(), Some(429));
    Tab::open(&bob).await;
    let chat_id = alice.create_chat().await;
    for tab in &mut tabs {
        tab.until("the chat", |screen| screen.chats.iter().any(|chat| chat.id == chat_id)).await;
    }
    // One that closes makes place for another.
    tabs.pop();
    crate::support::eventually("a free place", async || Tab::try_open(&alice, &[]).await.is_ok()).await;
}

async fn w19_what_only_a_server_says_is_not_passed_on(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let (mut tab, mut second, mut of_bob) = (Tab::open(&alice).await, Tab::open(&alice).await, Tab::open(&bob).await);
    let (chat, message) = (Uuid::new_v4(), Uuid::new_v4());
    for frame in [
        "\"resync\"".to_owned(),
        "{\"closing\":{\"reason\":\"logged_out\"}}".to_owned(),
        "{\"refused\":{\"code\":\"x\"}}".to_owned(),
        format!("{{\"messages\":{{\"chat_id\":\"{chat}\",\"messages\":[]}}}}"),
        format!(
            "{{\"reply_progress\":{{\"chat_id\":\"{chat}\",\"message_id\":\"{message}\",\"first_block\":0,\"blocks\":[],\"tail\":\"<b>\"}}}}"
        ),
        format!(
            "{{\"chat_changed\":{{\"chat\":{{\"id\":\"{chat}\",\"title\":\"x\",\"model\":null,\"updated_at_ms\":1}}}}}}"
        ),
    ] {
        tab.send(Frame::Text(frame.into())).await.unwrap();
    }
    tab.until("six refusals", |screen| screen.refused.len() == 6).await;
    assert!(tab.screen.chats.is_empty());
    // What comes first at the others is what happens next.
    still_works(&alice, &mut second).await;
    still_works(&bob, &mut of_bob).await;
    for tab in [&second, &of_bob] {
        assert_eq!((tab.screen.chats.len(), tab.screen.resyncs, tab.screen.refused.len()), (1, 0, 0));
    }
}

async fn w20_no_compression_is_agreed_on(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let request = alice.request(Method::GET, "/ws").header("origin", &alice.origin).header("connection", "upgrade");
    let request = request.header("upgrade", "websocket").header("sec-websocket-version", "13");
    let request = request.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let response = request.header("sec-websocket-extensions", "permessage-deflate").send().await.unwrap();
    assert_eq!(response.status(), 101);
    assert!(!response.headers().contains_key("sec-websocket-extensions"));
}

async fn only_an_upgrade_is_answered(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    for method in [Method::GET, Method::POST, Method::PUT] {
        let request = alice.request(method.clone(), "/ws").header("origin", &alice.origin);
        let answer = Client::send_only(request).await;
        assert!((400..500).contains(&answer.status), "{method}: {}", answer.status);
    }
    let mut tab = Tab::open(&alice).await;
    tab.command(&LiveCommand::Watch { chat_id: ChatId(Uuid::new_v4()), after_seq: 0, last_id: None }).await;
    tab.until("the refusal", |screen| screen.refused == ["not_found"]).await;
}

/// A new chat is announced on this connection.
async fn still_works(person: &Person, tab: &mut Tab) {
    let chat_id = person.create_chat().await;
    tab.until("the new chat", |screen| screen.chats.iter().any(|chat| chat.id == chat_id)).await;
}
