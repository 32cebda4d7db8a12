//! What a model server can do wrong: each ends in a clear state, with the message kept and a retry that works.

use axum::{
    http::{StatusCode, header},
    response::IntoResponse,
};
use sardonyx::{
    domain::{
        ids::{ChatId, MessageId},
        limits,
        message::{MessageBody, MessageState, ReplyFailure, SafeHtml, Sent},
    },
    server::markdown,
};
use serde_json::json;

use crate::support::{
    Call, Person, Setup, Tab, TestApp, Upstream, logs,
    tab::text,
    upstream::{DONE, delta},
};

crate::on_both_databases![
    d18_a_server_that_is_not_there_is_unreachable,
    d19_d20_d21_a_refusal_says_what_to_do,
    d22_a_server_that_never_begins_is_given_up,
    d23_a_reply_that_stalls_keeps_its_text,
    d25_a_reply_that_is_cut_is_not_complete,
    d27_an_endless_reply_is_cut,
    d34_a_redirect_is_not_followed,
    a_failed_reply_can_be_asked_for_again,
    a_reply_that_runs_cannot_be_asked_for_again,
];
crate::once![
    d24_a_reply_that_takes_too_long_is_cut,
    d26_garbage_fails_cleanly_or_is_passed_over,
    d26_no_stream_of_odd_events_breaks_anything,
    d28_a_line_without_end_is_given_up,
    d29_a_reply_is_the_same_however_its_bytes_are_cut,
    d30_events_that_nobody_knows_do_nothing,
    d31_what_is_packed_is_not_unpacked,
    d32_nothing_comes_after_the_end,
    a_server_that_does_not_stream_is_understood,
    i5_a_nul_in_a_reply_is_left_out,
    u9_the_key_is_nowhere_but_with_its_server,
];

async fn d18_a_server_that_is_not_there_is_unreachable(setup: Setup) {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let app =
        TestApp::start(setup.config(move |config| config.models.openai_base_url = Some(url.parse().unwrap()))).await;
    let alice = app.alice().await;
    let (chat_id, sent) = alice.ask("Anybody there?").await;
    expect_failure(&app, &alice, chat_id, sent, ReplyFailure::Unreachable, "").await;
}

