//! Providers, models and the site's settings: what those do who run the site, what follows at once, and where a provider's
//! key never is.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use sardonyx::{
    api::{
        account::SavePreferences,
        admin::{InvitePerson, ListAudit},
        messages::{RetryReply, SendMessage},
        models::ListModels,
        providers::{ChangeProvider, ListProviders, OfferModel, SaveProvider, TestProvider},
        session::FindCurrentSession,
        site::{DismissNotice, FindSite, SaveSite},
    },
    domain::{
        admin::AuditPage,
        ids::{ChatId, ClientMessageId, MessageId},
        live::LiveEvent,
        message::{MessageState, ReplyFailure},
        model::ModelList,
        provider::{ProviderFailure, ProviderState, ProviderTest, ProviderView},
        session::CurrentSession,
        site::SiteForm,
    },
    server::site,
};
use serde_json::{Value, json};

use crate::{
    api,
    support::{
        Answer, Client, Person, Setup, Tab, TestApp, Upstream, eventually, logs, people::PASSWORD, soon, tab::text,
    },
};

crate::on_both_databases![
    u7_a_key_is_never_shown_to_another_server,
    u9_a_providers_key_is_nowhere_but_with_its_provider,
    u10_a_model_that_is_not_offered_is_refused_at_every_door,
    a9_every_change_is_in_the_log,
    a_provider_is_connected_used_and_removed_while_a_reply_runs,
    a_key_under_another_secret_is_said_to_be_locked,
    every_setting_of_the_site_has_its_effect,
    the_notice_is_heard_of_in_every_tab_and_dismissed_by_its_text,
];
crate::once![
    a3_only_administrators_manage_models_and_the_site,
    u2_u6_a_link_local_address_is_refused_when_saved_and_when_used,
    u8_a_test_tells_a_class_and_nothing_of_what_was_answered,
    u13_odd_names_addresses_and_keys_are_refused,
    x24_a_stranger_learns_the_sites_name_and_nothing_else,
    what_the_start_sets_counts_and_is_shown_so,
    everything_works_as_plain_forms,
];
crate::on_a_cluster![every_server_follows_within_a_second];

const CANARY: &str = "sk-canary-0123456789abcdef-wxyz";

async fn u7_a_key_is_never_shown_to_another_server(setup: Setup) {
    let app = TestApp::start(setup).await;
    let admin = app.admin().await;
    let (own, other) = (Upstream::start().await, Upstream::start().await);
    add(&admin, "own", own.url(), CANARY).await.ok::<()>();
    let id = id_of(&admin, "own").await;
    // The same server under another name, or by another scheme, is another server.
    let renamed = own.url().replace("127.0.0.1", "localhost");
    let secure = own.url().replace("http:", "https:");
    for url in [other.url(), &renamed, &secure] {
        assert_eq!(save(&admin, &id, url, "", false).await.refusal(), (409, "key_needed".to_owned()), "{url}");
        let fields = [("provider_id", id.as_str()), ("base_url", url)];
        assert_eq!(admin.call::<TestProvider>(&fields).await.refusal(), (409, "key_needed".to_owned()), "{url}");
    }
    assert!(other.shown().is_empty());
    // Another path of the same server is not.
    save(&admin, &id, &format!("{}/", own.url()), "", false).await.ok::<()>();
    let answer = admin.call::<TestProvider>(&[("provider_id", &id)]).await;
    assert_eq!(answer.ok::<ProviderTest>(), ProviderTest::Works { models: 2 });
    assert_eq!(own.shown().last().unwrap(), &format!("Bearer {CANARY}"));
    // Somebody who can write to the database, and does not know the secret, gets nothing either (U6).
    app.database.execute(&format!("UPDATE provider SET base_url = '{}'", other.url())).await;
    site::reload(&app.state).await.unwrap();
    assert_eq!(find(&admin, "own").await.state, ProviderState::KeyLocked);
    assert_eq!(admin.call::<TestProvider>(&[("provider_id", &id)]).await.status, 409);
    models(&admin).await;
    assert!(other.shown().is_empty());
    // A server that needs no key is shown none.
    save(&admin, &id, other.url(), "", true).await.ok::<()>();
    eventually("the other server's models", async || models(&admin).await.contains(&"own/test-model".to_owned())).await;
    assert!(other.shown().iter().all(String::is_empty) && !other.shown().is_empty());
    assert!(!find(&admin, "own").await.stored.unwrap().has_key);
}

