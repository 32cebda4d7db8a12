//! The server's side against workers that are a few lines of shell: no engine, no model.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};
use tokio::time::timeout;

use super::*;
use crate::domain::model::{PromptLine, PromptRole};

/// What the fake workers share. Their arguments begin with `--model FILE`; each start is noted in `FILE.starts`.
const PRELUDE: &str = r#"
file=$2
echo $$ >> "$file.starts"
started() { [ $(wc -l < "$file.starts") -eq $1 ]; }
event() { printf '{"type":"%s"}\n' "$1"; }
piece() { printf '{"type":"piece","id":%s,"text":"%s"}\n' "$id" "$1"; }
end() { printf '{"type":"done","id":%s,"end":"%s"}\n' "$id" "$1"; }
# Reads a request into $line and its id into $id; ends the worker with its stdin.
request() { IFS= read -r line || exit 0; id=${line#*\"id\":}; id=${id%%[!0-9]*}; }
"#;

/// Says hello and its process id to everyone.
const POLITE: &str = r#"event ready; while :; do request; piece "hello from "; piece $$; end complete; done"#;

/// A worker of this script, with its own folder; all waits are long unless a test shortens them.
struct Lab {
    settings: EmbeddedSettings,
    folder: PathBuf,
}

impl Lab {
    fn new(script: &str) -> Self {
        static LABS: AtomicU32 = AtomicU32::new(0);
        let name = format!("sardonyx-embedded-{}-{}", std::process::id(), LABS.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let model_file = folder.join("Tiny-1B-Chat.Q4_K_M.gguf");
        fs::write(&model_file, "a model").unwrap();
        let mut settings = EmbeddedSettings::new(model_file, "/bin/sh".into());
        settings.built_in = true;
        settings.program_words = vec!["-c".into(), format!("{PRELUDE}\n{script}").into(), "fake".into()];
        settings.times.back_off_min = Duration::ZERO;
        Self { settings, folder }
    }

    fn with(script: &str, change: impl FnOnce(&mut EmbeddedSettings)) -> Self {
        let mut lab = Self::new(script);
        change(&mut lab.settings);
        lab
    }

    fn embedded(&self) -> Embedded {
        let none = PathBuf::from("none");
        let meaning =
            MeaningSettings { model_file: none.clone(), tokenizer_file: none.clone(), program: none, idle_seconds: 1 };
        Embedded::new(self.settings.clone(), meaning)
    }

    fn starts(&self) -> usize {
        let starts = self.settings.model_file.with_extension("gguf.starts");
        fs::read_to_string(starts).map_or(0, |text| text.lines().count())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn prompt(text: &str) -> Prompt {
    Prompt {
        lines: vec![PromptLine { role: PromptRole::User, text: text.to_owned() }],
        begun: String::new(),
        images: Vec::new(),
    }
}

async fn begin(embedded: &Embedded) -> Result<PieceStream, ReplyFailure> {
    timeout(Duration::from_secs(30), embedded.generate("tiny-1b-chat", &prompt("hi"))).await.expect("an answer")
}

/// The next thing a reply says; none at its end.
async fn next(pieces: &mut PieceStream) -> Option<Result<String, ReplyFailure>> {
    let piece = timeout(Duration::from_secs(30), pieces.next()).await.expect("a piece")?;
    Some(piece.map(|piece| match piece {
        Piece::Text(text) => text,
        other => panic!("no text but {other:?}"),
    }))
}

/// All that a reply says, and how it failed.
async fn reply(embedded: &Embedded) -> (String, Option<ReplyFailure>) {
    let mut pieces = match begin(embedded).await {
        Ok(pieces) => pieces,
        Err(failure) => return (String::new(), Some(failure)),
    };
    let mut text = String::new();
    while let Some(piece) = next(&mut pieces).await {
        match piece {
            Ok(piece) => text.push_str(&piece),
            Err(failure) => {
                assert!(next(&mut pieces).await.is_none(), "a failure is the last thing");
                return (text, Some(failure));
            }
        }
    }
    (text, None)
}

fn failed(failure: ReplyFailure) -> (String, Option<ReplyFailure>) {
    (String::new(), Some(failure))
}

#[tokio::test]
async fn pieces_arrive_in_order_and_one_process_serves_many_replies() {
    let lab = Lab::new(POLITE);
    let embedded = lab.embedded();
    assert_eq!(embedded.list().await, Ok(vec!["tiny-1b-chat".to_owned()]));
    let first = reply(&embedded).await;
    assert!(first.0.starts_with("hello from ") && first.1.is_none(), "{first:?}");
    assert_eq!(reply(&embedded).await, first);
    assert_eq!(lab.starts(), 1);
}

#[tokio::test]
async fn the_worker_is_given_the_conversation_and_nothing_of_our_environment() {
    let script = r#"
event ready; request; text=${line#*\"text\":\"}; piece "${text%%\"*} ${HOME-clean}"; end complete; request"#;
    assert_eq!(reply(&Lab::new(script).embedded()).await, ("hi clean".to_owned(), None));
}

#[tokio::test]
async fn what_is_no_event_is_ignored() {
    let script = r#"
echo "llama: hello"; event ready; head -c 2000000 /dev/zero | tr '\0' x; echo; event surprise; printf '\377\n'
request; piece a; echo '{"type":"piece","id":99,"text":"for nobody"}'; piece b; end complete; request"#;
    assert_eq!(reply(&Lab::new(script).embedded()).await, ("ab".to_owned(), None));
}

#[tokio::test]
async fn a_reply_at_its_limit_is_kept_and_marked() {
    let script = "event ready; request; piece long; end too_long; request";
    let said = reply(&Lab::new(script).embedded()).await;
    assert_eq!(said, ("long".to_owned(), Some(ReplyFailure::TooLong)));
}

#[tokio::test]
async fn dropping_a_reply_cancels_it_and_its_turn_goes_to_the_next() {
    // The first reply would go on for ever; the second says what was requested in between.
    let script = r#"
event ready; request; piece once; request; end cancelled
case $line in *cancel*) said="cancelled $id";; *) said=other;; esac
request; piece "$said"; end complete; request"#;
    let lab = Lab::with(script, |settings| settings.parallel = 1);
    let embedded = lab.embedded();
    let mut first = begin(&embedded).await.ok().unwrap();
    assert_eq!(next(&mut first).await, Some(Ok("once".to_owned())));
    drop(first);
    assert_eq!(reply(&embedded).await, ("cancelled 1".to_owned(), None));
}

#[tokio::test]
async fn a_death_fails_the_replies_in_flight_and_the_next_one_gets_a_new_process() {
    let script = format!(r#"if started 1; then event ready; request; piece half; request; exit 3; fi; {POLITE}"#);
    let lab = Lab::new(&script);
    let embedded = lab.embedded();
    let mut first = begin(&embedded).await.ok().unwrap();
    assert_eq!(next(&mut first).await, Some(Ok("half".to_owned())));
    assert_eq!(reply(&embedded).await, failed(ReplyFailure::EmbeddedDied));
    assert_eq!(next(&mut first).await, Some(Err(ReplyFailure::EmbeddedDied)));
    assert!(next(&mut first).await.is_none());
    assert!(reply(&embedded).await.0.starts_with("hello"));
    assert_eq!(lab.starts(), 2);
}

#[tokio::test]
async fn a_full_queue_is_busy_and_whoever_waits_is_served() {
    let script = format!("event ready; request; piece held; request; end cancelled; {POLITE}");
    let lab = Lab::with(&script, |settings| (settings.parallel, settings.queue_max) = (1, 1));
    let embedded = lab.embedded();
    let mut held = begin(&embedded).await.ok().unwrap();
    assert_eq!(next(&mut held).await, Some(Ok("held".to_owned())));
    // One of two finds room in the queue, so that the first to come back is the other one.
    let mut others: FuturesUnordered<_> = (0..2).map(|_| reply(&embedded)).collect();
    assert_eq!(others.next().await, Some(failed(ReplyFailure::EmbeddedBusy)));
    drop(held);
    assert!(others.next().await.unwrap().0.starts_with("hello"));
}

#[tokio::test]
async fn a_long_wait_for_a_turn_is_busy() {
    let script = "event ready; request; piece held; request";
    let lab = Lab::with(script, |settings| (settings.parallel, settings.times.queue_max) = (1, Duration::ZERO));
    let embedded = lab.embedded();
    let mut held = begin(&embedded).await.ok().unwrap();
    assert_eq!(next(&mut held).await, Some(Ok("held".to_owned())));
    assert_eq!(reply(&embedded).await, failed(ReplyFailure::EmbeddedBusy));
}

#[tokio::test]
async fn an_idle_process_is_ended_and_the_next_reply_starts_a_new_one() {
    let lab = Lab::with(POLITE, |settings| settings.idle_seconds = 0);
    let embedded = lab.embedded();
    let first = reply(&embedded).await;
    // The process may be in use again before it is found idle; at some time it is not.
    while reply(&embedded).await == first {}
    assert!(lab.starts() > 1);
}

#[tokio::test]
async fn a_missing_file_starts_nothing() {
    let lab = Lab::with(POLITE, |settings| settings.model_file.set_extension("other").then_some(()).unwrap());
    let embedded = lab.embedded();
    assert_eq!(embedded.list().await, Ok(Vec::new()));
    assert_eq!(
        embedded.generate("tiny-1b-chat.q4_k_m", &prompt("hi")).await.err(),
        Some(ReplyFailure::EmbeddedMissing)
    );
    assert_eq!(lab.starts(), 0);
}

#[tokio::test]
async fn a_build_without_the_engine_offers_nothing() {
    let lab = Lab::with(POLITE, |settings| settings.built_in = false);
    let embedded = lab.embedded();
    assert_eq!(embedded.list().await, Ok(Vec::new()));
    assert_eq!(reply(&embedded).await, failed(ReplyFailure::EmbeddedMissing));
    assert_eq!(lab.starts(), 0);
}

#[tokio::test]
async fn an_unknown_model_is_not_found() {
    let lab = Lab::new(POLITE);
    assert_eq!(lab.embedded().generate("other", &prompt("hi")).await.err(), Some(ReplyFailure::ModelNotFound));
    assert_eq!(lab.starts(), 0);
}

#[tokio::test]
async fn an_unusable_file_is_tried_once_until_it_is_replaced() {
    let script = format!(r#"if started 1; then echo '{{"type":"unusable","reason":"damaged"}}'; exit 1; fi; {POLITE}"#);
    let lab = Lab::new(&script);
    let embedded = lab.embedded();
    for _ in 0..3 {
        assert_eq!(reply(&embedded).await, failed(ReplyFailure::EmbeddedMissing));
    }
    assert_eq!(lab.starts(), 1);
    fs::write(&lab.settings.model_file, "a better model").unwrap();
    assert!(reply(&embedded).await.0.starts_with("hello"));
}

#[tokio::test]
async fn after_a_death_at_its_start_it_is_left_alone_for_a_while() {
    let lab = Lab::with("exit 1", |settings| {
        settings.times.back_off_min = Duration::from_secs(3600);
        settings.times.back_off_max = Duration::from_secs(3600);
    });
    let embedded = lab.embedded();
    for _ in 0..3 {
        assert_eq!(reply(&embedded).await, failed(ReplyFailure::EmbeddedDied));
    }
    assert_eq!(lab.starts(), 1);
}

#[tokio::test]
async fn after_that_while_it_is_tried_again() {
    let lab = Lab::new(&format!("started 1 && exit 1; {POLITE}"));
    let embedded = lab.embedded();
    assert_eq!(reply(&embedded).await, failed(ReplyFailure::EmbeddedDied));
    assert!(reply(&embedded).await.0.starts_with("hello"));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_a_death_at_the_start() {
    let lab = Lab::with(POLITE, |settings| settings.program = "/nowhere/sardonyx".into());
    assert_eq!(reply(&lab.embedded()).await, failed(ReplyFailure::EmbeddedDied));
}

#[tokio::test]
async fn a_worker_that_does_not_load_in_time_is_killed() {
    let lab = Lab::with("request; request", |settings| settings.times.load_max = Duration::from_millis(20));
    assert_eq!(reply(&lab.embedded()).await, failed(ReplyFailure::EmbeddedDied));
}

#[tokio::test]
async fn a_worker_that_falls_silent_is_killed_and_replaced() {
    let script = format!("if started 1; then event ready; request; piece half; request; request; fi; {POLITE}");
    let lab = Lab::with(&script, |settings| settings.times.silence_max = Duration::from_millis(500));
    let embedded = lab.embedded();
    assert_eq!(reply(&embedded).await, ("half".to_owned(), Some(ReplyFailure::EmbeddedDied)));
    assert!(reply(&embedded).await.0.starts_with("hello"));
}

#[tokio::test]
async fn a_conversation_that_is_too_large_is_refused_and_the_worker_stays() {
    let lab = Lab::new(POLITE);
    let embedded = lab.embedded();
    let huge = prompt(&"x".repeat(protocol::PROTOCOL_LINE_BYTES_MAX));
    let mut pieces = embedded.generate("tiny-1b-chat", &huge).await.ok().unwrap();
    assert_eq!(next(&mut pieces).await, Some(Err(ReplyFailure::RequestRefused)));
    assert!(reply(&embedded).await.0.starts_with("hello"));
    assert_eq!(lab.starts(), 1);
}

#[test]
fn a_model_is_named_after_its_file() {
    let names = [
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "smollm2-135m-instruct"),
        ("models/Qwen2.5-0.5B-Instruct-Q4_K_M.gguf", "qwen2.5-0.5b-instruct"),
        ("gemma-3-1b-it-f16.gguf", "gemma-3-1b-it"),
        ("Llama-3.2-1B.IQ3_XS.gguf", "llama-3.2-1b"),
        ("Phi-4.gguf", "phi-4"),
        ("q8.gguf", "q8"),
        ("a b.gguf", "a-b"),
        ("", "model"),
    ];
    for (file, name) in names {
        assert_eq!(model_id(Path::new(file)), name);
    }
}
