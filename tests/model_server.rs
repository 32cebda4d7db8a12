//! Replies of a model server that nobody here wrote (llama.cpp's own); only with `--long`, which starts it.

use sardonyx::domain::message::MessageState;

use crate::support::{Setup, Tab, TestApp, database::needed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the model server that --long starts"]
async fn a_model_server_that_is_not_ours_replies_is_stopped_and_goes_on() {
    let url = needed("SARDONYX_TEST_MODEL_SERVER");
    let app = TestApp::start(Setup::sqlite().config(move |config| {
        config.models.openai_base_url = Some(url.parse().unwrap());
        config.models.model = None;
    }))
    .await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let mut tab = Tab::on_chat(&alice, chat_id).await;

    let hello = alice.send_message(chat_id, "Hello").await;
    let reply = tab.until_end(hello.reply_id).await;
    assert_eq!(reply.state, MessageState::Complete);
    assert!(!tab.screen.text_of(hello.reply_id).is_empty());

    let essay = alice.send_message(chat_id, "Write a very long essay about stones.").await;
    tab.until("the essay begins", |screen| screen.text_of(essay.reply_id).len() > 40).await;
    alice.stop_reply(essay.reply_id).await;
    assert_eq!(tab.until_end(essay.reply_id).await.state, MessageState::Stopped);
    let after_a_reload = Tab::on_chat(&alice, chat_id).await;
    assert_eq!(after_a_reload.screen.text_of(essay.reply_id), tab.screen.text_of(essay.reply_id));

    let again = alice.send_message(chat_id, "Thank you").await;
    assert_eq!(tab.until_end(again.reply_id).await.state, MessageState::Complete);
}
