//! What is found in files: by words and by meaning, by their owner alone, and nothing when nothing fits.

use std::path::Path;

use sardonyx::{
    api::{files::SearchFiles, providers::SaveProvider},
    domain::{limits, search::SearchResults},
    server::{
        clock,
        db::SearchScope,
        files::search::{self, Ways},
    },
};
use serde::Deserialize;

use crate::{
    corpus::corpus,
    support::{Client, Setup, TestApp, database::needed, eventually, files::db_of, upstream::Embeds},
};

crate::on_both_databases![
    x12_x13_a_word_is_found_by_its_owner_alone_and_not_after_its_file_is_deleted,
    files_are_found_by_words_and_by_meaning_and_by_words_alone_when_the_model_is_away,
    f26_a_file_waits_for_the_model_for_searching_and_loses_nothing,
    vectors_of_another_model_are_made_anew,
    a_model_for_searching_that_hangs_keeps_no_search_from_its_words,
    files_that_were_read_while_no_model_was_there_get_their_vectors_when_one_comes,
    what_a_model_for_searching_left_half_done_is_done_by_the_next_one,
    a_text_that_the_model_for_searching_refuses_keeps_no_file_from_being_ready,
    a_text_that_is_refused_alone_is_left_without_a_vector_and_nobody_waits_for_it,
    a_model_for_searching_that_refuses_everything_is_asked_less_and_less_often,
    a_newer_file_is_found_beside_many_older_pieces_with_the_word,
    in_one_large_file_what_is_asked_is_found,
    by_meaning_a_piece_is_found_among_few_and_among_many,
];
crate::once![answers_are_found_among_twenty_documents];

fn by_meaning(setup: Setup) -> Setup {
    setup.config(|config| config.models.search_model = "openai/test-embedding".to_owned())
}

async fn find(client: &Client, question: &str) -> SearchResults {
    client.call::<SearchFiles>(&[("question", question)]).await.ok()
}

/// The names of the files of what was found.
async fn names(client: &Client, question: &str) -> Vec<String> {
    find(client, question).await.passages.iter().map(|passage| passage.file_name.to_string()).collect()
}

async fn x12_x13_a_word_is_found_by_its_owner_alone_and_not_after_its_file_is_deleted(setup: Setup) {
    let app = TestApp::start(by_meaning(setup)).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let secret = alice.upload("secret.txt", "The canary sings at dawn in the old mill.").await;
    let other = bob.upload("other.txt", "Nothing but ordinary words about weather.").await;
    for id in [secret, other] {
        app.database.until_read(id).await;
    }
    let question = "Where does the canary sing at dawn?";
    assert_eq!(names(&alice, question).await, ["secret.txt"]);
    assert!(names(&bob, question).await.is_empty());
    // Nobody can read words in the index of words.
    let index = if app.state.db.is_sqlite() {
        "SELECT term FROM file_vocabulary"
    } else {
        "SELECT terms::text FROM file_index"
    };
    if app.state.db.is_sqlite() {
        app.database.execute("CREATE VIRTUAL TABLE file_vocabulary USING fts5vocab('file_index', 'row')").await;
    }
    let indexed = app.database.texts(index).await.join(" ");
    assert!(!indexed.is_empty() && !indexed.contains("canary") && !indexed.contains("mill"));

    alice.try_delete_file(secret).await.ok::<()>();
    assert!(names(&alice, question).await.is_empty());
    assert_eq!(app.database.count_indexed().await, 1);
    assert_eq!(app.database.count("chunk_vector").await, 1);
}

