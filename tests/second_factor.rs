//! The second factor: set up, asked for, used once, lost, switched off.

use futures::future::join_all;
use reqwest::Method;
use sardonyx::{
    api::{
        account::ChangePassword,
        admin::{ListAudit, ListPeople, MakePasswordLink, RemoveSecondFactor},
        links::AcceptLink,
        notifications::ListNotifications,
        second_factor::{BeginSecondFactor, ConfirmSecondFactor, FindSecondFactor, SwitchOffSecondFactor},
        session::{FindCurrentSession, LogIn},
    },
    domain::{
        admin::{AuditPage, PersonPage},
        limits,
        live::CloseReason,
        notification::{Notification, NotificationKind},
        second_factor::SecondFactor,
        session::SessionEnd,
    },
    server::clock,
};
use serde_json::json;
use totp_rs::{Builder, Secret};

use crate::support::{Answer, Client, Person, Setup, Tab, TestApp, form, people::PASSWORD};

crate::on_both_databases![
    a_second_factor_is_asked_for_after_the_right_password_only,
    a_code_works_once_also_when_many_try_it,
    a_recovery_code_works_once,
    a12_a_code_is_needed_again_for_a_new_password_and_for_switching_it_off,
    l4_wrong_codes_are_counted,
    a_program_needs_a_code_for_its_token,
    what_is_being_set_up_is_shown_until_it_is_confirmed,
    a7_a_link_for_a_new_password_does_not_skip_the_second_factor,
    l4_wrong_codes_are_counted_wherever_they_come_from,
    a_lost_second_factor_is_removed_by_an_administrator_only,
];

async fn a_second_factor_is_asked_for_after_the_right_password_only(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let factor = Factor::set_up(&alice).await;
    let wrong = log_in(&app, "a wrong password", "").await;
    assert_eq!(wrong.refusal(), (401, "wrong_credentials".to_owned()));
    let needed = log_in(&app, PASSWORD, "").await;
    assert_eq!((needed.refusal(), needed.header("set-cookie")), ((401, "code_needed".to_owned()), ""));
    assert_eq!(log_in(&app, "a wrong password", &factor.code(1)).await.refusal().1, "wrong_credentials");
    assert_eq!(log_in(&app, PASSWORD, "000000").await.refusal(), (401, "wrong_code".to_owned()));
    // As people type it.
    let code = factor.code(1);
    log_in(&app, PASSWORD, &format!(" {} {} ", &code[..3], &code[3..])).await.ok::<()>();
    // Others are not asked.
    app.bob().await;
}

