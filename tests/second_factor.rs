//! The second factor: set up, asked for, used once, lost, switched off.

use futures::future::join_all;
use reqwest::Method;
use sardonyx::{
    api::{
        account::ChangePassword,
        second_factor::{BeginSecondFactor, ConfirmSecondFactor, FindSecondFactor, SwitchOffSecondFactor},
        session::LogIn,
    },
    domain::{limits, second_factor::SecondFactor},
    server::clock,
};
use serde_json::json;
use totp_rs::{Builder, Secret};

use crate::support::{Answer, Client, Person, Setup, TestApp, people::PASSWORD};

crate::on_both_databases![
    a_second_factor_is_asked_for_after_the_right_password_only,
    a_code_works_once_also_when_many_try_it,
    a_recovery_code_works_once,
    a12_a_code_is_needed_again_for_a_new_password_and_for_switching_it_off,
    l4_wrong_codes_are_counted,
    a_program_needs_a_code_for_its_token,
    what_is_being_set_up_is_shown_until_it_is_confirmed,
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
