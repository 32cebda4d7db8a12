//! Sessions: their cookie, their life and their end, wherever they are kept.

use std::time::Duration;

use futures::future::join_all;
use reqwest::{Method, header::HeaderValue};
use sardonyx::{
    api::{
        account::ChangePassword,
        chats::ListChats,
        notifications::{ListNotifications, ReadNotification},
        session::{EndOtherSessions, EndSession, FindCurrentSession, ListSessions, LogIn, LogOut, RenewSession},
    },
    domain::{
        ids::SessionId,
        limits,
        live::{CloseReason, LiveCommand, LiveEvent},
        notification::Notification,
        session::{ActiveSession, CurrentSession, SessionEnd},
    },
    server::{clock, db::NewSession},
};
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
};

use crate::support::{
    Answer, Client, Person, Setup, Tab, TestApp, canaries::Canaries, eventually, form, people::PASSWORD, soon,
};

crate::once![s18_u9_a_secret_in_the_log_is_found];
crate::on_every_store![
    s1_the_cookie_is_for_this_host_and_no_script,
    s2_a_planted_session_is_worth_nothing_after_the_log_in,
    s3_an_id_that_was_never_issued_is_never_taken_up,
    s4_broken_cookies_are_nobodys,
    s5_a_session_that_was_logged_out_is_dead_on_every_door,
    s6_what_was_under_way_at_the_log_out_brings_nothing_back,
    s7_a_stale_cookie_removes_and_replaces_nothing,
    s8_a_session_holds_who_and_until_when,
    s9_a_session_in_use_says_when_it_was_used,
    s10_a_session_ends_a_day_after_its_log_in,
    s11_a_new_password_ends_all_other_sessions,
    s12_a_disabled_account_is_out_with_its_next_request,
    s13_sessions_are_listed_and_ended_by_their_owner_only,
    s14_of_many_renewals_at_once_the_user_stays_logged_in,
    s15_strangers_get_no_session,
    s16_expired_sessions_leave_the_store,
    s18_the_cookie_is_nowhere_but_in_its_header,
    s19_a_log_out_leaves_nothing_in_the_browser,
    a_restart_keeps_everybody_logged_in,
    w7_a_live_connection_ends_with_its_session,
    d15_a_store_that_loses_a_deletion_brings_no_session_back,
    a_session_that_is_renewed_goes_on_under_a_fresh_id,
    of_very_many_sessions_the_least_used_end,
    a_log_in_from_a_new_device_is_told_until_it_is_read,
];

/// The harness itself: what [`Canaries`] looks for after every test, it finds.
async fn s18_u9_a_secret_in_the_log_is_found(setup: Setup) {
    let app = TestApp::start(setup).await;
    for (secret, is_found) in [
        ("sdx_a_secret_of_this_very_test", true),
        ("a message, as of this very test", true),
        ("918273", true),
        ("never logged by anybody", false),
    ] {
        let canaries = Canaries::new();
        canaries.add(secret);
        if is_found {
            tracing::warn!(secret, "as if by accident");
        }
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| canaries.check()));
        assert_eq!(found.is_err(), is_found, "{secret}");
    }
    // A number within another one is none.
    let canaries = Canaries::new();
    canaries.add("123456");
    tracing::warn!(ms = 51_234_567, id = "0-123456-0", "no code");
    canaries.check();
    assert!(app.anonymous().get("/login").await.status == 200);
}

async fn s1_the_cookie_is_for_this_host_and_no_script(setup: Setup) {
    let app = TestApp::start(setup.clone()).await;
    let attributes = cookie_attributes(&log_in(&app, &app.anonymous()).await);
    assert!(attributes[0].starts_with("sardonyx="));
    assert_same_site_cookie(&attributes);
    assert!(!attributes.contains(&"secure".to_owned()));
    drop(app);

    let app =
        TestApp::start(setup.config(|config| config.public_url = Some("https://chat.example".parse().unwrap()))).await;
    let browser = Client { origin: "https://chat.example".to_owned(), ..app.anonymous() };
    let answer = log_in(&app, &browser).await;
    let attributes = cookie_attributes(&answer);
    assert!(attributes[0].starts_with("__host-sardonyx="));
    assert_same_site_cookie(&attributes);
    assert!(attributes.contains(&"secure".to_owned()));
    // 128 bits.
    assert!(browser.cookie().unwrap().len() >= 22);

    // A browser ignores a removal that does not say the same.
    let answer = browser.call::<LogOut>(&[]).await;
    let removal = cookie_attributes(&answer);
    assert_eq!(removal[0], "__host-sardonyx=");
    assert!(removal.contains(&"max-age=0".to_owned()) && removal.contains(&"secure".to_owned()));
    assert_same_site_cookie(&removal);
}