async fn a_code_works_once_also_when_many_try_it(setup: Setup) {
    let app = TestApp::start(setup).await;
    let factor = Factor::set_up(&app.alice().await).await;
    let code = factor.code(1);
    let answers = join_all((0..5).map(|_| log_in(&app, PASSWORD, &code))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    // Nor does an older one after a newer one.
    assert_eq!(log_in(&app, PASSWORD, &factor.code(0)).await.refusal().1, "wrong_code");
}

async fn a_recovery_code_works_once(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let factor = Factor::set_up(&alice).await;
    assert_eq!(factor.recovery_codes.len(), 10);
    let code = factor.recovery_codes[3].to_uppercase();
    log_in(&app, PASSWORD, &code).await.ok::<()>();
    assert_eq!(log_in(&app, PASSWORD, &code).await.refusal().1, "wrong_code");
    log_in(&app, PASSWORD, &factor.recovery_codes[0].replace('-', "")).await.ok::<()>();
    let state: SecondFactor = alice.call::<FindSecondFactor>(&[]).await.ok();
    assert_eq!(state, SecondFactor::On { recovery_codes_left: 8 });
}

async fn a12_a_code_is_needed_again_for_a_new_password_and_for_switching_it_off(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let factor = Factor::set_up(&alice).await;
    let change = async |code: &str| {
        let fields = [("current_password", PASSWORD), ("new_password", PASSWORD), ("code", code)];
        alice.call::<ChangePassword>(&fields).await
    };
    assert_eq!(change("").await.refusal(), (401, "code_needed".to_owned()));
    assert_eq!(change("123456").await.refusal(), (401, "wrong_code".to_owned()));
    change(&factor.recovery_codes[0]).await.ok::<()>();
    let off = async |password: &str, code: &str| {
        alice.call::<SwitchOffSecondFactor>(&[("password", password), ("code", code)]).await
    };
    assert_eq!(off("a wrong one", &factor.recovery_codes[1]).await.refusal().1, "wrong_credentials");
    assert_eq!(off(PASSWORD, "").await.refusal().1, "code_needed");
    // Beginning anew does not go around it.
    alice.call::<BeginSecondFactor>(&[]).await.ok::<()>();
    assert_eq!(log_in(&app, PASSWORD, "").await.refusal().1, "code_needed");
    off(PASSWORD, &factor.recovery_codes[1]).await.ok::<()>();
    log_in(&app, PASSWORD, "").await.ok::<()>();
}

async fn l4_wrong_codes_are_counted(setup: Setup) {
    let app = TestApp::start(setup).await;
    let factor = Factor::set_up(&app.alice().await).await;
    for _ in 0..limits::ATTEMPTS_PER_ACCOUNT_MAX {
        assert_eq!(log_in(&app, PASSWORD, "000000").await.refusal().1, "wrong_code");
    }
    let answer = log_in(&app, PASSWORD, &factor.code(1)).await;
    assert_eq!(answer.refusal(), (429, "too_many_attempts".to_owned()));
    assert!(!answer.header("retry-after").is_empty());
}

async fn a_program_needs_a_code_for_its_token(setup: Setup) {
    let app = TestApp::start(setup).await;
    let factor = Factor::set_up(&app.alice().await).await;
    let ask = async |code: Option<String>| {
        let body = json!({ "email": "alice@example.org", "password": PASSWORD, "code": code });
        let stranger = app.anonymous();
        Client::send_only(stranger.program(Method::POST, "/api/v1/token", None).json(&body)).await
    };
    assert_eq!(ask(None).await.refusal(), (401, "code_needed".to_owned()));
    assert_eq!(ask(Some("000000".to_owned())).await.refusal(), (401, "wrong_code".to_owned()));
    assert_eq!(ask(Some(factor.code(1))).await.status, 200);
    assert_eq!(ask(Some(factor.code(1))).await.refusal(), (401, "wrong_code".to_owned()));
}

async fn what_is_being_set_up_is_shown_until_it_is_confirmed(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    assert_eq!(alice.get("/settings/second-factor.svg").await.status, 404);
    alice.call::<BeginSecondFactor>(&[]).await.ok::<()>();
    let picture = alice.get("/settings/second-factor.svg").await;
    assert_eq!((picture.status, picture.header("content-type")), (200, "image/svg+xml"));
    assert!(picture.text().contains("<svg") && picture.header("cache-control") == "no-store");
    // Not in force yet: one can still log in without.
    log_in(&app, PASSWORD, "").await.ok::<()>();
    let confirm = async |password: &str, code: &str| {
        alice.call::<ConfirmSecondFactor>(&[("password", password), ("code", code)]).await
    };
    let SecondFactor::Pending { secret, recovery_codes } = alice.call::<FindSecondFactor>(&[]).await.ok() else {
        panic!("nothing is being set up");
    };
    let factor = Factor { secret, recovery_codes };
    assert_eq!(confirm("a wrong one", &factor.code(0)).await.refusal().1, "wrong_credentials");
    assert_eq!(confirm(PASSWORD, "000000").await.refusal().1, "wrong_code");
    // A recovery code proves no authenticator.
    assert_eq!(confirm(PASSWORD, &factor.recovery_codes[0]).await.refusal().1, "wrong_code");
    confirm(PASSWORD, &factor.code(0)).await.ok::<()>();
    assert_eq!(confirm(PASSWORD, &factor.code(1)).await.refusal().1, "conflict");
    assert_eq!(alice.get("/settings/second-factor.svg").await.status, 404);
    assert!(!alice.get("/settings/second-factor").await.text().contains(&factor.secret));
}

async fn a7_a_link_for_a_new_password_does_not_skip_the_second_factor(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice) = (app.admin().await, app.alice().await);
    let factor = Factor::set_up(&alice).await;
    let link: String = admin.call::<MakePasswordLink>(&[("user_id", &alice.id.to_string())]).await.ok();
    let token = link.split_once("?token=").unwrap().1;
    let browser = app.anonymous();
    let taken = browser.call::<AcceptLink>(&[("token", token), ("password", "quartz vein 77")]).await;
    assert_eq!((taken.status, taken.header("set-cookie")), (200, ""));
    assert_eq!(browser.call::<FindCurrentSession>(&[]).await.status, 401);
    // The password is the new one, and the code is still asked for.
    assert_eq!(log_in(&app, "quartz vein 77", "").await.refusal(), (401, "code_needed".to_owned()));
    assert_eq!(log_in(&app, PASSWORD, &factor.code(1)).await.refusal().1, "wrong_credentials");
    log_in(&app, "quartz vein 77", &factor.code(1)).await.ok::<()>();
}

async fn l4_wrong_codes_are_counted_wherever_they_come_from(setup: Setup) {
    let proxy = || "127.0.0.1/32".parse().unwrap();
    let app = TestApp::start(setup.config(move |config| config.trusted_proxies = vec![proxy()])).await;
    let factor = Factor::set_up(&app.alice().await).await;
    let from = async |n: u32, code: &str| {
        let browser = app.anonymous();
        let fields = form(&[("email", "alice@example.org"), ("password", PASSWORD), ("code", code)]);
        let request = browser.form_request("/api/log_in", fields);
        browser.send(request.header("x-forwarded-for", format!("10.0.0.{n}"))).await
    };
    for n in 0..limits::CODES_PER_ACCOUNT_MAX {
        assert_eq!(from(n, "000000").await.refusal(), (401, "wrong_code".to_owned()));
    }
    assert_eq!(from(200, "000000").await.refusal(), (429, "too_many_attempts".to_owned()));
    assert_eq!(from(201, &factor.code(1)).await.status, 429);
    // It passes.
    let wait_ms = 1_000 * i64::from(limits::CODE_PER_ACCOUNT_SECONDS);
    app.database.execute(&format!("UPDATE login_attempt SET counted_at_ms = counted_at_ms - {wait_ms}")).await;
    from(202, &factor.code(1)).await.ok::<()>();
}

