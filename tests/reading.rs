//! What is found in files, by a process that may hang, die or lie.

use std::{os::unix::fs::PermissionsExt, path::PathBuf};

use sardonyx::{
    api::files::RetryFile,
    domain::{
        file_kind::FileKind,
        file_state::{FileFailure, FileState},
        ids::FileId,
    },
};

use crate::support::{Client, Setup, TestApp, eventually};

crate::on_both_databases![
    a_text_is_there_when_it_was_read_and_its_pieces_know_their_lines,
    f14_whatever_a_text_is_made_of_both_databases_keep_the_same,
    f19_a_file_that_is_deleted_while_it_is_read_leaves_nothing,
    files_that_could_not_be_read_are_read_again_when_asked,
    what_is_deleted_goes_with_all_that_was_found_in_it,
];
crate::once![
    f4_what_is_not_what_its_name_says_fails_and_says_so,
    f12_a_reader_that_hangs_is_ended_and_the_others_go_on,
    a_reader_that_lies_is_not_believed,
    a_file_whose_content_is_gone_says_so,
    people_take_turns,
];

fn state_of(state: &str, failure: FileFailure) -> (String, String) {
    (state.to_owned(), failure.name().to_owned())
}

fn ready() -> (String, String) {
    ("ready".to_owned(), String::new())
}

/// A program in the place of the one that reads files.
struct Stand {
    folder: tempfile::TempDir,
}

impl Stand {
    /// Runs this instead; `$real` is the real one, and `$here` a folder in which it finds what [`Stand::say`] put there.
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let head = format!("#!/bin/sh\nhere={}\nreal={}\n", folder.path().display(), env!("CARGO_BIN_EXE_sardonyx"));
        let program = folder.path().join("program");
        std::fs::write(&program, head + script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("program")
    }

    fn say(&self, word: &str) {
        std::fs::write(self.folder.path().join(word), "").unwrap();
    }

    fn has(&self, word: &str) -> bool {
        self.folder.path().join(word).exists()
    }

    /// A server that reads files with this.
    async fn app(&self, setup: Setup) -> TestApp {
        let program = self.program();
        TestApp::start(setup.config(move |config| {
            config.program = Some(program.clone());
            config.file_reader_seconds = 5;
        }))
        .await
    }
}

async fn a_text_is_there_when_it_was_read_and_its_pieces_know_their_lines(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let text: String = (1..=500).map(|line| format!("This is line {line}.\n")).collect();
    let id = alice.upload("lines.txt", text.clone()).await;
    assert_eq!(app.database.until_read(id).await, ready());
    assert_eq!(app.database.text_of_file(id).await, text);
    let chunks = format!("FROM file_chunk WHERE file_id = {} ORDER BY seq", app.database.id(id.0));
    let numbers = app.database.texts(&format!("SELECT CAST(place_number AS text) {chunks}")).await;
    let texts = app.database.texts(&format!("SELECT text {chunks}")).await;
    assert!(numbers.len() > 5);
    for (number, text) in numbers.iter().zip(&texts) {
        assert!(text.starts_with(&format!("This is line {number}.")), "{number}: {text}");
    }
    let file = alice.find_file(id).await.unwrap();
    assert_eq!((file.state, file.text_chars), (FileState::Ready, text.len() as u64));
    assert_eq!(app.database.texts("SELECT kind || ' ' || detail FROM notification").await, ["file_ready lines.txt"]);
}

async fn f14_whatever_a_text_is_made_of_both_databases_keep_the_same(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    for (name, bytes, expected) in [
        ("nul.txt", b"one\0two\nthree".as_slice(), "onetwo\nthree\n"),
        ("invalid.txt", b"caf\xE9 au lait, tr\xE8s bon\n", "café au lait, très bon\n"),
        ("wide.txt", b"h\0i\0 \0t\0h\0e\0r\0e\0", "hi there\n"),
        ("turned.txt", "a \u{202E}b\u{202C} c\n".as_bytes(), "a \u{202E}b\u{202C} c\n"),
    ] {
        let id = alice.upload(name, bytes).await;
        assert_eq!(app.database.until_read(id).await, ready(), "{name}");
        assert_eq!(app.database.text_of_file(id).await, expected, "{name}");
    }
}

