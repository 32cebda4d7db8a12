//! Sessions: their cookie, their life and their end, wherever they are kept.

use std::time::Duration;

use reqwest::{Method, header::HeaderValue};
use sardonyx::{
    api::{
        chats::ListChats,
        session::{CurrentUser, LogIn, LogOut},
    },
    domain::live::{CloseReason, LiveCommand},
    server::clock,
};
use tower_sessions::session::{Id, Record};

use crate::support::{Answer, Client, Person, Setup, Tab, TestApp, people::PASSWORD};

crate::on_every_store![
    s1_the_cookie_is_for_this_host_and_no_script,
    s2_a_planted_session_is_worth_nothing_after_the_log_in,
    s3_an_id_that_was_never_issued_is_never_taken_up,
    s4_broken_cookies_are_nobodys,
    s5_a_session_that_was_logged_out_is_dead_on_every_door,
    s7_a_stale_cookie_removes_and_replaces_nothing,
    s8_a_session_holds_who_and_until_when,
    s10_a_session_ends_a_day_after_its_log_in,
    s12_a_disabled_account_is_out_with_its_next_request,
    s15_strangers_get_no_session,
    a_restart_keeps_everybody_logged_in,
    w7_a_live_connection_ends_with_its_session,
];

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
    assert_dead(&mallory).await;
    victim.call::<CurrentUser>(&[]).await.ok::<sardonyx::domain::user::User>();
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
    assert_eq!(with_cookie(&app, &made_up).call::<CurrentUser>(&[]).await.status, 401);
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
        let request = stranger.form_request("/api/current_user", "").header("cookie", value.clone());
        assert_eq!(Client::send_only(request).await.status, 401, "{cookie}");
        let page = Client::send_only(stranger.request(Method::GET, "/chats").header("cookie", value)).await;
        assert_eq!(page.status, 303, "{cookie}");
        assert!(page.header("location").starts_with("/login?next=%2Fchats"));
    }
    // Two values: one of them is believed, or none, but nothing breaks.
    let two = format!("sardonyx={good}; sardonyx={}", Id::default());
    let answer = Client::send_only(stranger.form_request("/api/current_user", "").header("cookie", two)).await;
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
    assert_dead(&thief).await;
    // W5: the tab is told, with the code for "you may not".
    assert_eq!(tab.until_closed().await, (Some(CloseReason::LoggedOut), Some(1008)));

    // The other session goes on.
    let chat_id = elsewhere.create_chat().await;
    other_tab.until("the other session's chat", |screen| screen.chats.iter().any(|chat| chat.id == chat_id)).await;
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
    for path in ["/api/current_user", "/api/list_chats", "/api/create_chat", "/api/unknown", "/api/log_in"] {
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
    let request = browser.form_request("/api/log_in", fields).header("user-agent", "A browser/1.0");
    browser.send(request).await.ok::<()>();
    let record = app.session_record(&browser.cookie().unwrap()).await.unwrap();
    let login = &record.data["login"];
    let (created, expires) = (login["created_at_ms"].as_i64().unwrap(), login["expires_at_ms"].as_i64().unwrap());
    assert_eq!(login["user_id"], alice.id.to_string());
    assert_eq!((login["device"].as_str(), login["address"].as_str()), (Some("A browser/1.0"), Some("127.0.0.1")));
    assert!((before_ms..=clock::now_ms()).contains(&created));
    assert_eq!(expires - created, 24 * 3_600_000);
    assert!((record.expiry_date.unix_timestamp() - expires / 1_000).abs() <= 1);
}

async fn s10_a_session_ends_a_day_after_its_log_in(setup: Setup) {
    let app = TestApp::start(setup).await;
    // By what the session says of itself, and by what the store says of the record.
    let changes: [fn(&mut Record); 2] =
        [|record| set_expiry(record, -1), |record| record.expiry_date -= Duration::from_secs(25 * 3_600)];
    app.alice().await;
    for change in changes {
        let alice = app.log_in("alice@example.org").await;
        app.change_session(&alice.cookie().unwrap(), change).await;
        assert_dead(&alice).await;
        let answer = alice.get("/chats/1?x=y").await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, "/login?next=%2Fchats%2F1%3Fx%3Dy&reason=session_ended")
        );
        assert!(alice.get(answer.header("location")).await.text().contains("Your session has ended."));
    }
}

async fn s12_a_disabled_account_is_out_with_its_next_request(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let mut tab = Tab::open(&alice).await;
    app.disable(&alice).await;
    assert_dead(&alice).await;
    tab.command(&LiveCommand::Unwatch).await;
    assert_eq!(tab.until_closed().await, (Some(CloseReason::SessionEnded), Some(1008)));
}

async fn s15_strangers_get_no_session(setup: Setup) {
    let has_redis = setup.has_redis();
    let app = TestApp::start(setup).await;
    for path in ["/", "/login", "/setup", "/chats", "/chats/1", "/nowhere", "/healthz", "/readyz", "/favicon.svg"] {
        let answer = app.anonymous().get(path).await;
        assert!(answer.status < 500 && !answer.headers.contains_key("set-cookie"), "{path}");
    }
    for path in ["/api/log_in", "/api/log_out", "/api/current_user", "/api/create_chat", "/api/unknown"] {
        let answer = app.anonymous().post(path, &[("email", "a"), ("password", "b")]).await;
        assert!(!answer.headers.contains_key("set-cookie"), "{path}");
    }
    if !has_redis {
        assert_eq!(app.database.count("session_record").await, 0);
    }
}

async fn a_restart_keeps_everybody_logged_in(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let gone = app.bob().await;
    let thief = Person { client: gone.client.copy(), ..gone.clone() };
    gone.call::<LogOut>(&[]).await.ok::<()>();
    let app = app.restart().await;
    alice.at(&app).call::<CurrentUser>(&[]).await.ok::<sardonyx::domain::user::User>();
    assert_dead(&thief.at(&app)).await;
}

async fn w7_a_live_connection_ends_with_its_session(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.change_session(&alice.cookie().unwrap(), |record| set_expiry(record, 2_000)).await;
    let mut tab = Tab::open(&alice).await;
    assert_eq!(tab.until_closed().await, (Some(CloseReason::SessionEnded), Some(1008)));
}

/// Neither a page, nor a server function, nor a live connection takes this cookie.
async fn assert_dead(person: &Person) {
    let page = person.get("/chats").await;
    assert_eq!((page.status, page.header("location")), (303, "/login?next=%2Fchats&reason=session_ended"));
    assert_eq!(person.call::<CurrentUser>(&[]).await.refusal(), (401, "session_ended".to_owned()));
    assert_eq!(Tab::try_open(person, &[]).await.err(), Some(401));
}

async fn log_in(app: &TestApp, browser: &Client) -> Answer {
    if app.database.count("user_account").await == 0 {
        app.add_account("alice@example.org", sardonyx::domain::user::Role::Member).await;
    }
    browser.call::<LogIn>(&[("email", "alice@example.org"), ("password", PASSWORD)]).await
}

fn with_cookie(app: &TestApp, value: &str) -> Client {
    let browser = app.anonymous();
    browser.cookies.lock().unwrap().insert("sardonyx".to_owned(), value.to_owned());
    browser
}

fn set_expiry(record: &mut Record, from_now_ms: i64) {
    let login = record.data.get_mut("login").unwrap();
    login["expires_at_ms"] = (clock::now_ms() + from_now_ms).into();
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
