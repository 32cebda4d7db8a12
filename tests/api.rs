//! The API for programs: its tokens, its routes, and what it says of itself.

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt, path::PathBuf};

use futures::StreamExt;
use reqwest::{Method, header};
use sardonyx::{
    api::{
        account::ChangePassword,
        session::{EndSession, FindCurrentSession, ListSessions},
        tokens::{CreateToken, ListTokens, RevokeToken},
    },
    domain::{
        ids::ChatId,
        limits,
        session::{ActiveSession, CurrentSession},
        token::AccessTokens,
    },
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Client, Person, Setup, Tab, TestApp, eventually, people::PASSWORD, soon};

crate::on_both_databases![
    a_password_gives_a_token_that_works_without_cookie_and_origin,
    a_wrong_password_gives_no_token_and_counts_with_the_browsers_log_in,
    a_programs_session_is_listed_by_its_name_and_ending_it_ends_the_token_at_once,
    a_token_ends_with_its_time_and_is_refreshed_while_its_session_lives,
    a_new_password_ends_signed_tokens_and_leaves_personal_ones,
    a4_a_disabled_account_is_out_with_every_token,
    a_personal_token_may_do_what_it_was_made_for_and_nothing_else,
    a_personal_token_is_shown_once_and_kept_as_a_hash,
    a_personal_token_expires_and_is_revoked,
    a_personal_token_is_made_and_revoked_without_a_script,
    a_token_counts_and_a_cookie_beside_it_does_not,
    c1_a_cookie_alone_needs_our_own_origin,
    no_page_comes_by_a_token,
    chats_are_listed_a_page_at_a_time,
    a_message_is_answered_with_its_finished_reply,
    a_message_is_answered_piece_by_piece,
    messages_are_read_back_a_page_at_a_time,
    sending_again_under_the_same_id_gives_the_same_reply,
    a_failed_reply_says_why,
    a_stream_ends_with_its_session,
    x5_x17_i3_what_nobody_asked_for_is_refused,
];
crate::once![
    a_secret_that_is_too_short_ends_the_start,
    a_rotated_secret_keeps_tokens_valid,
    a_made_secret_is_for_its_owner_alone_and_survives_a_restart,
    x24_the_description_is_for_everybody_and_loads_nothing_from_elsewhere,
    too_many_personal_tokens_are_refused,
    c2_other_doors_ask_for_the_origin_whatever_token_is_shown,
];
crate::on_a_cluster![a_token_of_one_server_works_at_another_with_the_same_secret];

/// What a program of somebody's may show.
pub struct Tokens {
    pub signed: String,
    /// With every scope.
    pub personal: String,
}

pub async fn tokens_of(app: &TestApp, person: &Person) -> Tokens {
    let scopes = ["chats_read", "chats_write", "files_read", "files_write"];
    Tokens { signed: sign_in(app, &person.email).await, personal: make_token(person, "all", &scopes).await }
}

/// Makes a personal access token in the settings.
pub async fn make_token(person: &Person, name: &str, scopes: &[&str]) -> String {
    let mut fields = vec![("name", name), ("days", "30")];
    fields.extend(scopes.iter().map(|scope| (*scope, "yes")));
    person.call::<CreateToken>(&fields).await.ok()
}

/// A token for everybody's password.
async fn sign_in(app: &TestApp, email: &str) -> String {
    let answer = ask_token(app, json!({ "email": email, "password": PASSWORD, "name": "a program" })).await;
    answer.ok::<Value>()["access_token"].as_str().unwrap().to_owned()
}

async fn ask_token(app: &TestApp, body: Value) -> Answer {
    post(&app.anonymous(), "/api/v1/token", None, body).await
}

async fn post(client: &Client, path: &str, token: Option<&str>, body: Value) -> Answer {
    Client::send_only(client.program(Method::POST, path, token).json(&body)).await
}

async fn get(client: &Client, path: &str, token: &str) -> Answer {
    Client::send_only(client.program(Method::GET, path, Some(token))).await
}

async fn create_chat(client: &Client, token: &str) -> String {
    let answer = post(client, "/api/v1/chats", Some(token), json!({})).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let chat: Value = serde_json::from_slice(&answer.body).unwrap();
    chat["id"].as_str().unwrap().to_owned()
}

fn messages_path(chat: &str) -> String {
    format!("/api/v1/chats/{chat}/messages")
}

