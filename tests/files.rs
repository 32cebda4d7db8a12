//! Files: taken in whole or in pieces, kept, given back, deleted without a trace.

use std::{path::Path, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures::{StreamExt, future::join_all};
use rand::Rng;
use reqwest::Method;
use sardonyx::{
    api::{account::DeleteAccount, chat_settings::AddChatFile, files::ListFiles},
    domain::{file::FilePage, file_state::FileState, ids::ClientMessageId, limits},
};
use uuid::Uuid;

use crate::support::{
    Client, PATIENCE, Setup, TestApp,
    database::needed,
    eventually,
    files::{UPLOADS, file_of, png},
    people::PASSWORD,
    stream_of, times,
};

crate::on_both_databases![
    an_upload_that_is_cut_off_again_and_again_is_the_same_file,
    f5_more_than_was_announced_or_than_is_allowed_is_refused_and_not_kept,
    f17_parallel_uploads_never_take_more_than_there_is_room_for,
    f18_two_people_with_the_same_file_have_one_each,
    x21_nothing_of_a_deleted_file_or_account_is_left_in_the_storage,
    a_list_of_files_is_in_order_and_page_by_page,
    what_a_dead_server_had_begun_to_write_is_removed,
    pieces_that_are_refused_are_not_kept,
    x21_an_account_that_goes_while_its_uploads_come_leaves_nothing,
];
crate::on_a_cluster![two_servers_keep_files_on_an_s3_compatible_server];
crate::once![
    f1_f2_no_name_of_a_file_is_a_path_or_ends_its_header,
    f3_content_is_a_download_in_a_sandbox,
    f6_forms_that_are_none_are_refused,
    f8_uploads_that_are_reset_leave_nothing_behind,
    f22_a_content_that_is_gone_says_so,
    f23_a_range_is_within_the_file_or_refused,
    f28_an_upload_from_elsewhere_is_refused_before_it_is_read,
    an_upload_follows_the_protocol,
    a_program_adds_lists_and_deletes_files,
    a_form_brings_several_files,
    a_page_without_a_script_is_told_what_was_wrong,
    f7_who_sends_nothing_is_let_go,
    f7_a_hundred_who_drip_are_let_go_and_others_are_not_held_up,
    who_finds_no_place_begins_nothing,
    f27_a_name_is_text_wherever_it_is_shown,
];

/// Bytes that no two places share.
fn noise(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    rand::rng().fill(&mut bytes[..]);
    bytes
}

/// All files below a folder, by their path in it.
fn below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

/// How many blobs there are in the storage.
async fn blobs(app: &TestApp) -> usize {
    app.state.blobs.list().await.unwrap().len()
}

async fn an_upload_that_is_cut_off_again_and_again_is_the_same_file(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let content = bytes::Bytes::from(noise(times(10_000_000, 200_000_000)));
    let size = content.len();
    let place = alice.begin_upload("noise.bin", size as u64).await;
    let mut cuts = 0;
    loop {
        let offset = usize::try_from(alice.upload_offset(&place).await).unwrap();
        if offset == size {
            break;
        }
        // Says that all the rest comes, and goes away somewhere in the middle.
        let cut = if size - offset < 2_000_000 { size } else { rand::rng().random_range(offset..=size) };
        let begun = content.slice(offset..cut);
        let ends = cut == size;
        let body = futures::stream::iter(
            begun.chunks(100_000).map(|piece| Ok(bytes::Bytes::copy_from_slice(piece))).collect::<Vec<_>>(),
        );
        let end = if ends {
            futures::stream::empty().boxed()
        } else {
            futures::stream::iter([Err(std::io::Error::other("cut"))]).boxed()
        };
        let body = reqwest::Body::wrap_stream(body.chain(end));
        let sent = alice.piece(&place, offset as u64, body).send().await;
        cuts += usize::from(!sent.is_ok_and(|answer| answer.status() == 204));
        // What was sent before the cut is noted by a task that outlives the request.
        eventually("the end of the upload", async || app.state.intake.count() == 0).await;
    }
    println!("{cuts} cuts");
    let id = file_of(&place);
    assert_eq!(alice.content(id).await.body, content);
    let file = &alice.list_files().await.files[0];
    assert_eq!((file.id, file.size_bytes, file.received_bytes), (id, size as u64, size as u64));
    assert_ne!(file.state, FileState::Uploading);
}

async fn f5_more_than_was_announced_or_than_is_allowed_is_refused_and_not_kept(setup: Setup) {
    let app = TestApp::start(setup.config(|config| config.limits.file_megabytes = 1)).await;
    let alice = app.alice().await;
    assert_eq!(alice.try_begin_upload("a.txt", 1_000_001).await.refusal(), (413, "file_too_large".to_owned()));
    assert_eq!(alice.try_begin_upload("a.txt", 0).await.refusal(), (422, "file_empty".to_owned()));
    // One byte more than was announced: said beforehand, and not.
    let place = alice.begin_upload("a.txt", 10).await;
    let answer = Client::send_only(alice.piece(&place, 0, "01234567890")).await;
    assert_eq!(answer.refusal(), (413, "too_large".to_owned()));
    let answer = Client::send_only(alice.piece(&place, 0, stream_of("01234567890", 1))).await;
    assert_eq!(answer.refusal(), (413, "too_large".to_owned()));
    assert_eq!(alice.upload_offset(&place).await, 0);
    // As a form and as a body, with a length and without one.
    let tokens = crate::api::tokens_of(&app, &alice).await;
    let add = |body: reqwest::Body| {
        Client::send_only(alice.program(Method::POST, "/api/v1/files?name=b.txt", Some(&tokens.signed)).body(body))
    };
    for body in [reqwest::Body::from(vec![b'x'; 2_100_000]), stream_of(&"x".repeat(10_000), 101)] {
        let answer = add(body).await;
        assert_eq!(answer.refusal(), (413, "file_too_large".to_owned()));
    }
    assert_eq!(add(reqwest::Body::from("")).await.refusal(), (422, "file_empty".to_owned()));
    let form = alice.files_form(vec![("c.txt", (0..101).map(|_| Ok(vec![b'x'; 10_000])).collect())]);
    assert_eq!(Client::send_only(form).await.refusal(), (413, "file_too_large".to_owned()));
    // Only the one that was announced is left, with nothing in it.
    assert_eq!(alice.list_files().await.files.len(), 1);
    assert_eq!(blobs(&app).await, 0);
}

async fn f17_parallel_uploads_never_take_more_than_there_is_room_for(setup: Setup) {
    let app = TestApp::start(setup.config(|config| config.limits.storage_megabytes_per_user = 1)).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let begun = join_all((0..50).map(|_| alice.try_begin_upload("a.txt", 100_000))).await;
    assert_eq!(begun.iter().filter(|answer| answer.status == 201).count(), 10);
    assert!(begun.iter().all(|answer| answer.status == 201 || answer.refusal() == (507, "storage_full".to_owned())));
    let list = alice.list_files().await;
    assert_eq!((list.storage.files, list.storage.used_bytes, list.storage.bytes_max), (10, 1_000_000, 1_000_000));
    // Those that say nothing of their size count as they come.
    let tokens = crate::api::tokens_of(&app, &bob).await;
    let add = async |_| {
        let request = bob.program(Method::POST, "/api/v1/files?name=b.txt", Some(&tokens.signed));
        Client::send_only(request.body(stream_of(&"x".repeat(10_000), 30))).await.status
    };
    let mut statuses = join_all((0..6).map(add)).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 201, 507, 507, 507]);
    assert_eq!(bob.list_files().await.storage.used_bytes, 900_000);
    // What is deleted makes room.
    assert_eq!(alice.try_delete_file(list.files[0].id).await.status, 200);
    assert_eq!(alice.try_begin_upload("a.txt", 100_000).await.status, 201);
    assert_eq!(alice.try_begin_upload("a.txt", 1).await.status, 507);
}

