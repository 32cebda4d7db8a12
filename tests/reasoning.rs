//! What a model thinks before it answers is told from the answer, and how many tokens a reply was is known.

use axum::http::StatusCode;
use reqwest::Method;
use sardonyx::domain::{
    ids::ChatId,
    live::LiveEvent,
    message::{Message, MessageState},
    reply::{ReplyPhase, Usage},
};
use serde_json::{Value, json};

use crate::support::{
    Client, Person, Setup, Tab, TestApp,
    people::PASSWORD,
    tab::text,
    upstream::{counted, delta, thought},
};

crate::on_both_databases![
    reasoning_is_apart_from_the_answer_everywhere,
    reasoning_grows_in_every_tab,
    d33_the_tokens_of_a_reply_are_counted_or_estimated,
    k3_a_reply_that_goes_on_keeps_its_reasoning,
];
crate::once![
    reasoning_that_is_written_into_the_answer_is_found,
    a_server_that_does_not_know_how_to_count_is_asked_without,
];

async fn reasoning_is_apart_from_the_answer_everywhere(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.next_events(&[thought("Is <b>it</b> so?"), thought(" It is."), delta("Yes.")]);
    let (chat_id, sent) = alice.ask("Is it so?").await;
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    let message = tab.until_end(sent.reply_id).await;
    assert_eq!((text(&message).as_str(), message.state), ("<p>Yes.</p>", MessageState::Complete));
    assert_eq!(message.details.reasoning, "Is <b>it</b> so? It is.");
    // After a reload, in the page without a script, in the export and for programs.
    assert_eq!(alice.open_chat(chat_id).await.messages.messages[1], message);
    let page = alice.get(&format!("/chats/{chat_id}")).await.text();
    assert!(page.contains("<summary>Reasoning</summary>") && page.contains("Is &lt;b&gt;it&lt;/b&gt; so?"));
    let export: Value = alice.get("/settings/data.json").await.ok();
    assert_eq!(export["chats"][0]["messages"][1]["reasoning"], "Is <b>it</b> so? It is.");
    let listed = for_program(&alice, chat_id).await;
    assert_eq!(listed["messages"][1]["reasoning"], "Is <b>it</b> so? It is.");
    assert_eq!(listed["messages"][1]["text"], "Yes.");
    assert_eq!(listed["messages"][0]["reasoning"], Value::Null);
    // No later turn is given it.
    app.upstream.by_hand();
    alice.send_message(chat_id, "Why?").await;
    let call = app.upstream.call().await;
    let line = |role: &str, text: &str| (role.to_owned(), text.to_owned());
    assert_eq!(call.lines(), [line("user", "Is it so?"), line("assistant", "Yes."), line("user", "Why?")]);
}

async fn reasoning_grows_in_every_tab(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("Think").await;
    let mut call = app.upstream.call().await;
    let mut first = Tab::on_chat(&alice, chat_id).await;
    assert_eq!(first.screen.find(sent.reply_id).unwrap().details.phase, ReplyPhase::Reading);
    assert!(alice.get(&format!("/chats/{chat_id}")).await.text().contains("Reading…"));
    call.begin();
    call.raw(thought("One, "));
    let thinks = |what: &'static str| {
        move |screen: &crate::support::tab::Screen| {
            screen.find(sent.reply_id).is_some_and(|message| message.details.reasoning == what)
        }
    };
    first.until("a thought", thinks("One, ")).await;
    assert_eq!(first.screen.find(sent.reply_id).unwrap().details.phase, ReplyPhase::Thinking);
    assert!(alice.get(&format!("/chats/{chat_id}")).await.text().contains("Thinking…"));
    let mut second = Tab::on_chat(&alice, chat_id).await;
    call.raw(thought("two."));
    first.until("another thought", thinks("One, two.")).await;
    second.until("the same", thinks("One, two.")).await;
    call.piece("Three.");
    first.until("the answer", |screen| screen.text_of(sent.reply_id).contains("Three")).await;
    assert_eq!(first.screen.find(sent.reply_id).unwrap().details.phase, ReplyPhase::Writing);
    call.done();
    for tab in [&mut first, &mut second] {
        let message = tab.until_end(sent.reply_id).await;
        assert_eq!((text(&message).as_str(), message.details.reasoning.as_str()), ("<p>Three.</p>", "One, two."));
    }
    // All that was sent of it, was sent once.
    let sent_bytes: usize = first.screen.progress.iter().map(reasoning_bytes).sum();
    assert_eq!(sent_bytes, "One, two.".len());
}