async fn f4_what_is_not_what_its_name_says_fails_and_says_so(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    for (name, bytes, failure) in [
        ("picture.png", b"<html><script>alert(1)</script></html>".as_slice(), FileFailure::NotWhatItSays),
        ("letter.docx", b"MZ\x90\0\x03\0\0\0\x04\0\0\0", FileFailure::NotWhatItSays),
        ("notes.txt", b"%PDF-1.7\n1 0 obj", FileFailure::NotWhatItSays),
        ("archive.bin", b"PK\x03\x04\x14\0", FileFailure::Unsupported),
        ("blank.txt", b" \n \n", FileFailure::NoText),
    ] {
        let id = alice.upload(name, bytes).await;
        assert_eq!(app.database.until_read(id).await, state_of("failed", failure), "{name}");
        let file = alice.find_file(id).await.unwrap();
        assert_eq!(file.state, FileState::Failed(failure), "{name}");
        // It is kept all the same.
        assert_eq!(alice.content(id).await.body, bytes, "{name}");
    }
    let id = alice.upload("Makefile", b"all:\n\ttouch x\n".as_slice()).await;
    assert_eq!(app.database.until_read(id).await, ready());
    assert_eq!(alice.find_file(id).await.unwrap().kind, FileKind::Text);
}

async fn f12_a_reader_that_hangs_is_ended_and_the_others_go_on(setup: Setup) {
    let stand = Stand::new("if [ \"$2\" = json ]; then echo $$ > $here/pid; exec sleep 1000; fi\nexec $real \"$@\"\n");
    let app = stand.app(setup).await;
    let alice = app.alice().await;
    let hanging = alice.upload("hangs.json", "{}").await;
    let quick = alice.upload("quick.txt", "text").await;
    assert_eq!(app.database.until_read(quick).await, ready());
    assert_eq!(app.database.until_read(hanging).await, state_of("failed", FileFailure::TooHard));
    let pid = std::fs::read_to_string(stand.folder.path().join("pid")).unwrap();
    assert!(!PathBuf::from(format!("/proc/{}", pid.trim())).exists());
    assert_eq!(app.state.readers.count(), 0);
}

/// Says that it has begun, waits until it may go on, and is then the real one.
const WAITS: &str = "touch $here/begun\nwhile [ ! -e $here/go ]; do sleep 0.02; done\nexec $real \"$@\"\n";

async fn f19_a_file_that_is_deleted_while_it_is_read_leaves_nothing(setup: Setup) {
    let stand = Stand::new(WAITS);
    let app = stand.app(setup).await;
    let alice = app.alice().await;
    let id = alice.upload("gone.txt", "text").await;
    eventually("the reader", async || stand.has("begun")).await;
    assert_eq!(alice.find_file(id).await.unwrap().state, FileState::Reading);
    alice.try_delete_file(id).await.ok::<()>();
    stand.say("go");
    eventually("the end of the reader", async || app.state.readers.count() == 0).await;
    for table in ["user_file", "file_part", "file_chunk", "file_picture", "notification"] {
        assert_eq!(app.database.count(table).await, 0, "{table}");
    }
}

async fn files_that_could_not_be_read_are_read_again_when_asked(setup: Setup) {
    let stand = Stand::new("[ -e $here/go ] || exit 1\nexec $real \"$@\"\n");
    let app = stand.app(setup).await;
    let alice = app.alice().await;
    let id = alice.upload("twice.txt", "text").await;
    assert_eq!(app.database.until_read(id).await, state_of("failed", FileFailure::TooHard));
    stand.say("go");
    retry(&alice, id).await;
    assert_eq!(app.database.until_read(id).await, ready());
    assert_eq!(app.database.text_of_file(id).await, "text\n");
    // What did not fail is not tried again.
    let again = alice.call::<RetryFile>(&[("file_id", &id.to_string())]).await;
    assert_eq!(again.status, 404);
}