async fn d19_d20_d21_a_refusal_says_what_to_do(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let html = || [(header::CONTENT_TYPE, "text/html")];
    let events = || [(header::CONTENT_TYPE, "text/event-stream")];
    let error = || axum::Json(json!({ "error": { "message": "the key sk-of-the-tests is wrong" } }));
    let answers = [
        (ReplyFailure::KeyRefused, (StatusCode::UNAUTHORIZED, error()).into_response()),
        (ReplyFailure::KeyRefused, (StatusCode::FORBIDDEN, error()).into_response()),
        (ReplyFailure::ModelNotFound, (StatusCode::NOT_FOUND, error()).into_response()),
        (ReplyFailure::RateLimited, (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1000000000")]).into_response()),
        (ReplyFailure::RequestRefused, (StatusCode::BAD_REQUEST, error()).into_response()),
        (ReplyFailure::ContextTooLong, StatusCode::PAYLOAD_TOO_LARGE.into_response()),
        (ReplyFailure::ProviderError, (StatusCode::INTERNAL_SERVER_ERROR, html(), "<h1>500</h1>").into_response()),
        (ReplyFailure::ProviderError, (StatusCode::BAD_GATEWAY, html(), "<h1>502</h1>").into_response()),
        (ReplyFailure::ProviderError, error().into_response()),
        (ReplyFailure::Garbled, (html(), "<h1>Welcome to nginx</h1>").into_response()),
        (ReplyFailure::Garbled, StatusCode::NO_CONTENT.into_response()),
        (ReplyFailure::Garbled, events().into_response()),
        (ReplyFailure::Garbled, axum::Json(json!([])).into_response()),
        (ReplyFailure::Empty, (events(), DONE).into_response()),
        (ReplyFailure::Empty, (events(), format!("{}{DONE}", delta(" \n"))).into_response()),
    ];
    for (failure, answer) in answers {
        let (chat_id, sent, call) = question(&app, &alice).await;
        call.answer(answer);
        let kept = if failure == ReplyFailure::Empty { None } else { Some("") };
        let message = end(&alice, chat_id, sent.reply_id).await;
        assert_eq!(message.state, MessageState::Failed(failure));
        if kept.is_some() {
            expect_failure(&app, &alice, chat_id, sent, failure, "").await;
        }
    }
}

async fn d22_a_server_that_never_begins_is_given_up(setup: Setup) {
    let app = TestApp::start(setup.config(|config| config.models.first_byte_seconds = 1)).await;
    let alice = app.alice().await;
    // Neither a head nor, after one, a word.
    for has_head in [false, true] {
        let (chat_id, sent, mut call) = question(&app, &alice).await;
        if has_head {
            call.begin();
        }
        expect_failure(&app, &alice, chat_id, sent, ReplyFailure::NoAnswer, "").await;
        call.gone().await;
    }
}

async fn d23_a_reply_that_stalls_keeps_its_text(setup: Setup) {
    let app = TestApp::start(setup.config(|config| config.models.idle_seconds = 1)).await;
    let alice = app.alice().await;
    let (chat_id, sent, mut call) = question(&app, &alice).await;
    call.begin();
    call.piece("The first half");
    expect_failure(&app, &alice, chat_id, sent, ReplyFailure::Stalled, "The first half").await;
    call.gone().await;
}

async fn d24_a_reply_that_takes_too_long_is_cut(setup: Setup) {
    let app = TestApp::start(setup.config(|config| config.models.reply_seconds = 1)).await;
    let alice = app.alice().await;
    let (chat_id, sent, mut call) = question(&app, &alice).await;
    call.begin();
    call.piece("Slowly");
    expect_failure(&app, &alice, chat_id, sent, ReplyFailure::TooLong, "Slowly").await;
    call.gone().await;
}

async fn d25_a_reply_that_is_cut_is_not_complete(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let endings: [fn(Call); 2] = [Call::end, Call::cut];
    for ending in endings {
        let (chat_id, sent, mut call) = question(&app, &alice).await;
        call.begin();
        call.piece("The first half");
        let mut tab = Tab::on_chat(&alice, chat_id).await;
        tab.until("the first half", |screen| screen.text_of(sent.reply_id).contains("half")).await;
        ending(call);
        expect_failure(&app, &alice, chat_id, sent, ReplyFailure::Cut, "The first half").await;
    }
}

async fn d26_garbage_fails_cleanly_or_is_passed_over(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let odd = [
        "data: nonsense",
        "data: {\"choices\":[]}",
        "data: {\"choices\":[{\"delta\":null}]}",
        "data: {\"choices\":[{\"delta\":{\"content\":7}}]}",
        "data: {\"choices\":[{\"delta\":{\"content\":[\"x\"]}}]}",
        "data: {\"choices\":[{\"delta\":{\"content\":{\"a\":1}}}]}",
        "data: {\"choices\":[{\"delta\":{\"role\":\"system\",\"tool_calls\":[{\"function\":{\"name\":\"rm\"}}]}}]}",
        "data: {\"choices\":\"x\"}",
        "data: []",
        "data: null",
        "data:",
        "event: delta",
        "retry: 1",
        "id: 7",
        ": a comment",
        "\u{feff}data: {}",
    ];
    let (chat_id, sent, mut call) = question(&app, &alice).await;
    call.begin();
    for line in odd {
        for end in ["\n\n", "\r\n\r\n"] {
            call.raw(format!("{line}{end}"));
        }
    }
    call.piece("fine");
    call.done();
    let message = end(&alice, chat_id, sent.reply_id).await;
    assert_eq!((text(&message).as_str(), message.state), ("<p>fine</p>", MessageState::Complete));
}

async fn d26_no_stream_of_odd_events_breaks_anything(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let parts = [
        "data: ",
        "data:",
        "{",
        "}",
        "[",
        "]",
        "\"choices\"",
        ":",
        "\"delta\"",
        "\"content\"",
        "\"x\"",
        "null",
        "1e309",
        "-1",
        "\n",
        "\n\n",
        "\r",
        "event: x\n",
        "\\u0000",
        "\\ud800",
        "[DONE]",
        "data: [DONE]\n\n",
        "\u{0}",
        "\u{feff}",
        "\"error\"",
        "data: {\"choices\":[{\"delta\":{\"content\":\"word \"}}]}\n\n",
        "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n",
    ];
    let mut random = Random(7);
    for round in 0..150 {
        let body: String = (0..random.below(40)).map(|_| parts[random.below(parts.len())]).collect();
        let (chat_id, sent, call) = question(&app, &alice).await;
        call.answer(([(header::CONTENT_TYPE, "text/event-stream")], body.clone()));
        let message = end(&alice, chat_id, sent.reply_id).await;
        assert_ne!(message.state, MessageState::Failed(ReplyFailure::Internal), "round {round}: {body:?}");
    }
}

async fn d27_an_endless_reply_is_cut(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, sent, mut call) = question(&app, &alice).await;
    call.begin();
    let paragraph = format!("{}\n\n", "endless words ".repeat(200));
    // More than twice what a reply may have.
    for _ in 0..200 {
        call.piece(&paragraph);
    }
    call.gone().await;
    let message = end(&alice, chat_id, sent.reply_id).await;
    assert_eq!(message.state, MessageState::Failed(ReplyFailure::TooLong));
    let (kept, _) = app.database.message(sent.reply_id.0).await;
    assert_eq!(kept.len(), limits::REPLY_BYTES_MAX);
    assert_eq!(message.body, MessageBody::Html { blocks: markdown::render_all(&kept), tail: SafeHtml::default() });
}

async fn d28_a_line_without_end_is_given_up(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, sent, mut call) = question(&app, &alice).await;
    call.begin();
    call.piece("Before.");
    call.raw("data: ");
    for _ in 0..40 {
        call.raw("x".repeat(64 * 1024));
    }
    call.gone().await;
    expect_failure(&app, &alice, chat_id, sent, ReplyFailure::Garbled, "Before.").await;
}

