//! What people are told while they look elsewhere, and chats that they have not looked at.

use sardonyx::{
    api::{
        notifications::{ListAllNotifications, ListNotifications, ReadAllNotifications},
        site::SaveSite,
    },
    domain::{
        ids::ChatId,
        limits,
        live::{LiveCommand, LiveEvent},
        notification::{Notification, NotificationKind},
    },
};

use crate::support::{Person, Setup, Tab, TestApp, eventually, soon};

crate::on_both_databases![
    a_reply_that_nobody_looks_at_is_told_until_the_chat_is_looked_at,
    a_reply_that_is_looked_at_is_not_told,
    a_reply_is_told_when_the_tab_before_which_it_ends_says_nothing,
    of_two_replies_that_nobody_saw_in_one_chat_the_second_is_told,
    a_reply_in_a_tab_behind_is_told_until_the_tab_is_in_front,
    a_failure_is_told_and_takes_the_place_of_what_was_told_before,
    all_are_read_at_once_in_every_tab,
    the_oldest_go,
    a_new_notice_is_told_to_everybody_in_place_of_the_old_one,
];
crate::on_a_cluster![
    looking_at_a_chat_at_one_server_is_known_at_the_other,
    a_reply_that_is_looked_at_through_another_server_is_not_told,
];

async fn a_reply_that_nobody_looks_at_is_told_until_the_chat_is_looked_at(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let mut tab = Tab::open(&alice).await;
    let (chat_id, _) = alice.ask("What is new?").await;
    until_told(&mut tab).await;
    assert!(is_unread(&alice, chat_id).await);
    let told = unread(&alice).await;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].kind, told[0].detail.as_str()), (NotificationKind::ReplyReady, "What is new?"));
    assert_eq!(told[0].chat_id, Some(chat_id));
    assert!(unread(&bob).await.is_empty());

    // The page alone is a look, too; every tab hears of it, and it stays in the list of all.
    assert!(!alice.open_chat(chat_id).await.chat.is_unread);
    until_told(&mut tab).await;
    assert_eq!(tab.screen.chats.last().map(|chat| (chat.id, chat.is_unread)), Some((chat_id, false)));
    assert!(!is_unread(&alice, chat_id).await && unread(&alice).await.is_empty());
    let all: Vec<Notification> = alice.call::<ListAllNotifications>(&[]).await.ok();
    assert_eq!(all.iter().map(|item| item.is_read).collect::<Vec<_>>(), [true]);
}

async fn a_reply_that_is_looked_at_is_not_told(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("Look").await;
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece("Here.");
    // It is seen here, so the server knows that it is looked at.
    tab.until("its text", |screen| screen.text_of(sent.reply_id).contains("Here.")).await;
    call.done();
    tab.until_end(sent.reply_id).await;
    // News that are waited for as long, and later, show that the first one's would have been there.
    app.upstream.answer_with("There.");
    let other = alice.create_chat().await;
    let _silent = look_in_silence(&alice, other).await;
    alice.send_message(other, "Elsewhere").await;
    until_unread(&mut tab, other).await;
    assert_only_told(&alice, &tab, other).await;
}

async fn a_reply_is_told_when_the_tab_before_which_it_ends_says_nothing(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let mut elsewhere = Tab::open(&alice).await;
    let chat_id = alice.create_chat().await;
    let mut silent = look_in_silence(&alice, chat_id).await;
    alice.send_message(chat_id, "Are you there?").await;
    until_told(&mut elsewhere).await;
    assert!(is_unread(&alice, chat_id).await);
    assert_eq!(unread(&alice).await.iter().map(|item| item.chat_id).collect::<Vec<_>>(), [Some(chat_id)]);
    // It was there, only slow.
    silent.command(&LiveCommand::Visibility { is_visible: true }).await;
    until_told(&mut elsewhere).await;
    assert!(unread(&alice).await.is_empty() && !is_unread(&alice, chat_id).await);
}

