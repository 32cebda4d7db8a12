//! Sending a message: kept once, in its place, within its bounds.

use futures::future::join_all;
use sardonyx::{
    api::messages::{RetryReply, SendMessage, StopReply},
    domain::{
        ids::{ChatId, ClientMessageId, MessageId},
        limits,
        message::{MessageBody, MessageState, Sent},
    },
};
use uuid::Uuid;

use crate::support::{Call, Client, Person, Setup, Tab, TestApp, form, stream_of};

crate::on_both_databases![
    n1_the_same_send_fifty_times_is_one_message_and_one_reply,
    n1_the_same_id_with_another_text_or_chat_is_a_conflict,
    n1_of_two_chats_that_claim_one_id_at_once_one_wins,
    sends_at_once_take_places_without_gaps,
    i1_a_message_is_bounded_in_characters,
    i5_a_nul_is_refused_in_every_field,
    i6_what_is_not_utf8_is_refused,
    i7_a_malformed_id_answers_like_an_unknown_one,
    i2_bodies_are_bounded_and_forms_only,
    x5_x6_x17_fields_that_nobody_asked_for_change_nothing,
    u13_a_model_is_named_properly_or_refused,
    p6_replies_at_a_time_are_limited_for_each_user,
    the_model_is_told_this_conversation_and_no_other,
];

async fn n1_the_same_send_fifty_times_is_one_message_and_one_reply(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, id) = (alice.create_chat().await, ClientMessageId::random());
    let answers = join_all((0..50).map(|_| alice.try_send(chat_id, "once", id))).await;
    let sent: Sent = answers[0].ok();
    assert!(answers.iter().all(|answer| answer.ok::<Sent>() == sent));
    assert_eq!((app.database.count("chat_message").await, app.upstream.asked()), (2, 1));
    // Also when the reply is long complete.
    Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await;
    assert_eq!(alice.try_send(chat_id, "once", id).await.ok::<Sent>(), sent);
    assert_eq!((app.database.count("chat_message").await, app.upstream.asked()), (2, 1));
}

async fn n1_the_same_id_with_another_text_or_chat_is_a_conflict(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, other, id) = (alice.create_chat().await, alice.create_chat().await, ClientMessageId::random());
    alice.try_send(chat_id, "once", id).await.ok::<Sent>();
    for (chat_id, text) in [(chat_id, "twice"), (other, "once")] {
        assert_eq!(alice.try_send(chat_id, text, id).await.refusal(), (409, "conflict".to_owned()));
    }
    assert_eq!(app.database.count("chat_message").await, 2);
    // Somebody else's ids are their own affair.
    let bob = app.bob().await;
    let of_bob = bob.create_chat().await;
    bob.try_send(of_bob, "once", id).await.ok::<Sent>();
}

async fn n1_of_two_chats_that_claim_one_id_at_once_one_wins(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (first, second) = (alice.create_chat().await, alice.create_chat().await);
    for _ in 0..20 {
        let id = ClientMessageId::random();
        let (a, b) = tokio::join!(alice.try_send(first, "here", id), alice.try_send(second, "here", id));
        let mut statuses = [a.status, b.status];
        statuses.sort();
        assert_eq!(statuses, [200, 409], "{} {}", a.text(), b.text());
    }
}

async fn sends_at_once_take_places_without_gaps(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let texts: Vec<String> = (0..20).map(|n| format!("text {n}")).collect();
    let sent = join_all(texts.iter().map(|text| alice.send_message(chat_id, text))).await;
    let messages = alice.open_chat(chat_id).await.messages.messages;
    assert_eq!(messages.iter().map(|message| message.seq).collect::<Vec<_>>(), (1..=40).collect::<Vec<_>>());
    for (text, sent) in texts.iter().zip(sent) {
        let at = messages.iter().position(|message| message.id == sent.message_id).unwrap();
        assert_eq!(messages[at].body, MessageBody::Text(text.clone()));
        // A reply stands right behind what it answers.
        assert_eq!((messages[at + 1].id, messages[at + 1].parent_id), (sent.reply_id, Some(sent.message_id)));
    }
}

async fn i1_a_message_is_bounded_in_characters(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    // Four bytes each, twelve when they are encoded.
    let longest = "😀".repeat(limits::MESSAGE_CHARS_MAX);
    let sent = alice.send_message(chat_id, &longest).await;
    assert_eq!(app.database.message(sent.message_id.0).await.0, longest);
    for (text, code) in [
        (format!("{longest}x"), "message_too_long"),
        (String::new(), "message_empty"),
        (" \n\t ".to_owned(), "message_empty"),
    ] {
        let answer = alice.try_send(chat_id, &text, ClientMessageId::random()).await;
        assert_eq!(answer.refusal(), (422, code.to_owned()));
    }
    assert_eq!(app.database.count("chat_message").await, 2);
}

