//! Replies that wait for their turn: behind another one of their chat, or for a place.

use axum::http::StatusCode;
use futures::future::join_all;
use sardonyx::{
    api::messages::StopReply,
    domain::{
        ids::MessageId,
        message::{MessageState, Sent},
    },
};

use crate::support::{Call, Setup, Tab, TestApp};

crate::on_both_databases![
    what_is_sent_while_a_reply_runs_is_answered_after_it,
    a_queued_reply_can_be_given_up_and_asked_for_again,
    stopping_the_running_reply_begins_the_next_one,
    a_place_that_becomes_free_goes_to_whoever_has_fewest,
    whoever_waits_is_told_how_many_come_first,
    what_waits_survives_a_restart,
    a_deleted_chat_leaves_the_line,
];
crate::on_a_cluster![a_queued_reply_begins_on_whichever_server_has_a_place, one_server_begins_a_queued_reply];

const QUEUED: MessageState = MessageState::Queued { ahead: None };

async fn what_is_sent_while_a_reply_runs_is_answered_after_it(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (chat_id, first) = alice.ask("one").await;
    let call = app.upstream.call().await;
    let (second, third) = (alice.send_message(chat_id, "two").await, alice.send_message(chat_id, "three").await);
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    for sent in [second, third] {
        assert_eq!(tab.screen.state_of(sent.reply_id), Some(QUEUED));
    }
    assert_eq!(app.upstream.asked(), 1);
    answer(call, "1");
    assert_eq!(tab.until_end(first.reply_id).await.state, MessageState::Complete);

    // The model is told what was said by then, and nothing that comes later.
    let call = app.upstream.call().await;
    let texts: Vec<String> = call.lines().into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["one", "1", "two"]);
    tab.until("the second reply", |screen| screen.state_of(second.reply_id) == Some(MessageState::Generating)).await;
    assert_eq!(tab.screen.state_of(third.reply_id), Some(QUEUED));
    // A reply that failed holds nobody up.
    call.answer((StatusCode::INTERNAL_SERVER_ERROR, ""));
    assert!(matches!(tab.until_end(second.reply_id).await.state, MessageState::Failed(_)));
    answer(app.upstream.call().await, "3");
    assert_eq!(tab.until_end(third.reply_id).await.state, MessageState::Complete);
    let states: Vec<i64> = alice.open_chat(chat_id).await.messages.messages.iter().map(|message| message.seq).collect();
    assert_eq!(states, [1, 2, 3, 4, 5, 6]);
}

async fn a_queued_reply_can_be_given_up_and_asked_for_again(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    app.upstream.by_hand();
    let (chat_id, first) = alice.ask("one").await;
    let call = app.upstream.call().await;
    let second = alice.send_message(chat_id, "two").await;
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    assert_eq!(bob.call::<StopReply>(&[("message_id", &second.reply_id.to_string())]).await.status, 404);
    for _ in 0..2 {
        alice.stop_reply(second.reply_id).await;
    }
    assert_eq!(tab.until_end(second.reply_id).await.state, MessageState::Stopped);
    answer(call, "1");
    tab.until_end(first.reply_id).await;
    let again: MessageId = alice.try_retry(second.reply_id).await.ok();
    answer(app.upstream.call().await, "2");
    assert_eq!(tab.until_end(again).await.state, MessageState::Complete);
    assert_eq!(app.upstream.asked(), 2);
}

async fn stopping_the_running_reply_begins_the_next_one(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (chat_id, first) = alice.ask("one").await;
    let mut call = app.upstream.call().await;
    call.begin();
    let second = alice.send_message(chat_id, "two").await;
    alice.stop_reply(first.reply_id).await;
    call.gone().await;
    answer(app.upstream.call().await, "2");
    assert_eq!(Tab::on_chat(&alice, chat_id).await.until_end(second.reply_id).await.state, MessageState::Complete);
}

async fn a_place_that_becomes_free_goes_to_whoever_has_fewest(setup: Setup) {
    let app = TestApp::start(setup.config(|config| config.limits.replies_per_user = 1)).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    app.upstream.by_hand();
    let (chat_id, running) = alice.ask("a first").await;
    let call = app.upstream.call().await;
    for text in ["a second", "a third"] {
        alice.ask(text).await;
    }
    // Bob has none: he need not wait for hers.
    bob.ask("b first").await;
    let of_bob = app.upstream.call().await;
    assert_eq!(asked(&of_bob), "b first");
    answer(call, "done");
    let next = app.upstream.call().await;
    assert_eq!(asked(&next), "a second");
    Tab::on_chat(&alice, chat_id).await.until_end(running.reply_id).await;
    assert_eq!(app.upstream.asked(), 3);
}

