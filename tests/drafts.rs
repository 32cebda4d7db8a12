//! What is typed and not yet sent: it follows its user, goes with its message, and is never thrown away for another.

use sardonyx::{
    api::{drafts::SaveDraft, messages::SendMessage},
    domain::{
        draft::ChatDraft,
        ids::{ChatId, ClientMessageId},
        limits,
        live::{LiveCommand, LiveEvent},
        message::Sent,
    },
};
use serde_json::Value;

use crate::support::{Client, Setup, Tab, TestApp, soon};

crate::on_both_databases![
    a_draft_is_there_wherever_the_chat_is_opened,
    a_draft_goes_with_its_message,
    a_draft_that_is_late_does_not_come_back,
    a_draft_that_was_not_seen_outlives_a_message_from_elsewhere,
    who_typed_without_seeing_the_draft_says_so,
    a_draft_out_of_bounds_is_refused,
    drafts_are_among_ones_data_and_go_with_their_chat,
    typing_is_told_to_ones_other_tabs_on_the_chat,
    typing_is_authorised_anew_each_time,
];
crate::on_a_cluster![a_draft_and_typing_are_told_on_every_server];

async fn a_draft_is_there_wherever_the_chat_is_opened(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let (chat_id, other_chat) = (alice.create_chat().await, alice.create_chat().await);
    assert_eq!(alice.open_chat(chat_id).await.draft, ChatDraft::default());
    let mut tab = watching(&alice, chat_id).await;
    let mut elsewhere = watching(&alice, other_chat).await;
    let id = ClientMessageId::random();
    let first = save(&alice, chat_id, "  half a tho", id, 0).await;
    let second = save(&alice, chat_id, "  half a thought\n", id, first).await;
    assert!(second > first);
    assert_eq!(alice.open_chat(chat_id).await.draft, draft("  half a thought\n", second));
    assert_eq!(alice.open_chat(other_chat).await.draft, ChatDraft::default());
    tab.until("both drafts", |screen| screen.drafts.len() == 2).await;
    let announced: Vec<&ChatDraft> = tab.screen.drafts.iter().map(|change| &change.draft).collect();
    assert_eq!(announced, [&draft("  half a tho", first), &draft("  half a thought\n", second)]);
    assert_eq!(tab.screen.drafts[1].replaces_ms, first);
    // Whoever comes late, or comes back, is told where it stands.
    let mut late = watching(&alice, chat_id).await;
    late.until("the draft", |screen| !screen.drafts.is_empty()).await;
    assert_eq!(late.screen.drafts[0].draft, draft("  half a thought\n", second));
    // Nobody else is told, nor who looks at another chat.
    let own = bob.create_chat().await;
    let mut of_bob = watching(&bob, own).await;
    of_bob.command(&LiveCommand::Watch { chat_id, after_seq: 0, last_id: None }).await;
    of_bob.until("the refusal", |screen| screen.refused == ["not_found"]).await;
    let third = save(&alice, chat_id, "", id, second).await;
    tab.until("the empty draft", |screen| screen.drafts.len() == 3).await;
    assert_eq!(alice.open_chat(chat_id).await.draft, draft("", third));
    for tab in [&mut elsewhere, &mut of_bob] {
        let refusals = tab.screen.refused.len();
        tab.command(&LiveCommand::Watch { chat_id: ChatId(uuid::Uuid::now_v7()), after_seq: 0, last_id: None }).await;
        tab.until("a refusal", |screen| screen.refused.len() > refusals).await;
        assert!(tab.screen.drafts.is_empty());
    }
}

async fn a_draft_goes_with_its_message(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let mut tab = watching(&alice, chat_id).await;
    // Typed and sent in one place.
    let id = ClientMessageId::random();
    let saved = save(&alice, chat_id, "Hel", id, 0).await;
    alice.try_send(chat_id, "Hello", id).await.ok::<Sent>();
    tab.until("the empty draft", |screen| screen.drafts.len() == 2).await;
    assert_eq!(tab.screen.drafts[1].replaces_ms, saved);
    let cleared = alice.open_chat(chat_id).await.draft;
    assert_eq!((cleared.text.as_str(), &cleared), ("", &tab.screen.drafts[1].draft));
    assert!(cleared.updated_at_ms > saved);
    // Typed in one place, sent from another one that had it.
    let saved = save(&alice, chat_id, "From the pho", ClientMessageId::random(), cleared.updated_at_ms).await;
    send_draft(&alice, chat_id, "From the phone", saved).await;
    assert_eq!(alice.open_chat(chat_id).await.draft.text, "");
    // A refused send leaves it: this id stands for another text.
    let saved = save(&alice, chat_id, "Still here", ClientMessageId::random(), 0).await;
    assert_eq!(alice.try_send(chat_id, "Still here", id).await.status, 409);
    assert_eq!(alice.open_chat(chat_id).await.draft, draft("Still here", saved));
}

