//! A user's chats: made, listed, opened.

use std::collections::HashSet;

use futures::future::join_all;
use sardonyx::{
    api::{
        chats::{CreateChat, ListChats, OpenChat},
        notifications::ListNotifications,
    },
    domain::{
        chat::{Chat, ChatCursor, ChatPage},
        ids::ChatId,
        limits,
        notification::Notification,
    },
};
use uuid::Uuid;

use crate::support::{Setup, Tab, TestApp, eventually};

crate::on_both_databases![
    a_new_chat_is_empty_and_leads_to_its_page,
    every_chat_is_listed_once_however_many_changed_at_once,
    x18_a_forged_place_in_the_list_gives_own_chats_or_a_refusal,
    the_first_message_names_the_chat_and_moves_it_to_the_top,
    i7_a_malformed_id_answers_like_an_unknown_one,
    d1_a_list_holds_own_chats_only,
    other_tabs_hear_of_a_new_chat,
    the_pages_of_the_list_are_there_without_a_script,
    a_page_is_whole_however_many_are_rendered_at_once,
];

async fn a_new_chat_is_empty_and_leads_to_its_page(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let answer = alice.call::<CreateChat>(&[]).await;
    let chat: Chat = answer.ok();
    assert_eq!(answer.header("location"), format!("/chats/{}", chat.id));
    assert_eq!((chat.title.as_str(), &chat.model), ("", &None));
    let view = alice.open_chat(chat.id).await;
    assert_eq!((&view.chat, view.messages.messages.len(), view.messages.has_older), (&chat, 0, false));
    assert_eq!(alice.list_chats(None).await, ChatPage { chats: vec![chat.clone()], next: None });

    let answer = alice.submit("/chats", "/api/create_chat", &[]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(alice.get(answer.header("location")).await.status, 200);
}

async fn every_chat_is_listed_once_however_many_changed_at_once(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let mut made = HashSet::new();
    for _ in 0..130 {
        made.insert(alice.create_chat().await);
    }
    app.database.execute("UPDATE chat_session SET updated_at_ms = 1700000000000").await;
    let (mut listed, mut pages, mut before) = (Vec::new(), Vec::new(), None);
    loop {
        let page = alice.list_chats(before).await;
        pages.push(page.chats.len());
        listed.extend(page.chats.iter().map(|chat| chat.id));
        match page.next {
            Some(next) => before = Some(next),
            None => break,
        }
    }
    let page = usize::try_from(limits::CHATS_PER_PAGE).unwrap();
    assert_eq!(pages, [page, page, 130 - 2 * page]);
    assert_eq!(listed.len(), 130);
    assert_eq!(listed.iter().copied().collect::<HashSet<_>>(), made);
    // Newest first also among those of the same moment.
    assert!(listed.is_sorted_by(|a, b| a > b));
}

async fn x18_a_forged_place_in_the_list_gives_own_chats_or_a_refusal(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let (of_alice, of_bob) = (alice.create_chat().await, bob.create_chat().await);
    let id = of_alice.to_string();
    // I11: places that are none.
    for fields in [
        vec![("before_ms", "1")],
        vec![("before_id", id.as_str())],
        vec![("before_ms", "1"), ("before_id", "x' OR '1'='1")],
        vec![("before_ms", "1"), ("before_id", "")],
    ] {
        assert_eq!(bob.call::<ListChats>(&fields).await.refusal(), (422, "cursor_invalid".to_owned()), "{fields:?}");
    }
    for number in ["x", "1e309", "9223372036854775808", "NaN", "1.5"] {
        let fields = [("before_ms", number), ("before_id", id.as_str())];
        assert_eq!(bob.call::<ListChats>(&fields).await.refusal(), (400, "malformed".to_owned()), "{number}");
    }
    for ms in [i64::MIN, -1, 0, 1_000_000_000, i64::MAX] {
        for id in [of_alice, of_bob, ChatId(Uuid::nil()), ChatId(Uuid::max())] {
            let page = bob.list_chats(Some(ChatCursor { updated_at_ms: ms, id })).await;
            assert!(page.chats.iter().all(|chat| chat.id == of_bob), "{ms} {id}");
        }
    }
    // X17: what is not asked for is not heard.
    let owner = alice.id.to_string();
    let fields = [("user_id", owner.as_str()), ("limit", "1000000000"), ("offset", "-1"), ("order", "password_hash")];
    assert_eq!(bob.call::<ListChats>(&fields).await.ok::<ChatPage>().chats.len(), 1);
}

async fn the_first_message_names_the_chat_and_moves_it_to_the_top(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (older, newer) = (alice.create_chat().await, alice.create_chat().await);
    app.database.execute("UPDATE chat_session SET updated_at_ms = 1700000000000").await;
    assert_eq!(alice.list_chats(None).await.chats[0].id, newer);
    alice.send_message(older, "\n\nWhat is  Rust?\nand more").await;
    let first = alice.list_chats(None).await.chats.remove(0);
    assert_eq!((first.id, first.title.as_str()), (older, "What is Rust?"));
    assert_eq!(first.model.unwrap().as_str(), "openai/test-model");
    alice.send_message(older, "Another question").await;
    assert_eq!(alice.open_chat(older).await.chat.title, "What is Rust?");
}

async fn i7_a_malformed_id_answers_like_an_unknown_one(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let unknown = alice.call::<OpenChat>(&[("chat_id", &Uuid::now_v7().to_string())]).await;
    assert_eq!(unknown.refusal(), (404, "not_found".to_owned()));
    for id in [
        "",
        "1",
        "../../etc/passwd",
        "' OR 1=1 --",
        &chat_id.to_string().to_uppercase(),
        &format!("{{{chat_id}}}"),
        &chat_id.0.simple().to_string(),
        &format!(" {chat_id}"),
        &format!("{chat_id}\0"),
        &"9".repeat(10 * 1024),
    ] {
        assert_eq!(alice.call::<OpenChat>(&[("chat_id", id)]).await.same(), unknown.same(), "{id}");
    }
    for path in ["/chats/1", "/chats/..%2f..%2fetc", "/chats/%00", "/chats/%27%20OR%201=1"] {
        assert_eq!(alice.get(path).await.status, 404, "{path}");
    }
}

async fn d1_a_list_holds_own_chats_only(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob, admin) = (app.alice().await, app.bob().await, app.admin().await);
    let (chat_id, _) = alice.ask("between us").await;
    for other in [&bob, &admin] {
        assert_eq!(other.list_chats(None).await, ChatPage { chats: Vec::new(), next: None });
        let page = other.get("/chats").await.text();
        assert!(!page.contains("between us") && !page.contains(&chat_id.to_string()));
    }
    assert!(alice.get("/chats").await.text().contains("between us"));
}

