//! Conversations that are longer than what a model can read: what it is given, and what the page says of it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::{Json, http::StatusCode};
use futures::stream;
use sardonyx::{
    api::versions::{EditMessage, ForkChat},
    domain::{
        chat::Chat,
        ids::{ChatId, ClientMessageId},
        message::{MessageState, ReplyFailure, Sent},
        model::{EMBEDDED_PROVIDER, Prompt},
        reply::{Context, ContextCut},
    },
    server::ai::{Piece, PieceStream, Provider, Window, tokens},
};
use serde_json::{Value, json};

use crate::support::{Person, Setup, Tab, TestApp};

crate::on_both_databases![
    a_model_is_never_given_more_than_it_can_read,
    what_no_longer_fits_is_summarised_once_and_by_the_same_model,
    a_summary_holds_only_where_its_messages_led,
    the_page_says_where_the_model_begins_to_read,
    a_fork_of_a_long_chat_makes_its_own_summary,
    a_long_chat_goes_on_without_a_summary,
    d35_a_summary_that_is_made_stops_with_its_reply,
    d19_a_refusal_for_length_is_followed_by_less_and_remembered,
    a_question_that_is_too_long_by_itself_loses_its_middle,
    the_built_in_model_leaves_out_what_is_old_in_steps,
    a_summary_is_taken_along_and_goes_with_its_chat,
];

/// What a summary is asked for with.
const TASK: &str = "Summarise the conversation";
const SUMMARY: &str = "They spoke of a red fox.";
/// What models of these tests can have of a conversation; a quarter of it is the reply's.
const WINDOW: usize = 4_096;
const PROMPT: usize = WINDOW * 3 / 4;

/// A server whose model reads little, and summarises when asked.
async fn start(setup: Setup) -> TestApp {
    let app = TestApp::start(setup).await;
    app.upstream.describe(json!({ "context_length": WINDOW }));
    app.upstream.answer_to(TASK, SUMMARY);
    app
}

/// About two hundred tokens, of which no two are the same.
fn long_text(n: usize) -> String {
    format!("Message {n}:{}", " the quick brown fox jumps over the dog".repeat(14))
}

/// Says something and waits for the reply.
async fn say(alice: &Person, chat_id: ChatId, text: &str) -> Sent {
    let mut tab = Tab::on_chat(alice, chat_id).await;
    let sent = alice.send_message(chat_id, text).await;
    assert_eq!(tab.until_end(sent.reply_id).await.state, MessageState::Complete);
    sent
}

/// The same so many times; from message number `from` on.
async fn say_all(alice: &Person, chat_id: ChatId, from: usize, count: usize) -> Vec<Sent> {
    let mut sent = Vec::new();
    for n in from..from + count {
        sent.push(say(alice, chat_id, &long_text(n)).await);
    }
    sent
}

/// Says as much as fits; gives how many messages that were.
async fn fill(app: &TestApp, alice: &Person, chat_id: ChatId) -> usize {
    let next = tokens::of_line(&long_text(0)) + tokens::of_line("Hello there.");
    for n in 0.. {
        if app.upstream.questions().last().is_some_and(|lines| size(lines) + next > PROMPT) {
            return n;
        }
        say_all(alice, chat_id, n, 1).await;
    }
    0
}

/// Tokens of a question, as the server estimates them.
fn size(lines: &[(String, String)]) -> usize {
    lines.iter().map(|(_, text)| tokens::of_line(text)).sum()
}

fn is_summary(lines: &[(String, String)]) -> bool {
    lines.iter().any(|(_, text)| text.contains(TASK))
}

async fn context(alice: &Person, chat_id: ChatId) -> Option<Context> {
    alice.open_chat(chat_id).await.messages.context
}

async fn a_model_is_never_given_more_than_it_can_read(setup: Setup) {
    let app = start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    say_all(&alice, chat_id, 0, 30).await;
    let questions = app.upstream.questions();
    assert!(questions.iter().all(|lines| size(lines) <= PROMPT), "{:?}", questions.iter().map(|q| size(q)).max());
    let asked: Vec<_> = questions.iter().filter(|lines| !is_summary(lines)).collect();
    assert_eq!(asked.len(), 30);
    for (n, lines) in asked.iter().enumerate() {
        assert!(lines.last().unwrap().1.ends_with(&long_text(n)), "the question itself, {n}");
        assert!(lines.iter().enumerate().all(|(at, line)| (line.0 == "user") == (at % 2 == 0)), "in turns, {n}");
    }
    // Seldom, not with each reply.
    let summaries = questions.iter().filter(|lines| is_summary(lines)).count();
    assert!((2..=9).contains(&summaries), "{summaries}");
}

