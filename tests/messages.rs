//! The messages of a chat, read.

use sardonyx::{
    api::messages::ListMessages,
    domain::{ids::ChatId, limits, message::MessageBody},
};
use uuid::Uuid;

use crate::support::{Person, Setup, Tab, TestApp};

crate::on_both_databases![
    a_chat_is_read_page_by_page_from_its_end,
    i11_a_forged_place_in_a_chat_gives_messages_or_a_refusal,
    a_tab_that_was_away_is_given_what_it_missed,
    an_exchange_is_on_the_page_without_a_script,
];

async fn a_chat_is_read_page_by_page_from_its_end(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    fill(&app, &alice, chat_id, 110).await;
    let newest = alice.open_chat(chat_id).await.messages;
    assert_eq!(seqs(&newest.messages), (61..=110).collect::<Vec<_>>());
    assert_eq!(newest.messages.len() as u64, limits::MESSAGES_PER_PAGE);
    let middle = alice.list_messages(chat_id, 61).await;
    assert_eq!((seqs(&middle.messages), middle.has_older), ((11..=60).collect(), true));
    let oldest = alice.list_messages(chat_id, 11).await;
    assert_eq!((seqs(&oldest.messages), oldest.has_older), ((1..=10).collect(), false));
    assert!(newest.has_older);
    assert_eq!(oldest.messages[0].body, MessageBody::Text("message 1".to_owned()));

    let page = alice.get(&format!("/chats/{chat_id}?before_seq=11")).await.text();
    assert!(page.contains("message 10<") && !page.contains("message 11<"));
}

async fn i11_a_forged_place_in_a_chat_gives_messages_or_a_refusal(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    fill(&app, &alice, chat_id, 3).await;
    for (before_seq, count) in [(i64::MIN, 0), (-1, 0), (0, 0), (1, 0), (2, 1), (1_000_000_000, 3), (i64::MAX, 3)] {
        assert_eq!(alice.list_messages(chat_id, before_seq).await.messages.len(), count, "{before_seq}");
    }
    let id = chat_id.to_string();
    for before_seq in ["", "x", "9223372036854775808", "1e3", "1 OR 1=1"] {
        let answer = alice.call::<ListMessages>(&[("chat_id", &id), ("before_seq", before_seq)]).await;
        assert_eq!(answer.refusal(), (400, "malformed".to_owned()), "{before_seq}");
    }
    for before_seq in ["x", "-1", "9223372036854775808", "%00", "99999999999999999999999"] {
        let status = alice.get(&format!("/chats/{chat_id}?before_seq={before_seq}")).await.status;
        assert_eq!(status, 200, "{before_seq}");
    }
}

async fn a_tab_that_was_away_is_given_what_it_missed(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let view = alice.open_chat(chat_id).await;
    let sent = alice.send_message(chat_id, "while you were away").await;
    let mut witness = Tab::on_chat(&alice, chat_id).await;
    let reply = witness.until_end(sent.reply_id).await;
    // The page is older than the message; only the database knows of it.
    let mut tab = Tab::open(&alice).await;
    tab.show(view).await;
    assert_eq!(tab.until_end(sent.reply_id).await, reply);
    assert_eq!(seqs(&tab.screen.messages), [1, 2]);
}

async fn an_exchange_is_on_the_page_without_a_script(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    app.upstream.answer_with("It is **strong**.");
    let chat_id = alice.create_chat().await;
    let fields = [
        ("chat_id", chat_id.to_string()),
        ("text", "How is it?".to_owned()),
        ("client_message_id", Uuid::new_v4().to_string()),
    ];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let page = format!("/chats/{chat_id}");
    let answer = alice.submit(&page, "/api/send_message", &fields).await;
    assert_eq!((answer.status, answer.header("location")), (303, page.as_str()));
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    tab.until("both messages", |screen| screen.messages.iter().filter(|m| m.state.is_final()).count() == 2).await;
    let html = alice.get(&page).await.text();
    assert!(html.contains("How is it?") && html.contains("It is <strong>strong</strong>."));
    // An empty message comes back to the page with its reason.
    let answer = alice.submit(&page, "/api/send_message", &[fields[0], ("text", " "), fields[2]]).await;
    assert_eq!(answer.header("location"), format!("{page}?error=message_empty"));
    assert!(alice.get(answer.header("location")).await.text().contains("The message is empty."));
}

/// Puts messages into a chat without asking a model.
async fn fill(app: &TestApp, person: &Person, chat_id: ChatId, count: i64) {
    let database = &app.database;
    let (chat, user) = (database.id(chat_id.0), database.id(person.id.0));
    let rows: Vec<String> = (1..=count)
        .map(|seq| {
            format!(
                "({}, {chat}, {user}, {seq}, 'message {seq}', 'complete', FALSE, {seq})",
                database.id(Uuid::now_v7())
            )
        })
        .collect();
    let columns = "id, chat_id, user_id, seq, text, state, superseded, created_at_ms";
    database.execute(&format!("INSERT INTO chat_message ({columns}) VALUES {}", rows.join(", "))).await;
    database.execute(&format!("UPDATE chat_session SET last_seq = {count} WHERE id = {chat}")).await;
}

fn seqs(messages: &[sardonyx::domain::message::Message]) -> Vec<i64> {
    messages.iter().map(|message| message.seq).collect()
}