async fn a_password_gives_a_token_that_works_without_cookie_and_origin(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let answer = ask_token(&app, json!({ "email": alice.email, "password": PASSWORD })).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("set-cookie"), "");
    let issued: Value = answer.ok();
    assert_eq!(issued["token_type"], "Bearer");
    assert!((3_590..=3_600).contains(&issued["expires_in"].as_i64().unwrap()), "{issued}");
    let stranger = app.anonymous();
    let token = issued["access_token"].as_str().unwrap();
    let me: Value = get(&stranger, "/api/v1/me", token).await.ok();
    assert_eq!(me, json!({ "id": alice.id, "email": alice.email, "role": "member" }));
    for header in ["bearer", "BEARER", "Bearer  "] {
        let request = stranger.program(Method::GET, "/api/v1/me", None);
        let answer = Client::send_only(request.header(header::AUTHORIZATION, format!("{header} {token}"))).await;
        assert_eq!(answer.status, 200, "{header}");
    }
    for header in ["", "x", "Bear", "Bearerx", "\u{fc}"] {
        let value = reqwest::header::HeaderValue::from_bytes(header.as_bytes()).unwrap();
        let request = stranger.program(Method::GET, "/api/v1/me", None).header(header::AUTHORIZATION, value);
        assert_eq!(Client::send_only(request).await.status, 401, "{header}");
    }
    for header in ["Basic", "Token", ""] {
        let request = stranger.program(Method::GET, "/api/v1/me", None);
        let answer = Client::send_only(request.header(header::AUTHORIZATION, format!("{header} {token}"))).await;
        assert_eq!(answer.refusal(), (401, "not_logged_in".to_owned()), "{header}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}

async fn a_wrong_password_gives_no_token_and_counts_with_the_browsers_log_in(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.alice().await;
    let wrong = json!({ "email": "alice@example.org", "password": "wrong" });
    let unknown = json!({ "email": "nobody@example.org", "password": "wrong" });
    let refusal = ask_token(&app, wrong.clone()).await;
    assert_eq!(refusal.refusal(), (401, "wrong_credentials".to_owned()));
    assert_eq!(refusal.same(), ask_token(&app, unknown).await.same());
    for _ in 1..limits::ATTEMPTS_PER_ACCOUNT_MAX {
        assert_eq!(ask_token(&app, wrong.clone()).await.status, 401);
    }
    let answer = ask_token(&app, json!({ "email": "alice@example.org", "password": PASSWORD })).await;
    assert_eq!(answer.refusal(), (429, "too_many_attempts".to_owned()));
    assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
    let fields = [("email", "alice@example.org"), ("password", PASSWORD)];
    assert_eq!(app.anonymous().post("/api/log_in", &fields).await.status, 429);
}

async fn a_programs_session_is_listed_by_its_name_and_ending_it_ends_the_token_at_once(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, stranger) = (app.alice().await, app.anonymous());
    let token = sign_in(&app, &alice.email).await;
    let sessions: Vec<ActiveSession> = alice.call::<ListSessions>(&[]).await.ok();
    let session = sessions.iter().find(|session| session.device == "a program").unwrap();
    assert!(!session.is_current);
    assert!(alice.get("/settings/sessions").await.text().contains("a program"));
    let of_program: Value = get(&stranger, "/api/v1/sessions", &token).await.ok();
    assert_eq!(of_program[0]["name"], "a program");
    assert_eq!(of_program[0]["is_current"], true);

    alice.call::<EndSession>(&[("session_id", &session.id.to_string())]).await.ok::<()>();
    for path in ["/api/v1/me", "/api/v1/chats", "/api/v1/sessions"] {
        assert_eq!(get(&stranger, path, &token).await.refusal(), (401, "session_revoked".to_owned()), "{path}");
    }
    assert_eq!(post(&stranger, "/api/v1/token/refresh", Some(&token), json!({})).await.status, 401);

    // And the other way round: a program ends the browser's session, then its own.
    let token = sign_in(&app, &alice.email).await;
    let mut tab = Tab::open(&alice).await;
    let browser = alice.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>().id;
    let end = |id: String| stranger.program(Method::DELETE, &format!("/api/v1/sessions/{id}"), Some(&token));
    assert_eq!(Client::send_only(end(browser.to_string())).await.status, 204);
    tab.until_closed().await;
    assert_eq!(Client::send_only(end(browser.to_string())).await.status, 404);
    let own: Value = get(&stranger, "/api/v1/sessions", &token).await.ok();
    assert_eq!(own.as_array().unwrap().len(), 1);
    assert_eq!(Client::send_only(end(own[0]["id"].as_str().unwrap().to_owned())).await.status, 204);
    assert_eq!(get(&stranger, "/api/v1/me", &token).await.status, 401);
}

async fn a_token_ends_with_its_time_and_is_refreshed_while_its_session_lives(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, stranger) = (app.alice().await, app.anonymous());
    let token = sign_in(&app, &alice.email).await;
    let refreshed: Value = post(&stranger, "/api/v1/token/refresh", Some(&token), json!({})).await.ok();
    let fresh = refreshed["access_token"].as_str().unwrap();
    assert_ne!(fresh, token);
    assert_eq!(get(&stranger, "/api/v1/me", fresh).await.status, 200);

    let session = refreshed["session_id"].as_str().unwrap().parse().unwrap();
    let over = app.state.keys.sign(alice.id, session, 1_000).unwrap();
    assert_eq!(get(&stranger, "/api/v1/me", &over).await.refusal(), (401, "token_invalid".to_owned()));
    // No script of a page comes by a token: neither a cookie nor a personal access token is one to refresh.
    let by_cookie = alice.request(Method::POST, "/api/v1/token/refresh");
    assert_eq!(Client::send_only(by_cookie).await.refusal(), (403, "scope_missing".to_owned()));
    let personal = make_token(&alice, "all", &["chats_read"]).await;
    assert_eq!(post(&stranger, "/api/v1/token/refresh", Some(&personal), json!({})).await.status, 403);

    app.database.execute("UPDATE login_session SET expires_at_ms = 1").await;
    let answer = get(&stranger, "/api/v1/me", fresh).await;
    assert_eq!(answer.refusal(), (401, "session_expired".to_owned()));
    assert_eq!(post(&stranger, "/api/v1/token/refresh", Some(fresh), json!({})).await.status, 401);
}