async fn what_no_longer_fits_is_summarised_once_and_by_the_same_model(setup: Setup) {
    let app = start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let mut n = 0;
    while context(&alice, chat_id).await.is_none() {
        say_all(&alice, chat_id, n, 1).await;
        n += 1;
    }
    let cut = context(&alice, chat_id).await.unwrap();
    assert_eq!((cut.cut, cut.summary.as_str()), (ContextCut::Summarised, SUMMARY));
    let questions = app.upstream.questions();
    let [summary, reply] = &questions[questions.len() - 2..] else { panic!() };
    // It was made of the beginning, and what is read after it follows.
    assert!(is_summary(summary) && summary[0].1.contains(&long_text(0)) && !summary[0].1.contains(&long_text(n - 1)));
    assert!(reply[0].1.contains(SUMMARY) && !reply.iter().any(|line| line.1.contains(&long_text(0))));
    assert!(size(reply) <= PROMPT);
    // The next replies read the same summary, also when they are asked for again.
    let sent = say_all(&alice, chat_id, n, 1).await;
    let again: sardonyx::domain::ids::MessageId = alice.try_retry(sent[0].reply_id).await.ok();
    Tab::on_chat(&alice, chat_id).await.until_end(again).await;
    let later = &app.upstream.questions()[questions.len()..];
    assert!(later.len() == 2 && later.iter().all(|lines| lines[0].1.contains(SUMMARY) && !is_summary(lines)));
    assert_eq!(context(&alice, chat_id).await.unwrap(), cut);
    assert_eq!(app.database.count("chat_summary").await, 1);
    // The one after it is made of it.
    app.upstream.answer_with("Then.");
    say_all(&alice, chat_id, n + 1, 10).await;
    let questions = app.upstream.questions();
    let summaries: Vec<_> = questions.iter().filter(|lines| is_summary(lines)).collect();
    assert!(summaries.len() > 1 && summaries[1][0].1.contains(SUMMARY) && !summaries[1][0].1.contains(&long_text(0)));
}

async fn a_summary_holds_only_where_its_messages_led(setup: Setup) {
    let app = start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let sent = say_all(&alice, chat_id, 0, 17).await;
    assert_eq!(context(&alice, chat_id).await.unwrap().cut, ContextCut::Summarised);
    // Said otherwise before the end of what was summarised: all of that path fits.
    let id = ClientMessageId::random().to_string();
    let fields = [("message_id", &*sent[1].message_id.to_string()), ("text", "Otherwise"), ("client_message_id", &id)];
    let edited: Sent = alice.call::<EditMessage>(&fields).await.ok();
    Tab::on_chat(&alice, chat_id).await.until_end(edited.reply_id).await;
    let questions = app.upstream.questions();
    let lines: Vec<&str> = questions.last().unwrap().iter().map(|line| line.1.as_str()).collect();
    assert_eq!(lines, [&long_text(0), "Hello there.", "Otherwise"]);
    assert_eq!(context(&alice, chat_id).await, None);
    // The way back brings it back, and nothing is made anew.
    let asked = app.upstream.asked();
    let back = [("message_id", &*sent[1].message_id.to_string())];
    alice.call::<sardonyx::api::versions::ShowVersion>(&back).await.ok::<()>();
    assert_eq!(context(&alice, chat_id).await.unwrap().cut, ContextCut::Summarised);
    say(&alice, chat_id, "Short").await;
    assert!(app.upstream.questions().last().unwrap()[0].1.contains(SUMMARY));
    assert_eq!(app.upstream.asked(), asked + 1);
}