async fn f18_two_people_with_the_same_file_have_one_each(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let content = noise(50_000);
    let alices = alice.upload("a.bin", content.clone()).await;
    let bobs = bob.upload("a.bin", content.clone()).await;
    assert_eq!(blobs(&app).await, 2);
    assert_eq!(bob.try_delete_file(bobs).await.status, 200);
    eventually("the removal", async || blobs(&app).await == 1).await;
    assert_eq!(alice.content(alices).await.body, content);
    assert_eq!(bob.content(bobs).await.status, 404);
    assert_eq!(bob.content(bobs).await.same(), bob.content(alices).await.same());
}

async fn x21_nothing_of_a_deleted_file_or_account_is_left_in_the_storage(setup: Setup) {
    let by_meaning = setup.config(|config| config.models.search_model = "openai/test-embedding".to_owned());
    let app = TestApp::start(by_meaning).await;
    let (alice, bob, admin) = (app.alice().await, app.bob().await, app.admin().await);
    let carol = app.member("carol@example.org").await;
    let kept = alice.upload("kept.bin", noise(9_000_000)).await;
    assert_eq!(blobs(&app).await, 3);
    for person in [&bob, &carol] {
        for (name, content) in [("read.txt", b"canary of the leavers".to_vec()), ("seen.png", png(300, 200))] {
            let id = person.upload(name, content).await;
            assert_eq!(app.database.until_read(id).await.0, "ready", "{name}");
        }
    }
    let made = ["file_chunk", "chunk_vector", "file_picture"];
    for table in made {
        assert!(app.database.count(table).await > 0, "{table}");
    }
    assert_eq!(app.database.count_indexed().await, 2);
    bob.upload("gone.bin", noise(5_000_000)).await;
    let place = carol.begin_upload("half.bin", 5_000_000).await;
    Client::send_only(carol.piece(&place, 0, stream_of(&"x".repeat(10_000), 10))).await;
    assert_eq!(blobs(&app).await, 10);
    assert_eq!(bob.call::<DeleteAccount>(&[("password", PASSWORD)]).await.status, 200);
    let fields = [("user_id", &*carol.id.to_string()), ("change", "delete")];
    assert_eq!(admin.post("/api/change_account", &fields).await.status, 200);
    // Sooner or later each server looks for what others have deleted; here, at once.
    app.state.intake.sweep_soon();
    eventually("the removal", async || blobs(&app).await == 3).await;
    assert_eq!(app.database.count("user_file").await, 1);
    for table in made {
        assert_eq!(app.database.count(table).await, 0, "{table}");
    }
    assert_eq!(app.database.count_indexed().await, 0);
    assert_eq!(alice.try_delete_file(kept).await.status, 200);
    eventually("the removal", async || blobs(&app).await == 0).await;
    eventually("the end of the list", async || app.database.count("doomed_blob").await == 0).await;
    assert_eq!((app.database.count("user_file").await, app.database.count("file_part").await), (0, 0));
}

