//! A model's server that is away, overloaded or falls over: what passes is tried again before the first word, what does not
//! fails at once, and nobody else notices.

use std::time::{Duration, Instant, SystemTime};

use axum::http::StatusCode;
use sardonyx::{
    api::{messages::SendMessage, models::ListModels, providers::SaveProvider},
    domain::{
        ids::{ChatId, ClientMessageId},
        message::{Message, MessageState, ReplyFailure, Sent},
        model::ModelList,
    },
    server::clock,
};

use crate::support::{Person, Setup, Tab, TestApp, Upstream, eventually, soon, tab::text};

crate::once![
    d36_what_passes_is_tried_again_before_the_first_word,
    d36_after_the_first_word_nothing_is_tried_again,
    d36_what_does_not_pass_is_not_tried_again,
    d36_a_stop_ends_the_waiting,
    d20_the_time_that_a_server_asks_for_is_granted_up_to_a_limit,
    d37_an_outage_fails_fast_and_passes_by_itself,
    d38_a_provider_that_is_down_leaves_the_other_alone,
    d40_the_last_good_list_stays,
];

/// A server that asks again.
fn patient(setup: Setup) -> Setup {
    setup.config(|config| (config.models.retries, config.models.rest_seconds) = (2, 3))
}

async fn d36_what_passes_is_tried_again_before_the_first_word(setup: Setup) {
    let app = TestApp::start(patient(setup)).await;
    let alice = app.alice().await;
    let event_stream = [("content-type", "text/event-stream")];
    let in_the_stream = (event_stream, "data: {\"error\":{\"message\":\"overloaded\"}}\n\n");
    let cut_before_a_word = (event_stream, "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n");
    app.upstream.next(StatusCode::SERVICE_UNAVAILABLE);
    app.upstream.next(in_the_stream);
    let message = reply(&alice).await;
    assert_eq!((text(&message).as_str(), message.state), ("<p>Hello there.</p>", MessageState::Complete));
    assert_eq!(app.upstream.asked(), 3);
    // Not without end.
    app.upstream.next(cut_before_a_word);
    app.upstream.next(StatusCode::TOO_MANY_REQUESTS);
    app.upstream.next(StatusCode::BAD_GATEWAY);
    assert_eq!(reply(&alice).await.state, MessageState::Failed(ReplyFailure::ProviderError));
    assert_eq!(app.upstream.asked(), 6);
}

async fn d36_after_the_first_word_nothing_is_tried_again(setup: Setup) {
    let app = TestApp::start(patient(setup)).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("Tell me").await;
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece("The first half");
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    tab.until("the first half", |screen| screen.text_of(sent.reply_id).contains("half")).await;
    call.cut();
    let message = tab.until_end(sent.reply_id).await;
    let kept = ("<p>The first half</p>", MessageState::Failed(ReplyFailure::Cut));
    assert_eq!((text(&message).as_str(), message.state), kept);
    assert_eq!(app.upstream.asked(), 1);
}

async fn d36_what_does_not_pass_is_not_tried_again(setup: Setup) {
    let app = TestApp::start(patient(setup)).await;
    let alice = app.alice().await;
    for (status, failure) in [
        (StatusCode::UNAUTHORIZED, ReplyFailure::KeyRefused),
        (StatusCode::NOT_FOUND, ReplyFailure::ModelNotFound),
        (StatusCode::FOUND, ReplyFailure::ProviderError),
    ] {
        let before = app.upstream.asked();
        app.upstream.next(status);
        assert_eq!(reply(&alice).await.state, MessageState::Failed(failure));
        assert_eq!(app.upstream.asked(), before + 1);
    }
}

async fn d36_a_stop_ends_the_waiting(setup: Setup) {
    let app =
        TestApp::start(setup.config(|config| (config.models.retries, config.models.rest_seconds) = (2, 15))).await;
    let alice = app.alice().await;
    app.upstream.next((StatusCode::TOO_MANY_REQUESTS, [("retry-after", "14")]));
    let began = Instant::now();
    let (chat_id, sent) = alice.ask("Tell me").await;
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    eventually("the question", async || app.upstream.asked() > 0).await;
    alice.stop_reply(sent.reply_id).await;
    assert_eq!(tab.until_end(sent.reply_id).await.state, MessageState::Stopped);
    assert!(began.elapsed() < Duration::from_secs(10), "the stop was heard after the wait");
    assert_eq!(app.upstream.asked(), 1);
}

