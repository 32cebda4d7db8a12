//! What was found out about a model by trying is known from then on: after a restart, at every server, for some days.

use axum::http::StatusCode;
use sardonyx::{
    api::providers::{ChangeProvider, ListProviders, SaveProvider},
    domain::{limits, model::ModelName, provider::ProviderView},
};

use crate::support::{Setup, TestApp, Upstream, eventually};

crate::on_both_databases![
    what_was_found_out_about_a_model_is_known_after_a_restart,
    what_was_found_out_too_long_ago_is_found_out_anew,
    a_server_that_refuses_to_count_is_not_asked_to_after_a_restart,
    a_provider_at_another_address_or_removed_is_not_known,
];

crate::on_a_cluster![what_one_server_found_out_another_one_knows];

async fn what_was_found_out_about_a_model_is_known_after_a_restart(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.upstream.continue_replies(true);
    assert!(can_continue(&app, "openai/one").await);
    assert_eq!(app.upstream.trials(), 1);
    app.upstream.continue_replies(false);
    assert!(!can_continue(&app, "openai/two").await);
    assert_eq!(app.upstream.trials(), 4);
    let app = app.restart().await;
    assert!(can_continue(&app, "openai/one").await);
    assert!(!can_continue(&app, "openai/two").await);
    assert_eq!(app.upstream.trials(), 4);
    // Nothing secret goes along.
    let kept = app.database.texts("SELECT address FROM model_dialect").await;
    assert!(kept.iter().all(|address| address == app.upstream.url()), "{kept:?}");
}

async fn what_was_found_out_too_long_ago_is_found_out_anew(setup: Setup) {
    let app = TestApp::start(setup).await;
    assert!(!can_continue(&app, "openai/one").await);
    app.upstream.continue_replies(true);
    let app = app.restart().await;
    assert!(!can_continue(&app, "openai/one").await);
    let age = format!("UPDATE model_dialect SET found_at_ms = found_at_ms - {}", limits::DIALECT_KEPT_MS);
    assert_eq!(app.database.execute(&age).await, 1);
    let app = app.restart().await;
    assert!(can_continue(&app, "openai/one").await);
}

async fn a_server_that_refuses_to_count_is_not_asked_to_after_a_restart(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.upstream.by_hand();
    app.alice().await.ask("Count").await;
    let call = app.upstream.call().await;
    call.answer((StatusCode::UNPROCESSABLE_ENTITY, "extra fields not permitted"));
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece("Fine.");
    call.done();
    eventually("what is kept", async || app.database.count("model_dialect").await == 1).await;
    let app = app.restart().await;
    app.log_in("alice@example.org").await.ask("Count").await;
    assert!(app.upstream.call().await.body.get("stream_options").is_none());
}

async fn a_provider_at_another_address_or_removed_is_not_known(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, elsewhere) = (app.admin().await, Upstream::start().await);
    elsewhere.continue_replies(true);
    let place = [("name", "mine"), ("base_url", app.upstream.url()), ("key", "")];
    admin.call::<SaveProvider>(&place).await.ok::<()>();
    let providers: Vec<ProviderView> = admin.call::<ListProviders>(&[]).await.ok();
    let id = providers.into_iter().find_map(|provider| provider.stored).unwrap().id.to_string();
    assert!(!can_continue(&app, "mine/one").await);
    let place = [("provider_id", id.as_str()), ("base_url", elsewhere.url()), ("key", "")];
    admin.call::<SaveProvider>(&place).await.ok::<()>();
    assert_eq!(app.database.count("model_dialect").await, 0);
    assert!(can_continue(&app, "mine/one").await);
    assert_eq!((app.upstream.trials(), elsewhere.trials()), (3, 1));
    admin.call::<ChangeProvider>(&[("provider_id", &id), ("change", "remove")]).await.ok::<()>();
    assert_eq!(app.database.count("model_dialect").await, 0);
}

async fn what_one_server_found_out_another_one_knows(setup: Setup) {
    let app = TestApp::start(setup).await;
    let other = app.another().await;
    app.upstream.continue_replies(true);
    assert!(can_continue(&app, "openai/one").await);
    assert!(can_continue(&other, "openai/one").await);
    assert_eq!(app.upstream.trials(), 1);
}

async fn can_continue(app: &TestApp, model: &str) -> bool {
    app.state.models.can_continue(&ModelName::parse(model).unwrap()).await
}