async fn a_list_of_files_is_in_order_and_page_by_page(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let count = 2 * usize::try_from(limits::FILES_PER_PAGE).unwrap() + 3;
    for n in 0..count {
        let name = if n % 2 == 0 { format!("Annual {:03}.txt", count - n) } else { format!("annex_{n:03}%.txt") };
        alice.upload(&name, vec![b'x'; 10 + (n * 7) % 50]).await;
    }
    for order in ["newest", "name", "size"] {
        let mut found: Vec<sardonyx::domain::file::File> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let mut fields = vec![("search", ""), ("order", order)];
            if let Some(after) = &after {
                fields.push(("after", after));
            }
            let page: FilePage = alice.call::<ListFiles>(&fields).await.ok();
            found.extend(page.files);
            after = page.next_after.map(|id| id.to_string());
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found.len(), count, "{order}");
        let mut sorted = found.clone();
        match order {
            "newest" => sorted.sort_by_key(|file| std::cmp::Reverse(file.id)),
            "name" => sorted.sort_by_key(|file| (file.name.as_str().to_lowercase(), file.id)),
            _ => sorted.sort_by_key(|file| std::cmp::Reverse((file.size_bytes, file.id))),
        }
        assert_eq!(found, sorted, "{order}");
        assert_eq!(found.iter().map(|file| file.id).collect::<std::collections::HashSet<_>>().len(), count);
    }
    let search =
        async |text: &str| alice.call::<ListFiles>(&[("search", text), ("order", "name")]).await.ok::<FilePage>();
    assert_eq!(search("ANNUAL 00").await.files.len(), 5);
    assert_eq!(search("%").await.files.len(), usize::try_from(limits::FILES_PER_PAGE).unwrap());
    assert_eq!(search("x_00").await.files.len(), 5);
    assert!(search("nothing").await.files.is_empty());
    // The file that a page ended with is deleted: the next one begins after it all the same.
    let first = alice.list_files().await;
    assert_eq!(alice.try_delete_file(first.next_after.unwrap()).await.status, 200);
    let after = first.next_after.unwrap().to_string();
    let next: FilePage = alice.call::<ListFiles>(&[("search", ""), ("order", "newest"), ("after", &after)]).await.ok();
    assert_eq!(next.files.len(), usize::try_from(limits::FILES_PER_PAGE).unwrap());
    assert!(next.files.iter().all(|file| !first.files.contains(file)));
    let foreign = app.bob().await.upload("b.txt", "x").await;
    for after in [foreign.to_string(), Uuid::now_v7().to_string(), "x".to_owned()] {
        let answer = alice.call::<ListFiles>(&[("search", ""), ("order", "size"), ("after", &after)]).await;
        assert_eq!(answer.refusal(), (422, "cursor_invalid".to_owned()));
    }
}

async fn two_servers_keep_files_on_an_s3_compatible_server(setup: Setup) {
    let bucket = format!("files-{}", Uuid::new_v4());
    let made = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .put(format!("{}/{bucket}", needed("AWS_ENDPOINT_URL")))
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), 200);
    let place = format!("s3://{bucket}/some/prefix");
    let app = TestApp::start(setup.config(move |config| config.storage.files = Some(place.clone()))).await;
    let another = app.another().await;
    let alice = app.alice().await;
    let content = bytes::Bytes::from(noise(limits::UPLOAD_PART_BYTES * 2 + 10));
    let place = alice.begin_upload("a.bin", content.len() as u64).await;
    let half = content.len() / 2;
    let sent = Client::send_only(alice.piece(&place, 0, content.slice(..half))).await;
    assert_eq!(sent.status, 204, "{}", sent.text());
    let sent = Client::send_only(alice.at(&another).piece(&place, half as u64, content.slice(half..))).await;
    assert_eq!(sent.status, 204, "{}", sent.text());
    let id = file_of(&place);
    for person in [&alice, &alice.at(&another)] {
        assert_eq!(person.content(id).await.body, content);
    }
    let range = alice.request(Method::GET, &format!("/files/{id}/content")).header("range", "bytes=4194300-4194309");
    assert_eq!(Client::send_only(range).await.body, content.slice(4_194_300..4_194_310));
    assert!(blobs(&app).await >= 3);
    assert_eq!(alice.at(&another).try_delete_file(id).await.status, 200);
    eventually("the removal", async || blobs(&app).await == 0).await;
}

/// F20, for what is written: a promise that nobody kept is taken back.
async fn what_a_dead_server_had_begun_to_write_is_removed(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let id = sardonyx::domain::ids::BlobId(Uuid::new_v4());
    app.state.db.promise_blob(id).await.unwrap();
    app.state.blobs.put(id, noise(1_000).into()).await.unwrap();
    // Half a blob, as one that was being written.
    let half = sardonyx::domain::ids::BlobId(Uuid::new_v4());
    app.state.db.promise_blob(half).await.unwrap();
    let name = half.to_string();
    let folder = app.database.folder.join("files/blobs").join(&name[name.len() - 2..]);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}#1")), "half").unwrap();
    app.state.intake.sweep_soon();
    let kept = alice.upload("a.txt", "kept").await;
    assert_eq!(blobs(&app).await, 2);
    app.database.execute("UPDATE doomed_blob SET due_at_ms = 1").await;
    app.state.intake.sweep_soon();
    eventually("the removal", async || app.database.count("doomed_blob").await == 0).await;
    assert_eq!(below(&app.database.folder.join("files")).len(), 2, "{:?}", below(&app.database.folder));
    assert_eq!(alice.content(kept).await.text(), "kept");
    // An upload that nobody goes on with is given up, with what it has.
    let place = alice.begin_upload("half.bin", 5_000_000).await;
    Client::send_only(alice.piece(&place, 0, stream_of(&"x".repeat(10_000), 10))).await;
    app.database.execute("UPDATE user_file SET lease_until_ms = 1 WHERE state = 'uploading'").await;
    let app = app.restart().await;
    eventually("the end of it", async || app.database.count("user_file").await == 1).await;
    eventually("the removal", async || blobs(&app).await == 1).await;
}

