//! The real program: killed, stopped, started wrongly, and the operator's commands.

use std::{
    cell::{Cell, OnceCell},
    time::{Duration, Instant},
};

use futures::{StreamExt, future::join_all, stream};
use sardonyx::{
    api::{chats::CreateChat, session::LogIn},
    domain::{
        ids::{ChatId, ClientMessageId},
        limits,
        message::{MessageBody, MessageState, Sent},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{
    Client, Setup, Tab, eventually,
    files::file_of,
    form,
    people::PASSWORD,
    process::{Ended, Process, run},
    site::{HalfWritten, Site, anonymous, log_in},
    tab::text,
    times,
};

crate::on_both_databases![
    k1_nothing_acknowledged_is_lost_when_the_server_is_killed,
    k4_a_server_that_is_told_to_stop_ends_well,
    accounts_are_managed_from_the_command_line,
    storage_and_tables_are_compared_from_the_command_line,
    n14_of_many_who_add_one_account_one_succeeds,
];
crate::on_a_cluster![k3_another_server_goes_on_within_ten_seconds_when_one_is_killed];
crate::once![
    k7_on_a_full_disk_sends_are_refused_and_all_is_well_when_there_is_room_again,
    f21_on_a_full_disk_an_upload_is_refused_and_goes_on_when_there_is_room_again,
    f5_bodies_without_an_end_are_refused_and_take_no_memory,
    l8_of_very_many_log_ins_at_once_few_are_hashed_at_a_time,
    l9_log_ins_whose_clients_went_away_do_not_pile_up,
    u12_a_wrong_setting_ends_the_program_with_a_line_that_names_it,
    l17_the_set_up_link_is_printed_until_there_is_an_account
];

async fn k1_nothing_acknowledged_is_lost_when_the_server_is_killed(setup: Setup) {
    let site = Site::new(&setup).await;
    assert!(site.add_user("alice@example.org", PASSWORD).await.status.success());
    let server = Process::start(&site.settings()).await;
    let alice = log_in(&server).await;
    let chat_id = alice.create_chat().await;
    let mut ledger: Vec<(Sent, ClientMessageId, String)> = Vec::new();
    for n in 0..10 {
        let (id, text) = (ClientMessageId::random(), format!("message {n}"));
        ledger.push((alice.try_send(chat_id, &text, id).await.ok(), id, text));
    }
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    for (sent, ..) in &ledger {
        tab.until_end(sent.reply_id).await;
    }
    site.upstream.by_hand();
    site.upstream.continue_replies(true);
    let last = alice.send_message(chat_id, "and then?").await;
    let call = site.half_write(last).await;
    server.kill().await;
    call.gone().await;

    let server = Process::start(&site.settings()).await;
    let alice = alice.at(server.addr);
    // On Postgres another server may be at it: only its lapsed lease says that there is none.
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    let mut call = site.upstream.call().await;
    call.begin();
    call.piece(" and the second.");
    call.done();
    let message = tab.until_end(last.reply_id).await;
    let whole = "<p>The first half of it, and the second.</p>";
    assert_eq!((text(&message).as_str(), message.state), (whole, MessageState::Complete));
    let messages = alice.open_chat(chat_id).await.messages.messages;
    assert_eq!(messages.iter().map(|message| message.seq).collect::<Vec<_>>(), (1..=22).collect::<Vec<_>>());
    for (sent, id, text) in ledger {
        let kept = messages.iter().find(|message| message.id == sent.message_id).unwrap();
        assert_eq!(kept.body, MessageBody::Text(text.clone()));
        // The client that never saw the answer sends again: the same one message.
        assert_eq!(alice.try_send(chat_id, &text, id).await.ok::<Sent>(), sent);
    }
    if setup.is_sqlite() {
        assert_eq!(site.database.text("PRAGMA integrity_check").await, "ok");
        assert_eq!(site.database.texts("SELECT \"table\" FROM pragma_foreign_key_check").await, Vec::<String>::new());
    }
    server.kill().await;
}

async fn k3_another_server_goes_on_within_ten_seconds_when_one_is_killed(setup: Setup) {
    let HalfWritten { site, first, second, mut tab, sent, call, .. } = HalfWritten::new(&setup).await;
    first.kill().await;
    let killed = Instant::now();
    call.gone().await;
    let mut call = site.upstream.call().await;
    assert!(killed.elapsed() < Duration::from_secs(10), "{:?}", killed.elapsed());
    call.begin();
    call.piece(" and the second.");
    // Whoever looked at it at the other server all the time just sees it go on.
    tab.until("the second half", |screen| screen.text_of(sent.reply_id).contains("it, and the second.")).await;
    call.done();
    assert_eq!(tab.until_end(sent.reply_id).await.state, MessageState::Complete);
    assert_eq!(site.upstream.asked(), 2);
    second.kill().await;
}

async fn k4_a_server_that_is_told_to_stop_ends_well(setup: Setup) {
    let site = Site::new(&setup).await;
    assert!(site.add_user("alice@example.org", PASSWORD).await.status.success());
    let server = Process::start(&site.settings()).await;
    let alice = log_in(&server).await;
    site.upstream.by_hand();
    let (chat_id, sent): (ChatId, Sent) = alice.ask("Tell me").await;
    let mut call = site.upstream.call().await;
    call.begin();
    call.piece("The first half");
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    tab.until("the text", |screen| screen.text_of(sent.reply_id).contains("half")).await;
    let ((status, _), closed) = tokio::join!(server.terminate(), tab.until_closed());
    assert_eq!((status.code(), closed.1), (Some(0), Some(1012)));
    assert_eq!(site.database.message(sent.reply_id.0).await, ("The first half".to_owned(), "generating".to_owned()));
}

/// What the memory of so few hashes at a time, and of many connections, may add: 19 MiB for each hash, and some for the rest.
const STORM_KIB_MAX: u64 = (limits::PASSWORD_HASHES_MAX as u64 * 19 * 11 / 10 + 48) * 1024;

async fn k7_on_a_full_disk_sends_are_refused_and_all_is_well_when_there_is_room_again(setup: Setup) {
    let site = Site::new(&setup).await;
    assert!(site.add_user("alice@example.org", PASSWORD).await.status.success());
    let server = Process::start_with_limits(&site.settings()).await;
    let alice = log_in(&server).await;
    site.upstream.by_hand();
    let chat_id = alice.create_chat().await;
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    let running = alice.send_message(chat_id, "Tell me").await;
    let call = site.half_write(running).await;

    server.limit_files(Some(0)).await;
    let id = ClientMessageId::random();
    for _ in 0..3 {
        let refused = alice.try_send(chat_id, "hello", id).await;
        assert_eq!((refused.status, refused.code().as_str()), (503, "unavailable"), "{}", refused.text());
        assert!(!refused.header("retry-after").is_empty());
    }
    assert_eq!(alice.call::<CreateChat>(&[]).await.status, 503);
    // What is there can be read, and what is being written be seen, though nothing more of it can be kept.
    for path in ["/chats".to_owned(), format!("/chats/{chat_id}"), "/settings".to_owned()] {
        assert_eq!(alice.get(&path).await.status, 200, "{path}");
    }
    call.piece(" and the second.");
    tab.until("the second half", |screen| screen.text_of(running.reply_id).contains("second")).await;
    call.done();

    server.limit_files(None).await;
    let whole = "The first half of it, and the second.";
    assert_eq!(text(&tab.until_end(running.reply_id).await), format!("<p>{whole}</p>"));
    assert_eq!(site.database.message(running.reply_id.0).await, (whole.to_owned(), "complete".to_owned()));
    let sent: Sent = alice.try_send(chat_id, "hello", id).await.ok();
    site.half_write(sent).await.done();
    assert_eq!(tab.until_end(sent.reply_id).await.state, MessageState::Complete);
    assert_eq!(site.database.count("chat_message").await, 4);
    assert_eq!(site.database.text("PRAGMA integrity_check").await, "ok");
    server.kill().await;
}

async fn f21_on_a_full_disk_an_upload_is_refused_and_goes_on_when_there_is_room_again(setup: Setup) {
    let site = Site::new(&setup).await;
    assert!(site.add_user("alice@example.org", PASSWORD).await.status.success());
    let server = Process::start_with_limits(&site.settings()).await;
    let alice = log_in(&server).await;
    let text: String =
        (1..=90_000).map(|line| format!("This is line {line} of a text that takes several writes.\n")).collect();
    let place = alice.begin_upload("long.txt", text.len() as u64).await;
    // From nothing over a little of the database to most of a piece: each time another write is the first that fails.
    let count = times(6, 60);
    for room in (0..count as u64).map(|n| n * 4_000_000 / count as u64) {
        site.database.execute("PRAGMA wal_checkpoint(TRUNCATE)").await;
        server.limit_files(Some(room)).await;
        let offset = usize::try_from(alice.upload_offset(&place).await).unwrap();
        let answer = Client::send_only(alice.piece(&place, offset as u64, text[offset..].to_owned())).await;
        // With so much room, a database whose log was just emptied can write: it is the piece that finds none.
        let is_of_the_database = room < 1_000_000 && answer.refusal() == (503, "unavailable".to_owned());
        assert!(is_of_the_database || answer.refusal() == (507, "disk_full".to_owned()), "{room}: {}", answer.text());
        server.limit_files(None).await;
        // What is noted is there, whole, and nothing else is noted.
        let parts = site.database.number("SELECT COUNT(*) FROM file_part").await;
        let noted = site.database.number("SELECT CAST(COALESCE(SUM(size_bytes), 0) AS bigint) FROM file_part").await;
        assert_eq!(alice.upload_offset(&place).await, noted.unsigned_abs(), "{room}");
        let blobs = blobs_in(&format!("{}/files", site.data));
        assert!(blobs.iter().all(|(name, _)| !name.contains('#')), "{blobs:?}");
        assert!(blobs.len() as i64 >= parts, "{room}: {blobs:?}");
    }
    let offset = usize::try_from(alice.upload_offset(&place).await).unwrap();
    Client::send_only(alice.piece(&place, offset as u64, text[offset..].to_owned())).await;
    let id = file_of(&place);
    assert_eq!(site.database.until_read(id).await, ("ready".to_owned(), String::new()));
    assert!(site.database.text_of_file(id).await == text);
    let content = alice.get(&format!("/files/{id}/content")).await;
    assert!(content.body == text.as_bytes(), "the file is another one");
    // A file of which no copy can be made waits for room.
    server.limit_files(Some(4_300_000)).await;
    let other = alice.upload("other.txt", text.clone()[..4_200_000].to_owned()).await;
    server.limit_files(None).await;
    assert_eq!(site.database.until_read(other).await.0, "ready");
    // Of what could not be noted nothing stays, once its promise has run out.
    let checked = run(&["files", "check"], &site.settings(), "").await;
    assert!(checked.status.success() && checked.stdout.ends_with(" 0 of them for no file\n"), "{}", checked.stdout);
    site.database.execute("UPDATE doomed_blob SET due_at_ms = 1").await;
    alice.try_delete_file(other).await.ok::<()>();
    let is_clean = async || {
        let parts = site.database.number("SELECT COUNT(*) FROM file_part").await;
        blobs_in(&format!("{}/files", site.data)).len() as i64 == parts
    };
    eventually("that only what files have is kept", is_clean).await;
    server.kill().await;
}

async fn f5_bodies_without_an_end_are_refused_and_take_no_memory(setup: Setup) {
    let site = Site::new(&setup).await;
    assert!(site.add_user("alice@example.org", PASSWORD).await.status.success());
    let mut settings = site.settings();
    settings.push(("SARDONYX_FILE_MEGABYTES", "5"));
    let server = Process::start(&settings).await;
    let alice = log_in(&server).await;
    let megabyte = bytes::Bytes::from(vec![b'x'; 1_000_000]);
    // As much as the server takes, up to what would be seen.
    let endless = || {
        let pieces = stream::repeat_with({
            let megabyte = megabyte.clone();
            move || Ok::<_, std::io::Error>(megabyte.clone())
        });
        reqwest::Body::wrap_stream(pieces.take(1_000))
    };
    let place = alice.begin_upload("a.bin", 5_000_000).await;
    let head = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n";
    let before = server.peak_kib();
    for _ in 0..3 {
        let form = stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from(head))]);
        let pieces = stream::repeat_with({
            let megabyte = megabyte.clone();
            move || Ok(megabyte.clone())
        });
        let form = alice
            .request("POST".parse().unwrap(), "/files/form")
            .header("content-type", "multipart/form-data; boundary=x")
            .body(reqwest::Body::wrap_stream(form.chain(pieces.take(1_000))));
        // What came before it was too much stays.
        let offset = alice.upload_offset(&place).await;
        let sent = join_all([alice.piece(&place, offset, endless()).send(), form.send()]).await;
        for answer in sent.into_iter().flatten() {
            // Whoever still sends may find the connection closed before the answer.
            assert_eq!(answer.status(), 413);
        }
    }
    let taken = server.peak_kib() - before;
    assert!(taken < 60 * 1_024, "{} MiB", taken / 1_024);
    assert_eq!(alice.upload_offset(&place).await % 4_194_304, 0);
    server.kill().await;
}