async fn a_new_password_ends_signed_tokens_and_leaves_personal_ones(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let tokens = tokens_of(&app, &alice).await;
    let fields = [("current_password", PASSWORD), ("new_password", "blue-lamp-42-river")];
    alice.call::<ChangePassword>(&fields).await.ok::<()>();
    let answer = get(&app.anonymous(), "/api/v1/me", &tokens.signed).await;
    assert_eq!(answer.refusal(), (401, "password_changed".to_owned()));
    assert_eq!(get(&app.anonymous(), "/api/v1/me", &tokens.personal).await.status, 200);
}

async fn a4_a_disabled_account_is_out_with_every_token(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let tokens = tokens_of(&app, &alice).await;
    app.disable(&alice).await;
    for token in [&tokens.signed, &tokens.personal] {
        for path in ["/api/v1/me", "/api/v1/chats", "/api/v1/sessions"] {
            assert_eq!(get(&app.anonymous(), path, token).await.status, 401, "{path}");
        }
    }
    assert_eq!(ask_token(&app, json!({ "email": alice.email, "password": PASSWORD })).await.status, 401);
}

async fn a_personal_token_may_do_what_it_was_made_for_and_nothing_else(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, stranger) = (app.alice().await, app.anonymous());
    let (chat, sent) = alice.ask("a question").await;
    Tab::on_chat(&alice, chat).await.until_end(sent.reply_id).await;
    let chat = chat.to_string();
    let all = [
        (Method::GET, "/api/v1/chats".to_owned(), "chats_read"),
        (Method::GET, format!("/api/v1/chats/{chat}"), "chats_read"),
        (Method::GET, messages_path(&chat), "chats_read"),
        (Method::POST, "/api/v1/chats".to_owned(), "chats_write"),
        (Method::POST, messages_path(&chat), "chats_write"),
        (Method::GET, "/api/v1/sessions".to_owned(), "none"),
        (Method::DELETE, "/api/v1/sessions".to_owned(), "none"),
    ];
    for scope in ["chats_read", "chats_write", "files_read", "files_write"] {
        let token = make_token(&alice, scope, &[scope]).await;
        assert_eq!(get(&stranger, "/api/v1/me", &token).await.status, 200);
        for (method, path, needed) in &all {
            let request = stranger.program(method.clone(), path, Some(&token));
            let body = if path.ends_with("messages") { json!({ "text": "hello" }) } else { json!({}) };
            let request = if *method == Method::POST { request.json(&body) } else { request };
            let answer = Client::send_only(request).await;
            if scope == *needed {
                assert!([200, 201].contains(&answer.status), "{scope}: {method} {path}: {}", answer.text());
            } else {
                assert_eq!(answer.refusal(), (403, "scope_missing".to_owned()), "{scope}: {method} {path}");
            }
        }
    }
}

async fn a_personal_token_is_shown_once_and_kept_as_a_hash(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let token = make_token(&alice, "my script", &["chats_read", "files_write"]).await;
    assert!(token.starts_with(&format!("sdx_{}_", alice.id.0.simple())), "{token}");
    let secret = token.rsplit('_').next().unwrap();
    let rows = app.database.dump().await;
    assert!(!rows["access_token"].is_empty());
    assert!(!format!("{rows:?}").contains(secret));
    for page in ["/settings/tokens", "/settings/sessions"] {
        assert!(!alice.get(page).await.text().contains(secret), "{page}");
    }
    let list: AccessTokens = alice.call::<ListTokens>(&[]).await.ok();
    assert_eq!(list.new_token, None);
    assert_eq!(list.tokens[0].name, "my script");
    assert_eq!(list.tokens[0].scopes.names(), "chats:read files:write");
    // Another user's id in front of the secret opens nothing.
    let foreign = format!("sdx_{}_{secret}", bob.id.0.simple());
    assert_eq!(get(&app.anonymous(), "/api/v1/me", &foreign).await.refusal(), (401, "token_invalid".to_owned()));
}