async fn f1_f2_no_name_of_a_file_is_a_path_or_ends_its_header(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let before = below(&app.database.folder);
    let names = [
        "../../x",
        "..\\..\\x",
        "/etc/passwd",
        "C:\\x",
        "a/b",
        "~",
        "%2e%2e%2f",
        "\u{FF0E}\u{FF0E}\u{FF0F}x",
        "\u{2024}\u{2024}\u{2215}x",
        "a\0b",
        "a\r\nx-injected: 1",
        "a\"b",
        "\u{202E}fdp.exe",
        "CON",
        "-rf",
        "trailing...",
        "\"><img src=x onerror=alert(1)>.txt",
        "naïve 日本.txt",
    ];
    for name in names {
        let id = alice.upload(name, "content").await;
        let answer = alice.content(id).await;
        assert_eq!((answer.status, answer.text()), (200, "content".to_owned()), "{name}");
        assert!(answer.headers.get("x-injected").is_none());
        let header = answer.header("content-disposition").to_owned();
        assert!(header.starts_with("attachment; filename=\"") && header.contains("filename*=UTF-8''"), "{header}");
        assert_eq!(header.matches('"').count(), 2, "{header}");
        assert!(!header.contains('/') && !header.contains('\\') && header.is_ascii(), "{header}");
    }
    for name in ["", ".", "..", " ", &"x".repeat(4_000)] {
        assert_eq!(alice.try_begin_upload(name, 1).await.refusal(), (422, "file_name_invalid".to_owned()), "{name}");
    }
    // Whatever they are called: what is new is in the folder for files, under ids.
    for path in below(&app.database.folder) {
        let is_blob =
            path.strip_prefix("files/blobs/").is_some_and(|rest| rest.len() == 39 && rest[3..].parse::<Uuid>().is_ok());
        assert!(is_blob || before.contains(&path) || path.starts_with("sardonyx.db"), "{path}");
    }
    let list = alice.list_files().await;
    assert!(list.files.iter().all(|file| !file.name.as_str().contains(['/', '\\', '\0', '\n', '\u{202E}'])));
}

async fn f3_content_is_a_download_in_a_sandbox(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let script = "<script>alert(document.domain)</script>";
    for (name, expected) in [
        ("a.html", "application/octet-stream"),
        ("a.svg", "text/plain; charset=utf-8"),
        ("a.xhtml", "application/octet-stream"),
        ("a.xml", "text/plain; charset=utf-8"),
        ("a.mht", "application/octet-stream"),
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.png", "image/png"),
        ("a.pdf", "application/pdf"),
        ("a.js", "text/plain; charset=utf-8"),
        ("a", "application/octet-stream"),
    ] {
        let answer = alice.content(alice.upload(name, script).await).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), expected, "{name}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.header("content-disposition").starts_with("attachment"));
        assert!(answer.header("content-security-policy").starts_with("sandbox; default-src 'none'"));
    }
}

async fn f6_forms_that_are_none_are_refused(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let post = async |content_type: &str, body: reqwest::Body| {
        let request = alice.request(Method::POST, "/files/form").header("content-type", content_type).body(body);
        Client::send_only(request).await
    };
    let form = "multipart/form-data; boundary=x";
    let part = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n";
    let other = "--x\r\ncontent-disposition: form-data; name=\"other\"\r\n\r\nx\r\n";
    for (content_type, body) in [
        ("multipart/form-data", "--x--".to_owned()),
        ("text/plain", "--x--".to_owned()),
        ("application/x-www-form-urlencoded", "file=x".to_owned()),
        (&format!("multipart/form-data; boundary={}", "x".repeat(10_000)), "--x--".to_owned()),
        (form, String::new()),
        (form, "garbage".to_owned()),
        (
            form,
            format!(
                "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\r\n",
                "x".repeat(3_000_000)
            ),
        ),
        (form, format!("--x\r\n{}\r\n\r\nx\r\n--x--\r\n", "h: v\r\n".repeat(10_000))),
    ] {
        let answer = post(content_type, body.into()).await;
        assert_eq!(answer.refusal(), (400, "malformed".to_owned()), "{content_type:.60}");
    }
    // No end: what came of it is not kept.
    let answer = post(form, format!("{part}half").into()).await;
    assert_eq!(answer.refusal(), (408, "upload_cut".to_owned()));
    let empty = post(form, format!("{part}\r\n--x--\r\n").into()).await;
    assert_eq!(empty.refusal(), (422, "file_empty".to_owned()));
    assert_eq!(alice.list_files().await.files.len(), 0);
    eventually("an empty storage", async || blobs(&app).await == 0).await;
    let twice = post(form, format!("{part}one\r\n{part}two\r\n--x--\r\n").into()).await;
    assert_eq!((twice.status, alice.list_files().await.files.len()), (200, 2));
    for none in ["--x--\r\n".to_owned(), format!("{other}--x--\r\n"), format!("{}--x--\r\n", other.repeat(10_000))] {
        assert_eq!(post(form, none.into()).await.refusal(), (422, "no_file".to_owned()));
    }
    // Of too many the first ones are there, as the refusal says.
    let too_many = post(form, format!("{}--x--\r\n", format!("{part}x\r\n").repeat(21)).into()).await;
    assert_eq!((too_many.refusal(), alice.list_files().await.files.len()), ((422, "form_files".to_owned()), 22));
}