async fn of_two_replies_that_nobody_saw_in_one_chat_the_second_is_told(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let mut elsewhere = Tab::open(&alice).await;
    let (chat_id, later) = (alice.create_chat().await, alice.create_chat().await);
    let _silent = look_in_silence(&alice, chat_id).await;
    let _as_silent = look_in_silence(&alice, later).await;
    for text in ["one", "two"] {
        alice.send_message(chat_id, text).await;
        // The next is not sent before, or it would wait in the queue.
        eventually("its end", async || app.state.running.count() == 0).await;
    }
    alice.send_message(later, "three").await;
    let mut told = 0;
    soon("the mark of the later one", async {
        while !elsewhere.screen.chats.iter().any(|chat| chat.id == later && chat.is_unread) {
            told += usize::from(elsewhere.next().await == Some(LiveEvent::NotificationsChanged));
        }
    })
    .await;
    assert_eq!(told, 1);
    assert_eq!(unread(&alice).await.len(), 2);
}

async fn a_reply_in_a_tab_behind_is_told_until_the_tab_is_in_front(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    tab.command(&LiveCommand::Visibility { is_visible: false }).await;
    until_obeyed(&mut tab).await;
    let sent = alice.send_message(chat_id, "What is new?").await;
    // Its text comes all the same.
    tab.until_end(sent.reply_id).await;
    until_told(&mut tab).await;
    assert!(is_unread(&alice, chat_id).await);
    assert_eq!(unread(&alice).await.len(), 1);
    // Watching it is no look: a tab does so again after each break.
    tab.watch(chat_id).await;
    tab.until("the chat", |screen| screen.messages.len() == 2).await;
    assert!(is_unread(&alice, chat_id).await);
    tab.command(&LiveCommand::Visibility { is_visible: true }).await;
    until_told(&mut tab).await;
    assert!(unread(&alice).await.is_empty() && !is_unread(&alice, chat_id).await);
}

async fn a_failure_is_told_and_takes_the_place_of_what_was_told_before(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let mut tab = Tab::open(&alice).await;
    let (chat_id, _) = alice.ask("one").await;
    until_told(&mut tab).await;
    app.upstream.answer_with("");
    alice.send_message(chat_id, "two").await;
    until_told(&mut tab).await;
    let told = unread(&alice).await;
    assert_eq!(told.iter().map(|item| item.kind).collect::<Vec<_>>(), [NotificationKind::ReplyFailed]);
}

async fn all_are_read_at_once_in_every_tab(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let (mut tab, mut of_bob) = (Tab::open(&alice).await, Tab::open(&bob).await);
    alice.ask("one").await;
    until_told(&mut tab).await;
    bob.ask("his").await;
    until_told(&mut of_bob).await;
    let answer = alice.submit("/notifications", "/api/read_all_notifications", &[]).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/notifications"));
    until_told(&mut tab).await;
    assert!(unread(&alice).await.is_empty());
    assert_eq!(unread(&bob).await.len(), 1);
    alice.call::<ReadAllNotifications>(&[]).await.ok::<()>();
}

async fn the_oldest_go(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let mut tab = Tab::open(&alice).await;
    let (chat_id, _) = alice.ask("the first").await;
    until_told(&mut tab).await;
    for number in 0..limits::NOTIFICATIONS_PER_USER_MAX {
        let sql = format!(
            "INSERT INTO notification (id, user_id, kind, detail, created_at_ms) \
             SELECT {}, id, 'new_device', 'device {number}', 0 FROM user_account WHERE email = 'alice@example.org'",
            app.database.id(uuid::Uuid::now_v7())
        );
        app.database.execute(&sql).await;
    }
    let (last, _) = alice.ask("the last").await;
    until_told(&mut tab).await;
    let all: Vec<Notification> = alice.call::<ListAllNotifications>(&[]).await.ok();
    assert_eq!(all[0].chat_id, Some(last));
    assert!(all.iter().all(|item| item.chat_id != Some(chat_id)));
    assert_eq!(app.database.count("notification").await, limits::NOTIFICATIONS_PER_USER_MAX as i64);
}