async fn a_lost_second_factor_is_removed_by_an_administrator_only(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice, bob) = (app.admin().await, app.alice().await, app.bob().await);
    Factor::set_up(&alice).await;
    Factor::set_up(&admin).await;
    let remove =
        async |by: &Person, whom: &Person| by.call::<RemoveSecondFactor>(&[("user_id", &whom.id.to_string())]).await;
    assert_eq!(remove(&bob, &alice).await.refusal(), (403, "forbidden".to_owned()));
    assert_eq!(remove(&alice, &alice).await.status, 403);
    // Not one's own: that takes a code.
    assert_eq!(remove(&admin, &admin).await.refusal(), (409, "conflict".to_owned()));
    // Who has none, or is only setting one up, has none to lose.
    assert_eq!(remove(&admin, &bob).await.refusal(), (404, "not_found".to_owned()));
    bob.call::<BeginSecondFactor>(&[]).await.ok::<()>();
    assert_eq!(remove(&admin, &bob).await.status, 404);
    assert_eq!(log_in(&app, PASSWORD, "").await.refusal().1, "code_needed");

    let who_has_one = async || {
        let page: PersonPage = admin.call::<ListPeople>(&[("search", "")]).await.ok();
        let with = page.people.into_iter().filter(|person| person.has_second_factor);
        with.map(|person| (person.email, person.is_you)).collect::<Vec<_>>()
    };
    let (hers, own) = (("alice@example.org".to_owned(), false), ("admin@example.org".to_owned(), true));
    assert_eq!(who_has_one().await, [own.clone(), hers]);
    let mut tab = Tab::open(&alice).await;
    let page = admin.get("/admin").await.text();
    assert!(page.contains("Remove second factor: alice@example.org"), "{page}");
    for without in ["admin", "bob"] {
        assert!(!page.contains(&format!("Remove second factor: {without}@example.org")), "{without}");
    }
    // Without a script, as an administrator's page posts it.
    let fields = [("user_id", &*alice.id.to_string())];
    let answer = admin.submit("/admin", "/api/remove_second_factor", &fields).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/admin"));
    assert_eq!(who_has_one().await, [own]);
    let ended = SessionEnd::RevokedByAdmin;
    assert_eq!(tab.until_closed().await, (Some(CloseReason::SessionEnded(ended)), Some(1008)));
    assert_eq!(alice.call::<FindCurrentSession>(&[]).await.refusal(), (401, ended.name().to_owned()));
    assert_eq!(remove(&admin, &alice).await.status, 404);

    // The password alone will do, she is told by whom, and the log says so, too.
    let alice = app.log_in("alice@example.org").await;
    let told: Vec<Notification> = alice.call::<ListNotifications>(&[]).await.ok();
    assert_eq!((told[0].kind, told[0].detail.as_str()), (NotificationKind::SecondFactorRemoved, "admin@example.org"));
    let fields = [("who", ""), ("action", "second_factor_removed")];
    let entries = admin.call::<ListAudit>(&fields).await.ok::<AuditPage>().entries;
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].actor.as_str(), entries[0].subject.as_str()), ("admin@example.org", "alice@example.org"));
    assert_eq!(alice.call::<FindSecondFactor>(&[]).await.ok::<SecondFactor>(), SecondFactor::Off);
}

/// What is in an authenticator, and on a piece of paper.
struct Factor {
    secret: String,
    recovery_codes: Vec<String>,
}

impl Factor {
    async fn set_up(person: &Person) -> Self {
        person.call::<BeginSecondFactor>(&[]).await.ok::<()>();
        let SecondFactor::Pending { secret, recovery_codes } = person.call::<FindSecondFactor>(&[]).await.ok() else {
            panic!("nothing is being set up");
        };
        let factor = Self { secret, recovery_codes };
        let code = factor.code(0);
        person.call::<ConfirmSecondFactor>(&[("password", PASSWORD), ("code", &code)]).await.ok::<()>();
        factor
    }

    /// The code of now, or of so many steps later.
    fn code(&self, steps_later: u64) -> String {
        let totp = Builder::new()
            .with_secret(Secret::try_from_base32(&self.secret).unwrap())
            .with_account_name("alice")
            .with_issuer(Some("Sardonyx"))
            .build()
            .unwrap();
        totp.generate(clock::now_ms().unsigned_abs() / 1_000 + 30 * steps_later).to_string()
    }
}

async fn log_in(app: &TestApp, password: &str, code: &str) -> Answer {
    let fields = [("email", "alice@example.org"), ("password", password), ("code", code)];
    app.anonymous().call::<LogIn>(&fields).await
}
