//! Many who write at once: nobody is turned away, nothing is lost.

use futures::future::join_all;
use sardonyx::domain::message::Sent;

use crate::support::{Person, Setup, Tab, TestApp};

crate::on_both_databases![
    n8_many_writers_and_readers_get_their_turn,
    n9_a_lock_that_another_process_holds_for_a_moment_is_waited_for,
    n11_a_client_that_goes_away_leaves_all_or_nothing,
];

async fn n8_many_writers_and_readers_get_their_turn(setup: Setup) {
    let app = TestApp::start(setup).await;
    let mut people = Vec::new();
    // As many of them as it takes for nobody to ask for more than one person may have waiting.
    for n in 0..10 {
        people.push(app.member(&format!("person-{n}@example.org")).await);
    }
    let writers = (0..50).map(|n| {
        let person = &people[n % people.len()];
        async move {
            let chat_id = person.create_chat().await;
            for turn in 0..4 {
                person.send_message(chat_id, &format!("{n}-{turn}")).await;
            }
        }
    });
    let readers = (0..50).map(|n| {
        let person = &people[n % people.len()];
        async move {
            for _ in 0..10 {
                person.list_chats(None).await;
            }
        }
    });
    tokio::join!(join_all(writers), join_all(readers));
    assert_eq!(app.database.count("chat_session").await, 50);
    assert_eq!(app.database.count("chat_message").await, 50 * 4 * 2);
    let uneven = "SELECT COUNT(*) FROM chat_session WHERE last_seq <> 8";
    assert_eq!(app.database.number(uneven).await, 0);
}

async fn n9_a_lock_that_another_process_holds_for_a_moment_is_waited_for(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let lock = app.database.lock_chats().await;
    let (sent, ()) = tokio::join!(alice.send_message(chat_id, "hello"), async {
        // Others read meanwhile.
        alice.list_chats(None).await;
        lock.rollback().await.unwrap();
    });
    assert_eq!(app.database.message(sent.message_id.0).await.0, "hello");
}

async fn n11_a_client_that_goes_away_leaves_all_or_nothing(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice: Person = app.alice().await;
    let chat_id = alice.create_chat().await;
    for polls in 0..40 {
        let text = format!("message {polls}");
        let mut sending = Box::pin(alice.send_message(chat_id, &text));
        for _ in 0..polls {
            if futures::poll!(sending.as_mut()).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    // One that stays comes last: what the others left is written by then.
    let last: Sent = alice.send_message(chat_id, "the last").await;
    Tab::on_chat(&alice, chat_id).await.until_end(last.reply_id).await;
    let asked = app.database.number("SELECT COUNT(*) FROM chat_message WHERE model IS NULL").await;
    let answered =
        app.database.number("SELECT COUNT(DISTINCT parent_id) FROM chat_message WHERE model IS NOT NULL").await;
    assert_eq!(asked, answered);
    assert_eq!(app.database.number("SELECT MAX(seq) - COUNT(*) FROM chat_message").await, 0);
}
