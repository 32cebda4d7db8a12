//! What every answer carries, and what a page never lets through.

use std::collections::HashSet;

use reqwest::Method;
use sardonyx::{api::chats::OpenChat, domain::ids::ChatId};
use uuid::Uuid;

use crate::support::{Answer, Client, Person, Setup, Tab, TestApp};

crate::on_both_databases![r8_r9_what_people_and_models_write_stays_text_in_the_page];
crate::once![
    r13_every_page_has_a_policy_with_a_nonce_of_its_own,
    r17_c13_c14_c16_every_answer_says_what_it_is,
    r20_what_an_address_says_went_wrong_is_not_believed,
    s17_private_answers_are_kept_by_nobody,
    x24_what_is_not_for_strangers_is_not_there,
    i8_a_request_with_too_long_a_head_is_refused,
    i13_no_other_spelling_gets_past_the_guard,
    i14_a_refusal_is_a_code_and_a_text,
    f24_only_files_of_the_site_are_served,
];

async fn r13_every_page_has_a_policy_with_a_nonce_of_its_own(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, _) = alice.ask("hello").await;
    let mut nonces = HashSet::new();
    let pages = ["/chats".to_owned(), format!("/chats/{chat_id}"), "/chats/unknown".to_owned(), "/nowhere".to_owned()];
    for round in 0..3 {
        for path in &pages {
            check_policy(&alice.get(path).await, &mut nonces);
        }
        for path in ["/login", "/setup?token=x", "/nowhere"] {
            check_policy(&app.anonymous().get(path).await, &mut nonces);
        }
        assert_eq!(nonces.len(), (round + 1) * 7, "a nonce was repeated");
    }
}

fn check_policy(page: &Answer, nonces: &mut HashSet<String>) {
    let policy = page.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "'wasm-unsafe-eval'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{part} is not in {policy}");
    }
    assert!(
        !policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'") && !policy.contains('*'),
        "{policy}"
    );
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(nonce.len() >= 16, "{nonce}");
    let html = page.text();
    assert!(page.header("content-type").starts_with("text/html"));
    for script in html.split("<script").skip(1) {
        let tag = script.split('>').next().unwrap();
        assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "<script{tag}>");
    }
    // No style, no handler that the policy would have to allow.
    assert!(!html.contains("<style") && !html.contains(" style=") && !html.contains(" onclick="));
    assert!(nonces.insert(nonce.to_owned()), "{nonce} was repeated");
}

async fn r17_c13_c14_c16_every_answer_says_what_it_is(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let mut answers = Vec::new();
    for path in [
        "/",
        "/chats",
        "/login",
        "/healthz",
        "/readyz",
        "/nowhere",
        "/ws",
        "/favicon.svg",
        "/api/open_chat",
        "/api/unknown",
    ] {
        answers.push((path, alice.get(path).await));
    }
    for body in ["<script>alert(1)</script>", "chat_id=<script>", "%", "chat_id=%ff"] {
        for path in ["/api/open_chat", "/api/unknown<script>", "/api/log_in"] {
            let answer = alice.send(alice.form_request(path, body)).await;
            assert!(!answer.text().contains("<script>"), "{}", answer.text());
            assert!(
                answer.header("content-type").starts_with("application/json"),
                "{path} {body}: {:?}",
                answer.headers
            );
            answers.push((path, answer));
        }
        let cross = alice.bare(Method::POST, "/api/open_chat").header("origin", "https://evil.example").body(body);
        answers.push(("cross-site", Client::send_only(cross).await));
    }
    for (path, answer) in answers {
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{path}");
        // C14: nor may another site embed it.
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{path}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("x-request-id").len(), 36, "{path}");
    }
    let request = alice.request(Method::GET, "/healthz").header("x-request-id", "chosen\tby-a-client");
    assert_ne!(alice.send(request).await.header("x-request-id"), "chosen\tby-a-client");
}