async fn the_page_says_where_the_model_begins_to_read(setup: Setup) {
    let app = start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let chat_id = alice.create_chat().await;
    say_all(&alice, chat_id, 0, 30).await;
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    app.upstream.answer_with("It is <b>late</b>.");
    let sent = say_all(&alice, chat_id, 30, 1).await;
    let told = tab.until_end(sent[0].reply_id).await.details.context.unwrap();
    assert_eq!(Some(&told), context(&alice, chat_id).await.as_ref());
    let mark = ContextCut::Summarised.text();
    let page = alice.get(&format!("/chats/{chat_id}")).await.text();
    // Once, in the data for the browser half, the words are not; right before the message.
    assert_eq!(page.matches(mark).count(), 1);
    let messages = alice.open_chat(chat_id).await.messages.messages;
    let first = messages.iter().position(|it| it.id == told.from_id).unwrap();
    let articles: Vec<usize> = page.match_indices("<article").map(|(at, _)| at).collect();
    let at = page.find(mark).unwrap();
    assert_eq!(articles.iter().filter(|article| **article < at).count(), first);
    assert!(page[at..articles[first]].contains(SUMMARY));
    // Older messages know of it, too, where it is not on the page.
    let before_seq = alice.open_chat(chat_id).await.messages.messages[0].seq;
    assert_eq!(alice.list_messages(chat_id, before_seq).await.context, Some(told));
    let older = alice.get(&format!("/chats/{chat_id}?before_seq={before_seq}")).await.text();
    assert!(!older.contains(mark));
    assert_eq!(bob.get(&format!("/chats/{chat_id}")).await.status, 404);
}

async fn a_fork_of_a_long_chat_makes_its_own_summary(setup: Setup) {
    let app = start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let sent = say_all(&alice, chat_id, 0, 17).await;
    let id = ClientMessageId::random().to_string();
    let fields = [("message_id", &*sent[16].reply_id.to_string()), ("client_id", &id)];
    let fork: Chat = alice.call::<ForkChat>(&fields).await.ok();
    assert_eq!(context(&alice, fork.id).await, None);
    say_all(&alice, fork.id, 17, 1).await;
    let of_fork = context(&alice, fork.id).await.unwrap();
    assert_eq!(of_fork.summary, SUMMARY);
    assert_ne!(Some(of_fork.from_id), context(&alice, chat_id).await.map(|context| context.from_id));
}

async fn a_long_chat_goes_on_without_a_summary(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.upstream.describe(json!({ "max_model_len": WINDOW }));
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let n = fill(&app, &alice, chat_id).await;
    // The first question of the next reply is for a summary.
    app.upstream.next(StatusCode::INTERNAL_SERVER_ERROR);
    let asked = app.upstream.asked();
    say_all(&alice, chat_id, n, 3).await;
    let questions = app.upstream.questions();
    assert!(is_summary(&questions[asked]));
    assert!(questions[asked + 1..].iter().all(|lines| !is_summary(lines) && size(lines) <= PROMPT));
    assert_eq!(questions.len(), asked + 4);
    let cut = context(&alice, chat_id).await.unwrap();
    assert_eq!((cut.cut, cut.summary.as_str()), (ContextCut::Unread, ""));
    let page = alice.get(&format!("/chats/{chat_id}")).await.text();
    assert_eq!(page.matches(ContextCut::Unread.text()).count(), 1);
}

async fn d35_a_summary_that_is_made_stops_with_its_reply(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.upstream.describe(json!({ "context_window": WINDOW }));
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let n = fill(&app, &alice, chat_id).await;
    app.upstream.by_hand();
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    let sent = alice.send_message(chat_id, &long_text(n)).await;
    let mut call = app.upstream.call().await;
    assert!(is_summary(&call.lines()));
    call.begin();
    call.piece("They spoke");
    alice.stop_reply(sent.reply_id).await;
    assert_eq!(tab.until_end(sent.reply_id).await.state, MessageState::Stopped);
    call.gone().await;
    assert_eq!(app.database.count("chat_summary").await, 0);
}

async fn d19_a_refusal_for_length_is_followed_by_less_and_remembered(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.answer_to(TASK, SUMMARY);
    let refusals = [
        Json(
            json!({ "error": { "message": "This model's maximum context length is 4096 tokens. However, your messages resulted in 5000 tokens." } }),
        ),
        Json(
            json!({ "error": { "code": "context_length_exceeded", "message": "Reduce the length of the messages." } }),
        ),
    ];
    for (model, refusal) in refusals.into_iter().enumerate() {
        // Each has a model of its own, for what was learned of one holds for it alone.
        let chat_id = alice.create_chat().await;
        let model = if model == 0 { "test-model" } else { "other-model" };
        let say = async |n: usize| {
            let id = ClientMessageId::random().to_string();
            let (chat, text) = (chat_id.to_string(), long_text(n));
            let model = format!("openai/{model}");
            let fields = [("chat_id", &*chat), ("text", &text), ("client_message_id", &id), ("model", &model)];
            let mut tab = Tab::on_chat(&alice, chat_id).await;
            let sent: Sent = alice.call::<sardonyx::api::messages::SendMessage>(&fields).await.ok();
            assert_eq!(tab.until_end(sent.reply_id).await.state, MessageState::Complete);
        };
        for n in 0..25 {
            say(n).await;
        }
        assert_eq!(context(&alice, chat_id).await, None);
        let before = app.upstream.asked();
        app.upstream.next((StatusCode::BAD_REQUEST, refusal));
        say(25).await;
        let questions = app.upstream.questions();
        let [refused, .., answered] = &questions[before..] else { panic!() };
        assert!(size(answered) < size(refused) && !is_summary(answered));
        if model == "test-model" {
            assert!(size(answered) <= PROMPT);
        }
        assert_eq!(context(&alice, chat_id).await.unwrap().cut, ContextCut::Summarised);
        // From now on it is asked with so much at once.
        say(26).await;
        assert_eq!(app.upstream.questions().iter().filter(|lines| size(lines) > size(refused)).count(), 0);
        assert!(size(app.upstream.questions().last().unwrap()) < size(refused));
    }
    // A server that never has enough is given up.
    let chat_id = alice.create_chat().await;
    for _ in 0..9 {
        app.upstream.next((StatusCode::BAD_REQUEST, "too many tokens"));
    }
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    let sent = alice.send_message(chat_id, &"word ".repeat(2_000)).await;
    let failed = MessageState::Failed(ReplyFailure::ContextTooLong);
    assert_eq!(tab.until_end(sent.reply_id).await.state, failed);
}

