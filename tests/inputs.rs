//! Anything at all, sent to every server function: refused, never a fault.

use leptos::server_fn::axum::server_fn_paths;
use reqwest::Method;
use sardonyx::api::session::FindCurrentSession;

use crate::support::{Client, Setup, TestApp};

crate::on_both_databases![i3_no_form_makes_a_server_function_fail, i4_deep_and_wide_forms_are_refused_or_read];

/// Names that some server function knows, and some that none does.
const NAMES: [&str; 16] = [
    "chat_id",
    "message_id",
    "text",
    "client_message_id",
    "model",
    "before_ms",
    "before_id",
    "before_seq",
    "email",
    "password",
    "next",
    "token",
    "user_id",
    "",
    "chat_id[]",
    "a[b][c]",
];

/// Values at the edges of what is expected, and beyond.
const VALUES: [&str; 24] = [
    "",
    "null",
    "true",
    "NaN",
    "1e309",
    "-1",
    "0",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "[]",
    "{}",
    "\"",
    "%00",
    "%ff",
    "%",
    "+",
    "x",
    "../x",
    "' OR 1=1 --",
    "\u{202e}",
    "0199c0de-0000-7000-8000-000000000000",
    "openai/test-model",
    "a@b.c",
];

async fn i3_no_form_makes_a_server_function_fail(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let chat_id = alice.create_chat().await.to_string();
    let mut random = Random(3);
    // There is nothing that a log-out could misunderstand, and Alice is still needed.
    for (path, _) in server_fn_paths().filter(|(path, _)| *path != "/api/log_out") {
        for _ in 0..60 {
            let body = form(&mut random, &chat_id);
            let content_type = match random.below(12) {
                0 => "application/json",
                1 => "text/plain",
                2 => "multipart/form-data; boundary=x",
                3 => "application/x-www-form-urlencoded; charset=utf-16",
                _ => "application/x-www-form-urlencoded",
            };
            let mut request = alice.request(Method::POST, path).header("content-type", content_type).body(body.clone());
            if random.below(4) == 0 {
                request = request.header("accept", "text/html").header("referer", "http://x/%ff?%00");
            }
            let answer = Client::send_only(request).await;
            assert!(answer.status < 500, "{path} {content_type} {body:?}: {} {}", answer.status, answer.text());
        }
    }
    alice.call::<FindCurrentSession>(&[]).await.ok::<sardonyx::domain::session::CurrentSession>();
}

async fn i4_deep_and_wide_forms_are_refused_or_read(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let bodies = [
        format!("chat_id{}=x", "[a]".repeat(50_000)),
        format!("chat_id={}", "[".repeat(100_000)),
        "a=1&".repeat(100_000),
        "&".repeat(400_000),
        format!("{}=x", "k".repeat(400_000)),
        (0..20_000).map(|n| format!("chat_id[{n}]=x&")).collect(),
    ];
    for body in bodies {
        for path in ["/api/open_chat", "/api/send_message", "/api/list_chats"] {
            let answer = alice.send(alice.form_request(path, body.clone())).await;
            assert!(answer.status < 500, "{path} {}…: {}", &body[..20], answer.text());
        }
    }
}

fn form(random: &mut Random, chat_id: &str) -> String {
    let mut body = String::new();
    for _ in 0..random.below(6) {
        body.push_str(NAMES[random.below(NAMES.len())]);
        body.push_str(["=", "=", "=", "=", "", "=="][random.below(6)]);
        let value = random.below(VALUES.len() + 4);
        body.push_str(VALUES.get(value).copied().unwrap_or(chat_id));
        body.push_str(["&", "&", "&", ";", "&&", "\n"][random.below(6)]);
    }
    body
}

/// A fixed sequence that looks random.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}