async fn storage_and_tables_are_compared_from_the_command_line(setup: Setup) {
    let site = Site::new(&setup).await;
    assert!(site.add_user("alice@example.org", PASSWORD).await.status.success());
    let server = Process::start(&site.settings()).await;
    let alice = log_in(&server).await;
    let content = "text ".repeat(limits::UPLOAD_PART_BYTES / 4);
    let whole = alice.upload("whole.txt", "text").await;
    let torn = alice.upload("torn.txt", content).await;
    for id in [whole, torn] {
        site.database.until_read(id).await;
    }
    let settings = site.settings();
    let check = async |arguments: &[&str]| run(&[&["files", "check"], arguments].concat(), &settings, "").await;
    let fine = check(&[]).await;
    assert!(fine.status.success(), "{}", fine.stderr);
    assert_eq!(fine.stdout, "3 pieces in the storage, 0 of them for no file\n");
    // As after a backup of the one that is older than that of the other.
    let orphan = sardonyx::domain::ids::BlobId(uuid::Uuid::new_v4()).to_string();
    let folder = format!("{}/files/blobs/{}", site.data, &orphan[orphan.len() - 2..]);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(format!("{folder}/{orphan}"), "nobody's").unwrap();
    let found = check(&[]).await;
    assert!(found.status.success() && found.stdout.contains(&format!("for no file\t{orphan}")), "{}", found.stdout);
    let removed = check(&["--remove"]).await;
    assert!(removed.stdout.contains(&format!("removed\t{orphan}")), "{}", removed.stdout);
    assert_eq!(check(&[]).await.stdout, fine.stdout);
    let part = format!("FROM file_part WHERE offset_bytes > 0 AND file_id = {}", site.database.id(torn.0));
    let blob = if setup.is_sqlite() { "lower(hex(blob_id))" } else { "replace(blob_id::text, '-', '')" };
    let blob = uuid::Uuid::parse_str(&site.database.text(&format!("SELECT {blob} {part}")).await).unwrap().to_string();
    std::fs::remove_file(format!("{}/files/blobs/{}/{blob}", site.data, &blob[blob.len() - 2..])).unwrap();
    let incomplete = check(&[]).await;
    assert!(!incomplete.status.success());
    assert!(
        incomplete.stdout.contains(&format!("incomplete\t{torn}")) && !incomplete.stdout.contains(&whole.to_string())
    );
    assert!(incomplete.stderr.contains("1 file lacks some of its content"), "{}", incomplete.stderr);
    server.kill().await;
}

