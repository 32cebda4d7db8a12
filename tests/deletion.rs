//! Deleting what has very much text: it is gone for everybody at once, and its text goes little by little.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sardonyx::{
    api::{
        account::DeleteAccount,
        admin::{EndSessionsOf, ListPeople, MakePasswordLink, RemoveSecondFactor},
        chat_settings::{AddChatFile, DeleteChat, OpenChatSettings},
        files::{KeepFile, ListFiles, RetryFile, SearchFiles},
        notifications::ReadAllNotifications,
        session::{FindCurrentSession, LogIn},
    },
    domain::{
        admin::PersonPage,
        chat_settings::ChatSettings,
        ids::{ChatId, FileId},
        search::SearchResults,
    },
};

use crate::{
    asking::{ask_with, message, uploaded},
    support::{Client, Person, Setup, Tab, TestApp, eventually, files::db_of, people::PASSWORD},
};

crate::on_both_databases![
    x13_files_with_very_much_text_are_gone_at_once_and_their_text_soon_after,
    x21_an_account_with_very_much_text_is_gone_at_once_and_its_text_soon_after,
    a_chat_whose_file_has_very_much_text_takes_it_along,
];
crate::once![what_is_deleted_is_nowhere_on_the_disk];
crate::on_a_cluster![what_one_server_was_to_delete_another_deletes];

/// A file with more pieces of text than are deleted at once.
async fn upload_much(app: &TestApp, owner: &Client) -> FileId {
    let line = "The quick brown canary jumps over the lazy dog, again and again, all day long.\n";
    let id = uploaded(app, owner, "canary.txt", &line.repeat(20_000)).await;
    assert!(app.database.count("file_chunk").await > 2_500);
    id
}

async fn add_to(client: &Client, chat_id: ChatId, id: FileId) -> u16 {
    let fields = [("chat_id", &*chat_id.to_string()), ("file_id", &*id.to_string())];
    client.call::<AddChatFile>(&fields).await.status
}

/// Nothing is left but Bob's file.
async fn until_only_bobs_is_left(app: &TestApp) {
    eventually("the end of the files", async || app.database.count("user_file").await == 1).await;
    assert_eq!((app.database.count("file_chunk").await, app.database.count_indexed().await), (1, 1));
    assert_eq!(app.database.count("file_part").await, 1);
    eventually("the removal", async || app.database.count("doomed_blob").await == 0).await;
}

async fn x13_files_with_very_much_text_are_gone_at_once_and_their_text_soon_after(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let his = uploaded(&app, &bob, "his.txt", "canary of Bob").await;
    let id = upload_much(&app, &alice).await;
    // What was read is not told anew.
    alice.call::<ReadAllNotifications>(&[]).await.ok::<()>();
    let kept = uploaded(&app, &alice, "kept.txt", "The canary that stays.").await;
    let told = "SELECT detail FROM notification WHERE detail = 'canary.txt'";
    assert_eq!(app.database.texts(told).await.len(), 1);
    let (asked_in, given_to) = (alice.create_chat().await, alice.create_chat().await);
    assert_eq!(add_to(&alice, given_to, id).await, 200);
    app.upstream.answer_with("It jumps [1].");
    let (sent, _) = ask_with(&alice, asked_in, "What does the canary do?", &[id]).await;

    // As a server leaves it that stops right after: nobody goes on with it until another one looks.
    assert_eq!(db_of(&app, &alice).await.delete_files(vec![id]).await.unwrap(), [id]);
    assert_eq!(app.database.texts(told).await.len(), 0);
    let page = alice.list_files().await;
    assert_eq!(page.files.iter().map(|file| file.id).collect::<Vec<_>>(), [kept]);
    assert_eq!((page.storage.files, page.storage.used_bytes), (1, 22));
    // What is left is found among all that is gone.
    let found: SearchResults = alice.call::<SearchFiles>(&[("question", "canary")]).await.ok();
    assert_eq!(found.passages.iter().map(|passage| passage.file_id).collect::<Vec<_>>(), [kept]);
    for order in ["name", "size"] {
        let fields = [("search", ""), ("order", order), ("after", &*id.to_string())];
        assert_eq!(alice.call::<ListFiles>(&fields).await.refusal(), (422, "cursor_invalid".to_owned()), "{order}");
    }
    for path in [format!("/files/{id}"), format!("/files/{id}/content"), format!("/api/v1/files/{id}")] {
        assert_ne!(alice.get(&path).await.status, 200, "{path}");
    }
    let fields = [("chat_id", &*given_to.to_string()), ("search", "")];
    let settings: ChatSettings = alice.call::<OpenChatSettings>(&fields).await.ok();
    assert!(settings.files.is_empty() && settings.others.iter().all(|file| file.id == kept));
    for id in [sent.message_id, sent.reply_id] {
        let files = message(&alice, asked_in, id).await.files;
        assert!(files.as_str().contains("canary.txt <em>(deleted file)</em>"), "{}", files.as_str());
    }
    let id_text = id.to_string();
    for answer in [
        alice.call::<RetryFile>(&[("file_id", &id_text)]).await,
        alice.call::<KeepFile>(&[("file_id", &id_text)]).await,
        alice.try_delete_file(id).await,
    ] {
        assert_eq!(answer.status, 404);
    }
    assert_eq!(add_to(&alice, given_to, id).await, 404);
    alice.try_delete_file(kept).await.ok::<()>();
    let app = app.restart().await;
    until_only_bobs_is_left(&app).await;
    assert_eq!(bob.at(&app).content(his).await.text(), "canary of Bob");
}