async fn reasoning_that_is_written_into_the_answer_is_found(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.next_events(&["<th", "ink>Hm", ".</thi", "nk>\n\nAh."].map(delta));
    let message = reply(&alice).await;
    assert_eq!((text(&message).as_str(), message.details.reasoning.as_str()), ("<p>Ah.</p>", "Hm."));
    // In one piece, too.
    app.upstream.next(axum::Json(json!({ "choices": [{ "message": { "content": "<think>Hm.</think>Ah." } }] })));
    let message = reply(&alice).await;
    assert_eq!((text(&message).as_str(), message.details.reasoning.as_str()), ("<p>Ah.</p>", "Hm."));
}

async fn d33_the_tokens_of_a_reply_are_counted_or_estimated(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.next_events(&[delta("Fine."), counted(31, 412)]);
    let (chat_id, sent) = alice.ask("Count").await;
    let message = Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await;
    let usage = Usage { prompt_tokens: 31, completion_tokens: 412, is_estimated: false };
    assert_eq!(message.details.usage, Some(usage));
    assert!(alice.get(&format!("/chats/{chat_id}")).await.text().contains("412 tokens"));
    let listed = for_program(&alice, chat_id).await;
    let usage = json!({ "prompt_tokens": 31, "completion_tokens": 412, "estimated": false });
    assert_eq!(listed["messages"][1]["usage"], usage);
    for (prompt, completion) in [(-1, 5), (5, i64::MAX)] {
        app.upstream.next_events(&[delta("Fine."), counted(prompt, completion)]);
        let usage = reply(&alice).await.details.usage.unwrap();
        assert!(usage.is_estimated && (1..50).contains(&usage.completion_tokens), "{usage:?}");
        assert!((1..100).contains(&usage.prompt_tokens), "{usage:?}");
    }
    // Of what was refused there is nothing to count.
    app.upstream.next(StatusCode::UNAUTHORIZED);
    assert_eq!(reply(&alice).await.details.usage, None);
}

async fn a_server_that_does_not_know_how_to_count_is_asked_without(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("Count").await;
    let call = app.upstream.call().await;
    assert_eq!(call.body["stream_options"]["include_usage"], true);
    call.answer((StatusCode::UNPROCESSABLE_ENTITY, "extra fields not permitted"));
    let mut call = app.upstream.call().await;
    assert!(call.body.get("stream_options").is_none());
    call.begin();
    call.piece("Fine.");
    call.done();
    assert_eq!(Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await.state, MessageState::Complete);
    // From then on at once.
    alice.ask("Count").await;
    assert!(app.upstream.call().await.body.get("stream_options").is_none());
}

async fn k3_a_reply_that_goes_on_keeps_its_reasoning(setup: Setup) {
    let mut app = TestApp::start(setup).await;
    app.upstream.continue_replies(true);
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("Tell me").await;
    let mut call = app.upstream.call().await;
    call.begin();
    call.raw(thought("Thought before."));
    call.piece("The first half of it,");
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    tab.until("the first half", |screen| screen.text_of(sent.reply_id).contains("half of it")).await;
    app.stop().await;
    let app = app.another().await;
    let alice = alice.at(&app);
    let mut call = app.upstream.call().await;
    assert_eq!(call.lines().last().unwrap().1, "The first half of it,");
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    tab.until("the reasoning", |screen| {
        screen.find(sent.reply_id).is_some_and(|message| message.details.reasoning == "Thought before.")
    })
    .await;
    call.begin();
    call.piece(" and the second.");
    call.done();
    let message = tab.until_end(sent.reply_id).await;
    assert_eq!(text(&message), "<p>The first half of it, and the second.</p>");
    assert_eq!(message.details.reasoning, "Thought before.");
}

/// A chat as a program reads it.
async fn for_program(person: &Person, chat_id: ChatId) -> Value {
    let login = json!({ "email": person.email, "password": PASSWORD });
    let request = person.program(Method::POST, "/api/v1/token", None).json(&login);
    let token = Client::send_only(request).await.ok::<Value>()["access_token"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/chats/{chat_id}/messages");
    Client::send_only(person.program(Method::GET, &path, Some(&token))).await.ok()
}

/// How much of the reasoning an event has.
fn reasoning_bytes(event: &LiveEvent) -> usize {
    match event {
        LiveEvent::ReplyProgress { reasoning: Some(piece), .. } => piece.text.len(),
        _ => 0,
    }
}

async fn reply(person: &Person) -> Message {
    let (chat_id, sent) = person.ask("Are you there?").await;
    Tab::on_chat(person, chat_id).await.until_end(sent.reply_id).await
}