async fn s2_a_planted_session_is_worth_nothing_after_the_log_in(setup: Setup) {
    let app = TestApp::start(setup).await;
    let mallory = app.member("mallory@example.org").await;
    app.alice().await;
    // Alice's browser was given Mallory's cookie before she logs in.
    let victim = mallory.client.copy();
    let planted = mallory.cookie().unwrap();
    log_in(&app, &victim).await.ok::<()>();
    assert_ne!(victim.cookie().unwrap(), planted);
    assert!(app.session_record(&planted).await.is_none());
    assert_dead(&mallory, SessionEnd::Expired).await;
    victim.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>();
}

async fn s3_an_id_that_was_never_issued_is_never_taken_up(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.alice().await;
    let made_up = Id::default().to_string();
    let browser = with_cookie(&app, &made_up);
    for _ in 0..2 {
        browser.get("/chats").await;
        browser.get("/login").await;
        browser.call::<ListChats>(&[]).await;
        browser.call::<LogOut>(&[]).await;
        browser.call::<LogIn>(&[("email", "alice@example.org"), ("password", "wrong")]).await;
        browser.cookies.lock().unwrap().insert("sardonyx".to_owned(), made_up.clone());
    }
    log_in(&app, &browser).await.ok::<()>();
    assert_ne!(browser.cookie().unwrap(), made_up);
    assert!(app.session_record(&made_up).await.is_none());
    assert_eq!(with_cookie(&app, &made_up).call::<FindCurrentSession>(&[]).await.status, 401);
}

async fn s4_broken_cookies_are_nobodys(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let good = alice.cookie().unwrap();
    let stranger = app.anonymous();
    let (long, longest) = (format!("sardonyx={good}A"), format!("sardonyx={}", "A".repeat(16 * 1024)));
    let short = format!("sardonyx={}", &good[1..]);
    for cookie in [
        "sardonyx=",
        "sardonyx",
        "=",
        ";;;",
        "sardonyx=\u{fc}",
        &short,
        &long,
        &longest,
        "sardonyx=!!!!!!!!!!!!!!!!!!!!!!",
        "other=x",
    ] {
        let value = HeaderValue::from_bytes(cookie.as_bytes()).unwrap();
        let request = stranger.form_request("/api/current_session", "").header("cookie", value.clone());
        assert_eq!(Client::send_only(request).await.status, 401, "{cookie}");
        let page = Client::send_only(stranger.request(Method::GET, "/chats").header("cookie", value)).await;
        assert_eq!(page.status, 303, "{cookie}");
        assert!(page.header("location").starts_with("/login?next=%2Fchats"));
    }
    // Two values: one of them is believed, or none, but nothing breaks.
    let two = format!("sardonyx={good}; sardonyx={}", Id::default());
    let answer = Client::send_only(stranger.form_request("/api/current_session", "").header("cookie", two)).await;
    assert!([200, 401].contains(&answer.status));
}