/// Names and sizes of what the storage has of files.
fn blobs_in(folder: &str) -> Vec<(String, u64)> {
    let mut blobs = Vec::new();
    for folder in std::fs::read_dir(format!("{folder}/blobs")).into_iter().flatten().flatten() {
        for blob in std::fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            blobs.push((blob.file_name().to_string_lossy().into_owned(), blob.metadata().unwrap().len()));
        }
    }
    blobs
}

async fn l8_of_very_many_log_ins_at_once_few_are_hashed_at_a_time(setup: Setup) {
    let site = Site::new(&setup).await;
    assert!(site.add_user("alice@example.org", PASSWORD).await.status.success());
    let mut settings = site.settings();
    settings.push(("SARDONYX_TRUSTED_PROXIES", "127.0.0.1"));
    let server = Process::start(&settings).await;
    let alice = log_in(&server).await;
    assert_eq!(alice.get("/chats").await.status, 200);
    let before = server.peak_kib();
    let storm = join_all((0..200).map(|n| {
        let browser = anonymous(&server);
        let email = format!("person-{n}@example.org");
        let fields = form(&[("email", &email), ("password", "a wrong password")]);
        // From everywhere, so that no other limit is met.
        let request = browser.form_request("/api/log_in", fields).header("x-forwarded-for", format!("10.0.0.{n}"));
        async move { browser.send(request).await }
    }));
    let (finished, answers) = (Cell::new(false), OnceCell::new());
    let storm = async {
        let _ = answers.set(storm.await);
        finished.set(true);
    };
    let pages = async {
        let mut seen = 0;
        while !finished.get() {
            let page = alice.get("/chats").await;
            assert_eq!(page.status, 200, "{}", page.text());
            seen += 1;
        }
        seen
    };
    let ((), seen) = tokio::join!(storm, pages);
    assert!(seen > 0);
    let answers = answers.into_inner().unwrap();
    for answer in &answers {
        match answer.status {
            401 => assert_eq!(answer.code(), "wrong_credentials"),
            503 => assert!(answer.code() == "busy" && !answer.header("retry-after").is_empty(), "{}", answer.text()),
            other => panic!("{other}: {}", answer.text()),
        }
    }
    assert!(answers.iter().any(|answer| answer.status == 401));
    // The kernel counts it by thread and adds up now and then.
    let grown = server.peak_kib().saturating_sub(before);
    assert!(grown <= STORM_KIB_MAX, "{grown} KiB more");
    server.kill().await;
}

