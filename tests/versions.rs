//! Versions of what was said: a reply asked for again, a message said otherwise, the way between them, and chats that begin
//! with a part of another.

use futures::future::join_all;
use rand::{Rng, SeedableRng, rngs::StdRng};
use sardonyx::{
    api::versions::{EditMessage, ForkChat, ReadMessage, ShowVersion},
    domain::{
        chat::Chat,
        ids::{ChatId, ClientMessageId, MessageId},
        limits,
        message::{Author, Message, MessageState, Sent},
    },
};

use crate::support::{Answer, Client, Setup, Tab, TestApp};

crate::on_both_databases![
    a_complete_reply_is_asked_for_again_and_both_are_kept,
    an_edited_message_takes_the_place_of_the_first_with_all_that_followed,
    every_tab_follows_to_another_version,
    a_tab_that_was_away_learns_that_another_version_is_shown,
    a_reply_that_is_not_shown_any_more_goes_on,
    a_model_is_told_the_versions_that_lead_to_its_reply,
    a_message_has_so_many_versions,
    a_fork_begins_with_what_was_said,
    n4_nothing_is_said_otherwise_while_its_reply_runs,
    a_message_is_read_as_it_was_written,
    whatever_is_done_one_path_is_shown,
];
crate::on_a_cluster![n2_ten_at_once_on_two_servers_are_one_version, versions_are_followed_on_another_server];

async fn a_complete_reply_is_asked_for_again_and_both_are_kept(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, sent) = said(&app, &alice, None, "Question", "First").await;
    app.upstream.answer_with("Second");
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    let again: MessageId = alice.try_retry(sent.reply_id).await.ok();
    assert_eq!(tab.until_end(again).await.state, MessageState::Complete);
    assert_eq!(texts(&tab.screen.messages), ["Question", "<p>Second</p>"]);
    let versions = shown(&alice, chat_id).await[1].versions.unwrap();
    assert_eq!((versions.place, versions.count, versions.previous), (2, 2, Some(sent.reply_id)));
    // Whoever still sees the first one gets the second, and no third.
    assert_eq!(alice.try_retry(sent.reply_id).await.ok::<MessageId>(), again);
    show(&alice, sent.reply_id).await.ok::<()>();
    assert_eq!(texts(&shown(&alice, chat_id).await), ["Question", "<p>First</p>"]);
    // What comes next follows what is shown.
    let next = alice.send_message(chat_id, "More").await;
    tab = Tab::on_chat(&alice, chat_id).await;
    tab.until_end(next.reply_id).await;
    let messages = shown(&alice, chat_id).await;
    assert_eq!(messages[2].parent_id, Some(sent.reply_id));
    assert_eq!(messages.len(), 4);
}

async fn an_edited_message_takes_the_place_of_the_first_with_all_that_followed(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let (chat_id, first) = said(&app, &alice, None, "One", "1").await;
    let (_, second) = said(&app, &alice, Some(chat_id), "Two", "2").await;
    app.upstream.answer_with("1b");
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    let id = ClientMessageId::random();
    assert_eq!(edit(&bob, first.message_id, "Uno", id).await.status, 404);
    assert_eq!(edit(&alice, first.reply_id, "Uno", id).await.refusal(), (409, "conflict".to_owned()));
    assert_eq!(edit(&alice, first.message_id, " ", id).await.refusal(), (422, "message_empty".to_owned()));
    let edited: Sent = edit(&alice, first.message_id, "Uno", id).await.ok();
    assert_eq!(edit(&alice, first.message_id, "Uno", id).await.ok::<Sent>(), edited);
    tab.until_end(edited.reply_id).await;
    assert_eq!(texts(&tab.screen.messages), ["Uno", "<p>1b</p>"]);
    let messages = shown(&alice, chat_id).await;
    assert_eq!(tab.screen.messages, messages);
    let versions = messages[0].versions.unwrap();
    assert_eq!((versions.place, versions.count, versions.next), (2, 2, None));
    // Of what is not shown, nothing can be edited; the way back shows all of it.
    let hidden = edit(&alice, second.message_id, "Due", ClientMessageId::random()).await;
    assert_eq!(hidden.refusal(), (409, "conflict".to_owned()));
    assert_eq!(show(&alice, second.reply_id).await.refusal(), (409, "conflict".to_owned()));
    show(&alice, first.message_id).await.ok::<()>();
    assert_eq!(texts(&shown(&alice, chat_id).await), ["One", "<p>1</p>", "Two", "<p>2</p>"]);
}