async fn files_are_found_by_words_and_by_meaning_and_by_words_alone_when_the_model_is_away(setup: Setup) {
    let app = TestApp::start(by_meaning(setup)).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    for (name, text) in [
        ("refunds.txt", "A refund of ZX-4417 is paid within fourteen days."),
        ("garden.txt", "The garden club meets on Sundays under the lime tree."),
        ("kueche.txt", "Die Kantine öffnet um elf Uhr und schließt um zwei."),
    ] {
        let id = alice.upload(name, text).await;
        app.database.until_read(id).await;
    }
    let found = find(&alice, "How soon is the refund for ZX-4417 paid?").await;
    assert!(found.is_by_meaning);
    assert_eq!(found.passages[0].file_name.as_str(), "refunds.txt");
    assert_eq!(names(&alice, "refunds").await, ["refunds.txt"]);
    assert_eq!(names(&alice, "zx4417").await, ["refunds.txt"]);
    assert_eq!(names(&alice, "wann offnet die kantine").await[0], "kueche.txt");
    // Nothing fits: nothing is shown.
    assert!(names(&alice, "quarterly telescope maintenance").await.is_empty());
    assert!(names(&alice, "the of and").await.is_empty());
    // Who has nothing to search misses nothing.
    assert!(find(&bob, "the garden club").await.is_by_meaning);

    app.upstream.fail(Some(axum::http::StatusCode::SERVICE_UNAVAILABLE));
    let found = find(&alice, "the garden club").await;
    assert!(!found.is_by_meaning);
    assert_eq!(found.passages[0].file_name.as_str(), "garden.txt");
}

async fn f26_a_file_waits_for_the_model_for_searching_and_loses_nothing(setup: Setup) {
    let app = TestApp::start(by_meaning(setup)).await;
    let alice = app.alice().await;
    app.upstream.fail(Some(axum::http::StatusCode::SERVICE_UNAVAILABLE));
    let id = alice.upload("patient.txt", "Patience is a virtue of turtles.").await;
    let state = "SELECT COUNT(*) FROM user_file WHERE state = 'indexing' AND lease_owner IS NULL";
    eventually("the file that waits", async || app.database.number(state).await == 1).await;
    // Its words are there meanwhile.
    assert_eq!(names(&alice, "turtles").await, ["patient.txt"]);
    assert_eq!(app.database.count("chunk_vector").await, 0);

    let app = app.restart().await;
    app.upstream.fail(None);
    assert_eq!(app.database.until_read(id).await.0, "ready");
    assert_eq!(app.database.count("chunk_vector").await, 1);
    assert_eq!(app.database.count("file_chunk").await, 1);
    // It was told once that it can be asked about.
    assert_eq!(app.database.count("notification").await, 1);
}

async fn vectors_of_another_model_are_made_anew(setup: Setup) {
    let mut app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let id = alice.upload("a.txt", "Some text.").await;
    app.database.until_read(id).await;
    assert_eq!(app.database.count("chunk_vector").await, 0);
    for model in ["openai/one", "openai/two"] {
        app = app.restart_with(|config| config.models.search_model = model.to_owned()).await;
        let named = format!("SELECT COUNT(*) FROM user_file WHERE embedded_by = '{model}'");
        eventually("the new vectors", async || app.database.number(&named).await == 1).await;
        assert_eq!(app.database.until_read(id).await.0, "ready");
        assert_eq!(app.database.count("chunk_vector").await, 1);
    }
    assert_eq!(app.database.count("notification").await, 1);
}

async fn a_model_for_searching_that_hangs_keeps_no_search_from_its_words(setup: Setup) {
    let app = TestApp::start(by_meaning(setup)).await;
    let alice = app.alice().await;
    let id = alice.upload("garden.txt", "The garden club meets on Sundays.").await;
    app.database.until_read(id).await;
    app.upstream.embed(Embeds::Never);
    let found = find(&alice, "When does the garden club meet?").await;
    assert!(!found.is_by_meaning);
    assert_eq!(found.passages[0].file_name.as_str(), "garden.txt");
    // Who asks right after that does not wait for it at all.
    let started = std::time::Instant::now();
    find(&alice, "garden").await;
    assert!(started.elapsed().as_secs() < limits::MEANING_SECONDS_MAX, "{:?}", started.elapsed());
}

