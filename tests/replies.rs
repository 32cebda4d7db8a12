//! A reply while it is written: the same on every screen and in the database.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use sardonyx::{
    api::messages::RetryReply,
    domain::{
        ids::MessageId,
        message::{MessageBody, MessageState, SafeHtml},
    },
    server::markdown,
};

use crate::support::{Setup, Tab, TestApp, eventually, tab::text, times};

crate::on_both_databases![
    a_reply_is_the_same_in_every_tab_and_in_the_database,
    w16_a_tab_that_joins_at_any_moment_ends_with_the_same_text,
    w15_a_connection_that_breaks_again_and_again_loses_nothing,
    a_page_in_the_middle_of_a_reply_shows_what_is_there,
    d35_stopping_ends_the_work_and_keeps_the_text_as_seen,
    a_reply_that_was_stopped_goes_on_when_asked_and_once,
    d35_closing_every_tab_stops_nothing,
    n3_stop_against_finish_leaves_one_end,
    a_running_reply_is_kept_every_second,
    w17_two_tabs_that_both_send_end_equal,
    a_chat_can_be_left_and_opened_again_on_one_connection,
];

const REPLY: &str = "# Title\n\nFirst paragraph with *emphasis* and `code`.\n\n- one\n- two\n  - nested 日本語\n\n```rust\nfn \
                     main() { println!(\"😀\"); }\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> quoted\n\nThe **end**.";

async fn a_reply_is_the_same_in_every_tab_and_in_the_database(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let chat_id = alice.create_chat().await;
    let (mut first, mut second) = (Tab::on_chat(&alice, chat_id).await, Tab::on_chat(&alice, chat_id).await);
    let sent = alice.send_message(chat_id, "Tell me").await;
    let mut call = app.upstream.call().await;
    call.begin();
    for piece in pieces(REPLY, 7) {
        call.piece(piece);
    }
    first.until("some text", |screen| screen.text_of(sent.reply_id).contains("paragraph")).await;
    call.done();
    let (in_first, in_second) = (first.until_end(sent.reply_id).await, second.until_end(sent.reply_id).await);
    assert_eq!(in_first, in_second);
    assert_eq!(in_first.state, MessageState::Complete);
    assert_eq!(app.database.message(sent.reply_id.0).await, (REPLY.to_owned(), "complete".to_owned()));
    assert_eq!(in_first.body, rendered(REPLY));
    assert_eq!(alice.open_chat(chat_id).await.messages.messages, first.screen.messages);
    // Finished blocks are sent once: each event begins where the one before ended.
    assert!(first.screen.progress.len() > 1);
}

async fn w16_a_tab_that_joins_at_any_moment_ends_with_the_same_text(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("Tell me").await;
    let mut call = app.upstream.call().await;
    let mut tabs = vec![Tab::on_chat(&alice, chat_id).await];
    call.begin();
    for (n, piece) in pieces(REPLY, 3).enumerate() {
        call.piece(piece);
        if n % 8 == 0 {
            // Page and connection are two steps, and more text comes in between.
            let view = alice.open_chat(chat_id).await;
            call.piece("");
            let mut tab = Tab::open(&alice).await;
            tab.show(view).await;
            tabs.push(tab);
        }
    }
    call.done();
    for mut tab in tabs {
        assert_eq!(tab.until_end(sent.reply_id).await.body, rendered(REPLY));
        assert_eq!(tab.screen.messages.len(), 2);
    }
}

async fn w15_a_connection_that_breaks_again_and_again_loses_nothing(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("Tell me").await;
    let mut call = app.upstream.call().await;
    call.begin();
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    let mut breaks = 0;
    for (n, piece) in pieces(REPLY, 5).enumerate() {
        call.piece(piece);
        if n % 3 == 0 {
            // The socket goes, the screen stays; sometimes after something has come, sometimes before.
            if n % 2 == 0 {
                tab.until("the reply to be there", |screen| screen.find(sent.reply_id).is_some()).await;
            }
            tab.reconnect(&alice).await;
            breaks += 1;
        }
    }
    assert!(breaks > 10);
    call.done();
    assert_eq!(tab.until_end(sent.reply_id).await.body, rendered(REPLY));
}