async fn s5_a_session_that_was_logged_out_is_dead_on_every_door(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let elsewhere = app.log_in("alice@example.org").await;
    let thief = Person { client: alice.client.copy(), ..alice.clone() };
    let mut tab = Tab::open(&alice).await;
    let mut other_tab = Tab::open(&elsewhere).await;

    let answer = alice.call::<LogOut>(&[]).await;
    assert_eq!((answer.status, answer.header("location")), (200, "/login?reason=logged_out"));
    assert_eq!(alice.cookie(), None);
    assert_dead(&thief, SessionEnd::Expired).await;
    // W5: the tab is told, with the code for "you may not".
    assert_eq!(tab.until_closed().await, (Some(CloseReason::SessionEnded(SessionEnd::LoggedOut)), Some(1008)));

    // The other session goes on.
    let chat_id = elsewhere.create_chat().await;
    other_tab.until("the other session's chat", |screen| screen.chats.iter().any(|chat| chat.id == chat_id)).await;
}

async fn s6_what_was_under_way_at_the_log_out_brings_nothing_back(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.alice().await;
    let changed = form(&[("current_password", PASSWORD), ("new_password", PASSWORD)]);
    for (path, body) in [
        ("/api/create_chat", "x=y".to_owned()),
        ("/api/renew_session", form(&[("password", PASSWORD)])),
        ("/api/change_password", changed),
    ] {
        let alice = app.log_in("alice@example.org").await;
        let thief = Person { client: alice.client.copy(), ..alice.clone() };
        // The request is known to be hers once its session's use is noted; its body does not come to its end meanwhile.
        app.database.execute("UPDATE login_session SET last_access_ms = 1 WHERE end_reason IS NULL").await;
        let (sender, pieces) = futures::channel::mpsc::unbounded::<std::io::Result<String>>();
        let held = thief.form_request(path, reqwest::Body::wrap_stream(pieces));
        let held = tokio::spawn({
            let browser = thief.client.clone();
            async move { browser.send(held).await }
        });
        let noted = "SELECT COUNT(*) FROM login_session WHERE end_reason IS NULL AND last_access_ms > 1";
        eventually("the session's use", async || app.database.number(noted).await == 1).await;

        alice.call::<LogOut>(&[]).await.ok::<()>();
        sender.unbounded_send(Ok(body)).unwrap();
        drop(sender);
        let answer = soon("the held request's answer", held).await.unwrap();
        assert!([200, 401].contains(&answer.status), "{path}: {}", answer.text());
        // Neither the cookie that it had nor one that it may have got since is worth anything.
        let old = Person { client: with_cookie(&app, &alice_cookie(&thief, &answer)), ..alice.clone() };
        for person in [&thief, &old] {
            assert_eq!(person.get("/chats").await.status, 303, "{path}");
            assert_eq!(person.call::<FindCurrentSession>(&[]).await.status, 401, "{path}");
            assert_eq!(Tab::try_open(person, &[]).await.err(), Some(401), "{path}");
        }
    }
}

async fn s7_a_stale_cookie_removes_and_replaces_nothing(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let stale = alice.client.copy();
    alice.call::<LogOut>(&[]).await.ok::<()>();
    // These answers may arrive after the browser has got a fresh cookie; they must leave it alone.
    for path in ["/chats", "/chats/unknown", "/login", "/nowhere", "/healthz"] {
        let answer = Client::send_only(stale.request(Method::GET, path)).await;
        assert!(!answer.headers.contains_key("set-cookie"), "{path}");
    }
    for path in ["/api/current_session", "/api/list_chats", "/api/create_chat", "/api/unknown", "/api/log_in"] {
        let answer = Client::send_only(stale.form_request(path, "email=a&password=b")).await;
        assert!(!answer.headers.contains_key("set-cookie"), "{path}");
    }
}