async fn every_tab_follows_to_another_version(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, sent) = said(&app, &alice, None, "Question", "First").await;
    let mut tabs = [Tab::on_chat(&alice, chat_id).await, Tab::on_chat(&alice, chat_id).await];
    let again: MessageId = alice.try_retry(sent.reply_id).await.ok();
    for tab in &mut tabs {
        tab.until_end(again).await;
        assert_eq!(tab.screen.messages.len(), 2);
    }
    for _ in 0..2 {
        show(&alice, sent.reply_id).await.ok::<()>();
    }
    for tab in &mut tabs {
        tab.until("the news of another version", |screen| screen.is_outdated).await;
        tab.show(alice.open_chat(chat_id).await).await;
        assert_eq!(tab.screen.messages[1].id, sent.reply_id);
    }
    let bob = app.bob().await;
    assert_eq!(show(&bob, again).await.status, 404);
}

async fn a_tab_that_was_away_learns_that_another_version_is_shown(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, sent) = said(&app, &alice, None, "Question", "First").await;
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    let again: MessageId = alice.try_retry(sent.reply_id).await.ok();
    tab.until_end(again).await;
    let away = Tab::on_chat(&alice, chat_id).await.screen;
    show(&alice, sent.reply_id).await.ok::<()>();
    tab.screen = away;
    tab.reconnect(&alice).await;
    tab.until("the news of another version", |screen| screen.is_outdated).await;
}

async fn a_reply_that_is_not_shown_any_more_goes_on(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, first) = said(&app, &alice, None, "One", "1").await;
    app.upstream.by_hand();
    let again: MessageId = alice.try_retry(first.reply_id).await.ok();
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece("1b");
    show(&alice, first.reply_id).await.ok::<()>();
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    call.piece(" and more");
    call.done();
    let read = async || alice.call::<ReadMessage>(&[("message_id", &again.to_string())]).await.ok::<String>();
    crate::support::eventually("the end of what is not shown", async || read().await == "1b and more").await;
    tab.watch(chat_id).await;
    tab.until("what is shown", |screen| screen.messages.len() == 2).await;
    assert_eq!(texts(&tab.screen.messages), ["One", "<p>1</p>"]);
    show(&alice, again).await.ok::<()>();
    assert_eq!(texts(&shown(&alice, chat_id).await), ["One", "<p>1b and more</p>"]);
}

async fn a_model_is_told_the_versions_that_lead_to_its_reply(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, first) = said(&app, &alice, None, "One", "1").await;
    said(&app, &alice, Some(chat_id), "Two", "2").await;
    app.upstream.answer_with("1b");
    let again: MessageId = alice.try_retry(first.reply_id).await.ok();
    Tab::on_chat(&alice, chat_id).await.until_end(again).await;
    app.upstream.by_hand();
    alice.send_message(chat_id, "Three").await;
    let call = app.upstream.call().await;
    let told: Vec<String> = call.lines().into_iter().map(|(_, text)| text).collect();
    assert_eq!(told, ["One", "1b", "Three"]);
}

async fn a_message_has_so_many_versions(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, sent) = said(&app, &alice, None, "Question", "Answer").await;
    let (mut tab, mut last) = (Tab::on_chat(&alice, chat_id).await, sent.reply_id);
    for _ in 1..limits::VERSIONS_MAX {
        last = alice.try_retry(last).await.ok();
        tab.until_end(last).await;
    }
    assert_eq!(alice.try_retry(last).await.refusal(), (422, "too_many_versions".to_owned()));
    assert_eq!(shown(&alice, chat_id).await[1].id, last);
}