async fn r8_r9_what_people_and_models_write_stays_text_in_the_page(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let trap = "<script>window.__xss=1</script><img src=x onerror=window.__xss=1>";
    app.upstream.offer(&["test-model", &format!("</option></select>{trap}")]);
    for payload in [
        trap.to_owned(),
        format!("</script>{trap}"),
        format!("</textarea>{trap}"),
        format!("</title>{trap}"),
        format!("--><!--{trap}"),
        format!("]]>{trap}"),
        format!("\"'>{trap}"),
        format!("\u{2028}\u{2029}\\u003c/script>{trap}"),
        format!("{{{{7*7}}}}${{7*7}}{trap}"),
    ] {
        app.upstream.answer_with(&payload);
        let (chat_id, sent) = alice.ask(&payload).await;
        Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await;
        for path in ["/chats".to_owned(), format!("/chats/{chat_id}"), format!("/chats/{}", Uuid::new_v4())] {
            let html = alice.get(&path).await.text();
            assert!(!html.contains("<script>window") && !html.contains("<img src=x"), "{payload} in {path}:\n{html}");
            // Each script of the page is our own, with its nonce: none was opened or closed by what somebody wrote.
            assert_eq!(html.matches("<script").count(), html.matches("</script>").count(), "{payload} in {path}");
            assert_eq!(html.matches("<textarea").count(), html.matches("</textarea>").count(), "{payload} in {path}");
            assert_eq!(
                (html.matches("<title>").count(), html.matches("</title>").count()),
                (1, 1),
                "{payload} in {path}"
            );
        }
        let html = alice.get(&format!("/chats/{chat_id}")).await.text();
        assert!(html.contains("&lt;script&gt;window.__xss"), "{payload} is not shown as text");
    }
}

async fn r20_what_an_address_says_went_wrong_is_not_believed(setup: Setup) {
    let app = TestApp::start(setup).await;
    let said = "QWNjb3VudCBsb2NrZWQsIGNhbGwgKzE=";
    for query in [
        format!("__path=/api/log_in&__err={said}"),
        "error=Account%20locked,%20call%20%2B1".to_owned(),
        "reason=Account%20locked,%20call%20%2B1".to_owned(),
        "error=%3Cscript%3Ewindow.__xss=1%3C/script%3E".to_owned(),
        "next=%22%3E%3Cscript%3Ewindow.__xss=1%3C/script%3E".to_owned(),
    ] {
        for page in ["/login", "/setup"] {
            let html = app.anonymous().get(&format!("{page}?{query}")).await.text();
            assert!(!html.contains("Account locked"), "{page}?{query}");
            assert!(!html.contains("<script>window"), "{page}?{query}");
        }
    }
}

async fn s17_private_answers_are_kept_by_nobody(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, _) = alice.ask("hello").await;
    for path in [
        "/chats".to_owned(),
        format!("/chats/{chat_id}"),
        "/login".to_owned(),
        "/setup".to_owned(),
        "/nowhere".to_owned(),
    ] {
        for answer in [alice.get(&path).await, app.anonymous().get(&path).await] {
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
    }
    for (path, _) in leptos::server_fn::axum::server_fn_paths().filter(|(path, _)| *path != "/api/log_out") {
        for person in [&alice.client, &app.anonymous()] {
            let answer = person.post(path, &[("chat_id", &chat_id.to_string())]).await;
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
    }
    // Names with a hash may be kept for ever: where there is a browser half, its files say so.
    let assets = &app.state.assets;
    for path in [&assets.script, &assets.wasm, &assets.style].into_iter().filter(|path| !path.is_empty()) {
        let answer = app.anonymous().get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(
            answer.header("cache-control").contains("immutable") && !answer.headers.contains_key("set-cookie"),
            "{path}"
        );
    }
}

async fn x24_what_is_not_for_strangers_is_not_there(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, stranger) = (app.alice().await, app.anonymous());
    for path in [
        "/api/config",
        "/api/health",
        "/api/debug",
        "/api/users",
        "/api/admin",
        "/api/openapi.json",
        "/api/",
        "/api",
        "/metrics",
        "/debug",
        "/debug/pprof",
        "/config",
        "/docs",
        "/openapi.json",
        "/test",
        "/assets.json",
        "/.env",
        "/server-status",
    ] {
        for person in [&alice.client, &stranger] {
            let answer = person.get(path).await;
            assert!([401, 404, 405].contains(&answer.status), "{path}: {}", answer.status);
        }
    }
    assert_eq!(stranger.get("/healthz").await.text(), "ok");
    let ready = stranger.get("/readyz").await.text();
    let version = env!("CARGO_PKG_VERSION");
    for secret in [version, "sk-of-the-tests", "sqlite", "postgres", "/tmp", "alice", app.upstream.url()] {
        assert!(!ready.contains(secret), "{ready}");
        assert!(!stranger.get("/login").await.text().contains(secret) || secret == version, "{secret}");
    }
    assert!(stranger.get("/login").await.headers.get("server").is_none());
}