async fn a_personal_token_expires_and_is_revoked(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, stranger) = (app.alice().await, app.anonymous());
    let token = make_token(&alice, "one", &["chats_read"]).await;
    assert_eq!(get(&stranger, "/api/v1/me", &token).await.status, 200);
    eventually("the use is noted", async || {
        alice.call::<ListTokens>(&[]).await.ok::<AccessTokens>().tokens[0].last_used_at_ms.is_some()
    })
    .await;
    app.database.execute("UPDATE access_token SET expires_at_ms = 1").await;
    assert_eq!(get(&stranger, "/api/v1/me", &token).await.status, 401);
    let list: AccessTokens = alice.call::<ListTokens>(&[]).await.ok();
    assert!(list.tokens[0].is_expired);

    let token = make_token(&alice, "two", &["chats_read"]).await;
    let list: AccessTokens = alice.call::<ListTokens>(&[]).await.ok();
    assert_eq!(list.tokens.len(), 1, "the expired one made room");
    let id = list.tokens[0].id.to_string();
    alice.call::<RevokeToken>(&[("token_id", &id)]).await.ok::<()>();
    assert_eq!(get(&stranger, "/api/v1/me", &token).await.status, 401);
    assert_eq!(alice.call::<RevokeToken>(&[("token_id", &id)]).await.status, 404);
    for (fields, code) in [
        ([("name", " "), ("days", "7"), ("chats_read", "yes")], "token_name_invalid"),
        ([("name", "x"), ("days", "366"), ("chats_read", "yes")], "token_days_invalid"),
        ([("name", "x"), ("days", ""), ("chats_read", "yes")], "token_days_invalid"),
        ([("name", "x"), ("days", "7"), ("chats_read", "")], "token_scopes_invalid"),
    ] {
        assert_eq!(alice.call::<CreateToken>(&fields).await.refusal(), (422, code.to_owned()));
    }
}

async fn a_personal_token_is_made_and_revoked_without_a_script(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let fields = [("name", "plain form"), ("days", "7"), ("chats_read", "yes")];
    let answer = alice.submit("/settings/tokens", "/api/create_token", &fields).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/settings/tokens"));
    assert!(!answer.text().contains("sdx_"));
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert!(cookie.contains("Path=/settings/tokens"), "{cookie}");
    let token = cookie.split('=').nth(1).unwrap().split(';').next().unwrap().to_owned();
    let shown = alice.get("/settings/tokens").await;
    assert!(shown.text().contains(&token), "{}", shown.text());
    // Once, and to nobody else who has the cookie.
    assert!(!alice.get("/settings/tokens").await.text().contains(&token));
    bob.cookies.lock().unwrap().insert("sardonyx-new-token".to_owned(), token.clone());
    assert!(!bob.get("/settings/tokens").await.text().contains(&token));
    assert_eq!(get(&app.anonymous(), "/api/v1/chats", &token).await.status, 200);

    let id = alice.call::<ListTokens>(&[]).await.ok::<AccessTokens>().tokens[0].id.to_string();
    let answer = alice.submit("/settings/tokens", "/api/revoke_token", &[("token_id", &id)]).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/settings/tokens"));
    assert_eq!(get(&app.anonymous(), "/api/v1/chats", &token).await.status, 401);
    let answer = alice.submit("/settings/tokens", "/api/create_token", &[("name", ""), ("days", "7")]).await;
    assert_eq!(answer.header("location"), "/settings/tokens?error=token_name_invalid");
}

async fn a_token_counts_and_a_cookie_beside_it_does_not(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let token = sign_in(&app, &bob.email).await;
    // With Alice's cookie and no origin, or a foreign one: it is Bob who asks.
    for origin in [None, Some("https://evil.example")] {
        let request = alice.bare(Method::POST, "/api/v1/chats").bearer_auth(&token).json(&json!({}));
        let request = match origin {
            Some(origin) => request.header(header::ORIGIN, origin),
            None => request,
        };
        assert_eq!(Client::send_only(request).await.status, 201);
    }
    assert!(alice.list_chats(None).await.chats.is_empty());
    assert_eq!(bob.list_chats(None).await.chats.len(), 2);
    for broken in ["nonsense", "a.b.c", "sdx_1_2", ""] {
        let answer = Client::send_only(alice.bare(Method::GET, "/api/v1/me").bearer_auth(broken)).await;
        assert_eq!(answer.refusal(), (401, "token_invalid".to_owned()), "{broken}");
        let answer = Client::send_only(alice.request(Method::POST, "/api/v1/chats").bearer_auth(broken)).await;
        assert_eq!(answer.refusal(), (401, "token_invalid".to_owned()), "{broken}");
    }
}

