//! Logging in: who may, and what those learn who may not.

use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Params, Version, password_hash::PasswordHasher};
use reqwest::Method;
use sardonyx::{
    api::account::ChangePassword,
    api::session::{FindCurrentSession, LogIn},
    domain::{
        limits,
        session::CurrentSession,
        user::{Email, Password, Role},
    },
};

use crate::support::{Answer, Client, Setup, TestApp, people::PASSWORD, stream_of};

crate::on_both_databases![
    l1_every_failure_looks_the_same,
    l2_an_unknown_address_costs_a_hash_too,
    l3_the_right_password_of_a_disabled_account_is_worth_nothing,
    l4_after_too_many_wrong_passwords_the_next_waits_on_every_server_and_after_a_restart,
    l5_one_password_for_many_addresses_meets_the_limit_of_where_it_comes_from,
    l6_who_fails_elsewhere_keeps_nobody_out,
    l7_nobody_is_believed_where_they_come_from_but_a_trusted_proxy,
    l15_a_wrong_current_password_is_refused_and_counted,
    l10_a_huge_address_or_password_is_refused_before_it_is_hashed,
    l11_a_password_is_taken_as_typed,
    l12_an_address_has_one_form_and_no_look_alike,
    l13_odd_forms_are_refused,
    l16_an_old_hash_is_renewed_and_a_broken_one_never_matches,
    c15_the_log_in_leads_to_this_site_only,
    a_plain_form_comes_back_with_a_code_and_nothing_else,
    somebody_who_is_logged_in_is_led_past_the_log_in,
];

async fn l1_every_failure_looks_the_same(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.alice().await;
    let bob = app.bob().await;
    app.disable(&bob).await;
    let wrong = try_log_in(&app, "alice@example.org", "a wrong password").await;
    assert_eq!(wrong.refusal(), (401, "wrong_credentials".to_owned()));
    assert!(!wrong.headers.contains_key("set-cookie"));
    for (email, password) in [
        ("nobody@example.org", PASSWORD),
        ("bob@example.org", "a wrong password"),
        ("bob@example.org", PASSWORD),
        ("not an address", PASSWORD),
        ("", ""),
    ] {
        assert_eq!(try_log_in(&app, email, password).await.same(), wrong.same(), "{email:?} {password:?}");
    }
}

async fn l2_an_unknown_address_costs_a_hash_too(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.alice().await;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for _ in 0..9 {
        for (email, times) in [("alice@example.org", &mut known), ("nobody@example.org", &mut unknown)] {
            let started = Instant::now();
            try_log_in(&app, email, "a wrong password").await;
            times.push(started.elapsed());
        }
    }
    // Without the hash there would be a factor of ten or more between them.
    let (known, unknown) = (median(known), median(unknown));
    assert!(unknown * 3 > known && known * 3 > unknown, "known {known:?}, unknown {unknown:?}");
}

async fn l3_the_right_password_of_a_disabled_account_is_worth_nothing(setup: Setup) {
    let app = TestApp::start(setup).await;
    let bob = app.bob().await;
    app.disable(&bob).await;
    let (sessions, records) = (app.database.count("login_session").await, app.database.count("session_record").await);
    let wrong = try_log_in(&app, "bob@example.org", "a wrong password").await;
    let right = try_log_in(&app, "bob@example.org", PASSWORD).await;
    assert_eq!((right.same(), right.header("set-cookie")), (wrong.same(), ""));
    // Nor by the door for programs.
    let body = serde_json::json!({ "email": "bob@example.org", "password": PASSWORD });
    let token = app.anonymous().program(Method::POST, "/api/v1/token", None).json(&body);
    assert_eq!(Client::send_only(token).await.refusal(), (401, "wrong_credentials".to_owned()));
    assert_eq!(app.database.count("login_session").await, sessions);
    assert_eq!(app.database.count("session_record").await, records);
}