async fn what_is_deleted_is_nowhere_on_the_disk(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let id = uploaded(&app, &alice, "secret.txt", &"Xylophones in the attic.\n".repeat(2_000)).await;
    let chat_id = alice.create_chat().await;
    app.upstream.answer_with("Xylophones, says the file.");
    ask_with(&alice, chat_id, "What of Xylophones?", &[id]).await;
    assert!(!files_with(&app.database.folder, "Xylophones").is_empty());
    alice.call::<DeleteChat>(&[("chat_id", &*chat_id.to_string())]).await.ok::<()>();
    alice.try_delete_file(id).await.ok::<()>();
    // What comes later has the log worked in, and begun anew.
    eventually("the end of it on the disk", async || {
        alice.upload("later.txt", "Nothing of that.\n".repeat(20_000)).await;
        files_with(&app.database.folder, "Xylophones").is_empty()
    })
    .await;
}

/// The files below a folder that have a word.
fn files_with(folder: &Path, word: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, word));
        } else if fs::read(&path).is_ok_and(|bytes| bytes.windows(word.len()).any(|some| some == word.as_bytes())) {
            found.push(path);
        }
    }
    found
}

async fn x21_an_account_with_very_much_text_is_gone_at_once_and_its_text_soon_after(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, bob) = (app.admin().await, app.bob().await);
    let his = uploaded(&app, &bob, "his.txt", "canary of Bob").await;
    let change = async |person: &Person, change| {
        let fields = [("user_id", &*person.id.to_string()), ("change", change)];
        admin.post("/api/change_account", &fields).await.status
    };
    app.upstream.by_hand();
    for is_by_admin in [false, true] {
        // Her address is free again the second time.
        let alice = app.alice().await;
        upload_much(&app, &alice).await;
        let phone = app.log_in("alice@example.org").await;
        alice.ask("a canary of Alice's").await;
        let mut call = app.upstream.call().await;
        call.begin();
        call.piece("The first half");
        let mut tab = Tab::open(&alice).await;
        let status = if is_by_admin {
            change(&alice, "delete").await
        } else {
            alice.call::<DeleteAccount>(&[("password", PASSWORD)]).await.status
        };
        assert_eq!(status, 200);
        tab.until_closed().await;
        // A16.
        call.gone().await;
        let to = phone.get("/chats").await.header("location").to_owned();
        assert!(to.ends_with("reason=session_expired"), "{to}");
        assert_eq!(alice.call::<FindCurrentSession>(&[]).await.status, 401);
        let fields = [("email", "alice@example.org"), ("password", PASSWORD)];
        assert_eq!(app.anonymous().call::<LogIn>(&fields).await.status, 401);
        let people: PersonPage = admin.call::<ListPeople>(&[("search", "")]).await.ok();
        assert!(people.people.iter().all(|person| person.id != alice.id));
        for what in ["enable", "make_member", "delete"] {
            assert_eq!(change(&alice, what).await, 404, "{what}");
        }
        let user = [("user_id", &*alice.id.to_string())];
        for refused in [
            admin.call::<MakePasswordLink>(&user).await,
            admin.call::<RemoveSecondFactor>(&user).await,
            admin.call::<EndSessionsOf>(&user).await,
        ] {
            assert_eq!(refused.status, 404, "{}", refused.text());
        }
        eventually("the end of the account", async || app.database.count("user_account").await == 2).await;
        assert!(app.database.dump_of(alice.id.0).await.is_empty());
        until_only_bobs_is_left(&app).await;
    }
    assert_eq!(bob.content(his).await.text(), "canary of Bob");
}

async fn a_chat_whose_file_has_very_much_text_takes_it_along(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    uploaded(&app, &bob, "his.txt", "canary of Bob").await;
    let chat_id = alice.create_chat().await;
    let id = upload_much(&app, &alice).await;
    // As one that came with a message.
    app.database.execute("UPDATE user_file SET is_kept = FALSE WHERE name = 'canary.txt'").await;
    assert_eq!(add_to(&alice, chat_id, id).await, 200);
    alice.call::<DeleteChat>(&[("chat_id", &chat_id.to_string())]).await.ok::<()>();
    assert!(alice.list_files().await.files.is_empty());
    until_only_bobs_is_left(&app).await;
}

async fn what_one_server_was_to_delete_another_deletes(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    uploaded(&app, &bob, "his.txt", "canary of Bob").await;
    let id = upload_much(&app, &alice).await;
    let another = app.another().await;
    db_of(&app, &alice).await.delete_files(vec![id]).await.unwrap();
    // Both at once.
    app.state.intake.sweep_soon();
    another.state.intake.sweep_soon();
    until_only_bobs_is_left(&app).await;
}