async fn s8_a_session_holds_who_and_until_when(setup: Setup) {
    let app = TestApp::start(setup).await;
    let browser = app.anonymous();
    let alice = app.alice().await;
    let before_ms = clock::now_ms();
    let fields = crate::support::form(&[("email", "alice@example.org"), ("password", PASSWORD)]);
    let request = browser.form_request("/api/log_in", fields).header("user-agent", "browser/1.0");
    browser.send(request).await.ok::<()>();
    let current: CurrentSession = browser.call::<FindCurrentSession>(&[]).await.ok();
    let lasts_ms = 24 * 3_600_000;
    assert!((before_ms + lasts_ms..=clock::now_ms() + lasts_ms).contains(&current.expires_at_ms));
    let record = app.session_record(&browser.cookie().unwrap()).await.unwrap();
    assert_eq!(record.data["login"]["user_id"], alice.id.to_string());
    assert_eq!(record.data["login"]["session_id"], current.id.to_string());
    let sessions: Vec<ActiveSession> = browser.call::<ListSessions>(&[]).await.ok();
    assert_eq!(sessions.len(), 2);
    let this = &sessions[0];
    assert!(this.is_current && this.id == current.id && !sessions[1].is_current);
    assert_eq!((this.device.as_str(), this.address.as_str()), ("browser", "127.0.0.1"));
    assert!((before_ms..=clock::now_ms()).contains(&this.created_at_ms));
    // The cookie is not the session's name.
    assert_ne!(browser.cookie().unwrap(), current.id.to_string());
}

async fn s9_a_session_in_use_says_when_it_was_used(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.database.execute("UPDATE login_session SET last_access_ms = 1, address = 'elsewhere'").await;
    let before_ms = clock::now_ms();
    alice.get("/chats").await;
    eventually("the last access", async || {
        let sessions: Vec<ActiveSession> = alice.call::<ListSessions>(&[]).await.ok();
        sessions[0].last_access_ms >= before_ms && sessions[0].address == "127.0.0.1"
    })
    .await;
    // At most once a minute.
    app.database.execute(&format!("UPDATE login_session SET last_access_ms = {}", before_ms - 30_000)).await;
    for _ in 0..3 {
        alice.get("/chats").await;
    }
    let sessions: Vec<ActiveSession> = alice.call::<ListSessions>(&[]).await.ok();
    assert_eq!(sessions[0].last_access_ms, before_ms - 30_000);
}

async fn s10_a_session_ends_a_day_after_its_log_in(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.alice().await;
    // By what the index says, and by what the store says of its record.
    for by_index in [true, false] {
        let alice = app.log_in("alice@example.org").await;
        if by_index {
            set_expiry(&app, -1).await;
        } else {
            let long_ago = |record: &mut Record| record.expiry_date -= Duration::from_secs(26 * 3_600);
            app.change_session(&alice.cookie().unwrap(), long_ago).await;
        }
        assert_dead(&alice, SessionEnd::Expired).await;
        let answer = alice.get("/chats/1?x=y").await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, "/login?next=%2Fchats%2F1%3Fx%3Dy&reason=session_expired")
        );
        assert!(alice.get(answer.header("location")).await.text().contains("Your session has ended."));
    }
}

async fn s11_a_new_password_ends_all_other_sessions(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let elsewhere = app.log_in("alice@example.org").await;
    let (mut tab, mut other_tab) = (Tab::open(&alice).await, Tab::open(&elsewhere).await);
    let stolen = Person { client: alice.client.copy(), ..alice.clone() };
    let change = async |current: &str, new: &str| {
        alice.call::<ChangePassword>(&[("current_password", current), ("new_password", new)]).await
    };
    // L15, A12: not without the current one.
    assert_eq!(change("a wrong one", "quartz vein 77").await.refusal(), (401, "wrong_credentials".to_owned()));
    assert_eq!(change("", "quartz vein 77").await.status, 401);
    assert_eq!(change(PASSWORD, "short").await.refusal(), (422, "password_too_short".to_owned()));
    assert_eq!(change(PASSWORD, "password1").await.refusal(), (422, "password_too_common".to_owned()));
    elsewhere.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>();

    let before: CurrentSession = alice.call::<FindCurrentSession>(&[]).await.ok();
    change(PASSWORD, "quartz vein 77").await.ok::<()>();
    assert_dead(&elsewhere, SessionEnd::PasswordChanged).await;
    let changed = CloseReason::SessionEnded(SessionEnd::PasswordChanged);
    assert_eq!(other_tab.until_closed().await, (Some(changed), Some(1008)));
    // The one that changed it goes on, under a fresh id.
    let after: CurrentSession = alice.call::<FindCurrentSession>(&[]).await.ok();
    assert_eq!(after, before);
    assert_eq!(tab.until_closed().await, (Some(CloseReason::SessionRenewed), Some(1012)));
    assert_dead(&stolen, SessionEnd::Expired).await;
    let stranger = app.anonymous();
    assert_eq!(log_in(&app, &stranger).await.status, 401);
    stranger.call::<LogIn>(&[("email", "alice@example.org"), ("password", "quartz vein 77")]).await.ok::<()>();
}