async fn l4_after_too_many_wrong_passwords_the_next_waits_on_every_server_and_after_a_restart(setup: Setup) {
    let is_alone = setup.is_sqlite();
    let app = TestApp::start(setup).await;
    app.alice().await;
    for _ in 0..limits::ATTEMPTS_PER_ACCOUNT_MAX {
        assert_eq!(try_log_in(&app, "alice@example.org", "a wrong password").await.status, 401);
    }
    // Now not even the right one counts, and nothing is hashed.
    let refused = async |app: &TestApp, password: &str| {
        let answer = try_log_in(app, "alice@example.org", password).await;
        assert_eq!(answer.refusal(), (429, "too_many_attempts".to_owned()));
        let seconds: u32 = answer.header("retry-after").parse().unwrap();
        assert!((1..=limits::ATTEMPT_PER_ACCOUNT_SECONDS).contains(&seconds));
    };
    refused(&app, "a wrong password").await;
    refused(&app, PASSWORD).await;
    if !is_alone {
        refused(&app.another().await, PASSWORD).await;
    }
    let app = app.restart().await;
    refused(&app, PASSWORD).await;
    // Others are not concerned.
    assert_eq!(try_log_in(&app, "bob@example.org", "a wrong password").await.status, 401);
    // It passes: a minute later one more attempt counts.
    let minute_ms = 1_000 * i64::from(limits::ATTEMPT_PER_ACCOUNT_SECONDS);
    app.database.execute(&format!("UPDATE login_attempt SET counted_at_ms = counted_at_ms - {minute_ms}")).await;
    assert_eq!(try_log_in(&app, "alice@example.org", "a wrong password").await.status, 401);
    refused(&app, PASSWORD).await;
    app.database.execute(&format!("UPDATE login_attempt SET counted_at_ms = counted_at_ms - {minute_ms}")).await;
    try_log_in(&app, "alice@example.org", PASSWORD).await.ok::<()>();
    // Who has proved themselves starts anew.
    assert_eq!(try_log_in(&app, "alice@example.org", "a wrong password").await.status, 401);
    assert_eq!(try_log_in(&app, "alice@example.org", "a wrong password").await.status, 401);
}

async fn l5_one_password_for_many_addresses_meets_the_limit_of_where_it_comes_from(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.alice().await;
    for n in 0..limits::ATTEMPTS_PER_ADDRESS_MAX {
        assert_eq!(try_log_in(&app, &format!("person-{n}@example.org"), "a password").await.status, 401);
    }
    assert_eq!(try_log_in(&app, "one-more@example.org", "a password").await.status, 429);
    assert_eq!(try_log_in(&app, "alice@example.org", PASSWORD).await.status, 429);
}

async fn l6_who_fails_elsewhere_keeps_nobody_out(setup: Setup) {
    let proxy = || "127.0.0.1/32".parse().unwrap();
    let app = TestApp::start(setup.config(move |config| config.trusted_proxies = vec![proxy()])).await;
    app.alice().await;
    let from = async |address: &str, password: &str| {
        let browser = app.anonymous();
        let fields = crate::support::form(&[("email", "alice@example.org"), ("password", password)]);
        let request = browser.form_request("/api/log_in", fields);
        browser.send(request.header("x-forwarded-for", format!("9.9.9.9, {address}"))).await
    };
    for _ in 0..20 {
        from("1.2.3.4", "a wrong password").await;
    }
    assert_eq!(from("1.2.3.4", PASSWORD).await.status, 429);
    from("5.6.7.8", PASSWORD).await.ok::<()>();
    // L7: what a client says in front of the proxy's word changes nothing; one network counts as one.
    for n in 0..20 {
        from(&format!("2001:db8::{n}"), "a wrong password").await;
    }
    assert_eq!(from("2001:db8::99", PASSWORD).await.status, 429);
    from("2001:db8:0:1::99", PASSWORD).await.ok::<()>();
}