async fn files_that_were_read_while_no_model_was_there_get_their_vectors_when_one_comes(setup: Setup) {
    let app =
        TestApp::start(setup.config(|config| config.models.search_model = "late/test-embedding".to_owned())).await;
    let (alice, admin) = (app.alice().await, app.admin().await);
    let id = alice.upload("early.txt", "The early bird catches the worm.").await;
    assert_eq!(app.database.until_read(id).await.0, "ready");
    let found = find(&alice, "What does the early bird catch?").await;
    assert!(!found.is_by_meaning && found.passages.len() == 1);
    let fields = [("name", "late"), ("base_url", app.upstream.url()), ("key", "sk-of-the-tests")];
    assert_eq!(admin.call::<SaveProvider>(&fields).await.status, 200);
    eventually("its vector", async || app.database.count("chunk_vector").await == 1).await;
    assert_eq!(app.database.until_read(id).await.0, "ready");
    assert!(find(&alice, "What does the early bird catch?").await.is_by_meaning);
}

async fn what_a_model_for_searching_left_half_done_is_done_by_the_next_one(setup: Setup) {
    let app = TestApp::start(by_meaning(setup)).await;
    let alice = app.alice().await;
    let id = alice.upload("long.txt", "Many words stand in one long line. ".repeat(60)).await;
    assert_eq!(app.database.until_read(id).await.0, "ready");
    let pieces = app.database.count("file_chunk").await;
    assert!(pieces > 2);
    // As a server leaves it that stops in the middle, with a model that is not there at the next start.
    let mut app = app;
    app.database.execute("DELETE FROM chunk_vector WHERE chunk_id = (SELECT MIN(chunk_id) FROM chunk_vector)").await;
    app.database.execute("UPDATE user_file SET state = 'indexing', lease_until_ms = 0").await;
    app = app.restart_with(|config| config.models.search_model = "off".to_owned()).await;
    assert_eq!(app.database.until_read(id).await.0, "ready");
    app = app.restart_with(|config| config.models.search_model = "openai/test-embedding".to_owned()).await;
    eventually("all vectors", async || app.database.count("chunk_vector").await == pieces).await;
    assert_eq!(app.database.until_read(id).await.0, "ready");
}

async fn a_text_that_the_model_for_searching_refuses_keeps_no_file_from_being_ready(setup: Setup) {
    let app = TestApp::start(by_meaning(setup)).await;
    let alice = app.alice().await;
    app.upstream.embed(Embeds::UpTo { chars: 200 });
    let text = format!("A short beginning.\n\n{}", "Many words stand in one long line. ".repeat(40));
    let id = alice.upload("long.txt", text).await;
    assert_eq!(app.database.until_read(id).await.0, "ready");
    assert_eq!(app.database.count("chunk_vector").await, app.database.count("file_chunk").await);
    assert!(find(&alice, "Which words stand in a line?").await.is_by_meaning);
    // One that refuses everything is not at work, and the file waits.
    app.upstream.embed(Embeds::UpTo { chars: 0 });
    alice.upload("other.txt", "Some other words.").await;
    let waits = "SELECT COUNT(*) FROM user_file WHERE state = 'indexing' AND lease_owner IS NULL";
    eventually("the file that waits", async || app.database.number(waits).await == 1).await;
}

async fn a_text_that_is_refused_alone_is_left_without_a_vector_and_nobody_waits_for_it(setup: Setup) {
    let app = TestApp::start(by_meaning(setup)).await;
    let alice = app.alice().await;
    app.upstream.embed(Embeds::AllBut { word: "swordfish" });
    let words = "Many words stand in one long line. ".repeat(20);
    // A file of its own, and one among others.
    for text in ["The swordfish is alone.".to_owned(), format!("{words}\n\nA swordfish.\n\n{words}")] {
        let id = alice.upload("sea.txt", text).await;
        assert_eq!(app.database.until_read(id).await.0, "ready");
        assert!(app.state.meanings.is_at_work());
    }
    assert_eq!(app.database.count("chunk_vector").await, app.database.count("file_chunk").await);
    let empty = "SELECT COUNT(*) FROM chunk_vector WHERE LENGTH(vector) = 0";
    assert!(app.database.number(empty).await > 0);
    assert!(find(&alice, "Which words stand in a line?").await.is_by_meaning);
}