async fn u9_a_providers_key_is_nowhere_but_with_its_provider(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice) = (app.admin().await, app.alice().await);
    let upstream = Upstream::start().await;
    let mut tab = Tab::open(&admin).await;
    let mut heard = vec![add(&admin, "second", upstream.url(), CANARY).await.text()];
    let id = id_of(&admin, "second").await;
    heard.push(admin.call::<TestProvider>(&[("provider_id", &id)]).await.text());
    let (chat_id, reply_id) = ask(&alice, "second/test-model").await;
    Tab::on_chat(&alice, chat_id).await.until_end(reply_id).await;
    // It is the key that its server was shown, for the list and for the reply.
    assert!(upstream.shown().len() >= 2 && upstream.shown().iter().all(|shown| *shown == format!("Bearer {CANARY}")));
    // One that repeats the key when it refuses it.
    upstream.refuse_list(StatusCode::UNAUTHORIZED);
    heard.push(admin.call::<TestProvider>(&[("provider_id", &id)]).await.text());
    let typed = [("base_url", upstream.url()), ("key", CANARY)];
    heard.push(admin.call::<TestProvider>(&typed).await.text());
    heard.push(add(&admin, "Not A Name", upstream.url(), CANARY).await.text());
    heard.push(add(&admin, "third", "nonsense", CANARY).await.text());
    heard.push(add(&admin, "fourth", upstream.url(), &format!("{CANARY} blank")).await.text());
    upstream.by_hand();
    let (chat_id, reply_id) = ask(&alice, "second/test-model").await;
    let refusal = (StatusCode::UNAUTHORIZED, axum::Json(json!({ "error": format!("no such key {CANARY}") })));
    upstream.call().await.answer(refusal);
    let message = Tab::on_chat(&alice, chat_id).await.until_end(reply_id).await;
    assert_eq!(message.state, MessageState::Failed(ReplyFailure::KeyRefused));
    heard.push(format!("{message:?}"));
    for person in [&admin.client, &alice.client, &app.anonymous()] {
        let functions = ["list_providers", "list_models", "find_site", "list_chats", "current_session"];
        let functions = functions.map(|name| format!("/api/{name}"));
        for path in &functions {
            heard.push(person.post(path, &[]).await.text());
        }
        let pages =
            ["/admin/models", "/admin/site", "/admin/audit", "/admin/audit.csv", "/settings/data.json", "/settings"];
        for path in pages.into_iter().chain(["/login", "/healthz", "/readyz", "/api/v1/openapi.json"]) {
            heard.push(person.get(path).await.text());
        }
    }
    admin.call::<ListAudit>(&[("who", ""), ("action", "")]).await.ok::<AuditPage>();
    tab.until("the news of the provider", |_| true).await;
    heard.extend(app.database.dump().await.into_values().flatten());
    heard.push(logs::text());
    let inside = CANARY.trim_start_matches("sk-").trim_end_matches("-wxyz");
    for text in &heard {
        assert!(!text.contains(inside), "{text}");
    }
    // Those who run the site see its end, others not even that.
    let view = find(&admin, "second").await.stored.unwrap();
    assert_eq!((view.has_key, view.key_hint.as_str()), (true, "wxyz"));
    assert!(admin.get("/admin/models").await.text().contains("…wxyz"));
    // Nothing of a short one.
    add(&admin, "short", upstream.url(), "sk-short").await.ok::<()>();
    let view = find(&admin, "short").await.stored.unwrap();
    assert_eq!((view.has_key, view.key_hint.as_str()), (true, ""));
}