async fn i8_a_request_with_too_long_a_head_is_refused(setup: Setup) {
    let app = TestApp::start(setup).await;
    let stranger = app.anonymous();
    let long = "x".repeat(128 * 1024);
    let request = stranger.request(Method::GET, "/login").header("cookie", &long);
    // Refused with a status, or hung up on while it still speaks.
    if let Ok(response) = request.send().await {
        assert_eq!(response.status(), 431);
    }
    let many =
        (0..1_000).fold(stranger.request(Method::GET, "/login"), |request, n| request.header(format!("x-{n}"), "1"));
    if let Ok(response) = many.send().await {
        assert_eq!(response.status(), 431);
    }
    assert_eq!(stranger.get("/login").await.status, 200);
}

async fn i13_no_other_spelling_gets_past_the_guard(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, _) = alice.ask("a canary in a chat").await;
    let paths = [
        format!("//chats/{chat_id}"),
        format!("/chats/{chat_id}/"),
        format!("/CHATS/{chat_id}"),
        format!("/chats//{chat_id}"),
        format!("/chats/./{chat_id}"),
        format!("/login/../chats/{chat_id}"),
        format!("/chats%2F{chat_id}"),
        format!("/chats;a=b/{chat_id}"),
        format!("/pkg/../chats/{chat_id}"),
        "/api//list_chats".to_owned(),
        "/API/list_chats".to_owned(),
        "/api/list_chats/".to_owned(),
        "/api%2Flist_chats".to_owned(),
        "//api/list_chats".to_owned(),
    ];
    for path in paths {
        for method in [Method::GET, Method::POST] {
            let request = app
                .anonymous()
                .request(method.clone(), &path)
                .header("content-type", "application/x-www-form-urlencoded");
            let answer = Client::send_only(request).await;
            assert!(!answer.text().contains("canary") && answer.status < 500, "{method} {path}");
            assert!(answer.status != 200 || method == Method::GET, "{method} {path}");
        }
    }
}

async fn i14_a_refusal_is_a_code_and_a_text(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, stranger) = (app.alice().await, app.anonymous());
    let unknown = ChatId(Uuid::new_v4()).to_string();
    let refusals = [
        stranger.call::<OpenChat>(&[("chat_id", &unknown)]).await,
        alice.call::<OpenChat>(&[("chat_id", &unknown)]).await,
        alice.call::<OpenChat>(&[("chat_id", "'")]).await,
        alice.call::<OpenChat>(&[]).await,
        alice.post("/api/send_message", &[("chat_id", &unknown), ("text", ""), ("client_message_id", "x")]).await,
        alice.post("/api/unknown", &[]).await,
        alice
            .send(alice.request(Method::POST, "/api/open_chat").body("{}").header("content-type", "application/json"))
            .await,
    ];
    for answer in refusals {
        assert!((400..500).contains(&answer.status));
        let body: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body.keys().collect::<Vec<_>>(), ["code", "text"], "{}", answer.text());
        let text = answer.text().to_lowercase();
        for word in [
            "sql",
            "select",
            "sea_orm",
            "sqlx",
            "panicked",
            "src/",
            ".rs",
            "leptos",
            "serde",
            "deserializ",
            "missing field",
        ] {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }
}

async fn f24_only_files_of_the_site_are_served(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, stranger): (Person, Client) = (app.alice().await, app.anonymous());
    for path in [
        "/pkg/../../data/sardonyx.db",
        "/pkg/%2e%2e/%2e%2e/Cargo.toml",
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/..;/Cargo.toml",
        "//etc/passwd",
        "/etc/passwd",
        "/sardonyx.db",
        "/data/sardonyx.db",
        "/Cargo.toml",
        "/pkg/",
        "/pkg",
        "/.git/config",
    ] {
        for person in [&alice.client, &stranger] {
            let answer = person.get(path).await;
            assert_eq!(answer.status, 404, "{path}");
            assert!(!answer.text().contains("[package]") && !answer.text().contains("root:"), "{path}");
        }
    }
}