async fn s12_a_disabled_account_is_out_with_its_next_request(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let mut tab = Tab::open(&alice).await;
    app.disable(&alice).await;
    assert_dead(&alice, SessionEnd::RevokedByAdmin).await;
    tab.command(&LiveCommand::Unwatch).await;
    let ended = CloseReason::SessionEnded(SessionEnd::RevokedByAdmin);
    assert_eq!(tab.until_closed().await, (Some(ended), Some(1008)));
}

async fn s13_sessions_are_listed_and_ended_by_their_owner_only(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (phone, tablet) = (app.log_in("alice@example.org").await, app.log_in("alice@example.org").await);
    let bob = app.bob().await;
    let id_of = async |person: &Person| person.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>().id;
    let phone_id = id_of(&phone).await.to_string();
    assert_eq!(bob.call::<ListSessions>(&[]).await.ok::<Vec<ActiveSession>>().len(), 1);
    assert_eq!(alice.call::<ListSessions>(&[]).await.ok::<Vec<ActiveSession>>().len(), 3);

    // Somebody else's answers like one that does not exist.
    let end = async |person: &Person, id: &str| person.call::<EndSession>(&[("session_id", id)]).await;
    let unknown = uuid::Uuid::now_v7().to_string();
    assert_eq!(end(&bob, &phone_id).await.same(), end(&bob, &unknown).await.same());
    assert_eq!(end(&bob, &phone_id).await.refusal(), (404, "not_found".to_owned()));
    phone.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>();

    // W5: the tab there is told at once, and the list here, too.
    let (mut list, mut tab) = (Tab::open(&alice).await, Tab::open(&phone).await);
    end(&alice, &phone_id).await.ok::<()>();
    assert_dead(&phone, SessionEnd::Revoked).await;
    let revoked = (Some(CloseReason::SessionEnded(SessionEnd::Revoked)), Some(1008));
    assert_eq!(tab.until_closed().await, revoked);
    soon("the news", async { while list.next().await != Some(LiveEvent::SessionsChanged) {} }).await;
    assert_eq!(end(&alice, &phone_id).await.status, 404);

    let mut tab = Tab::open(&tablet).await;
    assert_eq!(alice.call::<EndOtherSessions>(&[]).await.ok::<u64>(), 1);
    assert_eq!(tab.until_closed().await, revoked);
    assert_dead(&tablet, SessionEnd::Revoked).await;
    assert_eq!(alice.call::<ListSessions>(&[]).await.ok::<Vec<ActiveSession>>().len(), 1);
    bob.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>();
}

async fn s15_strangers_get_no_session(setup: Setup) {
    let has_redis = setup.has_redis();
    let app = TestApp::start(setup).await;
    for path in ["/", "/login", "/setup", "/chats", "/chats/1", "/nowhere", "/healthz", "/readyz", "/favicon.svg"] {
        let answer = app.anonymous().get(path).await;
        assert!(answer.status < 500, "{path}: {} {}", answer.status, answer.text());
        assert!(!answer.headers.contains_key("set-cookie"), "{path}");
    }
    for path in ["/api/log_in", "/api/log_out", "/api/current_session", "/api/create_chat", "/api/unknown"] {
        let answer = app.anonymous().post(path, &[("email", "a"), ("password", "b")]).await;
        assert!(!answer.headers.contains_key("set-cookie"), "{path}");
    }
    if !has_redis {
        assert_eq!(app.database.count("session_record").await, 0);
    }
}