async fn a_draft_that_is_late_does_not_come_back(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let id = ClientMessageId::random();
    alice.try_send(chat_id, "Hello", id).await.ok::<Sent>();
    assert_eq!(alice.save_draft(chat_id, "Hell", id, 0).await, None);
    assert_eq!(alice.open_chat(chat_id).await.draft, ChatDraft::default());
    // Also when both are on their way at once, in whichever order they come.
    for round in 0..5 {
        let id = ClientMessageId::random();
        let text = format!("Hello again {round}");
        let (_, sent) = tokio::join!(alice.save_draft(chat_id, "Hello ag", id, 0), alice.try_send(chat_id, &text, id));
        sent.ok::<Sent>();
        assert_eq!(alice.open_chat(chat_id).await.draft.text, "");
    }
}

async fn a_draft_that_was_not_seen_outlives_a_message_from_elsewhere(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let seen = save(&alice, chat_id, "one", ClientMessageId::random(), 0).await;
    let unseen = save(&alice, chat_id, "two", ClientMessageId::random(), seen).await;
    send_draft(&alice, chat_id, "something else", seen).await;
    alice.send_message(chat_id, "by a page without a script").await;
    assert_eq!(alice.open_chat(chat_id).await.draft, draft("two", unseen));
}

async fn who_typed_without_seeing_the_draft_says_so(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let mut tab = watching(&alice, chat_id).await;
    let (here, there) = (ClientMessageId::random(), ClientMessageId::random());
    let first = save(&alice, chat_id, "here", here, 0).await;
    save(&alice, chat_id, "there", there, 0).await;
    let last = save(&alice, chat_id, "there, and on", there, 0).await;
    tab.until("all drafts", |screen| screen.drafts.len() == 3).await;
    assert!(tab.screen.drafts[1].replaces_ms < first);
    // The newest wins.
    assert_eq!(alice.open_chat(chat_id).await.draft, draft("there, and on", last));
}

async fn a_draft_out_of_bounds_is_refused(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let id = ClientMessageId::random();
    let longest = "😀".repeat(limits::MESSAGE_CHARS_MAX);
    let saved = save(&alice, chat_id, &longest, id, 0).await;
    let (chat, message) = (chat_id.to_string(), id.to_string());
    let fields = [("chat_id", chat.as_str()), ("text", "x"), ("client_message_id", &message), ("draft_ms", "0")];
    let too_long = longest.clone() + "x";
    for (name, value) in
        [("text", too_long.as_str()), ("text", "a\0b"), ("client_message_id", "1"), ("draft_ms", "soon")]
    {
        let fields = fields.map(|(known, before)| (known, if known == name { value } else { before }));
        let status = alice.call::<SaveDraft>(&fields).await.status;
        assert!((400..500).contains(&status), "{name}: {status}");
    }
    assert_eq!(alice.open_chat(chat_id).await.draft, draft(&longest, saved));
    // Moments out of this world do no harm.
    for draft_ms in [i64::MIN, -1, i64::MAX] {
        assert!(alice.save_draft(chat_id, "later", id, draft_ms).await.is_some_and(|later| later > saved));
    }
}

async fn drafts_are_among_ones_data_and_go_with_their_chat(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let (chat_id, of_bob) = (alice.create_chat().await, bob.create_chat().await);
    save(&alice, chat_id, "not sent yet", ClientMessageId::random(), 0).await;
    save(&bob, of_bob, "not Alice's", ClientMessageId::random(), 0).await;
    let data: Value = alice.get("/settings/data.json").await.ok();
    assert_eq!(data["chats"][0]["draft"], "not sent yet");
    let id = app.database.id(alice.id.0);
    assert_eq!(app.database.execute(&format!("DELETE FROM user_account WHERE id = {id}")).await, 1);
    assert_eq!(app.database.count("chat_draft").await, 1);
    assert_eq!(bob.open_chat(of_bob).await.draft.text, "not Alice's");
}