async fn u10_a_model_that_is_not_offered_is_refused_at_every_door(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice) = (app.admin().await, app.alice().await);
    let other = "openai/other-model";
    app.upstream.by_hand();
    let (chat_id, reply_id) = ask(&alice, other).await;
    app.upstream.call().await.answer(StatusCode::INTERNAL_SERVER_ERROR);
    Tab::on_chat(&alice, chat_id).await.until_end(reply_id).await;
    app.upstream.answer_with("Another answer.");
    let asked = app.upstream.asked();
    offer(&admin, other, false).await.ok::<()>();
    assert_eq!(models(&alice).await, ["openai/test-model"]);
    for page in ["/chats", &format!("/chats/{chat_id}"), "/settings"] {
        assert!(!alice.get(page).await.text().contains(&format!("<option value=\"{other}\"")), "{page}");
    }
    let refused = (422, "model_invalid".to_owned());
    let tokens = api::tokens_of(&app, &alice).await;
    // As unknown ones, and those of a provider that is not there.
    for model in [other, "nobody/model", "embedded-2/x"] {
        assert_eq!(try_ask(&alice, chat_id, model).await.refusal(), refused, "{model}");
        let retry = [("message_id", reply_id.to_string()), ("model", model.to_owned())];
        let retry: Vec<_> = retry.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(alice.call::<RetryReply>(&retry).await.refusal(), refused, "{model}");
        assert_eq!(prefer(&alice, model).await.refusal(), refused, "{model}");
        assert_eq!(save_site(&admin, &[("default_model", model)]).await.refusal(), refused, "{model}");
        for token in [&tokens.signed, &tokens.personal] {
            let path = format!("/api/v1/chats/{chat_id}/messages");
            let request = alice.program("POST".parse().unwrap(), &path, Some(token));
            let answer = Client::send_only(request.json(&json!({ "text": "Hi", "model": model }))).await;
            assert_eq!(answer.refusal(), refused, "{model}");
        }
    }
    assert_eq!(app.upstream.asked(), asked);
    // Asked for again without a name, another model answers.
    let sent = alice.call::<RetryReply>(&[("message_id", &reply_id.to_string())]).await;
    let message = Tab::on_chat(&alice, chat_id).await.until_end(sent.ok::<MessageId>()).await;
    assert_eq!(message.state, MessageState::Complete);
    let chat = alice.open_chat(chat_id).await.chat;
    assert_eq!(chat.model.unwrap().as_str(), "openai/test-model");
    // Even the one that the server was started with.
    offer(&admin, other, true).await.ok::<()>();
    offer(&admin, "openai/test-model", false).await.ok::<()>();
    assert_eq!(models(&alice).await, [other]);
    let (chat_id, sent) = alice.ask("Who answers?").await;
    Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await;
    assert_eq!(alice.open_chat(chat_id).await.chat.model.unwrap().as_str(), other);
}

async fn a9_every_change_is_in_the_log(setup: Setup) {
    let app = TestApp::start(setup).await;
    let admin = app.admin().await;
    let url = app.upstream.url();
    add(&admin, "second", url, CANARY).await.ok::<()>();
    let id = id_of(&admin, "second").await;
    save(&admin, &id, url, "", false).await.ok::<()>();
    for what in ["disable", "enable"] {
        change(&admin, &id, what).await.ok::<()>();
    }
    offer(&admin, "second/test-model", false).await.ok::<()>();
    offer(&admin, "second/test-model", true).await.ok::<()>();
    change(&admin, &id, "remove").await.ok::<()>();
    save_site(&admin, &[("name", "Acme"), ("notice", "Hello")]).await.ok::<()>();
    // What changes nothing is no change.
    save_site(&admin, &[("name", "Acme"), ("notice", "Hello")]).await.ok::<()>();
    let page: AuditPage = admin.call::<ListAudit>(&[("who", "admin@"), ("action", "")]).await.ok();
    let entries: Vec<_> = page.entries.iter().rev().map(|row| (row.action.as_str(), row.subject.clone())).collect();
    let place = format!("second {url}");
    let expected = [
        ("provider_added", place.as_str()),
        ("provider_changed", &place),
        ("provider_disabled", "second"),
        ("provider_enabled", "second"),
        ("model_hidden", "second/test-model"),
        ("model_offered", "second/test-model"),
        ("provider_removed", "second"),
        ("site_changed", "name, notice"),
    ];
    let expected: Vec<_> = expected.into_iter().map(|(action, subject)| (action, subject.to_owned())).collect();
    assert_eq!(entries[entries.len() - expected.len()..], expected);
    assert!(page.entries.iter().all(|row| row.address == "127.0.0.1"));
}

async fn a_provider_is_connected_used_and_removed_while_a_reply_runs(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice) = (app.admin().await, app.alice().await);
    let second = Upstream::start().await;
    second.by_hand();
    for (name, status) in [("openai", 422), ("embedded", 422), ("second", 200), ("second", 422)] {
        assert_eq!(add(&admin, name, second.url(), "").await.status, status, "{name}");
    }
    let id = id_of(&admin, "second").await;
    let view = find(&admin, "second").await;
    assert_eq!((view.state, view.models.len()), (ProviderState::Reachable, 2));
    let (chat_id, reply_id) = ask(&alice, "second/test-model").await;
    let mut call = second.call().await;
    call.begin();
    call.piece("The first half");
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    tab.until("the text", |screen| screen.text_of(reply_id).contains("half")).await;
    change(&admin, &id, "remove").await.ok::<()>();
    assert!(!models(&alice).await.iter().any(|name| name.starts_with("second/")));
    // What runs goes on with what it began with.
    call.piece(" and the second.");
    call.done();
    let message = tab.until_end(reply_id).await;
    assert_eq!(
        (text(&message).as_str(), message.state),
        ("<p>The first half and the second.</p>", MessageState::Complete)
    );
    // The chat keeps its text; what was its model answers no more, another one does.
    assert_eq!(alice.open_chat(chat_id).await.messages.messages.len(), 2);
    assert_eq!(try_ask(&alice, chat_id, "second/test-model").await.status, 422);
    let sent = alice.send_message(chat_id, "And you?").await;
    tab.until_end(sent.reply_id).await;
    assert_eq!((app.upstream.asked(), second.asked()), (1, 1));
    // One that is switched off is there, and in no list.
    add(&admin, "second", second.url(), "").await.ok::<()>();
    let id = id_of(&admin, "second").await;
    assert!(models(&alice).await.contains(&"second/test-model".to_owned()));
    change(&admin, &id, "disable").await.ok::<()>();
    assert!(!models(&alice).await.contains(&"second/test-model".to_owned()));
    assert_eq!(try_ask(&alice, chat_id, "second/test-model").await.status, 422);
    assert_eq!(find(&admin, "second").await.state, ProviderState::Disabled);
    change(&admin, &id, "enable").await.ok::<()>();
    assert!(models(&alice).await.contains(&"second/test-model".to_owned()));
    assert_eq!(change(&admin, &id, "explode").await.status, 422);
    // All of it outlives the server.
    let app = app.restart().await;
    let alice = app.log_in("alice@example.org").await;
    assert!(models(&alice).await.contains(&"second/test-model".to_owned()));
}