async fn a_page_in_the_middle_of_a_reply_shows_what_is_there(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("Tell me").await;
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece("The first half");
    tab.until("the first half", |screen| screen.text_of(sent.reply_id).contains("The first half")).await;
    let view = alice.open_chat(chat_id).await;
    assert_eq!(view.messages.messages, tab.screen.messages);
    assert_eq!(view.messages.messages[1].state, MessageState::Generating);
    assert!(alice.get(&format!("/chats/{chat_id}")).await.text().contains("The first half"));
    call.piece(" and the second.");
    call.done();
    assert_eq!(text(&tab.until_end(sent.reply_id).await), "<p>The first half and the second.</p>");
}

async fn d35_stopping_ends_the_work_and_keeps_the_text_as_seen(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("Tell me").await;
    let (mut tab, mut other) = (Tab::on_chat(&alice, chat_id).await, Tab::on_chat(&alice, chat_id).await);
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece("As far as *this*");
    for tab in [&mut tab, &mut other] {
        tab.until("the text", |screen| screen.text_of(sent.reply_id).contains("<em>this</em>")).await;
    }
    let seen = tab.screen.text_of(sent.reply_id);
    let asked = Instant::now();
    alice.stop_reply(sent.reply_id).await;
    call.gone().await;
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    for tab in [&mut tab, &mut other] {
        let message = tab.until_end(sent.reply_id).await;
        assert_eq!((text(&message), message.state), (seen.clone(), MessageState::Stopped));
    }
    assert_eq!(app.database.message(sent.reply_id.0).await, ("As far as *this*".to_owned(), "stopped".to_owned()));
    // Again, and by a plain form: nothing changes.
    let fields = [("message_id", sent.reply_id.to_string())];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    let answer = alice.submit(&format!("/chats/{chat_id}"), "/api/stop_reply", &fields).await;
    assert_eq!(answer.header("location"), format!("/chats/{chat_id}"));
    assert_eq!(alice.open_chat(chat_id).await.messages.messages, tab.screen.messages);
}

async fn a_reply_that_was_stopped_goes_on_when_asked_and_once(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    app.upstream.continue_replies(true);
    let (chat_id, sent) = alice.ask("Tell me").await;
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece("As far as the eye");
    tab.until("the text", |screen| screen.text_of(sent.reply_id).contains("the eye")).await;
    let go_on =
        async |id: MessageId| alice.call::<RetryReply>(&[("message_id", &id.to_string()), ("goes_on", "1")]).await;
    assert_eq!(go_on(sent.reply_id).await.status, 409, "while it runs");
    alice.stop_reply(sent.reply_id).await;
    tab.until_end(sent.reply_id).await;
    let reply_id: MessageId = go_on(sent.reply_id).await.ok();
    assert_eq!(go_on(sent.reply_id).await.ok::<MessageId>(), reply_id);
    let mut call = app.upstream.call().await;
    let lines = [("user", "Tell me"), ("assistant", "As far as the eye")];
    assert_eq!(call.lines(), lines.map(|(role, text)| (role.to_owned(), text.to_owned())));
    tab.until("what was there", |screen| screen.text_of(reply_id).contains("the eye")).await;
    call.begin();
    call.piece(" can see.");
    call.done();
    let message = tab.until_end(reply_id).await;
    assert_eq!((text(&message).as_str(), message.state), ("<p>As far as the eye can see.</p>", MessageState::Complete));
    assert_eq!(alice.open_chat(chat_id).await.messages.messages.len(), 2);
    assert_eq!(go_on(reply_id).await.status, 409, "when it is complete");
    // One of which nothing is there has nothing to go on from.
    let failed = alice.send_message(chat_id, "And now?").await;
    app.upstream.call().await.answer(StatusCode::INTERNAL_SERVER_ERROR);
    tab.until_end(failed.reply_id).await;
    assert_eq!(go_on(failed.reply_id).await.status, 409);
}

async fn d35_closing_every_tab_stops_nothing(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("Tell me").await;
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece("while you watch");
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    tab.until("the text", |screen| screen.text_of(sent.reply_id).contains("while you watch")).await;
    drop(tab);
    call.piece(", and while you do not");
    assert!(!call.is_gone());
    call.done();
    let message = Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await;
    assert_eq!(text(&message), "<p>while you watch, and while you do not</p>");
}