async fn c1_a_cookie_alone_needs_our_own_origin(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let me: Value = alice.get("/api/v1/me").await.ok();
    assert_eq!(me["email"], "alice@example.org");
    let own = alice.request(Method::POST, "/api/v1/chats").json(&json!({}));
    assert_eq!(Client::send_only(own).await.status, 201);
    for (method, path) in [
        (Method::POST, "/api/v1/chats"),
        (Method::POST, "/api/v1/token"),
        (Method::POST, "/api/v1/token/refresh"),
        (Method::DELETE, "/api/v1/sessions"),
    ] {
        for origin in ["", "null", "https://evil.example"] {
            let request = alice.bare(method.clone(), path).json(&json!({}));
            let request = if origin.is_empty() { request } else { request.header(header::ORIGIN, origin) };
            let answer = Client::send_only(request).await;
            assert_eq!(answer.refusal(), (403, "foreign_origin".to_owned()), "{method} {path} {origin}");
        }
        // A scheme of somebody else's is no token.
        let request = alice.bare(method.clone(), path).header(header::AUTHORIZATION, "Basic abc").json(&json!({}));
        assert_eq!(Client::send_only(request).await.status, 403, "{method} {path}");
    }
    assert_eq!(alice.list_chats(None).await.chats.len(), 1);
}

async fn c2_other_doors_ask_for_the_origin_whatever_token_is_shown(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let tokens = tokens_of(&app, &alice).await;
    for path in ["/api/create_chat", "/api/log_out", "/api/v1x", "/api/v1"] {
        let request = alice.bare(Method::POST, path).bearer_auth(&tokens.signed);
        assert_eq!(Client::send_only(request).await.status, 403, "{path}");
    }
    assert!(alice.list_chats(None).await.chats.is_empty());
}

async fn no_page_comes_by_a_token(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, stranger) = (app.alice().await, app.anonymous());
    let tokens = tokens_of(&app, &alice).await;
    for token in [&tokens.signed, &tokens.personal] {
        assert_eq!(get(&stranger, "/chats", token).await.status, 303);
        let request = stranger.form_request("/api/list_chats", "").bearer_auth(token);
        assert_eq!(Client::send_only(request).await.status, 401);
        let request = stranger.form_request("/api/create_token", "name=x&days=7&chats_read=yes").bearer_auth(token);
        assert_eq!(Client::send_only(request).await.status, 401);
        assert_eq!(Tab::try_open(&stranger, &[("authorization", &format!("Bearer {token}"))]).await.err(), Some(401));
    }
}

async fn chats_are_listed_a_page_at_a_time(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, stranger) = (app.alice().await, app.anonymous());
    let token = sign_in(&app, &alice.email).await;
    let mut tab = Tab::open(&alice).await;
    let made = create_chat(&stranger, &token).await;
    tab.until("the new chat", |screen| screen.chats.iter().any(|chat| chat.id.to_string() == made)).await;
    let chat: Value = get(&stranger, &format!("/api/v1/chats/{made}"), &token).await.ok();
    assert_eq!((&chat["title"], &chat["model"]), (&json!(""), &Value::Null));
    for _ in 0..limits::CHATS_PER_PAGE {
        alice.create_chat().await;
    }
    let first: Value = get(&stranger, "/api/v1/chats", &token).await.ok();
    assert_eq!(first["chats"].as_array().unwrap().len() as u64, limits::CHATS_PER_PAGE);
    let (ms, id) = (&first["next"]["before_ms"], first["next"]["before_id"].as_str().unwrap());
    let second: Value = get(&stranger, &format!("/api/v1/chats?before_ms={ms}&before_id={id}"), &token).await.ok();
    assert_eq!(second["chats"].as_array().unwrap().len(), 1);
    assert_eq!(second["chats"][0]["id"], json!(made));
    assert_eq!(second["next"], Value::Null);
    for (query, status) in [("before_ms=1", 422), ("before_ms=1&before_id=x", 422), ("before_ms=x&before_id=x", 400)] {
        assert_eq!(get(&stranger, &format!("/api/v1/chats?{query}"), &token).await.status, status, "{query}");
    }
}

async fn a_message_is_answered_with_its_finished_reply(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, stranger) = (app.alice().await, app.anonymous());
    let token = sign_in(&app, &alice.email).await;
    app.upstream.answer_with("**Hello** there.");
    let chat = create_chat(&stranger, &token).await;
    let body = json!({ "text": "Hi", "model": "openai/other-model" });
    let reply: Value = post(&stranger, &messages_path(&chat), Some(&token), body).await.ok();
    assert_eq!(reply["text"], "**Hello** there.");
    assert_eq!((&reply["state"], &reply["author"]), (&json!("complete"), &json!("model")));
    assert_eq!(reply["model"], "openai/other-model");
    // It is the same chat that the browser has.
    let page: Value = get(&stranger, &messages_path(&chat), &token).await.ok();
    assert_eq!(page["messages"][0]["text"], "Hi");
    assert_eq!(page["messages"][1], reply);
    assert_eq!(page["has_older"], false);
    let chat_id: ChatId = chat.parse().unwrap();
    assert_eq!(alice.open_chat(chat_id).await.messages.messages.len(), 2);
    let answer = post(&stranger, &messages_path(&chat), Some(&token), json!({ "text": "Hi", "model": "x/y" })).await;
    assert_eq!(answer.refusal(), (422, "model_invalid".to_owned()));
}