async fn retry(client: &Client, id: FileId) {
    client.call::<RetryFile>(&[("file_id", &id.to_string())]).await.ok::<()>();
}

async fn a_reader_that_lies_is_not_believed(setup: Setup) {
    let chunk = |text: &str| {
        format!(
            "{{\"said\":\"chunk\",\"seq\":7,\"place\":{{\"kind\":\"whole\"}},\"heading\":\"\",\"text\":\"{text}\"}}"
        )
    };
    let done = "{\"said\":\"done\",\"kind\":\"text\"}";
    let lies = [
        (chunk(&"x".repeat(1_001)), FileFailure::TooLargeUnpacked),
        ("x".repeat(5_000_000), FileFailure::TooLargeUnpacked),
        ("no json".to_owned(), FileFailure::Damaged),
        (chunk("begun"), FileFailure::TooHard),
    ];
    let stand = Stand::new("cat $here/said\n");
    let app = stand.app(setup).await;
    let alice = app.alice().await;
    for (said, failure) in lies {
        std::fs::write(stand.folder.path().join("said"), said + "\n").unwrap();
        let id = alice.upload("lies.txt", "text").await;
        assert_eq!(app.database.until_read(id).await, state_of("failed", failure));
        assert_eq!(app.database.count("file_chunk").await, 0);
    }
    // A number that it makes up is not taken over, nor what no database keeps.
    std::fs::write(stand.folder.path().join("said"), format!("{}\n{done}\n", chunk("a\\u0000b"))).unwrap();
    let id = alice.upload("lies.txt", "text").await;
    assert_eq!(app.database.until_read(id).await, ready());
    assert_eq!(app.database.text_of_file(id).await, "ab");
    assert_eq!(app.database.number("SELECT MAX(seq) FROM file_chunk").await, 0);
}

async fn a_file_whose_content_is_gone_says_so(setup: Setup) {
    let stand = Stand::new(WAITS);
    let app = stand.app(setup).await;
    let alice = app.alice().await;
    // Two are being read; the third waits while its content goes.
    let first = alice.upload("1.txt", "text").await;
    let second = alice.upload("2.txt", "text").await;
    eventually("the readers", async || app.state.readers.count() == 2).await;
    let gone = alice.upload("3.txt", "text").await;
    let part = format!("FROM file_part WHERE file_id = {}", app.database.id(gone.0));
    let blob = app.database.text(&format!("SELECT lower(hex(blob_id)) {part}")).await;
    let blob = uuid::Uuid::parse_str(&blob).unwrap();
    app.state.blobs.remove(blob.to_string().parse().unwrap()).await.unwrap();
    stand.say("go");
    assert_eq!(app.database.until_read(gone).await, state_of("failed", FileFailure::Missing));
    for id in [first, second] {
        assert_eq!(app.database.until_read(id).await, ready());
    }
}

async fn people_take_turns(setup: Setup) {
    let stand = Stand::new(WAITS);
    let app = stand.app(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let mut alices = Vec::new();
    for n in 0..6 {
        alices.push(alice.upload(&format!("{n}.txt"), "text").await);
    }
    let bobs = bob.upload("b.txt", "text").await;
    stand.say("go");
    app.database.until_read(bobs).await;
    // Bob came last and did not wait for all that Alice brought.
    let left = "SELECT COUNT(*) FROM user_file WHERE state <> 'ready'";
    assert!(app.database.number(left).await > 0);
    for id in alices {
        app.database.until_read(id).await;
    }
}

async fn what_is_deleted_goes_with_all_that_was_found_in_it(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let alices = alice.upload("a.txt", "canary of Alice").await;
    let bobs = bob.upload("b.txt", "canary of Bob").await;
    app.database.until_read(alices).await;
    app.database.until_read(bobs).await;
    let before = app.database.dump_of(alice.id.0).await;
    assert_eq!(bob.try_delete_file(alices).await.status, 404);
    assert_eq!(app.database.dump_of(alice.id.0).await, before);
    alice.try_delete_file(alices).await.ok::<()>();
    assert_eq!(app.database.texts("SELECT text FROM file_chunk").await, ["canary of Bob\n"]);
}