async fn l7_nobody_is_believed_where_they_come_from_but_a_trusted_proxy(setup: Setup) {
    // As it is by default: no proxy is trusted.
    let app = TestApp::start(setup.clone()).await;
    app.alice().await;
    let from = async |app: &TestApp, forwarded: &[&str], password: &str| {
        let browser = app.anonymous();
        let fields = crate::support::form(&[("email", "alice@example.org"), ("password", password)]);
        let request = browser.form_request("/api/log_in", fields);
        let request = forwarded.iter().fold(request, |request, hop| request.header("x-forwarded-for", *hop));
        browser.send(request.header("x-real-ip", "10.9.9.9").header("forwarded", "for=10.9.9.9")).await.status
    };
    for n in 0..limits::ATTEMPTS_PER_ACCOUNT_MAX {
        assert_eq!(from(&app, &[&format!("10.1.0.{n}")], "a wrong password").await, 401);
    }
    assert_eq!(from(&app, &["10.1.0.99"], PASSWORD).await, 429);
    assert_eq!(from(&app, &[], PASSWORD).await, 429);

    // Behind proxies, the right-most hop that is none of them counts, however many lines say it.
    let trusted = ["127.0.0.1/32", "10.200.0.0/16"];
    let trusted = move || trusted.iter().map(|network| network.parse().unwrap()).collect();
    let app = TestApp::start(setup.config(move |config| config.trusted_proxies = trusted())).await;
    app.alice().await;
    for n in 0..limits::ATTEMPTS_PER_ACCOUNT_MAX {
        let invented = format!("10.1.0.{n}");
        let hops = [&*format!("{invented}, 192.0.2.7, 10.200.0.1")];
        assert_eq!(from(&app, &hops, "a wrong password").await, 401);
    }
    assert_eq!(from(&app, &["10.1.0.99", "192.0.2.7"], PASSWORD).await, 429);
    assert_eq!(from(&app, &["192.0.2.7", "192.0.2.8, 10.200.3.4"], PASSWORD).await, 200);
}

async fn l15_a_wrong_current_password_is_refused_and_counted(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let before = app.database.text("SELECT password_hash FROM user_account").await;
    let change = async |current: &str| {
        let fields = [("current_password", current), ("new_password", "quartz vein 77")];
        alice.call::<ChangePassword>(&fields).await
    };
    assert_eq!(alice.call::<ChangePassword>(&[("new_password", "quartz vein 77")]).await.status, 400);
    for current in ["", "a wrong password"].into_iter().cycle().take(limits::ATTEMPTS_PER_ACCOUNT_MAX as usize) {
        assert_eq!(change(current).await.refusal(), (401, "wrong_credentials".to_owned()));
    }
    // Whoever found the browser open does not guess on, here or at the log-in.
    let refused = change(PASSWORD).await;
    assert_eq!(refused.refusal(), (429, "too_many_attempts".to_owned()));
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(try_log_in(&app, "alice@example.org", PASSWORD).await.status, 429);
    assert_eq!(app.database.text("SELECT password_hash FROM user_account").await, before);
    alice.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>();
}

async fn l10_a_huge_address_or_password_is_refused_before_it_is_hashed(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.alice().await;
    let huge = "x".repeat(1024 * 1024);
    for (email, password) in [("alice@example.org", huge.as_str()), (&huge, PASSWORD)] {
        assert_eq!(try_log_in(&app, email, password).await.refusal(), (413, "too_large".to_owned()));
    }
    // Nor does it help to leave out the length.
    let body = stream_of(&"x".repeat(1024), 20);
    let answer = Client::send_only(app.anonymous().form_request("/api/log_in", body)).await;
    assert_eq!(answer.refusal(), (413, "too_large".to_owned()));
    let long = try_log_in(&app, "alice@example.org", &"x".repeat(1_025)).await;
    assert_eq!(long.refusal(), (422, "password_too_long".to_owned()));
}

async fn l11_a_password_is_taken_as_typed(setup: Setup) {
    let app = TestApp::start(setup).await;
    let passwords = [
        "x".repeat(64),
        "y".repeat(128),
        "🔑".repeat(1_024),
        "  outer spaces  ".to_owned(),
        "composed ü".to_owned(),
        "composed u\u{308}".to_owned(),
        format!("{}a", "z".repeat(199)),
        format!("{}b", "z".repeat(199)),
    ];
    for (n, password) in passwords.iter().enumerate() {
        let hash = app.state.passwords.hash(Password::parse(password.clone()).unwrap()).await.unwrap();
        let email = Email::parse(&format!("person-{n}@example.org")).unwrap();
        app.state.db.add_account_as_operator(&email, hash, Role::Member).await.unwrap();
    }
    for (n, password) in passwords.iter().enumerate() {
        let email = format!("person-{n}@example.org");
        try_log_in(&app, &email, password).await.ok::<()>();
        // The next one is another password, however alike it looks.
        let other = &passwords[n ^ 1];
        assert_eq!(try_log_in(&app, &email, other).await.status, 401, "{n}");
    }
    assert_eq!(try_log_in(&app, "person-3@example.org", "outer spaces").await.status, 401);
}