async fn a_new_notice_is_told_to_everybody_in_place_of_the_old_one(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice) = (app.admin().await, app.alice().await);
    let save = async |notice: &str| {
        let fields = [("name", "Sardonyx"), ("default_model", ""), ("notice", notice), ("invitation_days", "7")];
        admin.call::<SaveSite>(&fields).await.ok::<()>();
        let told = unread(&alice).await;
        assert!(told.iter().all(|item| item.kind == NotificationKind::SiteNotice));
        told.into_iter().map(|item| item.detail).collect::<Vec<_>>()
    };
    assert_eq!(save("Down at noon").await, ["Down at noon"]);
    alice.call::<ReadAllNotifications>(&[]).await.ok::<()>();
    // Saved again without another text, it is told no more.
    assert_eq!(save("Down at noon").await, Vec::<String>::new());
    assert_eq!(save("Down at one").await, ["Down at one"]);
    assert_eq!(save("").await, Vec::<String>::new());
}

async fn looking_at_a_chat_at_one_server_is_known_at_the_other(setup: Setup) {
    let app = TestApp::start(setup).await;
    let other = app.another().await;
    let alice = app.alice().await;
    let mut elsewhere = Tab::open(&alice.at(&other)).await;
    let (chat_id, _) = alice.ask("one").await;
    until_told(&mut elsewhere).await;
    assert_eq!(elsewhere.screen.chats.last().map(|chat| (chat.id, chat.is_unread)), Some((chat_id, true)));
    let mut here = Tab::open(&alice).await;
    Tab::on_chat(&alice.at(&other), chat_id).await;
    until_told(&mut here).await;
    assert!(unread(&alice).await.is_empty() && !is_unread(&alice, chat_id).await);
}

async fn a_reply_that_is_looked_at_through_another_server_is_not_told(setup: Setup) {
    let app = TestApp::start(setup).await;
    let other = app.another().await;
    let alice = app.alice().await;
    let mut elsewhere = Tab::open(&alice).await;
    let chat_id = alice.create_chat().await;
    let mut tab = Tab::on_chat(&alice.at(&other), chat_id).await;
    let sent = alice.send_message(chat_id, "Look").await;
    tab.until_end(sent.reply_id).await;
    let (later, _) = alice.ask("Elsewhere").await;
    until_unread(&mut elsewhere, later).await;
    assert_only_told(&alice, &elsewhere, later).await;
}

/// A tab that looks at a chat as far as the server knows, and is not heard of again: its page was left, or its network is gone.
async fn look_in_silence(person: &Person, chat_id: ChatId) -> Tab {
    let mut tab = Tab::on_chat(person, chat_id).await;
    until_obeyed(&mut tab).await;
    tab
}

/// Until what a tab has said so far is done.
async fn until_obeyed(tab: &mut Tab) {
    tab.command(&LiveCommand::Typing { chat_id: ChatId(uuid::Uuid::now_v7()) }).await;
    tab.until("the refusal, after what was said before", |screen| screen.refused == ["not_found"]).await;
}

/// Of all chats only this one was unread for a tab, and something is told of it alone.
async fn assert_only_told(person: &Person, tab: &Tab, chat_id: ChatId) {
    let unread = tab.screen.chats.iter().filter(|chat| chat.is_unread);
    assert_eq!(unread.map(|chat| chat.id).collect::<Vec<_>>(), [chat_id]);
    let all: Vec<Notification> = person.call::<ListAllNotifications>(&[]).await.ok();
    assert_eq!(all.iter().map(|item| (item.chat_id, item.is_read)).collect::<Vec<_>>(), [(Some(chat_id), false)]);
    let unread = person.list_chats(None).await.chats.into_iter().filter(|chat| chat.is_unread);
    assert_eq!(unread.map(|chat| chat.id).collect::<Vec<_>>(), [chat_id]);
}

async fn until_unread(tab: &mut Tab, chat_id: ChatId) {
    tab.until("the chat's mark", |screen| screen.chats.iter().any(|chat| chat.id == chat_id && chat.is_unread)).await;
}

async fn until_told(tab: &mut Tab) {
    soon("the news", async { while tab.next().await != Some(LiveEvent::NotificationsChanged) {} }).await;
}

async fn unread(person: &Person) -> Vec<Notification> {
    person.call::<ListNotifications>(&[]).await.ok()
}

async fn is_unread(person: &Person, chat_id: ChatId) -> bool {
    person.list_chats(None).await.chats.iter().any(|chat| chat.id == chat_id && chat.is_unread)
}