async fn i5_a_nul_is_refused_in_every_field(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, id) = (alice.create_chat().await.to_string(), Uuid::new_v4().to_string());
    let good =
        [("chat_id", chat_id.as_str()), ("text", "hello"), ("client_message_id", &id), ("model", "openai/test-model")];
    for (field, refusal) in [
        ("chat_id", (404, "not_found")),
        ("text", (422, "control_character")),
        ("client_message_id", (422, "client_message_id_invalid")),
        ("model", (422, "model_invalid")),
    ] {
        let fields =
            good.map(|(name, value)| (name, if name == field { format!("{value}\0x") } else { value.to_owned() }));
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = alice.call::<SendMessage>(&fields).await;
        assert_eq!(answer.refusal(), (refusal.0, refusal.1.to_owned()), "{field}");
    }
    for (path, field) in
        [("/api/open_chat", "chat_id"), ("/api/stop_reply", "message_id"), ("/api/check_setup_link", "token")]
    {
        let status = alice.post(path, &[(field, "a\0b")]).await.status;
        assert!((400..500).contains(&status), "{path}: {status}");
    }
    assert_eq!(app.database.count("chat_message").await, 0);
}

async fn i6_what_is_not_utf8_is_refused(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let start = format!("chat_id={}&client_message_id={}&text=", alice.create_chat().await, Uuid::new_v4());
    // Alone, a surrogate, overlong, cut off; each as it is and encoded.
    for bytes in [&b"\xff"[..], b"\xed\xa0\x80", b"\xc0\x80", b"caf\xe9", b"\xf0\x9f\x98"] {
        let encoded: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
        for text in [bytes.to_vec(), encoded.into_bytes()] {
            let body = [start.as_bytes(), &text].concat();
            let answer = alice.send(alice.form_request("/api/send_message", body)).await;
            assert_eq!(answer.refusal(), (400, "malformed".to_owned()), "{text:?}");
        }
    }
    // Odd, but text.
    let text = "\u{fffe}\u{ffff}\u{feff}\u{202e} \u{1f468}\u{200d}\u{1f469}";
    let chat_id = alice.create_chat().await;
    let sent = alice.send_message(chat_id, text).await;
    assert_eq!(app.database.message(sent.message_id.0).await.0, text);
}

async fn i7_a_malformed_id_answers_like_an_unknown_one(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (_, sent) = alice.ask("hello").await;
    let unknown = alice.call::<StopReply>(&[("message_id", &Uuid::now_v7().to_string())]).await;
    assert_eq!(unknown.refusal(), (404, "not_found".to_owned()));
    let upper = sent.reply_id.to_string().to_uppercase();
    for id in ["", "x", "../x", "'; DROP TABLE chat_message; --", &upper, &"a".repeat(10_000)] {
        assert_eq!(alice.call::<StopReply>(&[("message_id", id)]).await.same(), unknown.same(), "{id}");
        assert_eq!(alice.call::<RetryReply>(&[("message_id", id)]).await.body, unknown.body, "{id}");
        let fields = [("chat_id", id), ("text", "x"), ("client_message_id", &Uuid::new_v4().to_string())];
        assert_eq!(alice.call::<SendMessage>(&fields).await.body, unknown.body, "{id}");
    }
    let chat_id = alice.create_chat().await.to_string();
    for id in ["", "x", "0199c0de", &"0".repeat(1_000)] {
        let fields = [("chat_id", chat_id.as_str()), ("text", "x"), ("client_message_id", id)];
        assert_eq!(alice.call::<SendMessage>(&fields).await.refusal(), (422, "client_message_id_invalid".to_owned()));
    }
}

async fn i2_bodies_are_bounded_and_forms_only(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let huge = "x".repeat(limits::REQUEST_BODY_BYTES_MAX + 1);
    for path in ["/api/send_message", "/api/list_chats", "/api/create_chat", "/api/log_out"] {
        let answer = Client::send_only(alice.form_request(path, huge.clone())).await;
        assert_eq!(answer.refusal(), (413, "too_large".to_owned()), "{path}");
        // Nor does it help to leave out the length.
        let body = stream_of(&"x".repeat(64 * 1024), 9);
        let answer = Client::send_only(alice.form_request(path, body)).await;
        assert_eq!(answer.refusal(), (413, "too_large".to_owned()), "{path} without a length");
    }
    let body = exchange(&alice, "hello").await;
    for content_type in
        ["text/plain", "application/json", "multipart/form-data", "multipart/form-data; boundary=x", "x", ""]
    {
        let mut request = alice.request(reqwest::Method::POST, "/api/send_message").body(body.clone());
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        assert_eq!(alice.send(request).await.refusal(), (400, "malformed".to_owned()), "{content_type}");
    }
    assert_eq!(app.database.count("chat_message").await, 0);
}