async fn a_key_under_another_secret_is_said_to_be_locked(setup: Setup) {
    let old = || Some("the secret of before, at least 32 long".to_owned());
    let app = TestApp::start(setup.config(move |config| config.secrets.secret = old())).await;
    let upstream = Upstream::start().await;
    let admin = app.admin().await;
    add(&admin, "second", upstream.url(), CANARY).await.ok::<()>();
    let new = || Some("another secret, also more than 32 long".to_owned());
    let app = app.restart_with(move |config| config.secrets.secret = new()).await;
    let admin = app.log_in("admin@example.org").await;
    let view = find(&admin, "second").await;
    assert_eq!(view.state, ProviderState::KeyLocked);
    assert!(admin.get("/admin/models").await.text().contains("SARDONYX_SECRET_PREVIOUS"));
    assert!(!models(&admin).await.iter().any(|name| name.starts_with("second/")));
    let app = app.restart_with(move |config| config.secrets.secret_previous = old().into_iter().collect()).await;
    let admin = app.log_in("admin@example.org").await;
    assert_eq!(find(&admin, "second").await.state, ProviderState::Reachable);
    // Typed again, it is under the new one.
    let id = id_of(&admin, "second").await;
    save(&admin, &id, upstream.url(), CANARY, false).await.ok::<()>();
    let app = app.restart_with(|config| config.secrets.secret_previous = Vec::new()).await;
    let admin = app.log_in("admin@example.org").await;
    assert_eq!(find(&admin, "second").await.state, ProviderState::Reachable);
    assert!(upstream.shown().iter().all(|shown| *shown == format!("Bearer {CANARY}")));
}