async fn a_fork_begins_with_what_was_said(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let (chat_id, first) = said(&app, &alice, None, "One", "1").await;
    said(&app, &alice, Some(chat_id), "Two", "2").await;
    let fork = async |person: &Client, id: MessageId, client_id: ClientMessageId| {
        let fields = [("message_id", &*id.to_string()), ("client_id", &client_id.to_string())];
        person.call::<ForkChat>(&fields).await
    };
    let client_id = ClientMessageId::random();
    let forks = join_all((0..5).map(|_| fork(&alice, first.reply_id, client_id))).await;
    let copy: Chat = forks[0].ok();
    assert!(forks.iter().all(|fork| fork.ok::<Chat>().id == copy.id));
    assert_eq!(app.database.count("chat_session").await, 2);
    assert_eq!(texts(&shown(&alice, copy.id).await), ["One", "<p>1</p>"]);
    assert_eq!(fork(&bob, first.reply_id, client_id).await.status, 404);
    // Each goes its own way.
    let next = alice.send_message(copy.id, "Three").await;
    Tab::on_chat(&alice, copy.id).await.until_end(next.reply_id).await;
    assert_eq!((shown(&alice, copy.id).await.len(), shown(&alice, chat_id).await.len()), (4, 4));
    let seqs: Vec<i64> = shown(&alice, copy.id).await.iter().map(|message| message.seq).collect();
    assert_eq!(seqs, [1, 2, 3, 4]);
    // Not from a reply that is being written.
    app.upstream.by_hand();
    let running = alice.send_message(chat_id, "Four").await;
    let _call = app.upstream.call().await;
    let refused = fork(&alice, running.reply_id, ClientMessageId::random()).await;
    assert_eq!(refused.refusal(), (409, "reply_running".to_owned()));
}

async fn n4_nothing_is_said_otherwise_while_its_reply_runs(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, first) = said(&app, &alice, None, "One", "1").await;
    app.upstream.by_hand();
    let second = alice.send_message(chat_id, "Two").await;
    let mut call = app.upstream.call().await;
    call.begin();
    for id in [first.message_id, second.message_id] {
        let refused = edit(&alice, id, "Otherwise", ClientMessageId::random()).await;
        assert_eq!(refused.refusal(), (409, "reply_running".to_owned()));
    }
    assert_eq!(alice.try_retry(first.reply_id).await.refusal(), (409, "reply_running".to_owned()));
    assert_eq!(app.database.count("chat_message").await, 4);
    alice.stop_reply(second.reply_id).await;
    call.gone().await;
    Tab::on_chat(&alice, chat_id).await.until_end(second.reply_id).await;
    edit(&alice, first.message_id, "Otherwise", ClientMessageId::random()).await.ok::<Sent>();
}

async fn a_message_is_read_as_it_was_written(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (_, sent) = said(&app, &alice, None, "*Question*", "# Answer\n\n- one").await;
    for (id, text) in [(sent.message_id, "*Question*"), (sent.reply_id, "# Answer\n\n- one")] {
        assert_eq!(alice.call::<ReadMessage>(&[("message_id", &id.to_string())]).await.ok::<String>(), text);
    }
}

