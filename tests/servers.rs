//! Several servers of one site: a user may meet any of them.

use std::time::{Duration, Instant};

use futures::future::join_all;
use sardonyx::{
    api::session::{FindCurrentSession, LogOut},
    domain::{
        ids::ClientMessageId,
        live::{CloseReason, LiveEvent},
        message::{MessageState, Sent},
        session::SessionEnd,
    },
};

use crate::support::{Person, Setup, Tab, TestApp, soon, tab::text};

crate::on_a_cluster![
    n1_the_same_send_at_two_servers_is_one_message_and_one_reply,
    n12_a_reply_of_one_server_is_followed_at_the_other,
    n12_a_reply_is_followed_from_the_middle_at_the_other_server,
    d35_a_reply_is_stopped_from_the_other_server,
    s21_a_log_out_at_one_server_holds_at_the_other_at_once,
    a_chat_made_at_one_server_is_heard_of_at_the_other,
    a_tab_that_opens_as_the_last_one_closes_hears_the_other_server,
    a_live_connection_moves_to_the_other_server_in_the_middle_of_a_reply,
];

async fn n1_the_same_send_at_two_servers_is_one_message_and_one_reply(setup: Setup) {
    let (app, other, alice) = site(setup).await;
    let elsewhere = alice.at(&other);
    let (chat_id, id) = (alice.create_chat().await, ClientMessageId::random());
    let sends = (0..50).map(|n| {
        let person = if n % 2 == 0 { &alice } else { &elsewhere };
        person.try_send(chat_id, "once", id)
    });
    let answers = join_all(sends).await;
    let sent: Sent = answers[0].ok();
    assert!(answers.iter().all(|answer| answer.ok::<Sent>() == sent));
    assert_eq!((app.database.count("chat_message").await, app.upstream.asked()), (2, 1));
}

async fn n12_a_reply_of_one_server_is_followed_at_the_other(setup: Setup) {
    let (app, other, alice) = site(setup).await;
    app.upstream.by_hand();
    let chat_id = alice.create_chat().await;
    let (mut here, mut there) = (Tab::on_chat(&alice, chat_id).await, Tab::on_chat(&alice.at(&other), chat_id).await);
    let sent = alice.send_message(chat_id, "Tell me").await;
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece("First block.\n\nSecond");
    for tab in [&mut here, &mut there] {
        tab.until("the running text", |screen| screen.text_of(sent.reply_id).contains("Second")).await;
    }
    call.piece(" block.\n\n- third\n");
    call.done();
    let message = here.until_end(sent.reply_id).await;
    assert_eq!(there.until_end(sent.reply_id).await, message);
    assert_eq!(here.screen.messages, there.screen.messages);
    assert_eq!(alice.at(&other).open_chat(chat_id).await.messages.messages, there.screen.messages);
}

async fn n12_a_reply_is_followed_from_the_middle_at_the_other_server(setup: Setup) {
    let (app, other, alice) = site(setup).await;
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("Tell me").await;
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece("One.\n\nTwo.\n\nThree");
    let mut here = Tab::on_chat(&alice, chat_id).await;
    here.until("the running text", |screen| screen.text_of(sent.reply_id).contains("Three")).await;
    // Nothing more comes from the model: the other server must ask the one that writes.
    let mut there = Tab::on_chat(&alice.at(&other), chat_id).await;
    there.until("the text so far", |screen| screen.text_of(sent.reply_id).contains("Three")).await;
    call.piece(".\n\nFour");
    there.until("the text that follows", |screen| screen.text_of(sent.reply_id).contains("Four")).await;
    // A second tab there finds what is known there.
    let mut second = Tab::on_chat(&alice.at(&other), chat_id).await;
    second.until("the text so far", |screen| screen.text_of(sent.reply_id).contains("Four")).await;
    call.done();
    let message = here.until_end(sent.reply_id).await;
    assert_eq!(there.until_end(sent.reply_id).await, message);
    assert_eq!(second.until_end(sent.reply_id).await, message);
}

async fn d35_a_reply_is_stopped_from_the_other_server(setup: Setup) {
    let (app, other, alice) = site(setup).await;
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("Tell me").await;
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece("so far");
    let mut here = Tab::on_chat(&alice, chat_id).await;
    here.until("the text", |screen| screen.text_of(sent.reply_id).contains("so far")).await;
    let asked = Instant::now();
    alice.at(&other).stop_reply(sent.reply_id).await;
    call.gone().await;
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    let message = here.until_end(sent.reply_id).await;
    assert_eq!((text(&message).as_str(), message.state), ("<p>so far</p>", MessageState::Stopped));
}

async fn s21_a_log_out_at_one_server_holds_at_the_other_at_once(setup: Setup) {
    let (_app, other, alice) = site(setup).await;
    let thief = Person { client: alice.client.copy(), ..alice.clone() }.at(&other);
    thief.call::<FindCurrentSession>(&[]).await.ok::<sardonyx::domain::session::CurrentSession>();
    let mut tab = Tab::open(&thief).await;
    alice.call::<LogOut>(&[]).await.ok::<()>();
    assert_eq!(thief.call::<FindCurrentSession>(&[]).await.refusal(), (401, "session_expired".to_owned()));
    assert_eq!(tab.until_closed().await, (Some(CloseReason::SessionEnded(SessionEnd::LoggedOut)), Some(1008)));
}

async fn a_chat_made_at_one_server_is_heard_of_at_the_other(setup: Setup) {
    let (_app, other, alice) = site(setup).await;
    let mut there = Tab::open(&alice.at(&other)).await;
    let chat_id = alice.create_chat().await;
    there.until("the new chat", |screen| screen.chats.iter().any(|chat| chat.id == chat_id)).await;
}

async fn a_tab_that_opens_as_the_last_one_closes_hears_the_other_server(setup: Setup) {
    let (app, other, alice) = site(setup).await;
    let elsewhere = alice.at(&other);
    let mut last = Tab::open(&elsewhere).await;
    for _ in 0..300 {
        drop(last);
        last = Tab::open(&elsewhere).await;
        app.state.live.files_changed(alice.id);
        let hears = async { while last.next().await != Some(LiveEvent::FilesChanged) {} };
        soon("what the other server said", hears).await;
    }
}

async fn a_live_connection_moves_to_the_other_server_in_the_middle_of_a_reply(setup: Setup) {
    let (app, other, alice) = site(setup).await;
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("Tell me").await;
    let mut call = app.upstream.call().await;
    call.begin();
    let places = [alice.clone(), alice.at(&other)];
    let mut expected = String::new();
    for n in 0..6 {
        let block = format!("Paragraph {n}.");
        call.piece(&format!("{block}\n\n"));
        expected.push_str(&format!("{block}\n\n"));
        let mut tab = Tab::on_chat(&places[n % 2], chat_id).await;
        tab.until("the newest paragraph", |screen| screen.text_of(sent.reply_id).contains(&block)).await;
    }
    let mut tab = Tab::on_chat(&places[1], chat_id).await;
    call.done();
    tab.until_end(sent.reply_id).await;
    assert_eq!(app.database.message(sent.reply_id.0).await, (expected, "complete".to_owned()));
    assert_eq!(alice.open_chat(chat_id).await.messages.messages, tab.screen.messages);
}

async fn site(setup: Setup) -> (TestApp, TestApp, Person) {
    let app = TestApp::start(setup).await;
    let other = app.another().await;
    let alice = app.alice().await;
    (app, other, alice)
}