async fn l12_an_address_has_one_form_and_no_look_alike(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.alice().await;
    for email in ["alice@example.org", "Alice@Example.org", " alice@example.org "] {
        try_log_in(&app, email, PASSWORD).await.ok::<()>();
    }
    for email in ["аlice@example.org", "alice@example.org\0", "alice\u{200b}@example.org", "alice@example.org@x", "%"]
    {
        assert_eq!(try_log_in(&app, email, PASSWORD).await.status, 401, "{email:?}");
    }
}

async fn l13_odd_forms_are_refused(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.alice().await;
    for body in [
        "",
        "email=a",
        "password=b",
        "email=a&email=b&password=c",
        "email[]=alice@example.org&password=c",
        "email[$ne]=&password[$ne]=",
        "email={\"$ne\":\"\"}&password=x",
        "null",
        "&&&===",
        "email[a][b][c]=1&password=x",
    ] {
        let answer = app.anonymous().send(app.anonymous().form_request("/api/log_in", body)).await;
        assert!([400, 401, 422].contains(&answer.status), "{body}: {} {}", answer.status, answer.text());
        assert!(!answer.code().is_empty(), "{body}");
    }
}

async fn l16_an_old_hash_is_renewed_and_a_broken_one_never_matches(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.alice().await;
    let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8 * 1024, 1, 1, None).unwrap());
    let old = weak.hash_password(PASSWORD.as_bytes()).unwrap().to_string();
    set_hash(&app, &old).await;
    try_log_in(&app, "alice@example.org", PASSWORD).await.ok::<()>();
    let new = app.database.text("SELECT password_hash FROM user_account").await;
    assert!(new != old && new.contains("m=19456,t=2,p=1"), "{new}");
    try_log_in(&app, "alice@example.org", PASSWORD).await.ok::<()>();

    let wrong = try_log_in(&app, "nobody@example.org", PASSWORD).await;
    let monstrous = "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for broken in ["", "nonsense", "$argon2id$", monstrous] {
        set_hash(&app, broken).await;
        assert_eq!(try_log_in(&app, "alice@example.org", PASSWORD).await.same(), wrong.same(), "{broken}");
    }
}

async fn c15_the_log_in_leads_to_this_site_only(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.alice().await;
    let fields = |next| [("email", "alice@example.org"), ("password", PASSWORD), ("next", next)];
    for next in [
        "//evil",
        "/\\evil",
        "https:evil",
        "https://evil.example",
        "javascript:alert(1)",
        "%2f%2fevil",
        "\t/evil",
        "/\n/evil",
        "",
    ] {
        let answer = app.anonymous().call::<LogIn>(&fields(next)).await;
        assert_eq!((answer.status, answer.header("location")), (200, "/chats"), "{next:?}");
        let answer = app.anonymous().submit("/login", "/api/log_in", &fields(next)).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/chats"), "{next:?}");
    }
    let answer = app.anonymous().call::<LogIn>(&fields("/chats/1?a=b")).await;
    assert_eq!(answer.header("location"), "/chats/1?a=b");
}

async fn a_plain_form_comes_back_with_a_code_and_nothing_else(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.alice().await;
    let browser = app.anonymous();
    let fields = [("email", "alice@example.org"), ("password", "a wrong password")];
    let answer = browser.submit("/login?next=%2Fchats", "/api/log_in", &fields).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/login?next=%2Fchats&error=wrong_credentials"));
    let page = browser.get(answer.header("location")).await.text();
    assert!(page.contains("E-mail or password is not right."));
    assert!(!page.contains("a wrong password"));
}

async fn somebody_who_is_logged_in_is_led_past_the_log_in(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    for (path, target) in [
        ("/login", "/chats"),
        ("/login?next=/chats/1", "/chats/1"),
        ("/login?next=//evil", "/chats"),
        ("/setup", "/chats"),
    ] {
        let answer = alice.get(path).await;
        assert_eq!((answer.status, answer.header("location")), (303, target));
    }
    let user = alice.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>().user;
    assert_eq!((user.email.as_str(), user.role), ("alice@example.org", Role::Member));
}

async fn try_log_in(app: &TestApp, email: &str, password: &str) -> Answer {
    app.anonymous().call::<LogIn>(&[("email", email), ("password", password)]).await
}

async fn set_hash(app: &TestApp, hash: &str) {
    app.database.execute(&format!("UPDATE user_account SET password_hash = '{hash}'")).await;
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