async fn every_setting_of_the_site_has_its_effect(setup: Setup) {
    let app = TestApp::start(setup.config(|config| config.models.model = None)).await;
    let (admin, alice) = (app.admin().await, app.alice().await);
    let personal = api::make_token(&alice, "made before", &["chats_read"]).await;
    let signed = api::tokens_of(&app, &alice).await.signed;
    assert_eq!(models_of(&alice).await.default.unwrap().as_str(), "openai/test-model");
    let fields = [
        ("name", "Acme & <Sons>"),
        ("default_model", "openai/other-model"),
        ("notice", "Closed on Friday."),
        ("members_make_tokens", ""),
        ("invitation_days", "2"),
    ];
    save_site(&admin, &fields).await.ok::<()>();
    // The name: in the title and on the log-in page.
    let html = app.anonymous().get("/login").await.text();
    assert!(html.contains("<title>Log in · Acme &amp; &lt;Sons&gt;</title>"), "{html}");
    assert!(html.contains("logo-name\">Acme &amp; &lt;Sons&gt;<") && !html.contains("Sardonyx<"), "{html}");
    // The default model.
    assert_eq!(models_of(&alice).await.default.unwrap().as_str(), "openai/other-model");
    let (chat_id, sent) = alice.ask("Who answers?").await;
    Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await;
    assert_eq!(alice.open_chat(chat_id).await.chat.model.unwrap().as_str(), "openai/other-model");
    // The notice, also in the page itself.
    assert!(alice.get("/chats").await.text().contains("Closed on Friday."));
    assert!(!app.anonymous().get("/login").await.text().contains("Closed on Friday."));
    // Tokens: none more for members, in no way; those that there are stay.
    let off = (403, "tokens_off".to_owned());
    let token = [("name", "another"), ("days", "7"), ("chats_read", "yes")];
    assert_eq!(alice.post("/api/create_token", &token).await.refusal(), off);
    assert!(!alice.get("/settings/tokens").await.text().contains("name=\"days\""));
    let log_in = async |email: &str| {
        let request = alice.program("POST".parse().unwrap(), "/api/v1/token", None);
        Client::send_only(request.json(&json!({ "email": email, "password": PASSWORD }))).await
    };
    assert_eq!(log_in("alice@example.org").await.refusal(), off);
    let refresh = alice.program("POST".parse().unwrap(), "/api/v1/token/refresh", Some(&signed));
    assert_eq!(Client::send_only(refresh).await.refusal(), off);
    let own = alice.program("GET".parse().unwrap(), "/api/v1/chats", Some(&personal));
    assert_eq!(Client::send_only(own).await.status, 200);
    assert_eq!(log_in("admin@example.org").await.status, 200);
    admin.post("/api/create_token", &token).await.ok::<String>();
    // Invitations.
    admin.call::<InvitePerson>(&[("email", "new@example.org"), ("role", "member")]).await.ok::<String>();
    let left = "SELECT expires_at_ms FROM one_time_link";
    let now_ms = app.database.number("SELECT MAX(at_ms) FROM audit_entry").await;
    let left_ms = app.database.number(left).await - now_ms;
    assert!((left_ms - 2 * 24 * 3_600_000).abs() < 60_000, "{left_ms}");
    // And back.
    save_site(&admin, &[]).await.ok::<()>();
    alice.post("/api/create_token", &token).await.ok::<String>();
    assert_eq!(models_of(&alice).await.default.unwrap().as_str(), "openai/test-model");
    // A provider that is removed takes the default along.
    add(&admin, "second", app.upstream.url(), "").await.ok::<()>();
    save_site(&admin, &[("default_model", "second/other-model")]).await.ok::<()>();
    assert_eq!(models_of(&alice).await.default.unwrap().as_str(), "second/other-model");
    change(&admin, &id_of(&admin, "second").await, "remove").await.ok::<()>();
    assert!(admin.call::<FindSite>(&[]).await.ok::<SiteForm>().settings.default_model.is_none());
    assert_eq!(models_of(&alice).await.default.unwrap().as_str(), "openai/test-model");
    let refused = [("invitation_days", "31"), ("name", " "), ("name", "a\nb"), ("default_model", "no slash")];
    for field in refused {
        assert_eq!(save_site(&admin, &[field]).await.status, 422, "{field:?}");
    }
    assert_eq!(save_site(&admin, &[("notice", &"x".repeat(501))]).await.refusal(), (422, "notice_invalid".to_owned()));
}

async fn the_notice_is_heard_of_in_every_tab_and_dismissed_by_its_text(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice, bob) = (app.admin().await, app.alice().await, app.bob().await);
    let mut tabs = [Tab::open(&alice).await, Tab::open(&bob).await, Tab::open(&admin).await];
    save_site(&admin, &[("notice", "First")]).await.ok::<()>();
    for tab in &mut tabs {
        soon("the news", async { while tab.next().await != Some(LiveEvent::SiteChanged) {} }).await;
    }
    let notice =
        async |person: &Person| person.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>().site.notice;
    let first = notice(&alice).await.unwrap();
    assert_eq!(first.text, "First");
    assert_eq!(alice.call::<DismissNotice>(&[("notice_id", "another")]).await.status, 404);
    alice.call::<DismissNotice>(&[("notice_id", &first.id)]).await.ok::<()>();
    assert!(notice(&alice).await.is_none() && notice(&bob).await.is_some());
    assert!(!alice.get("/chats").await.text().contains("First"));
    // Another text is another notice; without one there is nothing.
    save_site(&admin, &[("notice", "Second")]).await.ok::<()>();
    assert_eq!(notice(&alice).await.unwrap().text, "Second");
    save_site(&admin, &[("notice", "")]).await.ok::<()>();
    assert!(notice(&alice).await.is_none() && notice(&bob).await.is_none());
    assert_eq!(bob.call::<DismissNotice>(&[("notice_id", &first.id)]).await.status, 404);
}