async fn a_message_is_answered_piece_by_piece(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, stranger) = (app.alice().await, app.anonymous());
    let token = sign_in(&app, &alice.email).await;
    for by_header in [false, true] {
        app.upstream.by_hand();
        let chat = create_chat(&stranger, &token).await;
        let request = stranger.program(Method::POST, &messages_path(&chat), Some(&token));
        let request = match by_header {
            true => request.header(header::ACCEPT, "text/event-stream").json(&json!({ "text": "Hi" })),
            false => request.json(&json!({ "text": "Hi", "stream": true })),
        };
        let mut events = Events::open(request).await;
        let (name, sent) = events.next().await.unwrap();
        assert_eq!(name, "sent");
        let mut call = app.upstream.call().await;
        call.begin();
        call.piece("The *first* half");
        assert_eq!(events.next().await.unwrap(), ("text".to_owned(), json!({ "text": "The *first* half" })));
        call.piece(" and\nthe second.");
        assert_eq!(events.next().await.unwrap(), ("text".to_owned(), json!({ "text": " and\nthe second." })));
        call.done();
        let (name, reply) = events.next().await.unwrap();
        assert_eq!((name.as_str(), &reply["id"]), ("end", &sent["reply_id"]));
        assert_eq!(reply["text"], "The *first* half and\nthe second.");
        assert_eq!(events.next().await, None);
    }
}

async fn messages_are_read_back_a_page_at_a_time(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, stranger) = (app.alice().await, app.anonymous());
    let token = sign_in(&app, &alice.email).await;
    let chat = create_chat(&stranger, &token).await;
    let count = limits::MESSAGES_PER_PAGE as i64 + 4;
    for n in 0..count / 2 {
        let body = json!({ "text": n.to_string() });
        assert_eq!(post(&stranger, &messages_path(&chat), Some(&token), body).await.status, 200);
    }
    let mut before: Option<i64> = None;
    let mut places = Vec::new();
    loop {
        let query = before.map(|seq| format!("?before_seq={seq}")).unwrap_or_default();
        let page: Value = get(&stranger, &format!("{}{query}", messages_path(&chat)), &token).await.ok();
        let of_page = page["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_i64().unwrap());
        places.splice(0..0, of_page);
        before = Some(places[0]);
        if page["has_older"] == false {
            break;
        }
    }
    assert_eq!(places, (1..=count).collect::<Vec<_>>());
}

async fn sending_again_under_the_same_id_gives_the_same_reply(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, stranger) = (app.alice().await, app.anonymous());
    let token = sign_in(&app, &alice.email).await;
    let chat = create_chat(&stranger, &token).await;
    let body = json!({ "text": "Hi", "client_message_id": Uuid::new_v4() });
    let first: Value = post(&stranger, &messages_path(&chat), Some(&token), body.clone()).await.ok();
    let again: Value = post(&stranger, &messages_path(&chat), Some(&token), body.clone()).await.ok();
    assert_eq!(first, again);
    assert_eq!(app.upstream.asked(), 1);
    // A stream of what has ended long ago has it all.
    let mut streamed = body.clone();
    streamed["stream"] = json!(true);
    let mut events =
        Events::open(stranger.program(Method::POST, &messages_path(&chat), Some(&token)).json(&streamed)).await;
    let names = [events.next().await.unwrap().0, events.next().await.unwrap().0, events.next().await.unwrap().0];
    assert_eq!(names, ["sent", "text", "end"]);
    let mut other = body;
    other["text"] = json!("something else");
    assert_eq!(post(&stranger, &messages_path(&chat), Some(&token), other).await.status, 409);
    let broken = json!({ "text": "Hi", "client_message_id": "1" });
    assert_eq!(post(&stranger, &messages_path(&chat), Some(&token), broken).await.status, 422);
}

async fn a_failed_reply_says_why(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, stranger) = (app.alice().await, app.anonymous());
    let token = sign_in(&app, &alice.email).await;
    app.upstream.by_hand();
    let chat = create_chat(&stranger, &token).await;
    let path = messages_path(&chat);
    let asking = post(&stranger, &path, Some(&token), json!({ "text": "Hi" }));
    let failing = async { app.upstream.call().await.answer(axum::http::StatusCode::UNAUTHORIZED) };
    let (answer, ()) = tokio::join!(asking, failing);
    let reply: Value = answer.ok();
    assert_eq!((&reply["state"], &reply["failure"]["code"]), (&json!("failed"), &json!("key_refused")));
    assert!(!reply["failure"]["text"].as_str().unwrap().is_empty());
}

