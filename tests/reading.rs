//! What is found in files, by a process that may hang, die or lie.

use std::{os::unix::fs::PermissionsExt, path::PathBuf};

use sardonyx::{
    api::files::{OpenFile, RetryFile},
    domain::{
        file_kind::FileKind,
        file_state::{FileFailure, FileState},
        ids::FileId,
        limits,
        preview::{FileView, Pages},
    },
};

use crate::{
    corpus::corpus,
    support::{Client, Setup, TestApp, eventually, upstream::Embeds},
};

crate::on_both_databases![
    a_text_is_there_when_it_was_read_and_its_pieces_know_their_lines,
    f14_whatever_a_text_is_made_of_both_databases_keep_the_same,
    pages_without_text_are_counted_and_the_page_of_the_file_tells,
    f19_a_file_that_is_deleted_while_it_is_read_leaves_nothing,
    f19_nor_does_one_that_is_deleted_when_its_text_is_there,
    f14_names_of_parts_are_made_fit_for_both_databases,
    f20_a_file_that_is_lost_again_and_again_fails_and_its_person_is_told,
    a_file_whose_text_is_there_stays_when_its_servers_are_lost_again_and_again,
    people_take_turns,
    files_that_could_not_be_read_are_read_again_when_asked,
    what_is_deleted_goes_with_all_that_was_found_in_it,
];
crate::once![
    f4_what_is_not_what_its_name_says_fails_and_says_so,
    f12_a_reader_that_hangs_is_ended_and_the_others_go_on,
    a_reader_that_lies_is_not_believed,
    a_file_whose_content_is_gone_says_so,
    a_file_whose_middle_is_gone_says_so,
    f14_a_file_that_is_too_large_to_be_read_says_so,
    a_file_of_a_disabled_account_waits_in_silence,
    files_are_read_by_whoever_the_server_runs_as,
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

async fn pages_without_text_are_counted_and_the_page_of_the_file_tells(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    // The empty page at the end of the first lacks nothing.
    for (name, all, unread) in [("partly_scanned.pdf", 4, 2), ("catalogue_twelve_pages.pdf", 12, 0)] {
        let pages = Pages { all, unread };
        let id = alice.upload(name, std::fs::read(corpus().join("files/pdf").join(name)).unwrap()).await;
        assert_eq!(app.database.until_read(id).await, ready(), "{name}");
        let opened: FileView = alice.call::<OpenFile>(&[("file_id", &id.to_string())]).await.ok();
        assert_eq!(opened.pages, Some(pages), "{name}");
        let page = alice.get(&format!("/files/{id}")).await.text();
        let told = pages.unread_text();
        let looked_for = told.as_deref().unwrap_or("no text that could be read");
        assert_eq!(page.contains(looked_for), told.is_some(), "{name}: {page}");
        assert_eq!(bob.call::<OpenFile>(&[("file_id", &id.to_string())]).await.status, 404);
    }
    let id = alice.upload("no_pages.txt", "text").await;
    assert_eq!(app.database.until_read(id).await, ready());
    let opened: FileView = alice.call::<OpenFile>(&[("file_id", &id.to_string())]).await.ok();
    assert_eq!(opened.pages, None);
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
    eventually("the end of the readers", async || app.state.readers.count() == 0).await;
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
    let pages = |all: u32, unread: u32| format!("{{\"said\":\"pages\",\"all\":{all},\"unread\":{unread}}}");
    let done = "{\"said\":\"done\",\"kind\":\"text\"}";
    let long_place = format!("\"kind\":\"part\",\"name\":\"{}\"", "x".repeat(201));
    let lies = [
        (chunk(&"x".repeat(1_001)), FileFailure::TooLargeUnpacked),
        ("x".repeat(5_000_000), FileFailure::TooLargeUnpacked),
        ("no json".to_owned(), FileFailure::Damaged),
        (chunk("begun"), FileFailure::TooHard),
        (chunk(""), FileFailure::TooLargeUnpacked),
        (chunk("x").replace("\"kind\":\"whole\"", &long_place), FileFailure::TooLargeUnpacked),
        (pages(10_001, 0), FileFailure::TooLargeUnpacked),
        (pages(1, 2), FileFailure::TooLargeUnpacked),
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
    for n in 0..250 {
        alice.upload(&format!("{n}.txt"), "text").await;
    }
    let bobs = bob.upload("b.txt", "text").await;
    stand.say("go");
    app.database.until_read(bobs).await;
    // Bob came last and did not wait for all that Alice brought.
    let left = "SELECT COUNT(*) FROM user_file WHERE state = 'waiting'";
    assert!(app.database.number(left).await > 200, "{}", app.database.number(left).await);
}

async fn f19_nor_does_one_that_is_deleted_when_its_text_is_there(setup: Setup) {
    let by_meaning = setup.config(|config| config.models.search_model = "openai/test-embedding".to_owned());
    let app = TestApp::start(by_meaning).await;
    let alice = app.alice().await;
    app.upstream.embed(Embeds::Never);
    let text: String = (1..=3_000).map(|line| format!("This is line {line} of a long text.\n")).collect();
    let id = alice.upload("gone.txt", text).await;
    let state = "SELECT COUNT(*) FROM user_file WHERE state = 'indexing'";
    eventually("its text", async || app.database.number(state).await == 1).await;
    assert!(app.database.count("file_chunk").await > 100);
    alice.try_delete_file(id).await.ok::<()>();
    // Whatever is said of it now is too late.
    app.upstream.embed(Embeds::Well);
    eventually("the end of the reader", async || app.state.readers.count() == 0).await;
    for table in ["user_file", "file_part", "file_chunk", "chunk_vector"] {
        assert_eq!(app.database.count(table).await, 0, "{table}");
    }
    assert_eq!(app.database.count_indexed().await, 0);
}

async fn f14_names_of_parts_are_made_fit_for_both_databases(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let mail = format!(
        "From: a@example.org\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
         --x\r\nContent-Type: text/plain\r\n\r\nbody\r\n\
         --x\r\nContent-Type: text/plain; name=\"=?utf-8?Q?a=00b{}?=\"\r\n\
         Content-Disposition: attachment; filename=\"=?utf-8?Q?a=00b{}?=\"\r\n\r\nattached text\r\n--x--\r\n",
        "c".repeat(300),
        "c".repeat(300)
    );
    let id = alice.upload("mail.eml", mail).await;
    assert_eq!(app.database.until_read(id).await, ready());
    assert!(app.database.text_of_file(id).await.contains("attached text"));
    let names = app.database.texts("SELECT COALESCE(place_name, '') FROM file_chunk").await;
    assert!(names.iter().all(|name| name.chars().count() <= 200 && !name.contains('\0')), "{names:?}");
}

async fn f20_a_file_that_is_lost_again_and_again_fails_and_its_person_is_told(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let id = alice.upload("deadly.txt", "text").await;
    assert_eq!(app.database.until_read(id).await, ready());
    app.database.execute("DELETE FROM notification").await;
    // As two servers leave it that died of it, and a third that is about to.
    let lost = "UPDATE user_file SET state = 'reading', attempts = 2, lease_until_ms = 1, lease_owner = ";
    let somebody = if app.state.db.is_sqlite() {
        "X'0198C0DE000070008000000000000001'"
    } else {
        "'0198c0de-0000-7000-8000-000000000001'"
    };
    app.database.execute(&format!("{lost}{somebody}")).await;
    assert_eq!(app.database.until_read(id).await, state_of("failed", FileFailure::TooHard));
    assert_eq!(app.database.count("file_chunk").await, 0);
    eventually("what she is told", async || app.database.count("notification").await == 1).await;
    assert_eq!(app.database.texts("SELECT kind FROM notification").await, ["file_failed"]);
    retry(&alice, id).await;
    assert_eq!(app.database.until_read(id).await, ready());
}

async fn a_file_whose_text_is_there_stays_when_its_servers_are_lost_again_and_again(setup: Setup) {
    let app =
        TestApp::start(setup.config(|config| config.models.search_model = "openai/test-embedding".to_owned())).await;
    let alice = app.alice().await;
    let id = alice.upload("deadly.txt", "Some text.").await;
    assert_eq!(app.database.until_read(id).await, ready());
    app.database.execute("DELETE FROM chunk_vector").await;
    let lost = "UPDATE user_file SET state = 'indexing', attempts = 2, lease_until_ms = 1, lease_owner = ";
    app.database.execute(&format!("{lost}{}", app.database.id(uuid::Uuid::from_u128(1)))).await;
    assert_eq!(app.database.until_read(id).await, ready());
    // What was made of it stays, and nobody tries the rest again.
    assert_eq!((app.database.count("file_chunk").await, app.database.count("chunk_vector").await), (1, 0));
    let app = app.restart().await;
    let other = alice.at(&app).upload("other.txt", "Some other text.").await;
    assert_eq!(app.database.until_read(other).await, ready());
    assert_eq!(app.database.until_read(id).await, ready());
    assert_eq!(app.database.count("chunk_vector").await, 1);
}

async fn a_file_whose_middle_is_gone_says_so(setup: Setup) {
    let stand = Stand::new(WAITS);
    let app = stand.app(setup).await;
    let alice = app.alice().await;
    // Two are being read; the third waits while a later piece of it goes.
    for name in ["1.txt", "2.txt"] {
        alice.upload(name, "text").await;
    }
    eventually("the readers", async || app.state.readers.count() == 2).await;
    let gone = alice.upload("3.txt", "word ".repeat(limits::UPLOAD_PART_BYTES / 4)).await;
    let part = format!("FROM file_part WHERE offset_bytes > 0 AND file_id = {}", app.database.id(gone.0));
    let blob = app.database.text(&format!("SELECT lower(hex(blob_id)) {part}")).await;
    let blob = uuid::Uuid::parse_str(&blob).unwrap();
    app.state.blobs.remove(blob.to_string().parse().unwrap()).await.unwrap();
    stand.say("go");
    assert_eq!(app.database.until_read(gone).await, state_of("failed", FileFailure::Missing));
}

async fn f14_a_file_that_is_too_large_to_be_read_says_so(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    // A single line, too.
    let content = bytes::Bytes::from(vec![b'x'; usize::try_from(limits::FILE_READ_BYTES_MAX).unwrap() + 1]);
    let id = alice.upload("large.txt", content.clone()).await;
    assert_eq!(app.database.until_read(id).await, state_of("failed", FileFailure::TooLarge));
    // Kept all the same.
    assert_eq!(alice.content(id).await.body.len(), content.len());
    let line = alice.upload("line.txt", content.slice(..5_000_000)).await;
    assert_eq!(app.database.until_read(line).await, ready());
    assert_eq!(app.database.text_of_file(line).await.trim_end().len(), 5_000_000);
}

async fn a_file_of_a_disabled_account_waits_in_silence(setup: Setup) {
    let stand = Stand::new(WAITS);
    let app = stand.app(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    for name in ["1.txt", "2.txt"] {
        alice.upload(name, "text").await;
    }
    eventually("the readers", async || app.state.readers.count() == 2).await;
    let waiting = bob.upload("3.txt", "text").await;
    app.database
        .execute(&format!("UPDATE user_account SET status = 'disabled' WHERE id = {}", app.database.id(bob.id.0)))
        .await;
    stand.say("go");
    let row = format!("FROM user_file WHERE id = {}", app.database.id(waiting.0));
    let put_off = format!("SELECT COUNT(*) {row} AND state = 'waiting' AND lease_until_ms > 0");
    eventually("that it waits", async || app.database.number(&put_off).await == 1).await;
    let until_ms = app.database.number(&format!("SELECT lease_until_ms {row}")).await;
    let now_ms = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64;
    assert!(until_ms > now_ms + 300_000, "{}", until_ms - now_ms);
}

/// Threads are counted for each user of the system, but for root: as that, a test would see nothing.
async fn files_are_read_by_whoever_the_server_runs_as(_: Setup) {
    use std::os::unix::process::CommandExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("sardonyx");
    std::fs::copy(env!("CARGO_BIN_EXE_sardonyx"), &program).unwrap();
    let text = folder.path().join("text");
    std::fs::write(&text, "read by nobody").unwrap();
    let as_nobody = |command: &mut std::process::Command| {
        if is_root() {
            command.uid(65_534).gid(65_534);
        }
    };
    // As the server's threads are.
    let mut others: Vec<std::process::Child> = (0..4)
        .map(|_| {
            let mut sleeper = std::process::Command::new("sleep");
            as_nobody(&mut sleeper);
            sleeper.arg("60").spawn().unwrap()
        })
        .collect();
    let mut reader = std::process::Command::new(&program);
    as_nobody(&mut reader);
    reader
        .args(["extract", "text"])
        .env_clear()
        .env("MALLOC_ARENA_MAX", "1")
        .stdin(std::fs::File::open(&text).unwrap());
    let said = reader.output().unwrap();
    for other in &mut others {
        other.kill().unwrap();
        other.wait().unwrap();
    }
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("read by nobody") && said.contains("\"done\""), "{said}");
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
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
    assert_eq!(app.database.texts("SELECT detail FROM notification").await, ["b.txt"]);
}