async fn s14_of_many_renewals_at_once_the_user_stays_logged_in(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let before: CurrentSession = alice.call::<FindCurrentSession>(&[]).await.ok();
    let answers = join_all((0..50).map(|_| alice.call::<RenewSession>(&[("password", PASSWORD)]))).await;
    for answer in &answers {
        // Too late for the old cookie, or too many passwords at a time.
        assert!([200, 401, 429, 503].contains(&answer.status), "{}", answer.text());
    }
    assert!(answers.iter().any(|answer| answer.status == 200));
    let after: CurrentSession = alice.call::<FindCurrentSession>(&[]).await.ok();
    assert_eq!((after.id, &after.user), (before.id, &before.user));
    let record = app.session_record(&alice.cookie().unwrap()).await.unwrap();
    assert_eq!(record.data["login"]["user_id"], alice.id.to_string());
    assert_eq!(record.data["login"]["session_id"], before.id.to_string());
}

async fn s16_expired_sessions_leave_the_store(setup: Setup) {
    const MANY: usize = 1_000;
    let has_redis = setup.has_redis();
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let kept = app.database.count("session_record").await;
    let records = join_all((0..MANY).map(|_| async {
        let mut record = Record {
            id: Id::default(),
            data: std::collections::HashMap::new(),
            expiry_date: time::OffsetDateTime::now_utc() - Duration::from_secs(1),
        };
        app.store.create(&mut record).await.unwrap();
        record.id
    }))
    .await;
    if !has_redis {
        assert_eq!(app.database.count("session_record").await, kept + MANY as i64);
    }
    // Those of the index stay for a week, to say why they ended.
    app.log_in("alice@example.org").await;
    let this = alice.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>().id;
    let id = app.database.id(this.0);
    app.database.execute(&format!("UPDATE login_session SET expires_at_ms = 1 WHERE id <> {id}")).await;
    // A server sweeps when it starts, and every ten minutes.
    let app = app.restart().await;
    eventually("the sweep of the index", async || app.database.count("login_session").await == 1).await;
    eventually("the sweep of the store", async || app.database.count("session_record").await <= kept + 1).await;
    for id in records.iter().step_by(100) {
        assert!(app.store.load(id).await.unwrap().is_none());
    }
    alice.at(&app).call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>();
}

async fn s18_the_cookie_is_nowhere_but_in_its_header(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let mut secrets = vec![alice.cookie().unwrap()];
    let chat_id = alice.create_chat().await;
    let mut seen = Vec::new();
    let mut tab = Tab::open(&alice).await;
    for round in 0..2 {
        for path in [
            "/chats".to_owned(),
            format!("/chats/{chat_id}"),
            "/settings".to_owned(),
            "/settings/sessions".to_owned(),
            "/settings/data.json".to_owned(),
            "/login".to_owned(),
            "/nowhere".to_owned(),
        ] {
            seen.push(alice.get(&path).await);
        }
        for (path, _) in leptos::server_fn::axum::server_fn_paths() {
            if !["/api/log_out", "/api/renew_session", "/api/end_other_sessions"].contains(&path) {
                seen.push(alice.post(path, &[("chat_id", &chat_id.to_string())]).await);
            }
        }
        if round == 0 {
            seen.push(alice.call::<RenewSession>(&[("password", PASSWORD)]).await);
            secrets.push(alice.cookie().unwrap());
        }
    }
    // What the live connection says, to its end.
    alice.create_chat().await;
    seen.push(alice.call::<LogOut>(&[]).await);
    tab.until_closed().await;
    let frames = format!("{:?}{:?}", tab.screen.chats, tab.screen.refused);
    assert_ne!(secrets[0], secrets[1]);
    for secret in &secrets {
        for answer in &seen {
            let others = answer.headers.iter().filter(|(name, _)| *name != "set-cookie");
            let head = others.map(|(_, value)| value.to_str().unwrap_or_default()).collect::<Vec<_>>().join("\n");
            assert!(!head.contains(secret) && !answer.text().contains(secret.as_str()), "{head}");
        }
        assert!(!frames.contains(secret.as_str()));
        // Nor in the database, which keeps a hash; the log is looked at after every test.
        assert!(!format!("{:?}", app.database.dump().await).contains(secret.as_str()));
    }
}