async fn a3_only_administrators_manage_models_and_the_site(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice) = (app.admin().await, app.alice().await);
    let stub = Upstream::start().await;
    let before = app.database.dump().await;
    // Also what a member adds to other requests is nothing (U1).
    for person in [&alice.client, &app.anonymous()] {
        let expected = if std::ptr::eq(person, &alice.client) { 403 } else { 401 };
        let fields = [("name", "evil"), ("base_url", stub.url()), ("key", "")];
        assert_eq!(person.call::<SaveProvider>(&fields).await.status, expected);
        assert_eq!(person.call::<TestProvider>(&fields[1..]).await.status, expected);
        assert_eq!(save_site(person, &[("name", "Evil")]).await.status, expected);
        assert_eq!(offer(person, "openai/test-model", false).await.status, expected);
    }
    assert_eq!(app.database.dump().await, before);
    let chat_id = alice.create_chat().await.to_string();
    let id = ClientMessageId::random().to_string();
    let fields = [
        ("chat_id", chat_id.as_str()),
        ("text", "Hi"),
        ("client_message_id", &id),
        ("base_url", stub.url()),
        ("endpoint", stub.url()),
        ("provider_id", "0"),
        ("api_key", CANARY),
        ("proxy", stub.url()),
    ];
    alice.call::<SendMessage>(&fields).await.ok::<sardonyx::domain::message::Sent>();
    assert_eq!(stub.shown().len() + stub.asked(), 0);
    assert!(!admin.call::<ListProviders>(&[]).await.ok::<Vec<ProviderView>>().is_empty());
}

async fn u2_u6_a_link_local_address_is_refused_when_saved_and_when_used(setup: Setup) {
    let app = TestApp::start(setup).await;
    let admin = app.admin().await;
    for host in ["169.254.169.254", "2852039166", "[fe80::1]", "[::ffff:a9fe:a9fe]", "user@127.0.0.1", "127.0.0.1\\@x"]
    {
        let url = format!("http://{host}/v1");
        let refused = (422, "provider_url_invalid".to_owned());
        assert_eq!(add(&admin, "metadata", &url, "").await.refusal(), refused, "{url}");
        assert_eq!(admin.call::<TestProvider>(&[("base_url", &url)]).await.refusal(), refused, "{url}");
    }
    // This machine and private networks are allowed: that is where models run.
    add(&admin, "own", app.upstream.url(), "").await.ok::<()>();
    add(&admin, "lan", "http://10.255.255.1:9/v1", "").await.ok::<()>();
    app.database.execute("UPDATE provider SET base_url = 'http://169.254.169.254/v1' WHERE name = 'own'").await;
    site::reload(&app.state).await.unwrap();
    assert_eq!(find(&admin, "own").await.state, ProviderState::AddressRefused);
    assert_eq!(admin.call::<TestProvider>(&[("provider_id", &id_of(&admin, "own").await)]).await.status, 422);
}

async fn u8_a_test_tells_a_class_and_nothing_of_what_was_answered(setup: Setup) {
    let app = TestApp::start(setup.config(|config| config.models.first_byte_seconds = 1)).await;
    let admin = app.admin().await;
    let upstream = Upstream::start().await;
    let test = async |url: &str| admin.call::<TestProvider>(&[("base_url", url), ("key", CANARY)]).await;
    for (status, failure) in [
        (StatusCode::UNAUTHORIZED, ProviderFailure::KeyRefused),
        (StatusCode::FORBIDDEN, ProviderFailure::KeyRefused),
        (StatusCode::NOT_FOUND, ProviderFailure::NotCompatible),
        (StatusCode::TOO_MANY_REQUESTS, ProviderFailure::TooManyRequests),
        (StatusCode::INTERNAL_SERVER_ERROR, ProviderFailure::ServerError),
        (StatusCode::TEMPORARY_REDIRECT, ProviderFailure::ServerError),
        // An answer, but no list.
        (StatusCode::OK, ProviderFailure::NotCompatible),
    ] {
        upstream.refuse_list(status);
        let before = upstream.shown().len();
        let answer = test(upstream.url()).await;
        assert_eq!(answer.ok::<ProviderTest>(), ProviderTest::Failed(failure), "{status}");
        assert!(!answer.text().contains("canary") && !format!("{:?}", answer.headers).contains("canary"), "{status}");
        // U3: a redirect is not followed.
        assert_eq!(upstream.shown().len(), before + 1, "{status}");
    }
    // Nobody there; somebody who does not speak.
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    assert_eq!(test(&url).await.ok::<ProviderTest>(), ProviderTest::Failed(ProviderFailure::TimedOut));
    drop(listener);
    assert_eq!(test(&url).await.ok::<ProviderTest>(), ProviderTest::Failed(ProviderFailure::Unreachable));
    assert_eq!(test(app.upstream.url()).await.ok::<ProviderTest>(), ProviderTest::Works { models: 2 });
}