async fn other_tabs_hear_of_a_new_chat(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let (mut tab, mut second, mut of_bob) = (Tab::open(&alice).await, Tab::open(&alice).await, Tab::open(&bob).await);
    let chat_id = alice.create_chat().await;
    for tab in [&mut tab, &mut second] {
        tab.until("the new chat", |screen| screen.chats.last().is_some_and(|chat| chat.id == chat_id)).await;
    }
    let own = bob.create_chat().await;
    of_bob.until("Bob's own chat", |screen| !screen.chats.is_empty()).await;
    assert_eq!(of_bob.screen.chats.iter().map(|chat| chat.id).collect::<Vec<_>>(), [own]);
}

async fn the_pages_of_the_list_are_there_without_a_script(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let mut oldest = None;
    for _ in 0..61 {
        let chat_id = alice.create_chat().await;
        oldest.get_or_insert(chat_id);
    }
    let oldest = oldest.unwrap().to_string();
    let first = alice.get("/chats").await.text();
    assert!(!first.contains(&oldest));
    let next = alice.list_chats(None).await.next.unwrap();
    let path = format!("/chats?before_ms={}&before_id={}", next.updated_at_ms, next.id);
    assert!(first.contains(&path.replace('&', "&amp;")), "no link to the older chats");
    assert!(alice.get(&path).await.text().contains(&oldest));
}

async fn a_page_is_whole_however_many_are_rendered_at_once(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    alice.send_message(chat_id, "Whole and sound").await;
    let is_told = async || !alice.call::<ListNotifications>(&[]).await.ok::<Vec<Notification>>().is_empty();
    eventually("the news", is_told).await;
    for path in ["/chats", "/settings"] {
        for page in join_all((0..100).map(|_| alice.get(path))).await {
            let html = page.text();
            assert_eq!(page.status, 200, "{html}");
            let has_list = html.contains(&format!("href=\"/chats/{chat_id}\""));
            assert!(has_list && html.contains("Notifications, 1 unread") && html.contains("</html>"), "{html}");
        }
    }
}
