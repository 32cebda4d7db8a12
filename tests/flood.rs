//! What one person can do only so often, and that nobody else pays for it.

use futures::future::join_all;
use reqwest::Method;
use sardonyx::{
    api::chats::{CreateChat, ListChats},
    domain::{
        ids::{ChatId, ClientMessageId},
        limits,
    },
};
use serde_json::json;

use crate::{
    api,
    support::{Answer, Client, Setup, Tab, TestApp, eventually},
};

crate::on_both_databases![
    p6_messages_of_one_user_are_limited_whichever_door_they_take,
    p6_new_chats_of_one_user_are_limited,
];
crate::once![
    p6_a_flood_of_one_user_is_refused_and_others_do_not_notice,
    p6_programs_of_one_user_have_a_limit_of_their_own,
    p6_downloads_of_one_user_are_limited,
    p6_uploads_have_a_limit_of_their_own,
];
crate::on_a_cluster![
    p6_running_replies_of_one_user_are_limited_over_all_servers,
    p6_a_reply_that_lost_its_server_takes_no_place,
];

async fn p6_messages_of_one_user_are_limited_whichever_door_they_take(setup: Setup) {
    let app = TestApp::start(setup.config(|config| config.limits.messages_per_minute = 3)).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let token = api::make_token(&alice, "a program", &["chats_write"]).await;
    let (chat_id, sent) = alice.ask("a first message").await;
    alice.send_message(chat_id, "a second message").await;
    alice.send_message(chat_id, "a third message").await;
    let refused = alice.try_send(chat_id, "one too many", ClientMessageId::random()).await;
    assert_too_often(&refused, "too_many_messages", 20);
    assert!(refused.text().contains("Too many messages in a short time. Try again in "), "{}", refused.text());
    assert_too_often(&alice.try_retry(sent.reply_id).await, "too_many_messages", 20);
    let path = format!("/api/v1/chats/{chat_id}/messages");
    let request = alice.program(Method::POST, &path, Some(&token)).json(&json!({ "text": "one too many" }));
    assert_too_often(&Client::send_only(request).await, "too_many_messages", 20);
    assert_eq!(app.database.number("SELECT COUNT(*) FROM chat_message WHERE text = 'one too many'").await, 0);

    // Without a script, the page says it.
    let (page, id) = (format!("/chats/{chat_id}"), ClientMessageId::random().to_string());
    let fields = [("chat_id", &*chat_id.to_string()), ("text", "one too many"), ("client_message_id", &id)];
    let answer = alice.submit(&page, "/api/send_message", &fields).await;
    assert_eq!((answer.status, answer.header("location")), (303, format!("{page}?error=too_many_messages").as_str()));
    assert!(!answer.header("retry-after").is_empty());
    let shown = alice.get(answer.header("location")).await;
    assert!(shown.status == 200 && shown.text().contains("Too many messages in a short time."), "{}", shown.status);

    // She reads on, and others write.
    alice.open_chat(chat_id).await;
    let (chat_id, sent) = bob.ask("a message of Bob's").await;
    Tab::on_chat(&bob, chat_id).await.until_end(sent.reply_id).await;
}

async fn p6_new_chats_of_one_user_are_limited(setup: Setup) {
    let app = TestApp::start(setup.config(|config| config.limits.messages_per_minute = 3)).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let token = api::make_token(&alice, "a program", &["chats_write"]).await;
    for _ in 0..3 {
        alice.create_chat().await;
    }
    assert_too_often(&alice.call::<CreateChat>(&[]).await, "too_many_chats", 20);
    let request = alice.program(Method::POST, "/api/v1/chats", Some(&token)).json(&json!({}));
    assert_too_often(&Client::send_only(request).await, "too_many_chats", 20);
    assert_eq!(app.database.count("chat_session").await, 3);
    bob.create_chat().await;
}

async fn p6_a_flood_of_one_user_is_refused_and_others_do_not_notice(setup: Setup) {
    const ALLOWED: u32 = 60;
    let app = TestApp::start(setup.config(|config| config.limits.requests_per_minute = ALLOWED)).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let flood = join_all((0..400).map(|_| alice.call::<ListChats>(&[])));
    let others = async {
        for _ in 0..10 {
            bob.list_chats(None).await;
            assert_eq!(bob.get("/chats").await.status, 200);
            assert_eq!(app.anonymous().get("/login").await.status, 200);
        }
    };
    let (answers, ()) = futures::join!(flood, others);
    let (served, refused): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|answer| answer.status == 200);
    // While it lasts, one more is let through each second.
    assert!(served.len() < 100, "{} of 400 were served", served.len());
    refused.iter().for_each(|answer| assert_too_often(answer, "too_many_requests", 60));
    // Every other door of hers says the same: a page in words, a live connection by its status, and every browser of hers.
    let page = async || {
        let request = alice.request(Method::GET, "/chats").header("accept", "text/html");
        Client::send_only(request).await
    };
    eventually("the page's refusal", async || {
        let page = page().await;
        page.status == 429
            && page.text().contains("Too many requests in a short time.")
            && !page.header("retry-after").is_empty()
            && page.header("cache-control") == "no-store"
    })
    .await;
    eventually("the socket's refusal", async || Tab::try_open(&alice, &[]).await.err() == Some(429)).await;
    let elsewhere = alice.client.copy();
    eventually("the refusal elsewhere", async || elsewhere.call::<ListChats>(&[]).await.status == 429).await;
    // What needs no user stays open.
    assert_eq!(alice.get("/healthz").await.status, 200);
    Tab::open(&bob).await;
}