async fn s19_a_log_out_leaves_nothing_in_the_browser(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let page = alice.get(&format!("/chats/{chat_id}")).await;
    assert_eq!((page.header("cache-control"), page.header("clear-site-data")), ("no-store", ""));
    let mut other_tab = Tab::open(&alice).await;
    let answer = alice.call::<LogOut>(&[]).await;
    assert_eq!(answer.header("clear-site-data"), "\"cache\", \"storage\"");
    assert_eq!(answer.header("cache-control"), "no-store");
    let ended = CloseReason::SessionEnded(SessionEnd::LoggedOut);
    assert_eq!(other_tab.until_closed().await, (Some(ended), Some(1008)));
    // Without a script, too.
    let alice = app.log_in("alice@example.org").await;
    let answer = alice.submit("/chats", "/api/log_out", &[]).await;
    assert_eq!((answer.status, answer.header("clear-site-data")), (303, "\"cache\", \"storage\""));
    assert_eq!(alice.cookie(), None);
}

async fn a_restart_keeps_everybody_logged_in(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let gone = app.bob().await;
    let thief = Person { client: gone.client.copy(), ..gone.clone() };
    gone.call::<LogOut>(&[]).await.ok::<()>();
    let app = app.restart().await;
    alice.at(&app).call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>();
    assert_dead(&thief.at(&app), SessionEnd::Expired).await;
}

async fn d15_a_store_that_loses_a_deletion_brings_no_session_back(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let thief = Person { client: alice.client.copy(), ..alice.clone() };
    let mut record = app.session_record(&alice.cookie().unwrap()).await.unwrap();
    alice.call::<LogOut>(&[]).await.ok::<()>();
    // The replica that took over had not heard of it.
    app.store.create(&mut record).await.unwrap();
    assert_eq!(record.id.to_string(), thief.cookie().unwrap());
    assert_dead(&thief, SessionEnd::LoggedOut).await;

    // All sessions end at once when the account's epoch rises, also one that the index has lost track of.
    let alice = app.log_in("alice@example.org").await;
    app.database.execute("UPDATE user_account SET session_epoch = session_epoch + 1").await;
    assert_dead(&alice, SessionEnd::Expired).await;
}

async fn a_session_that_is_renewed_goes_on_under_a_fresh_id(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let old = Person { client: alice.client.copy(), ..alice.clone() };
    set_expiry(&app, 300_000).await;
    let before: CurrentSession = alice.call::<FindCurrentSession>(&[]).await.ok();
    assert_eq!(alice.call::<RenewSession>(&[("password", "a wrong one")]).await.status, 401);
    let mut tab = Tab::open(&alice).await;
    alice.call::<RenewSession>(&[("password", PASSWORD)]).await.ok::<()>();
    let after: CurrentSession = alice.call::<FindCurrentSession>(&[]).await.ok();
    assert_eq!((after.id, &after.user), (before.id, &before.user));
    assert!(after.expires_at_ms > before.expires_at_ms + 23 * 3_600_000);
    assert_eq!(tab.until_closed().await, (Some(CloseReason::SessionRenewed), Some(1012)));
    assert_dead(&old, SessionEnd::Expired).await;
}

async fn of_very_many_sessions_the_least_used_end(setup: Setup) {
    let app = TestApp::start(setup).await;
    let first = app.alice().await;
    for n in 0..limits::SESSIONS_PER_USER_MAX {
        let new = NewSession {
            name: None,
            id: SessionId(uuid::Uuid::now_v7()),
            device: format!("device {n}"),
            address: "127.0.0.1".to_owned(),
            expires_at_ms: clock::now_ms() + 60_000,
        };
        app.state.db.add_session(first.id, new).await.unwrap();
    }
    assert_dead(&first, SessionEnd::Revoked).await;
    let active = "SELECT COUNT(*) FROM login_session WHERE end_reason IS NULL";
    assert_eq!(app.database.number(active).await.unsigned_abs(), limits::SESSIONS_PER_USER_MAX);
}