async fn u13_odd_names_addresses_and_keys_are_refused(setup: Setup) {
    let app = TestApp::start(setup).await;
    let admin = app.admin().await;
    let url = app.upstream.url();
    let long = "x".repeat(600);
    for name in ["", "a b", "a/b", "A", "a\r\nb", long.as_str()] {
        assert_eq!(add(&admin, name, url, "").await.code(), "provider_name_invalid", "{name:?}");
    }
    for key in ["a b", "a\r\nX-Header: 1", "schlüssel", long.as_str()] {
        assert_eq!(add(&admin, "x", url, key).await.code(), "provider_key_invalid", "{key:?}");
    }
    let big = "k".repeat(20 * 1024);
    assert_eq!(add(&admin, "x", url, &big).await.status, 413);
    for model in ["", "x", "x/a\r\nb", &format!("x/{long}")] {
        assert_eq!(offer(&admin, model, false).await.code(), "model_invalid", "{model:?}");
    }
    assert_eq!((app.database.count("provider").await, app.database.count("hidden_model").await), (0, 0));
    for n in 0..20 {
        add(&admin, &format!("p{n}"), url, "").await.ok::<()>();
    }
    assert_eq!(add(&admin, "one-more", url, "").await.refusal(), (429, "too_many".to_owned()));
}

async fn x24_a_stranger_learns_the_sites_name_and_nothing_else(setup: Setup) {
    let app = TestApp::start(setup).await;
    let admin = app.admin().await;
    add(&admin, "canary-provider", app.upstream.url(), CANARY).await.ok::<()>();
    save_site(&admin, &[("name", "Acme"), ("notice", "canary notice")]).await.ok::<()>();
    let stranger = app.anonymous();
    for path in
        ["/login", "/setup", "/welcome", "/healthz", "/readyz", "/api/v1/openapi.json", "/api/v1/docs", "/nowhere"]
    {
        let text = stranger.get(path).await.text();
        assert!(!text.contains("canary") && !text.contains("127.0.0.1"), "{path}: {text}");
    }
    assert!(stranger.get("/login").await.text().contains("Acme"));
}

async fn what_the_start_sets_counts_and_is_shown_so(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice) = (app.admin().await, app.alice().await);
    save_site(&admin, &[("default_model", "openai/other-model")]).await.ok::<()>();
    let form: SiteForm = admin.call::<FindSite>(&[]).await.ok();
    assert_eq!(form.fixed_model.unwrap().as_str(), "openai/test-model");
    assert_eq!(models_of(&alice).await.default.unwrap().as_str(), "openai/test-model");
    assert!(admin.get("/admin/site").await.text().contains("set by SARDONYX_MODEL"));
    let views: Vec<ProviderView> = admin.call::<ListProviders>(&[]).await.ok();
    let names: Vec<_> = views.iter().map(|view| (view.name.as_str(), view.stored.is_some())).collect();
    assert_eq!(names, [("openai", false), ("embedded", false)]);
    assert_eq!(views[0].base_url.trim_end_matches('/'), app.upstream.url());
    assert!(!admin.get("/admin/models").await.text().contains("sk-of-the-tests"));
}

async fn everything_works_as_plain_forms(setup: Setup) {
    let app = TestApp::start(setup).await;
    let admin = app.admin().await;
    let upstream = Upstream::start().await;
    let submit = async |page: &str, name: &str, fields: &[(&str, &str)]| {
        let answer = admin.submit(page, &format!("/api/{name}"), fields).await;
        assert_eq!(answer.status, 303);
        answer.header("location").to_owned()
    };
    let models = "/admin/models";
    let fields = [("name", "second"), ("base_url", upstream.url()), ("key", CANARY)];
    let tested = submit(models, "test_provider", &fields).await;
    assert!(
        tested.starts_with("/admin/models?tested=2&name=second&base_url=http") && !tested.contains(CANARY),
        "{tested}"
    );
    let page = admin.get(&tested).await.text();
    assert!(page.contains("It works, and offers 2 models."));
    // What was typed is there again, but for the key.
    assert!(page.contains("value=\"second\"") && page.contains(&format!("value=\"{}\"", upstream.url())), "{page}");
    assert!(!page.contains(CANARY));
    assert_eq!(submit(models, "save_provider", &fields).await, models);
    assert_eq!(submit(models, "save_provider", &fields).await, "/admin/models?error=provider_name_invalid");
    upstream.refuse_list(StatusCode::UNAUTHORIZED);
    let id = id_of(&admin, "second").await;
    let tested = submit(models, "test_provider", &[("provider_id", &id)]).await;
    assert!(admin.get(&tested).await.text().contains("It refused the key."));
    let site = [("name", "Acme"), ("default_model", ""), ("notice", "Hello"), ("invitation_days", "7")];
    assert_eq!(submit("/admin/site", "save_site", &site).await, "/admin/site?done=1");
    let notice = admin.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>().site.notice.unwrap();
    assert_eq!(submit("/chats", "dismiss_notice", &[("notice_id", &notice.id)]).await, "/chats");
    assert!(!admin.get("/chats").await.text().contains("Hello"));
}