/// As a model for chats does that was named by mistake.
async fn a_model_for_searching_that_refuses_everything_is_asked_less_and_less_often(setup: Setup) {
    let app = TestApp::start(by_meaning(setup)).await;
    let alice = app.alice().await;
    app.upstream.embed(Embeds::UpTo { chars: 0 });
    let id = alice.upload("long.txt", "Many words stand in one long line. ".repeat(60)).await;
    let waits =
        "SELECT COUNT(*) FROM user_file WHERE state = 'indexing' AND lease_owner IS NULL AND lease_until_ms > 0";
    let end_wait = async || {
        app.database.execute("UPDATE user_file SET lease_until_ms = 0").await;
        app.state.readers.wake();
    };
    for doublings in 0..3 {
        eventually("the file that waits", async || app.database.number(waits).await == 1).await;
        let wait_ms = app.database.number("SELECT lease_until_ms FROM user_file").await - clock::now_ms();
        let longest_ms = (limits::FILE_PAUSE_SECONDS_MIN << doublings) * 1_000;
        assert!((longest_ms / 2 + 1..=longest_ms).contains(&wait_ms), "{wait_ms} ms");
        // That it refuses a question, too, does not make it well.
        let question = ["Which words stand in a line?".to_owned()];
        assert!(app.state.meanings.embed(&app.state.models, &question).await.is_err());
        assert!(!app.state.meanings.is_at_work());
        if doublings == 2 {
            app.upstream.embed(Embeds::Well);
        }
        end_wait().await;
    }
    assert_eq!(app.database.until_read(id).await.0, "ready");
    assert_eq!(app.database.count("chunk_vector").await, app.database.count("file_chunk").await);
    assert_eq!(app.state.meanings.pause_seconds(), limits::FILE_PAUSE_SECONDS_MIN);
}

async fn a_newer_file_is_found_beside_many_older_pieces_with_the_word(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let page = format!("A harvest is a harvest. {}\n\n", "Ordinary words stand in an ordinary line. ".repeat(13));
    for (name, text) in [("old.txt", page.repeat(150)), ("new.txt", "Harvest: the harvest of the harvest.".to_owned())]
    {
        let id = alice.upload(name, text).await;
        app.database.until_read(id).await;
    }
    assert_eq!(names(&alice, "harvest").await[0], "new.txt");
}

/// What is asked about one file goes another way to the index than what is asked about all.
async fn in_one_large_file_what_is_asked_is_found(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let filler = "The committee met on an ordinary day and discussed ordinary matters. ";
    let book = |fact: &str| format!("{}\n\n{fact}\n\n{}", filler.repeat(300), filler.repeat(300));
    let wanted = alice.upload("one.txt", book("The accordion is purple.")).await;
    let other = alice.upload("two.txt", book("The accordion is green.")).await;
    for id in [wanted, other] {
        app.database.until_read(id).await;
    }
    let db = db_of(&app, &alice).await;
    for (file, colour) in [(wanted, "purple"), (other, "green")] {
        let scope = SearchScope::Files(vec![file]);
        let question = "Which colour does the accordion have?";
        let found = search::search(&app.state, &db, question, &scope, Ways::Words, AMONG).await.unwrap();
        assert!(found.passages[0].text.contains(colour));
        assert!(found.passages.iter().all(|passage| passage.found.file_id == file));
    }
}