async fn w7_a_live_connection_ends_with_its_session(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    set_expiry(&app, 2_000).await;
    let mut tab = Tab::open(&alice).await;
    let expired = CloseReason::SessionEnded(SessionEnd::Expired);
    assert_eq!(tab.until_closed().await, (Some(expired), Some(1008)));
}

async fn a_log_in_from_a_new_device_is_told_until_it_is_read(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let bob = app.bob().await;
    let mut tab = Tab::open(&alice).await;
    let log_in_as = async |user_agent: &str| {
        let fields = crate::support::form(&[("email", "alice@example.org"), ("password", PASSWORD)]);
        let request = app.anonymous().form_request("/api/log_in", fields).header("user-agent", user_agent);
        app.anonymous().send(request).await.ok::<()>();
    };
    let told = async || alice.call::<ListNotifications>(&[]).await.ok::<Vec<Notification>>();
    assert!(told().await.is_empty());
    log_in_as("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1").await;
    soon("the news", async { while tab.next().await != Some(LiveEvent::NotificationsChanged) {} }).await;
    assert_eq!(told().await[0].detail, "Safari on iPhone, from 127.0.0.1");
    // A newer version of the same is no new device.
    log_in_as("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1").await;
    let unread = told().await;
    assert_eq!(unread.len(), 1);
    let id = unread[0].id.to_string();
    assert_eq!(bob.call::<ReadNotification>(&[("notification_id", &id)]).await.status, 404);
    alice.call::<ReadNotification>(&[("notification_id", &id)]).await.ok::<()>();
    assert!(told().await.is_empty());
    // Whoever does not want to know is not told.
    app.database.execute("UPDATE user_account SET tells_new_device = FALSE").await;
    log_in_as("curl/8").await;
    assert!(told().await.is_empty());
}

/// Neither a page, nor a server function, nor a live connection takes this cookie.
async fn assert_dead(person: &Person, end: SessionEnd) {
    let page = person.get("/chats").await;
    let location = format!("/login?next=%2Fchats&reason={}", end.name());
    assert_eq!((page.status, page.header("location")), (303, location.as_str()));
    assert_eq!(person.call::<FindCurrentSession>(&[]).await.refusal(), (401, end.name().to_owned()));
    assert_eq!(Tab::try_open(person, &[]).await.err(), Some(401));
}

async fn log_in(app: &TestApp, browser: &Client) -> Answer {
    if app.database.count("user_account").await == 0 {
        app.add_account("alice@example.org", sardonyx::domain::user::Role::Member).await;
    }
    browser.call::<LogIn>(&[("email", "alice@example.org"), ("password", PASSWORD)]).await
}

/// The session's cookie after an answer: a new one, or the one before.
fn alice_cookie(browser: &Person, answer: &Answer) -> String {
    let new = answer.header("set-cookie").split(';').next().and_then(|cookie| cookie.split_once('='));
    new.map(|(_, value)| value.to_owned()).filter(|value| !value.is_empty()).or(browser.cookie()).unwrap_or_default()
}

fn with_cookie(app: &TestApp, value: &str) -> Client {
    let browser = app.anonymous();
    browser.cookies.lock().unwrap().insert("sardonyx".to_owned(), value.to_owned());
    browser
}

/// Moves the end of every session that is active.
async fn set_expiry(app: &TestApp, from_now_ms: i64) {
    let expires_at_ms = clock::now_ms() + from_now_ms;
    app.database.execute(&format!("UPDATE login_session SET expires_at_ms = {expires_at_ms}")).await;
}

/// The only cookie that an answer sets: name and value, then its attributes, in lower case.
fn cookie_attributes(answer: &Answer) -> Vec<String> {
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies.len(), 1, "{cookies:?}");
    cookies[0].to_str().unwrap().split(';').map(|part| part.trim().to_ascii_lowercase()).collect()
}

fn assert_same_site_cookie(attributes: &[String]) {
    for attribute in ["httponly", "samesite=lax", "path=/"] {
        assert!(attributes.contains(&attribute.to_owned()), "{attribute} is not in {attributes:?}");
    }
    assert!(!attributes.iter().any(|attribute| attribute.starts_with("domain")), "{attributes:?}");
}