async fn f8_uploads_that_are_reset_leave_nothing_behind(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let reset = async |_| {
        let pieces = vec![Ok(vec![b'x'; 10_000]), Err(std::io::Error::other("reset"))];
        assert!(alice.files_form(vec![("a.txt", pieces)]).send().await.is_err());
    };
    for _ in 0..20 {
        join_all((0..5).map(reset)).await;
    }
    eventually("nothing", async || alice.list_files().await.files.is_empty()).await;
    eventually("an empty storage", async || blobs(&app).await == 0).await;
}

async fn f22_a_content_that_is_gone_says_so(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let id = alice.upload("a.txt", "content").await;
    assert_eq!(app.database.until_read(id).await.0, "ready");
    let chat_id = alice.create_chat().await;
    let sent = crate::asking::try_send_with(&alice, chat_id, "Look", ClientMessageId::random(), &[id]).await.ok();
    alice.read_reply(chat_id, &sent).await;
    std::fs::remove_dir_all(app.database.folder.join("files/blobs")).unwrap();
    assert_eq!(alice.content(id).await.refusal(), (404, "content_missing".to_owned()));
    // What was read of it stays, and so does the conversation that it came with.
    for path in [format!("/files/{id}"), format!("/chats/{chat_id}")] {
        let page = alice.get(&path).await;
        assert!(page.status == 200 && page.text().contains("a.txt"), "{path}");
    }
    assert_eq!(alice.try_delete_file(id).await.status, 200);
    // Nothing else is the worse for it.
    let id = alice.upload("b.txt", "content").await;
    assert_eq!(alice.content(id).await.text(), "content");
}

async fn f23_a_range_is_within_the_file_or_refused(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    // Over several pieces.
    let content = noise(limits::UPLOAD_PART_BYTES * 2 + 1_000);
    let id = alice.upload("a.bin", content.clone()).await;
    let ask = async |range: &str| {
        Client::send_only(alice.request(Method::GET, &format!("/files/{id}/content")).header("range", range)).await
    };
    let size = content.len();
    let middle = limits::UPLOAD_PART_BYTES;
    for (range, expected) in [
        ("bytes=0-".to_owned(), 0..size),
        ("bytes=5-9".to_owned(), 5..10),
        (format!("bytes={}-{}", middle - 10, middle + 9), middle - 10..middle + 10),
        (format!("bytes={}-", size - 1), size - 1..size),
        ("bytes=-7".to_owned(), size - 7..size),
    ] {
        let answer = ask(&range).await;
        let is_all = expected == (0..size);
        assert_eq!(answer.status, if is_all { 200 } else { 206 }, "{range}");
        if !is_all {
            let place = format!("bytes {}-{}/{size}", expected.start, expected.end - 1);
            assert_eq!(answer.header("content-range"), place);
        }
        assert_eq!(answer.body, content[expected], "{range}");
    }
    for range in [format!("bytes={size}-"), "bytes=-0".to_owned(), format!("bytes={}", "0-,".repeat(1_000))] {
        let answer = ask(&range).await;
        assert_eq!((answer.status, answer.body.len()), (416, 0), "{range:.20}");
        assert_eq!(answer.header("content-range"), format!("bytes */{size}"));
    }
}

async fn f28_an_upload_from_elsewhere_is_refused_before_it_is_read(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let place = alice.begin_upload("a.txt", 1_000_000).await;
    let elsewhere = Client { origin: "https://evil.example".to_owned(), ..alice.client.clone() };
    let stranger = app.anonymous();
    for (person, status) in [(&elsewhere, 403), (&stranger, 401)] {
        assert_eq!(person.try_begin_upload("a.txt", 10).await.status, status);
        // A body that never comes: the answer does not wait for it.
        let never = || reqwest::Body::wrap_stream(futures::stream::pending::<Result<String, std::io::Error>>());
        assert_eq!(Client::send_only(person.piece(&place, 0, never())).await.status, status);
        let form =
            person.request(Method::POST, "/files/form").header("content-type", "multipart/form-data; boundary=x");
        assert_eq!(Client::send_only(form.body(never())).await.status, status);
    }
    assert_eq!(alice.upload_offset(&place).await, 0);
}