async fn p6_programs_of_one_user_have_a_limit_of_their_own(setup: Setup) {
    let app = TestApp::start(setup.config(|config| config.limits.requests_per_minute = 30)).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let (hers, his) =
        (api::make_token(&alice, "a", &["chats_read"]).await, api::make_token(&bob, "b", &["chats_read"]).await);
    let ask = |token: &str| Client::send_only(alice.program(Method::GET, "/api/v1/chats", Some(token)));
    let answers = join_all((0..100).map(|_| ask(&hers))).await;
    let refused: Vec<&Answer> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert!(refused.len() >= 50, "{} were refused", refused.len());
    refused.iter().for_each(|answer| assert_too_often(answer, "too_many_program_requests", 60));
    // Her browser and his program go on.
    alice.list_chats(None).await;
    assert_eq!(ask(&his).await.status, 200);
    // Nobody's requests are nobody's flood.
    let strangers = join_all((0..50).map(|_| ask("sdx_nonsense"))).await;
    assert!(strangers.iter().all(|answer| answer.status == 401));
}

async fn p6_uploads_have_a_limit_of_their_own(setup: Setup) {
    const ALLOWED: u32 = 40;
    let app = TestApp::start(setup.config(|config| config.limits.requests_per_minute = ALLOWED)).await;
    let alice = app.alice().await;
    let alice = &alice;
    let answers =
        join_all((0..2 * ALLOWED).map(|n| async move { alice.try_begin_upload(&format!("{n}.txt"), 1_000).await }))
            .await;
    let refused: Vec<&Answer> = answers.iter().filter(|answer| answer.status != 201).collect();
    assert!(refused.len() > 20, "{} were refused", refused.len());
    refused.iter().for_each(|answer| assert_too_often(answer, "too_many_upload_requests", 60));
    // The rest of the site is there for her all the while.
    for _ in 0..20 {
        assert_eq!(alice.list_files().await.storage.files, u64::from(2 * ALLOWED) - refused.len() as u64);
    }
}

async fn p6_downloads_of_one_user_are_limited(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice) = (app.admin().await, app.alice().await);
    for _ in 0..limits::EXPORTS_PER_HOUR_MAX / 2 {
        assert_eq!(admin.get("/settings/data.json").await.status, 200);
        assert_eq!(admin.get("/admin/audit.csv").await.status, 200);
    }
    for path in ["/settings/data.json", "/admin/audit.csv"] {
        assert_too_often(&admin.get(path).await, "too_many_exports", 180);
    }
    assert_eq!(alice.get("/settings/data.json").await.status, 200);
}

async fn p6_running_replies_of_one_user_are_limited_over_all_servers(setup: Setup) {
    const MAX: u64 = 3;
    let app = TestApp::start(setup.config(|config| config.limits.replies_per_user = MAX)).await;
    let other = app.another().await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    app.upstream.by_hand();
    let mut chats: Vec<ChatId> = Vec::new();
    for _ in 0..30 {
        chats.push(alice.create_chat().await);
    }
    let sends = chats.iter().enumerate().map(|(n, chat_id)| {
        let person = alice.at(if n % 2 == 0 { &app } else { &other });
        async move { person.try_send(*chat_id, "all at once", ClientMessageId::random()).await }
    });
    let answers = join_all(sends).await;
    let (sent, refused): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|answer| answer.status == 200);
    let kept = MAX + limits::QUEUED_REPLIES_PER_USER_MAX;
    assert_eq!(sent.len() as u64, kept);
    assert_eq!(
        app.database.number("SELECT COUNT(*) FROM chat_message WHERE state = 'queued'").await.unsigned_abs(),
        kept - MAX
    );
    for answer in refused {
        assert_eq!(answer.refusal(), (429, "too_many_replies".to_owned()), "{}", answer.text());
        assert!(!answer.header("retry-after").is_empty());
    }
    // Nothing of the refused ones was kept, and nobody else is held up.
    assert_eq!(app.database.count("chat_message").await.unsigned_abs(), 2 * kept);
    bob.at(&other).ask("a message of Bob's").await;
    // What was refused is sent as it is when one has ended.
    let mut call = app.upstream.call().await;
    while call.lines()[0].1 != "all at once" {
        call = app.upstream.call().await;
    }
    call.answer((axum::http::StatusCode::INTERNAL_SERVER_ERROR, ""));
    let free =
        chats.iter().zip(&answers).find(|(_, answer)| answer.status == 429).map(|(chat_id, _)| *chat_id).unwrap();
    eventually("a free place", async || {
        alice.try_send(free, "all at once", ClientMessageId::random()).await.status == 200
    })
    .await;
}

async fn p6_a_reply_that_lost_its_server_takes_no_place(setup: Setup) {
    let app = TestApp::start(setup.config(|config| config.limits.replies_per_user = 1)).await;
    let alice = app.alice().await;
    let (chat_id, sent) = alice.ask("a question").await;
    Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await;
    // As a server leaves it that dies.
    let id = app.database.id(sent.reply_id.0);
    let lost =
        format!("UPDATE chat_message SET state = 'generating', lease_owner = {id}, lease_until_ms = 1 WHERE id = {id}");
    assert_eq!(app.database.execute(&lost).await, 1);
    alice.ask("another question").await;
}

#[track_caller]
fn assert_too_often(answer: &Answer, code: &str, seconds_max: u32) {
    assert_eq!(answer.refusal(), (429, code.to_owned()), "{}", answer.text());
    let seconds: u32 = answer.header("retry-after").parse().unwrap();
    assert!((1..=seconds_max + 1).contains(&seconds), "{seconds}");
}