async fn whatever_is_done_one_path_is_shown(setup: Setup) {
    const STEPS: usize = 60;
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, sent) = said(&app, &alice, None, "One", "1").await;
    let (mut random, mut all) = (StdRng::seed_from_u64(11), vec![sent.message_id, sent.reply_id]);
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    for step in 0..STEPS {
        let messages = shown(&alice, chat_id).await;
        let one_of = &messages[random.random_range(0..messages.len())];
        let added = match (random.random_range(0..5), &one_of.author) {
            (0, _) => Some(alice.send_message(chat_id, &format!("message {step}")).await.reply_id),
            (1 | 2, Author::You) => {
                let id = ClientMessageId::random();
                Some(edit(&alice, one_of.id, &format!("edited {step}"), id).await.ok::<Sent>().reply_id)
            }
            (1 | 2, Author::Model(_)) => Some(alice.try_retry(one_of.id).await.ok()),
            _ => {
                let any = all[random.random_range(0..all.len())];
                assert!([200, 409].contains(&show(&alice, any).await.status));
                None
            }
        };
        if let Some(reply_id) = added {
            tab.until_end(reply_id).await;
        }
        let messages = shown(&alice, chat_id).await;
        all.extend(messages.iter().map(|message| message.id));
        assert_eq!(messages[0].parent_id, None);
        for two in messages.windows(2) {
            assert_eq!(two[1].parent_id, Some(two[0].id), "step {step}");
            assert!(two[1].seq > two[0].seq);
            assert_ne!(matches!(two[0].author, Author::You), matches!(two[1].author, Author::You));
        }
        if added.is_some() {
            assert_eq!(ids(&tab.screen.messages), ids(&messages), "step {step}");
        } else {
            tab.show(alice.open_chat(chat_id).await).await;
        }
    }
    // Every place is taken once.
    let gaps = format!("SELECT MAX(seq) - COUNT(*) FROM chat_message WHERE chat_id = {}", app.database.id(chat_id.0));
    assert_eq!(app.database.number(&gaps).await, 0);
}

async fn n2_ten_at_once_on_two_servers_are_one_version(setup: Setup) {
    let app = TestApp::start(setup).await;
    let other = app.another().await;
    let alice = app.alice().await;
    let (chat_id, sent) = said(&app, &alice, None, "Question", "First").await;
    let (asked, there) = (app.upstream.asked(), alice.at(&other));
    let retries = (0..10).map(|n| {
        let person = if n % 2 == 0 { &alice } else { &there };
        async move { person.try_retry(sent.reply_id).await.ok::<MessageId>() }
    });
    let replies = join_all(retries).await;
    assert!(replies.iter().all(|id| *id == replies[0]));
    Tab::on_chat(&alice, chat_id).await.until_end(replies[0]).await;
    assert_eq!(app.upstream.asked(), asked + 1);
}

async fn versions_are_followed_on_another_server(setup: Setup) {
    let app = TestApp::start(setup).await;
    let other = app.another().await;
    let alice = app.alice().await;
    let (chat_id, sent) = said(&app, &alice, None, "Question", "First").await;
    let there = alice.at(&other);
    let mut tab = Tab::on_chat(&there, chat_id).await;
    let edited: Sent = edit(&alice, sent.message_id, "Another", ClientMessageId::random()).await.ok();
    tab.until_end(edited.reply_id).await;
    assert_eq!(ids(&tab.screen.messages), [edited.message_id, edited.reply_id]);
    show(&alice, sent.message_id).await.ok::<()>();
    tab.until("the news of another version", |screen| screen.is_outdated).await;
    assert_eq!(ids(&there.open_chat(chat_id).await.messages.messages), [sent.message_id, sent.reply_id]);
}

/// A message and its complete reply, in a new chat or in this one.
async fn said(app: &TestApp, person: &Client, chat_id: Option<ChatId>, text: &str, answer: &str) -> (ChatId, Sent) {
    app.upstream.answer_with(answer);
    let (chat_id, sent) = match chat_id {
        Some(chat_id) => (chat_id, person.send_message(chat_id, text).await),
        None => person.ask(text).await,
    };
    Tab::on_chat(person, chat_id).await.until_end(sent.reply_id).await;
    (chat_id, sent)
}

async fn edit(person: &Client, id: MessageId, text: &str, client_id: ClientMessageId) -> Answer {
    let (id, client_id) = (id.to_string(), client_id.to_string());
    person.call::<EditMessage>(&[("message_id", &id), ("text", text), ("client_message_id", &client_id)]).await
}

async fn show(person: &Client, id: MessageId) -> Answer {
    person.call::<ShowVersion>(&[("message_id", &id.to_string())]).await
}

async fn shown(person: &Client, chat_id: ChatId) -> Vec<Message> {
    person.open_chat(chat_id).await.messages.messages
}

fn texts(messages: &[Message]) -> Vec<String> {
    messages.iter().map(crate::support::tab::text).collect()
}

fn ids(messages: &[Message]) -> Vec<MessageId> {
    messages.iter().map(|message| message.id).collect()
}