/// Of few pieces the vectors stay in memory; of more than these, they are read for each question.
async fn by_meaning_a_piece_is_found_among_few_and_among_many(setup: Setup) {
    let app = TestApp::start(by_meaning(setup)).await;
    let alice = app.alice().await;
    let db = db_of(&app, &alice).await;
    let first = async |colour: &str| {
        let question = format!("Which accordion is {colour}?");
        let scope = SearchScope::AllFiles;
        let found = search::search(&app.state, &db, &question, &scope, Ways::Meaning, AMONG).await.unwrap();
        assert!(found.is_by_meaning);
        found.passages.into_iter().next().map(|passage| passage.text).unwrap_or_default()
    };
    let upload = async |name: &str, text: String| {
        let id = alice.upload(name, text).await;
        app.database.until_read(id).await;
        id
    };
    let page = |sentence: &str| sentence.repeat(550 / sentence.len()) + "\n\n";
    upload("green.txt", "The accordion is green.".to_owned()).await;
    assert!(first("green").await.contains("green"));
    // More than are looked at: none of them may take a place once their file is gone.
    let purple = page("The accordion is purple. ");
    let few = upload("few.txt", purple.repeat(60)).await;
    assert!(first("green").await.contains("green"));
    assert!(first("purple").await.contains("purple"));
    alice.try_delete_file(few).await.ok::<()>();
    assert!(first("purple").await.contains("green"));

    let ordinary = page("Ordinary words stand in an ordinary line, and more of them in the next. ");
    let many = limits::VECTORS_KEPT_PIECES_MAX + 20;
    upload("many.txt", ordinary.repeat(many) + &purple).await;
    assert!(app.database.count("chunk_vector").await > limits::VECTORS_KEPT_PIECES_MAX as i64);
    assert!(first("purple").await.contains("purple"));
}

#[derive(Deserialize)]
struct Questions {
    questions: Vec<Question>,
}

#[derive(Deserialize)]
struct Question {
    question: String,
    file: String,
    passage: String,
}

/// The passage among the first so many that are found.
const AMONG: usize = 5;

async fn answers_are_found_among_twenty_documents(setup: Setup) {
    let models = needed("SARDONYX_TEST_SEARCH_MODEL");
    let app = TestApp::start(setup.config(move |config| {
        config.models.search_model = "embedded".to_owned();
        let folder = config.storage.data.join("models");
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["all-MiniLM-L6-v2.int8.onnx", "all-MiniLM-L6-v2.tokenizer.json"] {
            std::fs::copy(Path::new(&models).join(name), folder.join(name)).unwrap();
        }
    }))
    .await;
    let alice = app.alice().await;
    // The constants of the search were chosen with the first; the second were written by somebody who did not know it.
    let sets = ["questions.json", "questions_held_out.json"]
        .map(|name| -> Questions { serde_json::from_slice(&std::fs::read(corpus().join(name)).unwrap()).unwrap() });
    let mut files: Vec<&str> = sets[0].questions.iter().map(|question| question.file.as_str()).collect();
    files.sort_unstable();
    files.dedup();
    assert_eq!(files.len(), 20);
    for file in files {
        let content = std::fs::read(corpus().join("files").join(file)).unwrap();
        let id = alice.upload(file.rsplit('/').next().unwrap(), content).await;
        assert_eq!(app.database.until_read(id).await.0, "ready", "{file}");
    }
    let db = db_of(&app, &alice).await;
    for (set, (name, least)) in sets.iter().zip([("questions", 0.9), ("questions held out", 0.88)]) {
        assert!(set.questions.len() >= 60);
        let mut recalls = Vec::new();
        for ways in [Ways::Both, Ways::Words, Ways::Meaning] {
            let mut found = 0;
            for question in &set.questions {
                let scope = SearchScope::AllFiles;
                let results = search::search(&app.state, &db, &question.question, &scope, ways, AMONG).await.unwrap();
                let is_there = has(&results, question);
                found += usize::from(is_there);
                if !is_there && ways == Ways::Both {
                    println!("not found: {} ({})", question.question, question.passage);
                }
            }
            recalls.push(found as f64 / set.questions.len() as f64);
        }
        println!("{name}, recall@{AMONG}: both {:.3}, words {:.3}, meaning {:.3}", recalls[0], recalls[1], recalls[2]);
        assert!(recalls[0] >= least && recalls[0] >= recalls[1] && recalls[0] >= recalls[2], "{name}: {recalls:?}");
    }
}

fn has(results: &search::Findings, question: &Question) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let name = question.file.rsplit('/').next().unwrap();
    let of_file = results.passages.iter().filter(|passage| passage.found.file_name.as_str() == name);
    of_file.into_iter().any(|passage| plain(&passage.text).contains(&plain(&question.passage)))
}