async fn d29_a_reply_is_the_same_however_its_bytes_are_cut(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let raw = format!(": hello\r\n\r\n{}{}{DONE}", delta("Grüße 😀 "), delta("日本語"));
    let (chat_id, sent, mut call) = question(&app, &alice).await;
    call.begin();
    for byte in raw.into_bytes() {
        call.raw(vec![byte]);
        tokio::task::yield_now().await;
    }
    call.end();
    let message = end(&alice, chat_id, sent.reply_id).await;
    assert_eq!((text(&message).as_str(), message.state), ("<p>Grüße 😀 日本語</p>", MessageState::Complete));
}

async fn d30_events_that_nobody_knows_do_nothing(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, sent, mut call) = question(&app, &alice).await;
    call.begin();
    for kind in ["execute", "replace", "file", "redirect", "message"] {
        call.raw(format!(
            "event: {kind}\ndata: {{\"type\":\"{kind}\",\"code\":\"alert(1)\",\"path\":\"../../x\"}}\n\n"
        ));
    }
    call.piece("<script>alert(1)</script>");
    call.done();
    let message = end(&alice, chat_id, sent.reply_id).await;
    assert!(!text(&message).contains("<script"), "{}", text(&message));
    assert!(text(&message).contains("&lt;script&gt;alert(1)"));
}

/// A whole reply, packed by gzip.
const PACKED: &str = "1f8b08000000000002034b492c49b452a8564acec8cf4c4e2d56b28aae564a49cd294954b2020ae6e795a4e695285929252a\
                      d5d6c6d67271a5809547bbf8fbb9c672710100f64de10d3d000000";