async fn x5_x6_x17_fields_that_nobody_asked_for_change_nothing(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let (chat_id, sent) = alice.ask("mine").await;
    alice.read_reply(chat_id, &sent).await;
    let before = app.database.dump_of(alice.id.0).await;
    // X6: nor can a row of somebody else be overwritten by choosing its id.
    let extra = form(&[
        ("id", &sent.message_id.to_string()),
        ("user_id", &alice.id.to_string()),
        ("owner_id", &alice.id.to_string()),
        ("role", "admin"),
        ("is_admin", "1"),
        ("seq", "1"),
        ("state", "failed"),
        ("parent_id", &sent.message_id.to_string()),
        ("base_url", "http://127.0.0.1:1/"),
        ("api_key", "x"),
    ]);
    let body = format!("{}&{extra}", exchange(&bob, "from Bob").await);
    let sent_by_bob: Sent = bob.send(bob.form_request("/api/send_message", body)).await.ok();
    assert_ne!(sent_by_bob.message_id, sent.message_id);
    assert_eq!(app.database.dump_of(alice.id.0).await, before);
    let owner = app.database.id(bob.id.0);
    let own = format!("SELECT COUNT(*) FROM chat_message WHERE user_id = {owner} AND text = 'from Bob'");
    assert_eq!(app.database.number(&own).await, 1);
    assert_eq!(app.database.texts("SELECT role FROM user_account").await, ["member", "member"]);

    // X5: an id twice is one or none, never a mixture.
    let body = format!("{}&chat_id={chat_id}", exchange(&bob, "twice").await);
    let answer = bob.send(bob.form_request("/api/send_message", body)).await;
    assert!([400, 404].contains(&answer.status), "{}", answer.text());
    assert_eq!(app.database.dump_of(alice.id.0).await, before);
}

async fn u13_a_model_is_named_properly_or_refused(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let body = exchange(&alice, "hello").await;
    let long = format!("openai/{}", "m".repeat(1024));
    for model in [
        "test-model",
        "nobody/test-model",
        "openai/",
        "/x",
        "openai/a\r\nX-Header: 1",
        "https://evil.example/v1",
        &long,
    ] {
        let body = format!("{body}&{}", form(&[("model", model)]));
        let answer = alice.send(alice.form_request("/api/send_message", body)).await;
        assert_eq!(answer.refusal(), (422, "model_invalid".to_owned()), "{model}");
    }
    assert_eq!((app.database.count("chat_message").await, app.upstream.asked()), (0, 0));
    app.upstream.by_hand();
    let body = format!("{body}&{}", form(&[("model", "openai/other-model")]));
    alice.send(alice.form_request("/api/send_message", body)).await.ok::<Sent>();
    assert_eq!(app.upstream.call().await.body["model"], "other-model");
}

async fn p6_replies_at_a_time_are_limited_for_each_user(setup: Setup) {
    let app = TestApp::start(setup.config(|config| config.limits.replies_per_user = 2)).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    app.upstream.by_hand();
    let (chat_id, first) = alice.ask("one").await;
    alice.ask("two").await;
    // Those that come now wait, as many as may, and nobody else is held up.
    let waiting = alice.create_chat().await;
    for _ in 0..limits::QUEUED_REPLIES_PER_USER_MAX {
        alice.send_message(waiting, "three").await;
    }
    let answer = alice.try_send(waiting, "one too many", ClientMessageId::random()).await;
    assert_eq!(answer.refusal(), (429, "too_many_replies".to_owned()));
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(app.database.number("SELECT COUNT(*) FROM chat_message WHERE text = 'one too many'").await, 0);
    bob.ask("hello").await;

    let mut calls: Vec<Call> = Vec::new();
    for _ in 0..3 {
        calls.push(app.upstream.call().await);
    }
    let first_call = calls.iter().position(|call| call.lines()[0].1 == "one").unwrap();
    let mut call = calls.swap_remove(first_call);
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    call.begin();
    call.piece("done");
    call.done();
    assert_eq!(tab.until_end(first.reply_id).await.state, MessageState::Complete);
    // Its place is free with its end.
    assert_eq!(app.upstream.call().await.lines()[0].1, "three");
    alice.send_message(waiting, "one that fits again").await;
}

async fn the_model_is_told_this_conversation_and_no_other(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    bob.ask("a secret of Bob's").await;
    alice.ask("another chat of Alice's").await;
    let chat_id = alice.create_chat().await;
    app.upstream.answer_with("First answer.");
    let first = alice.send_message(chat_id, "First question").await;
    Tab::on_chat(&alice, chat_id).await.until_end(first.reply_id).await;
    app.upstream.by_hand();
    alice.send_message(chat_id, "Second question").await;
    let call = app.upstream.call().await;
    let lines: Vec<(&str, &str)> =
        vec![("user", "First question"), ("assistant", "First answer."), ("user", "Second question")];
    let told = call.lines();
    assert_eq!(told.iter().map(|(role, text)| (role.as_str(), text.as_str())).collect::<Vec<_>>(), lines);
    assert_eq!(call.body["stream"], true);
    assert_eq!(call.headers["authorization"], "Bearer sk-of-the-tests");
}

/// The body of a send to a new chat.
async fn exchange(person: &Person, text: &str) -> String {
    let chat_id: ChatId = person.create_chat().await;
    let id = MessageId(Uuid::new_v4()).to_string();
    form(&[("chat_id", &chat_id.to_string()), ("text", text), ("client_message_id", &id)])
}