async fn a_question_that_is_too_long_by_itself_loses_its_middle(setup: Setup) {
    let app = start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let text = format!("First of all. {} At last.", "so many words ".repeat(2_000));
    let sent = say(&alice, chat_id, &text).await;
    let questions = app.upstream.questions();
    assert_eq!(questions.len(), 1);
    assert!(size(&questions[0]) <= PROMPT && questions[0].len() == 1);
    let asked = &questions[0][0].1;
    assert!(asked.starts_with("First of all.") && asked.ends_with("At last.") && asked.contains("is left out"));
    let cut = context(&alice, chat_id).await.unwrap();
    assert_eq!((cut.from_id, cut.cut), (sent.message_id, ContextCut::Shortened));
    assert!(alice.get(&format!("/chats/{chat_id}")).await.text().contains(ContextCut::Shortened.text()));
}

/// Answers everything, and keeps what it was asked.
struct Small(Mutex<Vec<Prompt>>);

#[async_trait]
impl Provider for Small {
    fn name(&self) -> &str {
        EMBEDDED_PROVIDER
    }

    async fn list(&self) -> Result<Vec<String>, ReplyFailure> {
        Ok(vec!["small".to_owned()])
    }

    async fn can_continue(&self, _: &str) -> bool {
        false
    }

    fn window(&self, _: &str) -> Window {
        Window::new(WINDOW)
    }

    async fn generate(&self, _: &str, prompt: &Prompt) -> Result<PieceStream, ReplyFailure> {
        self.0.lock().unwrap().push(prompt.clone());
        Ok(Box::pin(stream::iter([Ok(Piece::Text("Yes.".to_owned()))])))
    }
}

async fn the_built_in_model_leaves_out_what_is_old_in_steps(setup: Setup) {
    let small = Arc::new(Small(Mutex::default()));
    let app = TestApp::start(setup.provider(small.clone())).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    say_all(&alice, chat_id, 0, 30).await;
    let prompts = small.0.lock().unwrap().clone();
    assert!(prompts.len() == 30 && prompts.iter().all(|prompt| tokens::of_prompt(prompt) <= PROMPT));
    let mut begins: Vec<&str> = prompts.iter().map(|prompt| prompt.lines[0].text.as_str()).collect();
    begins.dedup();
    assert!(begins.len() > 3 && begins.len() < 12, "{}", begins.len());
    assert_eq!(context(&alice, chat_id).await.unwrap().cut, ContextCut::Unread);
    assert_eq!(app.database.count("chat_summary").await, 0);
}

async fn a_summary_is_taken_along_and_goes_with_its_chat(setup: Setup) {
    let app = start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let chat_id = alice.create_chat().await;
    say_all(&alice, chat_id, 0, 17).await;
    let data: Value = alice.get("/settings/data.json").await.ok();
    assert_eq!(data["chats"][0]["summaries"][0]["text"], SUMMARY);
    assert!(!bob.get("/settings/data.json").await.text().contains(SUMMARY));
    assert!(app.database.count("chat_summary").await > 0);
    let id = app.database.id(chat_id.0);
    app.database.execute(&format!("DELETE FROM chat_session WHERE id = {id}")).await;
    assert_eq!(app.database.count("chat_summary").await, 0);
}