async fn d31_what_is_packed_is_not_unpacked(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, sent, call) = question(&app, &alice).await;
    // Nobody asked for it, so a few bytes cannot become many.
    assert!(!call.headers.contains_key(header::ACCEPT_ENCODING));
    let packed: Vec<u8> = PACKED.as_bytes().chunks(2).map(hex).collect();
    call.answer(([(header::CONTENT_TYPE, "text/event-stream"), (header::CONTENT_ENCODING, "gzip")], packed));
    expect_failure(&app, &alice, chat_id, sent, ReplyFailure::Garbled, "").await;
}

fn hex(pair: &[u8]) -> u8 {
    u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()
}

async fn d32_nothing_comes_after_the_end(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, sent, mut call) = question(&app, &alice).await;
    call.begin();
    call.raw(format!("{}{DONE}{}{DONE}", delta("The end."), delta("And more.")));
    let message = end(&alice, chat_id, sent.reply_id).await;
    assert_eq!((text(&message).as_str(), message.state), ("<p>The end.</p>", MessageState::Complete));
    call.gone().await;
}

async fn a_server_that_does_not_stream_is_understood(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, sent, call) = question(&app, &alice).await;
    call.answer(axum::Json(json!({ "choices": [{ "message": { "content": "In one piece." } }] })));
    let message = end(&alice, chat_id, sent.reply_id).await;
    assert_eq!((text(&message).as_str(), message.state), ("<p>In one piece.</p>", MessageState::Complete));
}

async fn i5_a_nul_in_a_reply_is_left_out(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, sent, mut call) = question(&app, &alice).await;
    call.begin();
    call.piece("a\0b\0");
    call.done();
    assert_eq!(end(&alice, chat_id, sent.reply_id).await.state, MessageState::Complete);
    assert_eq!(app.database.message(sent.reply_id.0).await.0, "ab");
}

async fn d34_a_redirect_is_not_followed(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let elsewhere = Upstream::start().await;
    for status in [StatusCode::FOUND, StatusCode::TEMPORARY_REDIRECT, StatusCode::PERMANENT_REDIRECT] {
        let (chat_id, sent, call) = question(&app, &alice).await;
        call.answer((status, [(header::LOCATION, format!("{}/chat/completions", elsewhere.url()))]));
        expect_failure(&app, &alice, chat_id, sent, ReplyFailure::ProviderError, "").await;
    }
    // Neither the question nor the key has gone there.
    assert_eq!(elsewhere.asked(), 0);
}

async fn a_failed_reply_can_be_asked_for_again(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, sent, call) = question(&app, &alice).await;
    call.answer(StatusCode::INTERNAL_SERVER_ERROR);
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    tab.until_end(sent.reply_id).await;
    let answers = futures::future::join_all((0..10).map(|_| alice.try_retry(sent.reply_id))).await;
    let reply_id: MessageId = answers[0].ok();
    assert_ne!(reply_id, sent.reply_id);
    assert!(answers.iter().all(|answer| answer.ok::<MessageId>() == reply_id));
    let mut call = app.upstream.call().await;
    assert_eq!(call.lines().len(), 1, "the failed reply is no part of the conversation");
    call.begin();
    call.piece("At last.");
    call.done();
    tab.until_end(reply_id).await;
    // It has taken the failed one's place, here and for whoever comes later.
    assert_eq!(tab.screen.messages.iter().map(|message| message.id).collect::<Vec<_>>(), [sent.message_id, reply_id]);
    assert_eq!(alice.open_chat(chat_id).await.messages.messages, tab.screen.messages);
    assert_eq!(alice.try_retry(sent.reply_id).await.ok::<MessageId>(), reply_id);
    assert_eq!(app.upstream.asked(), 2);
}

async fn a_reply_that_runs_cannot_be_asked_for_again(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, sent, mut call) = question(&app, &alice).await;
    let conflict = (409, "conflict".to_owned());
    assert_eq!(alice.try_retry(sent.reply_id).await.refusal(), conflict, "running");
    assert_eq!(alice.try_retry(sent.message_id).await.refusal(), conflict, "no reply");
    call.begin();
    call.piece("Fine.");
    call.done();
    end(&alice, chat_id, sent.reply_id).await;
}