async fn whoever_waits_is_told_how_many_come_first(setup: Setup) {
    let app = TestApp::start(setup.config(|config| config.limits.replies_per_user = 1)).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    alice.ask("one").await;
    let call = app.upstream.call().await;
    let (_, second) = alice.ask("two").await;
    let (chat_id, third) = alice.ask("three").await;
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    assert_eq!(tab.screen.state_of(third.reply_id), Some(MessageState::Queued { ahead: Some(1) }));
    answer(call, "done");
    let call = app.upstream.call().await;
    assert_eq!(asked(&call), "two");
    let is_next = MessageState::Queued { ahead: Some(0) };
    tab.until("the new place", |screen| screen.state_of(third.reply_id) == Some(is_next)).await;
    let page = alice.get(&format!("/chats/{chat_id}")).await.text();
    assert!(page.contains("it is the next one"), "{page}");
    alice.stop_reply(second.reply_id).await;
    assert_eq!(asked(&app.upstream.call().await), "three");
}

async fn what_waits_survives_a_restart(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (chat_id, first) = alice.ask("one").await;
    let _call = app.upstream.call().await;
    let second = alice.send_message(chat_id, "two").await;
    let app = app.restart().await;
    let alice = alice.at(&app);
    // The first one goes on first.
    let call = app.upstream.call().await;
    assert_eq!(call.lines().last().unwrap().1, "one");
    answer(call, "1");
    answer(app.upstream.call().await, "2");
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    for sent in [first, second] {
        assert_eq!(tab.until_end(sent.reply_id).await.state, MessageState::Complete);
    }
}

async fn a_deleted_chat_leaves_the_line(setup: Setup) {
    let app = TestApp::start(setup.config(|config| config.limits.replies_per_user = 1)).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    alice.ask("one").await;
    let call = app.upstream.call().await;
    let (gone, _) = alice.ask("two").await;
    alice.ask("three").await;
    let id = app.database.id(gone.0);
    assert_eq!(app.database.execute(&format!("DELETE FROM chat_session WHERE id = {id}")).await, 1);
    answer(call, "done");
    assert_eq!(asked(&app.upstream.call().await), "three");
}

async fn a_queued_reply_begins_on_whichever_server_has_a_place(setup: Setup) {
    let app = TestApp::start(setup).await;
    let other = app.another().await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (chat_id, _) = alice.ask("one").await;
    let call = app.upstream.call().await;
    let second = alice.at(&other).send_message(chat_id, "two").await;
    let mut tab = Tab::on_chat(&alice.at(&other), chat_id).await;
    assert_eq!(tab.screen.state_of(second.reply_id), Some(QUEUED));
    answer(call, "1");
    answer(app.upstream.call().await, "2");
    assert_eq!(tab.until_end(second.reply_id).await.state, MessageState::Complete);
    // Given up at a server that does not write it.
    let third = alice.send_message(chat_id, "three").await;
    let call = app.upstream.call().await;
    let fourth = alice.send_message(chat_id, "four").await;
    alice.at(&other).stop_reply(fourth.reply_id).await;
    assert_eq!(tab.until_end(fourth.reply_id).await.state, MessageState::Stopped);
    answer(call, "3");
    assert_eq!(tab.until_end(third.reply_id).await.state, MessageState::Complete);
}

async fn one_server_begins_a_queued_reply(setup: Setup) {
    const ROUNDS: usize = 5;
    let app = TestApp::start(setup).await;
    let other = app.another().await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let mut chats = Vec::new();
    for _ in 0..ROUNDS {
        let (chat_id, first) = alice.ask("one").await;
        let second = alice.at(&other).send_message(chat_id, "two").await;
        chats.push((chat_id, first, second));
    }
    let mut calls = Vec::new();
    for _ in 0..ROUNDS {
        calls.push(app.upstream.call().await);
    }
    calls.into_iter().for_each(|call| answer(call, "1"));
    for _ in 0..ROUNDS {
        answer(app.upstream.call().await, "2");
    }
    join_all(chats.iter().map(|(chat_id, _, Sent { reply_id, .. })| {
        let alice = &alice;
        async move {
            let end = Tab::on_chat(alice, *chat_id).await.until_end(*reply_id).await;
            assert_eq!(end.state, MessageState::Complete);
        }
    }))
    .await;
    assert_eq!(app.upstream.asked(), 2 * ROUNDS);
}

fn asked(call: &Call) -> String {
    call.lines().last().unwrap().1.clone()
}

fn answer(mut call: Call, text: &str) {
    call.begin();
    call.piece(text);
    call.done();
}