async fn a_stream_ends_with_its_session(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, stranger) = (app.alice().await, app.anonymous());
    let tokens = tokens_of(&app, &alice).await;
    app.upstream.by_hand();
    for token in [&tokens.signed, &tokens.personal] {
        let chat = create_chat(&stranger, token).await;
        let body = json!({ "text": "Hi", "stream": true });
        let request = stranger.program(Method::POST, &messages_path(&chat), Some(token)).json(&body);
        let mut events = Events::open(request).await;
        assert_eq!(events.next().await.unwrap().0, "sent");
        let mut call = app.upstream.call().await;
        call.begin();
        call.piece("One");
        assert_eq!(events.next().await.unwrap().0, "text");
        if token.starts_with("sdx_") {
            app.database.execute("DELETE FROM access_token").await;
        } else {
            alice.post("/api/end_other_sessions", &[]).await.ok::<u64>();
        }
        let (name, error) = events.next().await.unwrap();
        assert_eq!(name, "error", "{error}");
        assert!(["session_revoked", "token_invalid"].contains(&error["code"].as_str().unwrap()), "{error}");
        assert_eq!(events.next().await, None);
        // The reply goes on: it is its user's, not the program's.
        assert!(!call.is_gone());
        call.done();
    }
}

async fn x5_x17_i3_what_nobody_asked_for_is_refused(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, stranger) = (app.alice().await, app.anonymous());
    let token = sign_in(&app, &alice.email).await;
    let chat = create_chat(&stranger, &token).await;
    let paths = [
        ("/api/v1/token".to_owned(), json!({ "email": alice.email, "password": PASSWORD })),
        ("/api/v1/chats".to_owned(), json!({})),
        (messages_path(&chat), json!({ "text": "Hi" })),
    ];
    for (path, good) in &paths {
        for field in ["id", "user_id", "owner_id", "role", "is_admin", "created_at_ms", "state", "seq"] {
            let mut body = good.clone();
            body[field] = json!("00000000-0000-0000-0000-000000000000");
            assert_eq!(post(&stranger, path, Some(&token), body).await.status, 400, "{path} {field}");
        }
        for body in [
            "",
            "null",
            "[]",
            "1",
            "\"x\"",
            "{",
            "{\"text\":1}",
            "{\"text\":\"a\",\"text\":\"b\"}",
            "{\"email\":{\"$ne\":\"\"}}",
        ] {
            let request = stranger.program(Method::POST, path, Some(&token));
            let request = request.header(header::CONTENT_TYPE, "application/json").body(body);
            assert_eq!(Client::send_only(request).await.refusal(), (400, "malformed".to_owned()), "{path} {body}");
        }
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""] {
            let request = stranger.program(Method::POST, path, Some(&token)).body(good.to_string());
            let request = request.header(header::CONTENT_TYPE, content_type);
            assert_eq!(Client::send_only(request).await.status, 400, "{path} {content_type}");
        }
        let mut large = good.clone();
        large["text"] = json!("x".repeat(limits::REQUEST_BODY_BYTES_MAX));
        assert_eq!(post(&stranger, path, Some(&token), large).await.refusal(), (413, "too_large".to_owned()), "{path}");
    }
    let long = json!({ "email": alice.email, "password": "x".repeat(limits::PASSWORD_BODY_BYTES_MAX) });
    assert_eq!(ask_token(&app, long).await.status, 413);
    let nameless = json!({ "email": alice.email, "password": PASSWORD, "name": "a\nb" });
    assert_eq!(ask_token(&app, nameless).await.refusal(), (422, "token_name_invalid".to_owned()));
    assert_eq!(post(&stranger, &messages_path(&chat), Some(&token), json!({ "text": " " })).await.status, 422);
    for path in ["/api/v1/chats?limit=1", "/api/v1/chats?before_ms=1&before_ms=2&before_id=x"] {
        assert_eq!(get(&stranger, path, &token).await.status, 400, "{path}");
    }
    let messages = messages_path(&chat);
    for seq in ["x", "1.5", "9223372036854775808"] {
        assert_eq!(get(&stranger, &format!("{messages}?before_seq={seq}"), &token).await.status, 400, "{seq}");
    }
    for seq in ["-1", "0", "9223372036854775807", "-9223372036854775808"] {
        assert_eq!(get(&stranger, &format!("{messages}?before_seq={seq}"), &token).await.status, 200, "{seq}");
    }
    for id in ["x", "%ff", "%00", &chat.to_uppercase(), &chat.replace('-', "")] {
        assert_eq!(get(&stranger, &format!("/api/v1/chats/{id}"), &token).await.status, 404, "{id}");
    }
    assert_eq!(alice.list_chats(None).await.chats.len(), 1);
}

async fn too_many_personal_tokens_are_refused(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    for _ in 0..limits::TOKENS_PER_USER_MAX {
        make_token(&alice, "one of many", &["chats_read"]).await;
    }
    let fields = [("name", "one more"), ("days", "7"), ("chats_read", "yes")];
    assert_eq!(alice.call::<CreateToken>(&fields).await.refusal(), (429, "too_many".to_owned()));
}

async fn a_secret_that_is_too_short_ends_the_start(setup: Setup) {
    let app = TestApp::start(setup).await;
    for (current, previous, name) in [
        (Some("short"), None, "SARDONYX_SECRET:"),
        (Some(""), None, "SARDONYX_SECRET:"),
        (None, Some("short"), "SARDONYX_SECRET_PREVIOUS:"),
    ] {
        let mut config = (*app.state.config).clone();
        config.secrets.secret = current.map(str::to_owned);
        config.secrets.secret_previous = previous.map(str::to_owned).into_iter().collect();
        let error = config.check().unwrap_err();
        assert!(error.starts_with(name) && error.contains("32"), "{error}");
        assert!(!format!("{config:?}").contains("short"));
    }
}