async fn an_upload_follows_the_protocol(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let options = Client::send_only(alice.request(Method::OPTIONS, UPLOADS)).await;
    assert_eq!(options.status, 204);
    assert_eq!(options.header("tus-version"), "1.0.0");
    assert_eq!(options.header("tus-extension"), "creation,termination,expiration");
    assert_eq!(options.header("tus-max-size"), (limits::FILE_MEGABYTES_MAX * 1_000_000).to_string());
    let old = Client::send_only(alice.request(Method::POST, UPLOADS).header("tus-resumable", "0.2.2")).await;
    assert_eq!((old.status, old.header("tus-resumable"), old.header("tus-version")), (412, "1.0.0", "1.0.0"));
    let place = alice.begin_upload("a.txt", 10).await;
    let head = Client::send_only(alice.tus(Method::HEAD, &place)).await;
    assert_eq!((head.header("upload-offset"), head.header("upload-length")), ("0", "10"));
    assert_eq!(head.header("cache-control"), "no-store");
    // Asking does not put its end off.
    assert_eq!(head.header("upload-expires"), "");
    let announced = alice.try_begin_upload("c.txt", 10).await;
    assert!(announced.header("upload-expires").ends_with("GMT"));
    assert_eq!(Client::send_only(alice.request(Method::OPTIONS, &place)).await.header("tus-version"), "1.0.0");
    let wrong_type = alice.tus(Method::PATCH, &place).header("upload-offset", 0).body("x");
    assert_eq!(Client::send_only(wrong_type).await.status, 415);
    let wrong_place = Client::send_only(alice.piece(&place, 3, "x")).await;
    assert_eq!(wrong_place.refusal(), (409, "upload_offset".to_owned()));
    let half = Client::send_only(alice.piece(&place, 0, "01234")).await;
    assert_eq!((half.status, half.header("upload-offset")), (204, "5"));
    // Not a download before it is whole.
    assert_eq!(alice.content(file_of(&place)).await.status, 404);
    // Where nothing but POST gets through.
    let rest = alice.tus(Method::POST, &place).header("x-http-method-override", "PATCH").header("upload-offset", 5);
    let rest = rest.header("content-type", "application/offset+octet-stream").body("56789");
    assert_eq!(Client::send_only(rest).await.header("upload-offset"), "10");
    assert_eq!(alice.content(file_of(&place)).await.text(), "0123456789");
    let more = Client::send_only(alice.piece(&place, 10, "x")).await;
    assert_eq!(more.refusal(), (413, "too_large".to_owned()));
    assert_eq!(Client::send_only(alice.tus(Method::DELETE, &place)).await.refusal(), (409, "conflict".to_owned()));
    let another = alice.begin_upload("b.txt", 10).await;
    assert_eq!(Client::send_only(alice.tus(Method::DELETE, &another)).await.status, 204);
    assert_eq!(Client::send_only(alice.tus(Method::HEAD, &another)).await.status, 404);
}

async fn a_program_adds_lists_and_deletes_files(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let tokens = crate::api::tokens_of(&app, &alice).await;
    let read_only = crate::api::make_token(&alice, "reads", &["files_read"]).await;
    let ask = |method, path: &str, token: &str| alice.program(method, path, Some(token));
    let added =
        Client::send_only(ask(Method::POST, "/api/v1/files?name=a%20b.txt", &tokens.personal).body("hello")).await;
    assert_eq!(added.status, 201, "{}", added.text());
    let file: serde_json::Value = serde_json::from_slice(&added.body).unwrap();
    let id = file["id"].as_str().unwrap();
    assert_eq!((file["name"].as_str(), file["size_bytes"].as_u64()), (Some("a b.txt"), Some(5)));
    let path = format!("/api/v1/files/{id}");
    let content = Client::send_only(ask(Method::GET, &format!("{path}/content"), &read_only)).await;
    assert_eq!(content.text(), "hello");
    let list: serde_json::Value =
        Client::send_only(ask(Method::GET, "/api/v1/files?search=A&order=size", &read_only)).await.ok();
    assert_eq!(list["files"][0]["id"], id);
    assert_eq!(list["storage"]["used_bytes"], 5);
    for (method, path) in [
        (Method::POST, "/api/v1/files?name=x"),
        (Method::DELETE, &path),
        (Method::POST, "/api/v1/files/uploads"),
        (Method::POST, "/api/v1/files/form"),
    ] {
        let answer = Client::send_only(ask(method, path, &read_only).body("x")).await;
        assert_eq!(answer.refusal(), (403, "scope_missing".to_owned()), "{path}");
    }
    let begun = ask(Method::POST, "/api/v1/files/uploads", &tokens.personal).header("tus-resumable", "1.0.0");
    let begun =
        Client::send_only(begun.header("upload-length", 3).header("upload-metadata", "filename YS50eHQ=")).await;
    assert!(begun.header("location").starts_with("/api/v1/files/uploads/"), "{}", begun.text());
    // The rest of the protocol with a token, too.
    let place = begun.header("location").to_owned();
    let tus = |method: Method| ask(method, &place, &tokens.personal).header("tus-resumable", "1.0.0");
    let piece = tus(Method::PATCH).header("upload-offset", 0).header("content-type", "application/offset+octet-stream");
    assert_eq!(Client::send_only(piece.body("ab")).await.status, 204);
    assert_eq!(Client::send_only(tus(Method::HEAD)).await.header("upload-offset"), "2");
    assert_eq!(Client::send_only(tus(Method::DELETE)).await.status, 204);
    assert_eq!(Client::send_only(tus(Method::HEAD)).await.status, 404);
    let picture =
        Client::send_only(ask(Method::POST, "/api/v1/files?name=p.png", &tokens.personal).body(png(300, 200))).await;
    let picture: serde_json::Value = serde_json::from_slice(&picture.body).unwrap();
    let picture = picture["id"].as_str().unwrap();
    assert_eq!(app.database.until_read(picture.parse().unwrap()).await.0, "ready");
    for of in ["thumbnail", "view"] {
        let shown = Client::send_only(ask(Method::GET, &format!("/api/v1/files/{picture}/{of}"), &read_only)).await;
        assert_eq!((shown.status, shown.header("content-type")), (200, "image/jpeg"), "{of}");
    }
    // What changes a chat needs leave for that.
    let files_only = crate::api::make_token(&alice, "writes", &["files_write"]).await;
    let chat_id = alice.create_chat().await;
    let for_chat = format!("filename YS50eHQ=,goes_with Y2hhdA==,chat_id {}", STANDARD.encode(chat_id.to_string()));
    let begin = |token: &str| {
        let begun = ask(Method::POST, "/api/v1/files/uploads", token).header("tus-resumable", "1.0.0");
        Client::send_only(begun.header("upload-length", 3).header("upload-metadata", for_chat.clone()))
    };
    assert_eq!(begin(&files_only).await.refusal(), (403, "scope_missing".to_owned()));
    assert_eq!(begin(&tokens.personal).await.status, 201);
    let in_a_form = ask(Method::POST, &format!("/api/v1/files/form/{chat_id}"), &tokens.personal)
        .header("content-type", "multipart/form-data; boundary=x")
        .body("--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f.txt\"\r\n\r\nx\r\n--x--\r\n");
    assert_eq!(Client::send_only(in_a_form).await.status, 200);
    let form = ask(Method::POST, &format!("/api/v1/files/form/{chat_id}"), &files_only).body("x");
    assert_eq!(Client::send_only(form).await.refusal(), (403, "scope_missing".to_owned()));
    assert_eq!(Client::send_only(ask(Method::DELETE, &path, &tokens.personal)).await.status, 204);
    assert_eq!(Client::send_only(ask(Method::GET, &path, &read_only)).await.status, 404);
}

