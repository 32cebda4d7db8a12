//! The first account of a fresh site.

use std::collections::BTreeMap;

use futures::future::join_all;
use sardonyx::{api::setup::CreateFirstAccount, server::auth::setup};

use crate::support::{Setup, TestApp};

crate::on_both_databases![
    l17_a_fresh_site_has_no_account_and_its_link_works_once,
    a1_of_fifty_first_accounts_one_is_made,
    l14_a_first_account_needs_a_password_that_is_its_own,
    a_link_of_every_start_works_until_one_is_used,
];

async fn l17_a_fresh_site_has_no_account_and_its_link_works_once(setup: Setup) {
    let app = TestApp::start(setup).await;
    let browser = app.anonymous();
    for (email, password) in [("admin@localhost", "admin"), ("root@localhost", ""), ("admin@example.org", "admin")] {
        let answer = browser.post("/api/log_in", &[("email", email), ("password", password)]).await;
        assert_eq!(answer.refusal(), (401, "wrong_credentials".to_owned()));
    }
    for token in ["", "wrong", &"0".repeat(64)] {
        assert_eq!(browser.get(&format!("/setup?token={token}")).await.status, 403);
        assert_eq!(create(&app, token).await.refusal(), (403, "setup_link".to_owned()));
    }
    assert_eq!(app.database.count("user_account").await, 0);

    let token = link(&app).await.unwrap();
    let page = browser.get(&format!("/setup?token={token}")).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("create_first_account"));
    create(&app, &token).await.ok::<()>();

    assert_eq!(create(&app, &token).await.refusal(), (403, "setup_link".to_owned()));
    assert_eq!(browser.get(&format!("/setup?token={token}")).await.status, 403);
    assert_eq!(link(&app).await, None);
    assert_eq!(app.database.text("SELECT role FROM user_account").await, "admin");
}

async fn a1_of_fifty_first_accounts_one_is_made(setup: Setup) {
    let is_alone = setup.is_sqlite();
    let app = TestApp::start(setup).await;
    // One server has a SQLite database to itself; any number share Postgres.
    let other = if is_alone { None } else { Some(app.another().await) };
    let token = link(&app).await.unwrap();
    let answers = join_all((0..50).map(|n| {
        let app = other.as_ref().filter(|_| n % 2 == 1).unwrap_or(&app);
        let (browser, token) = (app.anonymous(), token.clone());
        async move {
            let email = format!("first-{n}@example.org");
            let fields = [("token", token.as_str()), ("email", &email), ("password", "blue-lamp-42-river")];
            browser.call::<CreateFirstAccount>(&fields).await
        }
    }))
    .await;
    let mut counts = BTreeMap::new();
    for answer in &answers {
        *counts.entry(answer.status).or_insert(0) += 1;
        // Too late, or too many passwords at a time to be hashed in time.
        assert!([200, 403, 503].contains(&answer.status), "{}", answer.text());
    }
    assert_eq!(counts.get(&200), Some(&1), "{counts:?}");
    assert_eq!(app.database.texts("SELECT role FROM user_account").await, ["admin"]);
}

async fn l14_a_first_account_needs_a_password_that_is_its_own(setup: Setup) {
    let app = TestApp::start(setup).await;
    let token = link(&app).await.unwrap();
    for (password, code) in [
        ("short", "password_too_short"),
        ("password", "password_too_common"),
        ("12345678", "password_too_common"),
        ("sardonyx", "password_too_common"),
        (&"x".repeat(1_025), "password_too_long"),
    ] {
        let fields = [("token", token.as_str()), ("email", "first@example.org"), ("password", password)];
        assert_eq!(app.anonymous().call::<CreateFirstAccount>(&fields).await.refusal(), (422, code.to_owned()));
    }
    assert_eq!(app.database.count("user_account").await, 0);
    create(&app, &token).await.ok::<()>();
}

async fn a_link_of_every_start_works_until_one_is_used(setup: Setup) {
    let app = TestApp::start(setup).await;
    let first = link(&app).await.unwrap();
    let app = app.restart().await;
    let second = link(&app).await.unwrap();
    create(&app, &first).await.ok::<()>();
    assert_eq!(create(&app, &second).await.status, 403);
    assert_eq!(app.database.count("setup_link").await, 0);
}

/// The secret of a fresh link, as it is printed at the start.
async fn link(app: &TestApp) -> Option<String> {
    let path = setup::new_link(&app.state.db).await.unwrap()?;
    Some(path.strip_prefix("/setup?token=").unwrap().to_owned())
}

async fn create(app: &TestApp, token: &str) -> crate::support::Answer {
    let fields = [("token", token), ("email", "first@example.org"), ("password", "blue-lamp-42-river")];
    app.anonymous().call::<CreateFirstAccount>(&fields).await
}