async fn every_server_follows_within_a_second(setup: Setup) {
    let app = TestApp::start(setup.config(|config| {
        config.secrets.secret = Some("one secret for all servers, 32 long".to_owned());
    }))
    .await;
    let other = app.another().await;
    let (admin, alice) = (app.admin().await, app.alice().await.at(&other));
    let upstream = Upstream::start().await;
    let mut tab = Tab::open(&alice).await;
    let started = Instant::now();
    add(&admin, "second", upstream.url(), CANARY).await.ok::<()>();
    let has = async |name: &str| models(&alice).await.contains(&name.to_owned());
    eventually("the provider at the other server", async || has("second/test-model").await).await;
    offer(&admin, "second/test-model", false).await.ok::<()>();
    eventually("the hidden model at the other server", async || !has("second/test-model").await).await;
    save_site(&admin, &[("name", "Acme"), ("notice", "Hello")]).await.ok::<()>();
    soon("the news", async { while tab.next().await != Some(LiveEvent::SiteChanged) {} }).await;
    assert_eq!(alice.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>().site.name, "Acme");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    // Its key is shown from there, too.
    let (chat_id, reply_id) = ask(&alice, "second/other-model").await;
    Tab::on_chat(&alice, chat_id).await.until_end(reply_id).await;
    assert_eq!(upstream.shown().last().unwrap(), &format!("Bearer {CANARY}"));
    // An announcement that is lost: the database is the truth.
    app.database.execute("UPDATE site SET name = 'Lost'").await;
    let looking = tokio::spawn(site::run(other.state.clone(), Duration::from_millis(10)));
    eventually("the name", async || {
        alice.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>().site.name == "Lost"
    })
    .await;
    looking.abort();
}

async fn add(admin: &Client, name: &str, base_url: &str, key: &str) -> Answer {
    admin.call::<SaveProvider>(&[("name", name), ("base_url", base_url), ("key", key)]).await
}

async fn save(admin: &Client, id: &str, base_url: &str, key: &str, forgets_key: bool) -> Answer {
    let mut fields = vec![("provider_id", id), ("base_url", base_url), ("key", key)];
    fields.extend(forgets_key.then_some(("forgets_key", "1")));
    admin.call::<SaveProvider>(&fields).await
}

async fn change(admin: &Client, id: &str, what: &str) -> Answer {
    admin.call::<ChangeProvider>(&[("provider_id", id), ("change", what)]).await
}

async fn offer(person: &Client, model: &str, is_offered: bool) -> Answer {
    let is_offered = if is_offered { "1" } else { "" };
    person.call::<OfferModel>(&[("model", model), ("is_offered", is_offered)]).await
}

/// Saves the site's settings; what is not named is as at the beginning.
async fn save_site(person: &Client, changes: &[(&str, &str)]) -> Answer {
    let mut fields = vec![("name", "Sardonyx"), ("default_model", ""), ("notice", "")];
    fields.extend([("members_make_tokens", "1"), ("invitation_days", "7")]);
    fields.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    // A box that is not ticked is not sent.
    fields.extend(changes.iter().filter(|change| **change != ("members_make_tokens", "")));
    person.call::<SaveSite>(&fields).await
}

async fn prefer(person: &Client, model: &str) -> Answer {
    let fields = [("display_name", ""), ("theme", "dark"), ("language", ""), ("default_model", model)];
    person.call::<SavePreferences>(&fields).await
}

async fn find(admin: &Client, name: &str) -> ProviderView {
    let views: Vec<ProviderView> = admin.call::<ListProviders>(&[]).await.ok();
    views.into_iter().find(|view| view.name == name).unwrap()
}

async fn id_of(admin: &Client, name: &str) -> String {
    find(admin, name).await.stored.unwrap().id.to_string()
}

async fn models_of(person: &Client) -> ModelList {
    person.call::<ListModels>(&[]).await.ok()
}

async fn models(person: &Client) -> Vec<String> {
    models_of(person).await.models.iter().map(|name| name.as_str().to_owned()).collect()
}

/// A question to a model in a new chat.
async fn ask(person: &Client, model: &str) -> (ChatId, MessageId) {
    let chat_id = person.create_chat().await;
    let sent: Value = try_ask(person, chat_id, model).await.ok();
    (chat_id, sent["reply_id"].as_str().unwrap().parse().unwrap())
}

async fn try_ask(person: &Client, chat_id: ChatId, model: &str) -> Answer {
    let (chat_id, id) = (chat_id.to_string(), ClientMessageId::random().to_string());
    let fields = [("chat_id", chat_id.as_str()), ("text", "A question"), ("client_message_id", &id), ("model", model)];
    person.call::<SendMessage>(&fields).await
}