async fn a_form_brings_several_files(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let large = noise(limits::UPLOAD_PART_BYTES + 5);
    let files = vec![("one.txt", vec![Ok(b"one".to_vec())]), ("", vec![]), ("two.bin", vec![Ok(large.clone())])];
    let request = alice.files_form(files).header("accept", "text/html");
    let answer = Client::send_only(request).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/files"));
    let files = alice.list_files().await.files;
    assert_eq!(files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["two.bin", "one.txt"]);
    assert_eq!(alice.content(files[0].id).await.body, large);
}

async fn a_page_without_a_script_is_told_what_was_wrong(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let request = alice.files_form(vec![("a.txt", vec![])]).header("accept", "text/html");
    assert_eq!(Client::send_only(request).await.header("location"), "/files?error=file_empty");
}

/// The whole wait is for the long form; usually a server that stops cuts it short in the same way.
async fn f7_who_sends_nothing_is_let_go(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let place = alice.begin_upload("a.txt", 1_000_000).await;
    let silent = || {
        let first = futures::stream::iter([Ok::<_, std::io::Error>("begin")]);
        alice.piece(&place, 0, reqwest::Body::wrap_stream(first.chain(futures::stream::pending()))).send()
    };
    let wait = Duration::from_secs(limits::UPLOAD_IDLE_SECONDS_MAX + 10);
    if times(0, 1) == 0 {
        let (answer, ()) = tokio::join!(tokio::time::timeout(wait, silent()), async {
            eventually("the upload", async || app.state.intake.count() == 1).await;
            app.state.stopping.cancel();
        });
        assert!(answer.unwrap().is_ok_and(|answer| answer.status() == 408));
        return;
    }
    let answers = join_all((0..6).map(|_| tokio::time::timeout(wait, silent()))).await;
    assert!(
        answers
            .into_iter()
            .all(|answer| answer.unwrap().is_ok_and(|answer| [408, 409].contains(&answer.status().as_u16())))
    );
    assert!(alice.upload_offset(&place).await > 0);
}

/// A byte each second for ever; in the long form, much at once before that.
fn drip() -> reqwest::Body {
    let first = futures::stream::iter([Ok::<_, std::io::Error>("x".repeat(times(1, 200_000)))]);
    let seconds = tokio::time::interval(Duration::from_secs(1));
    let bytes = futures::stream::unfold(seconds, async |mut seconds| {
        seconds.tick().await;
        Some((Ok::<_, std::io::Error>("x".to_owned()), seconds))
    });
    reqwest::Body::wrap_stream(first.chain(bytes))
}