async fn typing_is_told_to_ones_other_tabs_on_the_chat(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let (chat_id, other_chat) = (alice.create_chat().await, alice.create_chat().await);
    let mut phone = watching(&alice, chat_id).await;
    let mut desk = watching(&alice, chat_id).await;
    let mut elsewhere = watching(&alice, other_chat).await;
    let mut of_bob = Tab::open(&bob).await;
    let before = app.database.dump_of(alice.id.0).await;
    phone.command(&LiveCommand::Typing { chat_id }).await;
    desk.until("the typing", |screen| screen.typing == [alice.email.as_str()]).await;
    // It needs no look at the chat, only that it is theirs.
    elsewhere.command(&LiveCommand::Typing { chat_id }).await;
    desk.until("more typing", |screen| screen.typing.len() == 2).await;
    phone.until("the other's typing", |screen| screen.typing.len() == 1).await;
    of_bob.command(&LiveCommand::Typing { chat_id }).await;
    of_bob.until("the refusal", |screen| screen.refused == ["not_found"]).await;
    let unknown = ChatId(uuid::Uuid::now_v7());
    for tab in [&mut phone, &mut desk, &mut elsewhere] {
        tab.command(&LiveCommand::Typing { chat_id: unknown }).await;
        tab.until("the refusal", |screen| screen.refused == ["not_found"]).await;
    }
    let heard = [&phone, &desk, &elsewhere].map(|tab| tab.screen.typing.len());
    assert_eq!((heard, of_bob.screen.typing.len()), ([1, 2, 0], 0));
    assert_eq!(app.database.dump_of(alice.id.0).await, before);
}

async fn typing_is_authorised_anew_each_time(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let (mut phone, mut desk) = (watching(&alice, chat_id).await, watching(&alice, chat_id).await);
    // Gone without anybody being told.
    app.database.execute("DELETE FROM login_session").await;
    phone.command(&LiveCommand::Typing { chat_id }).await;
    assert_eq!(phone.until_closed().await.1, Some(1008));
    desk.command(&LiveCommand::Typing { chat_id }).await;
    desk.until_closed().await;
    assert!(desk.screen.typing.is_empty());
}

async fn a_draft_and_typing_are_told_on_every_server(setup: Setup) {
    let app = TestApp::start(setup).await;
    let other = app.another().await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await;
    let mut phone = watching(&alice, chat_id).await;
    let mut desk = watching(&alice.at(&other), chat_id).await;
    let id = ClientMessageId::random();
    phone.command(&LiveCommand::Typing { chat_id }).await;
    let saved = save(&alice, chat_id, "on the way", id, 0).await;
    desk.until("typing and draft", |screen| screen.typing.len() == 1 && screen.drafts.len() == 1).await;
    assert_eq!(desk.screen.drafts[0].draft, draft("on the way", saved));
    assert_eq!(alice.at(&other).open_chat(chat_id).await.draft, draft("on the way", saved));
    // Sent from where it was not typed.
    send_draft(&alice.at(&other), chat_id, "on the way home", saved).await;
    for tab in [&mut phone, &mut desk] {
        tab.until("the empty draft", |screen| screen.drafts.last().is_some_and(|c| c.draft.text.is_empty())).await;
    }
    assert!(phone.screen.typing.is_empty());
    // A late one finds the message also on the other server.
    let id = ClientMessageId::random();
    alice.try_send(chat_id, "once more", id).await.ok::<Sent>();
    assert_eq!(alice.at(&other).save_draft(chat_id, "once m", id, 0).await, None);
}

/// A tab that is told everything about this chat from now on.
async fn watching(client: &Client, chat_id: ChatId) -> Tab {
    let mut tab = Tab::on_chat(client, chat_id).await;
    soon("the messages", async { while !matches!(tab.next().await, Some(LiveEvent::Messages { .. })) {} }).await;
    tab
}

async fn save(client: &Client, chat_id: ChatId, text: &str, id: ClientMessageId, draft_ms: i64) -> i64 {
    client.save_draft(chat_id, text, id, draft_ms).await.unwrap()
}

/// Sends a message where drafts were seen up to `draft_ms`.
async fn send_draft(client: &Client, chat_id: ChatId, text: &str, draft_ms: i64) {
    let (chat_id, id, draft_ms) = (chat_id.to_string(), ClientMessageId::random().to_string(), draft_ms.to_string());
    let fields = [("chat_id", &*chat_id), ("text", text), ("client_message_id", &id), ("draft_ms", &draft_ms)];
    client.call::<SendMessage>(&fields).await.ok::<Sent>();
}

fn draft(text: &str, updated_at_ms: i64) -> ChatDraft {
    ChatDraft { text: text.to_owned(), updated_at_ms }
}