async fn n3_stop_against_finish_leaves_one_end(setup: Setup) {
    // So many rounds are a long chat, whose summary would be asked for in between.
    let app = TestApp::start(setup.config(|config| config.models.context_tokens = 100_000)).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let chat_id = alice.create_chat().await;
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    let mut ends = [0, 0];
    for round in 0..times(50, 500) {
        let sent = alice.send_message(chat_id, &format!("round {round}")).await;
        let mut call = app.upstream.call().await;
        call.begin();
        call.piece("one ");
        if round % 2 == 0 {
            tab.until("a word", |screen| screen.text_of(sent.reply_id).contains("one")).await;
        }
        let stopping = alice.stop_reply(sent.reply_id);
        let finishing = async move {
            for _ in 0..round % 5 {
                tokio::task::yield_now().await;
            }
            call.piece("two");
            call.done();
        };
        tokio::join!(stopping, finishing);
        let end = tab.until_end(sent.reply_id).await;
        let (kept, state) = app.database.message(sent.reply_id.0).await;
        assert!("one two".starts_with(&kept), "{kept:?}");
        assert_eq!(end.body, rendered(&kept));
        match end.state {
            MessageState::Stopped => ends[0] += 1,
            MessageState::Complete => {
                assert_eq!(kept, "one two");
                ends[1] += 1;
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(state, if end.state == MessageState::Stopped { "stopped" } else { "complete" });
    }
    assert_eq!(ends[0] + ends[1], times(50, 500));
    // Nothing was written after an end.
    let again = alice.open_chat(chat_id).await.messages.messages;
    assert_eq!(again[..], tab.screen.messages[tab.screen.messages.len() - again.len()..]);
}

async fn a_running_reply_is_kept_every_second(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (_, sent) = alice.ask("Tell me").await;
    let mut call = app.upstream.call().await;
    call.begin();
    for (piece, so_far) in [("one", "one"), (" two", "one two")] {
        call.piece(piece);
        let expected = (so_far.to_owned(), "generating".to_owned());
        eventually("the checkpoint", async || app.database.message(sent.reply_id.0).await == expected).await;
    }
}

async fn w17_two_tabs_that_both_send_end_equal(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let phone = app.log_in("alice@example.org").await;
    let chat_id = alice.create_chat().await;
    let mut tabs =
        [Tab::on_chat(&alice, chat_id).await, Tab::on_chat(&alice, chat_id).await, Tab::on_chat(&phone, chat_id).await];
    let sends = (0..10).map(|n| {
        let sender = if n % 2 == 0 { &alice } else { &phone };
        async move { sender.send_message(chat_id, &format!("message {n}")).await.reply_id }
    });
    let replies: Vec<MessageId> = futures::future::join_all(sends).await;
    for tab in &mut tabs {
        for id in &replies {
            tab.until_end(*id).await;
        }
        assert_eq!(tab.screen.messages.len(), 20);
    }
    let stored = alice.open_chat(chat_id).await.messages.messages;
    assert!(tabs.iter().all(|tab| tab.screen.messages == stored));
}

async fn a_chat_can_be_left_and_opened_again_on_one_connection(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("Tell me").await;
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece("one");
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    tab.until("a word", |screen| screen.text_of(sent.reply_id).contains("one")).await;
    let other = alice.create_chat().await;
    tab.watch(other).await;
    tab.until("the other chat's list", |screen| screen.chats.iter().any(|chat| chat.id == other)).await;
    call.piece(" two");
    tab.show(alice.open_chat(chat_id).await).await;
    tab.until("all words", |screen| screen.text_of(sent.reply_id).contains("one two")).await;
    call.done();
    assert_eq!(text(&tab.until_end(sent.reply_id).await), "<p>one two</p>");
}

/// A text in pieces of a few characters.
fn pieces(text: &str, chars: usize) -> impl Iterator<Item = &str> {
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).step_by(chars).chain([text.len()]).collect();
    (1..starts.len()).map(move |n| &text[starts[n - 1]..starts[n]])
}

/// What a final reply with this text shows.
fn rendered(text: &str) -> MessageBody {
    MessageBody::Html { blocks: markdown::render_all(text), tail: SafeHtml::default() }
}