/// F7, the row's own numbers, with a clock that runs: for the long form. Usually there are places left, and a server that
/// stops lets them go in the same way; who is too slow is tested beside `Pace`.
async fn f7_a_hundred_who_drip_are_let_go_and_others_are_not_held_up(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let mut requests = Vec::new();
    for n in 0..times(3, 25) {
        let member = app.member(&format!("drip{n}@example.org")).await;
        for _ in 0..4 {
            let place = member.begin_upload("slow.bin", 1_000_000).await;
            requests.push(member.piece(&place, 0, drip()));
        }
    }
    let taken = requests.len().min(limits::UPLOADS_AT_A_TIME_MAX);
    let mut drips = tokio::task::JoinSet::new();
    for request in requests {
        drips.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    eventually("those who drip", async || app.state.intake.count() == taken).await;
    let place = alice.begin_upload("quick.txt", 5).await;
    let bring = async || Client::send_only(alice.piece(&place, 0, "quick")).await;
    let is_full = taken == limits::UPLOADS_AT_A_TIME_MAX;
    if is_full {
        let refused = bring().await;
        assert_eq!(refused.refusal(), (503, "busy".to_owned()));
        assert!(!refused.header("retry-after").is_empty());
    } else {
        // As long as there is a place, nobody else waits.
        assert_eq!(bring().await.status, 204);
        assert_eq!(alice.content(file_of(&place)).await.text(), "quick");
        app.state.stopping.cancel();
    }
    // The much that they brought gives them one such time more.
    let longest = Duration::from_secs(2 * limits::UPLOAD_RATE_SECONDS) + PATIENCE;
    let statuses = tokio::time::timeout(longest, drips.join_all()).await.unwrap();
    assert!(statuses.iter().all(|status| [408, 503].contains(status)), "{statuses:?}");
    eventually("all places free", async || app.state.intake.count() == 0).await;
    if is_full {
        assert_eq!(statuses.iter().filter(|status| **status == 408).count(), taken);
        assert_eq!(bring().await.status, 204);
    }
}

async fn pieces_that_are_refused_are_not_kept(setup: Setup) {
    let app = TestApp::start(setup.config(|config| config.limits.storage_megabytes_per_user = 5)).await;
    let alice = app.alice().await;
    let tokens = crate::api::tokens_of(&app, &alice).await;
    let add = async |count: usize| {
        let request = alice.program(Method::POST, "/api/v1/files?name=a.bin", Some(&tokens.signed));
        Client::send_only(request.body(stream_of(&"x".repeat(10_000), count))).await
    };
    // The second piece of each would be too much; neither is counted, so neither may stay.
    for _ in 0..3 {
        assert_eq!(add(600).await.refusal(), (507, "storage_full".to_owned()));
    }
    eventually("an empty storage", async || blobs(&app).await == 0).await;
    // Of several that go on from the same place one is kept.
    let place = alice.begin_upload("b.bin", 4_500_000).await;
    let sent =
        join_all((0..4).map(|_| Client::send_only(alice.piece(&place, 0, stream_of(&"x".repeat(10_000), 30))))).await;
    assert_eq!(
        sent.iter().filter(|answer| answer.status == 204).count(),
        1,
        "{:?}",
        sent.iter().map(|answer| answer.status)
    );
    eventually("one piece", async || blobs(&app).await == 1).await;
    assert_eq!(alice.upload_offset(&place).await, 300_000);
    // With no room at all nothing is even begun.
    let full = alice.begin_upload("c.bin", 500_000).await;
    let files = alice.list_files().await.files.len();
    assert_eq!(add(1).await.refusal(), (507, "storage_full".to_owned()));
    assert_eq!(alice.list_files().await.files.len(), files);
    assert_eq!(Client::send_only(alice.tus(Method::DELETE, &full)).await.status, 204);
    eventually("no promise", async || app.database.count("doomed_blob").await == 0).await;
}

async fn who_finds_no_place_begins_nothing(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let tokens = crate::api::tokens_of(&app, &alice).await;
    let hold = |_| {
        let request = alice.program(Method::POST, "/api/v1/files?name=slow.bin", Some(&tokens.signed));
        let first = futures::stream::iter([Ok::<_, std::io::Error>("begin")]);
        tokio::spawn(request.body(reqwest::Body::wrap_stream(first.chain(futures::stream::pending()))).send())
    };
    let held: Vec<_> = (0..limits::UPLOADS_AT_A_TIME_PER_USER_MAX).map(hold).collect();
    let all = limits::UPLOADS_AT_A_TIME_PER_USER_MAX;
    eventually("all places taken", async || app.state.intake.count() == all).await;
    eventually("their files", async || alice.list_files().await.files.len() == all).await;
    for _ in 0..10 {
        let request = alice.program(Method::POST, "/api/v1/files?name=more.bin", Some(&tokens.signed));
        assert_eq!(Client::send_only(request.body("more")).await.refusal(), (429, "too_many".to_owned()));
    }
    assert_eq!(alice.list_files().await.files.len(), all);
    held.iter().for_each(|task| task.abort());
    eventually("nothing", async || alice.list_files().await.files.is_empty()).await;
}

/// Parts that are noted while their account is deleted, again and again.
async fn x21_an_account_that_goes_while_its_uploads_come_leaves_nothing(setup: Setup) {
    let app = TestApp::start(setup).await;
    for n in 0..times(6, 60) {
        let member = app.member(&format!("leaver{n}@example.org")).await;
        let places = join_all((0..4).map(|_| member.begin_upload("a.bin", 5_000_000))).await;
        let uploads = join_all(places.iter().map(|place| async {
            // Whatever becomes of it.
            let _ = member.piece(place, 0, stream_of(&"x".repeat(10_000), 430)).send().await;
        }));
        let leave = async {
            eventually("the uploads", async || {
                app.state.intake.count() > 0 || app.database.count("file_part").await > 0
            })
            .await;
            assert_eq!(member.call::<DeleteAccount>(&[("password", PASSWORD)]).await.status, 200);
        };
        tokio::join!(uploads, leave);
    }
    eventually("the end of all uploads", async || app.state.intake.count() == 0).await;
    app.state.intake.sweep_soon();
    eventually("an empty storage", async || blobs(&app).await == 0).await;
    eventually("an empty list", async || app.database.count("doomed_blob").await == 0).await;
}

async fn f27_a_name_is_text_wherever_it_is_shown(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let name = "\"><img src=x onerror=alert(1)>.txt";
    let id = alice.upload(name, "The answer is forty-two.").await;
    assert_eq!(app.database.until_read(id).await.0, "ready");
    app.upstream.answer_with("It is forty-two [1].");
    let chat_id = alice.create_chat().await;
    let sent = crate::asking::try_send_with(&alice, chat_id, "What?", ClientMessageId::random(), &[id]).await.ok();
    alice.read_reply(chat_id, &sent).await;
    let add = [("chat_id", &*chat_id.to_string()), ("file_id", &id.to_string())];
    alice.call::<AddChatFile>(&add).await.ok::<()>();
    for path in [
        "/files".to_owned(),
        "/files?search=answer".to_owned(),
        format!("/files/{id}"),
        format!("/chats/{chat_id}"),
        format!("/chats/{chat_id}/settings"),
        "/notifications".to_owned(),
    ] {
        let page = alice.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.text().contains("onerror=alert(1)"), "{path} does not show it");
        assert!(!page.text().contains("<img src=x"), "{path}");
    }
}