async fn l9_log_ins_whose_clients_went_away_do_not_pile_up(setup: Setup) {
    let site = Site::new(&setup).await;
    assert!(site.add_user("alice@example.org", PASSWORD).await.status.success());
    let server = Process::start(&site.settings()).await;
    let alice = log_in(&server).await;
    assert_eq!(alice.get("/chats").await.status, 200);
    let before = server.peak_kib();
    let addr = server.addr;
    join_all((0..500).map(|n| async move {
        let body = form(&[("email", &format!("person-{n}@example.org")), ("password", "a wrong password")]);
        let request = format!(
            "POST /api/log_in HTTP/1.1\r\nhost: {addr}\r\norigin: http://{addr}\r\ncontent-type: \
             application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut socket = TcpStream::connect(addr).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        // Nobody waits for the answer any longer.
        let _ = timeout(Duration::from_millis(5), socket.read_u8()).await;
    }))
    .await;
    // Whoever comes afterwards gets in, when what was under way has ended.
    eventually("a log-in", async || {
        let fields = [("email", "alice@example.org"), ("password", PASSWORD)];
        let answer = anonymous(&server).call::<LogIn>(&fields).await;
        assert!([200, 429, 503].contains(&answer.status), "{}", answer.text());
        assert_eq!(alice.get("/chats").await.status, 200);
        answer.status == 200
    })
    .await;
    // The kernel counts it by thread and adds up now and then.
    let grown = server.peak_kib().saturating_sub(before);
    assert!(grown <= STORM_KIB_MAX, "{grown} KiB more");
    server.kill().await;
}

async fn accounts_are_managed_from_the_command_line(setup: Setup) {
    let site = Site::new(&setup).await;
    let added = site.add_user("Alice@Example.org", &format!("{PASSWORD}\n")).await;
    assert_eq!((added.stdout.as_str(), added.status.code()), ("added alice@example.org as member\n", Some(0)));
    let added =
        site.user(&["add", "root@example.org", "--role", "admin", "--password-stdin"], "blue-lamp-42-river").await;
    assert!(added.status.success(), "{added:?}");
    for (email, password, part) in [
        ("alice@example.org", PASSWORD, "has an account already"),
        ("carol@example.org", "short", "at least 8 characters"),
        ("carol@example.org", "password1", "most used"),
        ("carol@example.org", "carol@example.org", "most used"),
        ("carol@example.org", "", "at least 8 characters"),
        ("no address", PASSWORD, "e-mail address"),
    ] {
        let refused = site.add_user(email, password).await;
        assert_eq!((refused.status.code(), refused.stdout.as_str()), (Some(1), ""), "{email} {password}");
        assert!(refused.stderr.contains(part) && refused.stderr.lines().count() == 1, "{}", refused.stderr);
        assert!(password.len() < 6 || !refused.stderr.contains(password) || password == email, "{}", refused.stderr);
    }
    assert!(!site.user(&["add", "carol@example.org"], PASSWORD).await.status.success(), "a password in no way given");
    let role = site.user(&["add", "carol@example.org", "--role", "root", "--password-stdin"], PASSWORD).await;
    assert!(role.stderr.contains("must be member or admin"), "{role:?}");

    assert!(site.user(&["disable", "alice@example.org"], "").await.status.success());
    let unknown = site.user(&["disable", "carol@example.org"], "").await;
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
    let listed = site.user(&["list"], "").await;
    assert_eq!(listed.stdout, "alice@example.org\tmember\tdisabled\nroot@example.org\tadmin\tactive\n");
    assert!(!listed.stdout.contains("argon2"));
}

async fn n14_of_many_who_add_one_account_one_succeeds(setup: Setup) {
    let site = Site::new(&setup).await;
    assert!(site.add_user("alice@example.org", PASSWORD).await.status.success());
    let attempts = (0..6).map(|_| site.add_user("bob@example.org", PASSWORD));
    let ended = futures::future::join_all(attempts).await;
    assert_eq!(ended.iter().filter(|ended| ended.status.success()).count(), 1, "{ended:?}");
    let told = |ended: &&Ended| ended.stderr.contains("has an account already");
    assert_eq!(ended.iter().filter(told).count(), 5, "{ended:?}");
}

async fn u12_a_wrong_setting_ends_the_program_with_a_line_that_names_it(setup: Setup) {
    let site = Site::new(&setup).await;
    let closed = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let nowhere = format!("postgres://nobody:swordfish@{closed}/nothing");
    let no_redis = format!("redis://:swordfish@{closed}");
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let taken = taken.local_addr().map(|addr| (addr.to_string(), taken)).unwrap();
    // Settings that are read by their form name the flag as well; the value of a secret is never repeated.
    for (name, value, named) in [
        ("DATABASE_URL", "mysql://localhost/x", "DATABASE_URL"),
        ("DATABASE_URL", "", "DATABASE_URL"),
        ("DATABASE_URL", "sqlite:///no/such/folder/x.db", "DATABASE_URL"),
        ("DATABASE_URL", &nowhere, "DATABASE_URL"),
        ("REDIS_URL", "http://localhost", "REDIS_URL"),
        ("REDIS_URL", &no_redis, "REDIS_URL"),
        ("OPENAI_BASE_URL", "ftp://models.example/v1", "OPENAI_BASE_URL"),
        ("OPENAI_BASE_URL", "http://user:swordfish@models.example/v1", "OPENAI_BASE_URL"),
        ("OPENAI_API_KEY", "sword\tfish", "OPENAI_API_KEY"),
        ("OPENAI_API_KEY", "", "OPENAI_API_KEY"),
        ("SARDONYX_MODEL_FILE", "/no/such/file.gguf", "SARDONYX_MODEL_FILE"),
        ("SARDONYX_LOG", "sardonyx=loudly", "SARDONYX_LOG"),
        ("SARDONYX_ADDR", &taken.0, "SARDONYX_ADDR"),
        ("SARDONYX_ADDR", "localhost", "--addr"),
        ("SARDONYX_PUBLIC_URL", "chat.example", "--public-url"),
        ("SARDONYX_PUBLIC_URL", "https://chat.example/path", "--public-url"),
        ("OPENAI_BASE_URL", "models", "--openai-base-url"),
        ("SARDONYX_LOG_FORMAT", "xml", "--log-format"),
        ("SARDONYX_SESSION_SECONDS", "86401", "--session-seconds"),
        ("SARDONYX_DRAIN_SECONDS", "-1", "--drain-seconds"),
        ("SARDONYX_REPLIES_PER_USER", "many", "--replies-per-user"),
    ] {
        let mut settings = site.settings();
        settings.retain(|(known, _)| *known != name);
        settings.push((name, value));
        let ended = run(&["--addr", "127.0.0.1:0"][..if name == "SARDONYX_ADDR" { 0 } else { 2 }], &settings, "").await;
        assert!(!ended.status.success(), "{name}={value}");
        let lines: Vec<&str> = ended.stderr.lines().filter(|line| line.contains(named)).collect();
        assert!(!lines.is_empty(), "{name}={value}: {}", ended.stderr);
        if !named.starts_with("--") {
            assert!(lines.len() == 1 && lines[0].starts_with("sardonyx: "), "{name}={value}: {}", ended.stderr);
        }
        assert!(!ended.stderr.contains("swordfish") && !ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
}

async fn l17_the_set_up_link_is_printed_until_there_is_an_account(setup: Setup) {
    let site = Site::new(&setup).await;
    let mut server = Process::start(&site.settings()).await;
    let link = server.setup_link().await;
    let browser = anonymous(&server);
    assert_eq!(browser.get(&link).await.status, 200);
    assert!(site.add_user("alice@example.org", PASSWORD).await.status.success());
    assert_eq!(browser.get(&link).await.status, 403);
    server.terminate().await;
    let (_, printed) = Process::start(&site.settings()).await.terminate().await;
    assert_eq!(printed, "");
}