async fn u9_the_key_is_nowhere_but_with_its_server(setup: Setup) {
    let key = format!("sk-canary-{}", uuid::Uuid::new_v4().simple());
    let configured = key.clone();
    let app = TestApp::start(setup.config(move |config| config.models.openai_api_key = Some(configured.clone()))).await;
    let alice = app.alice().await;
    let admin = app.admin().await;
    let mut seen = Vec::new();
    for status in [StatusCode::UNAUTHORIZED, StatusCode::BAD_REQUEST, StatusCode::INTERNAL_SERVER_ERROR, StatusCode::OK]
    {
        let (chat_id, sent, call) = question(&app, &alice).await;
        assert_eq!(call.headers["authorization"], format!("Bearer {key}"));
        let refusal = || (status, axum::Json(json!({ "error": { "message": format!("Incorrect API key: {key}") } })));
        call.answer(refusal());
        if status == StatusCode::BAD_REQUEST {
            // It may have been for a field that the server does not know.
            app.upstream.call().await.answer(refusal());
        }
        let message = end(&alice, chat_id, sent.reply_id).await;
        seen.push(serde_json::to_string(&message).unwrap());
        seen.push(alice.get(&format!("/chats/{chat_id}")).await.text());
    }
    for person in [&alice, &admin] {
        for path in ["/api/list_models", "/api/current_session", "/api/list_chats"] {
            seen.push(person.post(path, &[]).await.text());
        }
    }
    for path in ["/healthz", "/readyz", "/login"] {
        seen.push(app.anonymous().get(path).await.text());
    }
    assert!(seen.iter().all(|text| !text.contains(&key)));
    // S18: nor is the session's secret or what was said.
    let log = logs::text();
    assert!(log.contains("a reply ended"), "the log was not kept");
    for secret in [key.as_str(), &alice.cookie().unwrap(), crate::support::people::PASSWORD, QUESTION] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    assert!(!format!("{:?}", app.state.config).contains(&key));
}

const QUESTION: &str = "Is there an answer to this very question?";

/// A question whose answer is the test's to give.
async fn question(app: &TestApp, person: &Person) -> (ChatId, Sent, Call) {
    app.upstream.by_hand();
    let (chat_id, sent) = person.ask(QUESTION).await;
    (chat_id, sent, app.upstream.call().await)
}

async fn end(person: &Person, chat_id: ChatId, reply_id: MessageId) -> sardonyx::domain::message::Message {
    Tab::on_chat(person, chat_id).await.until_end(reply_id).await
}

/// The reply failed with this code and text, what was asked is still there, and the page offers to retry.
async fn expect_failure(
    app: &TestApp,
    person: &Person,
    chat_id: ChatId,
    sent: Sent,
    failure: ReplyFailure,
    kept: &str,
) {
    let message = end(person, chat_id, sent.reply_id).await;
    assert_eq!(message.state, MessageState::Failed(failure));
    assert_eq!(message.body, MessageBody::Html { blocks: markdown::render_all(kept), tail: SafeHtml::default() });
    assert_eq!(app.database.message(sent.reply_id.0).await, (kept.to_owned(), "failed".to_owned()));
    assert_eq!(app.database.message(sent.message_id.0).await.1, "complete");
    let page = person.get(&format!("/chats/{chat_id}")).await.text();
    assert!(page.contains(failure.text()) && page.contains("/api/retry_reply"), "{failure:?}");
    // And it works.
    app.upstream.answer_with("Now it works.");
    let reply_id: MessageId = person.try_retry(sent.reply_id).await.ok();
    let message = end(person, chat_id, reply_id).await;
    if failure != ReplyFailure::Unreachable {
        assert_eq!((text(&message).as_str(), message.state), ("<p>Now it works.</p>", MessageState::Complete));
    }
    app.upstream.by_hand();
}

/// A fixed sequence that looks random.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}