async fn d20_the_time_that_a_server_asks_for_is_granted_up_to_a_limit(setup: Setup) {
    let app = TestApp::start(patient(setup)).await;
    let alice = app.alice().await;
    for (asked, seconds_min) in [("1", 1), ("a date", 1), ("nonsense", 0)] {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(clock::now_ms().unsigned_abs());
        let date = httpdate::fmt_http_date(now + Duration::from_secs(3));
        let asked = if asked == "a date" { date.as_str() } else { asked };
        app.upstream.next((StatusCode::TOO_MANY_REQUESTS, [("retry-after", asked)]));
        let (before, began) = (app.upstream.asked(), Instant::now());
        assert_eq!(reply(&alice).await.state, MessageState::Complete, "{asked}");
        assert!(began.elapsed() >= Duration::from_secs(seconds_min), "{asked}");
        assert_eq!(app.upstream.asked(), before + 2, "{asked}");
    }
    // Who asks for more than anybody waits for is told so, and is left alone for as long as may be: by those who want this
    // model, and nobody else.
    app.upstream.next((StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1000000000")]));
    let began = Instant::now();
    assert_eq!(reply(&alice).await.state, MessageState::Failed(ReplyFailure::RateLimited));
    assert_eq!(reply_of(&app.bob().await, "openai/other-model").await.state, MessageState::Complete);
    assert!(began.elapsed() < Duration::from_secs(3), "they were held up");
    assert_eq!(reply(&alice).await.state, MessageState::Complete);
    assert!(began.elapsed() >= Duration::from_secs(3), "it was not left alone");
}

async fn d37_an_outage_fails_fast_and_passes_by_itself(setup: Setup) {
    let app = TestApp::start(patient(setup)).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    app.upstream.fail(Some(StatusCode::BAD_GATEWAY));
    let asked = futures::future::join_all((0..100).map(|_| alice.ask("Are you there?"))).await;
    for (_, sent) in asked {
        eventually("a reply's end", async || app.database.message(sent.reply_id.0).await.1 == "failed").await;
    }
    // At most what was on its way when it was noticed.
    assert!(app.upstream.asked() <= 110, "{}", app.upstream.asked());
    let (asked, began) = (app.upstream.asked(), Instant::now());
    let mut failures = Vec::new();
    for _ in 0..5 {
        failures.push(reply(&bob).await.state);
    }
    assert!(failures.contains(&MessageState::Failed(ReplyFailure::Outage)), "{failures:?}");
    let rests = u32::try_from(began.elapsed().as_secs() / 3 + 1).unwrap();
    assert!(app.upstream.asked() <= asked + usize::try_from(rests).unwrap(), "asked while it should rest");
    // Everything else works meanwhile.
    assert_eq!(bob.get("/chats").await.status, 200);
    bob.list_chats(None).await;
    app.member("carol@example.org").await;
    // It comes back, and nobody has to do anything.
    app.upstream.fail(None);
    let began = Instant::now();
    soon("a reply after the outage", async { while reply(&bob).await.state != MessageState::Complete {} }).await;
    assert!(began.elapsed() < Duration::from_secs(30));
}

async fn d38_a_provider_that_is_down_leaves_the_other_alone(setup: Setup) {
    let app = TestApp::start(patient(setup)).await;
    let (alice, admin, other) = (app.alice().await, app.admin().await, Upstream::start().await);
    let fields = [("name", "second"), ("base_url", other.url()), ("key", "")];
    admin.call::<SaveProvider>(&fields).await.ok::<()>();
    app.upstream.fail(Some(StatusCode::INTERNAL_SERVER_ERROR));
    for _ in 0..4 {
        assert_ne!(reply(&alice).await.state, MessageState::Complete);
        assert_eq!(reply_of(&alice, "second/test-model").await.state, MessageState::Complete);
    }
    assert_eq!(other.asked(), 4);
}

async fn d40_the_last_good_list_stays(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let names = async || {
        let list: ModelList = alice.call::<ListModels>(&[]).await.ok();
        list.models.into_iter().map(|model| model.as_str().to_owned()).collect::<Vec<_>>()
    };
    let good = names().await;
    assert!(good.contains(&"openai/other-model".to_owned()));
    app.upstream.fail(Some(StatusCode::INTERNAL_SERVER_ERROR));
    app.state.models.forget_list("openai");
    assert_eq!(names().await, good);
}

/// A reply of the default model, at its end.
async fn reply(person: &Person) -> Message {
    let (chat_id, sent) = person.ask("Are you there?").await;
    Tab::on_chat(person, chat_id).await.until_end(sent.reply_id).await
}

/// The same of another model.
async fn reply_of(person: &Person, model: &str) -> Message {
    let chat_id: ChatId = person.create_chat().await;
    let (chat, id) = (chat_id.to_string(), ClientMessageId::random().to_string());
    let fields = [("chat_id", chat.as_str()), ("text", "And you?"), ("client_message_id", &id), ("model", model)];
    let sent: Sent = person.call::<SendMessage>(&fields).await.ok();
    Tab::on_chat(person, chat_id).await.until_end(sent.reply_id).await
}