async fn a_rotated_secret_keeps_tokens_valid(setup: Setup) {
    const OLD: &str = "an old secret of at least 32 characters";
    const NEW: &str = "a new secret of at least 32 characters";
    let first = setup.clone().config(|config| config.secrets.secret = Some(OLD.to_owned()));
    let app = TestApp::start(first).await;
    let token = sign_in(&app, &app.alice().await.email).await;
    let rotated = app
        .restart_with(|config| {
            config.secrets.secret = Some(NEW.to_owned());
            config.secrets.secret_previous = vec![OLD.to_owned()];
        })
        .await;
    assert_eq!(get(&rotated.anonymous(), "/api/v1/me", &token).await.status, 200);
    let fresh: Value = post(&rotated.anonymous(), "/api/v1/token/refresh", Some(&token), json!({})).await.ok();
    let forgotten = rotated.restart_with(|config| config.secrets.secret_previous.clear()).await;
    let answer = get(&forgotten.anonymous(), "/api/v1/me", &token).await;
    assert_eq!(answer.refusal(), (401, "token_invalid".to_owned()));
    let fresh = fresh["access_token"].as_str().unwrap();
    assert_eq!(get(&forgotten.anonymous(), "/api/v1/me", fresh).await.status, 200);
}

async fn a_made_secret_is_for_its_owner_alone_and_survives_a_restart(setup: Setup) {
    let app = TestApp::start(setup).await;
    let token = sign_in(&app, &app.alice().await.email).await;
    let file: PathBuf = app.database.folder.join("secret");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let app = app.restart().await;
    assert_eq!(get(&app.anonymous(), "/api/v1/me", &token).await.status, 200);
}

async fn a_token_of_one_server_works_at_another_with_the_same_secret(setup: Setup) {
    let app = TestApp::start(setup.config(|config| config.secrets.secret = Some("x".repeat(32)))).await;
    let other = app.another().await;
    let alice = app.alice().await;
    let token = sign_in(&app, &alice.email).await;
    let chat = create_chat(&other.anonymous(), &token).await;
    // A reply that one server writes is heard out at the other.
    app.upstream.by_hand();
    let body = json!({ "text": "Hi", "client_message_id": Uuid::new_v4() });
    let (here, there) = (app.anonymous(), other.anonymous());
    let path = messages_path(&chat);
    let first = post(&here, &path, Some(&token), body.clone());
    let second = async {
        let mut call = app.upstream.call().await;
        call.begin();
        call.piece("Heard by both.");
        let request = there.program(Method::POST, &path, Some(&token)).header(header::ACCEPT, "text/event-stream");
        let mut events = Events::open(request.json(&body)).await;
        assert_eq!(events.next().await.unwrap().0, "sent");
        assert_eq!(events.next().await.unwrap(), ("text".to_owned(), json!({ "text": "Heard by both." })));
        call.done();
        events.next().await.unwrap()
    };
    let (first, (name, second)) = tokio::join!(first, second);
    assert_eq!(name, "end");
    assert_eq!(first.ok::<Value>(), second);
    // And a session that ends at one ends at the other.
    alice.post("/api/end_other_sessions", &[]).await.ok::<u64>();
    assert_eq!(get(&there, "/api/v1/me", &token).await.status, 401);
}

async fn x24_the_description_is_for_everybody_and_loads_nothing_from_elsewhere(setup: Setup) {
    let app = TestApp::start(setup).await;
    let stranger = app.anonymous();
    let document: Value = stranger.get("/api/v1/openapi.json").await.ok();
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let page = stranger.get("/api/v1/docs").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("script-src") && !policy.contains("unsafe"));
    let html = page.text();
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("/api/v1/chats/{id}/messages"), "{html}");
    assert!(!html.contains("<script") && !html.contains("style=\"") && !html.contains("http"), "{html}");
}

/// A stream of events, read as it comes.
struct Events {
    bytes: futures::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    read: String,
}

impl Events {
    async fn open(request: reqwest::RequestBuilder) -> Self {
        let response = soon("a stream", request.send()).await.unwrap();
        assert_eq!(response.status(), 200);
        let content_type = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        assert!(content_type.starts_with("text/event-stream"), "{content_type}");
        Self { bytes: response.bytes_stream().boxed(), read: String::new() }
    }

    /// The next event; none at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.read = rest;
                let fields: BTreeMap<&str, &str> = event.lines().filter_map(|line| line.split_once(": ")).collect();
                if let (Some(name), Some(data)) = (fields.get("event"), fields.get("data")) {
                    return Some(((*name).to_owned(), serde_json::from_str(data).unwrap()));
                }
                continue;
            }
            let bytes = soon("an event", self.bytes.next()).await?.unwrap();
            self.read.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }
}
