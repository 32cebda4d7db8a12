//! Who may make a browser act: pages of this site, and no others.

use leptos::server_fn::axum::server_fn_paths;
use reqwest::Method;
use sardonyx::{api::session::FindCurrentSession, domain::user::Role};

use crate::support::{Client, Person, Setup, TestApp, form};

crate::on_both_databases![
    c1_c3_c4_a_foreign_origin_changes_nothing_on_any_server_function,
    c2_the_browsers_own_word_and_no_word_at_all_count_as_foreign,
    c5_no_kind_of_body_gets_past_the_origin,
    c6_c7_c9_nothing_changes_by_any_other_method,
];
crate::once![
    c8_a_foreign_page_logs_nobody_in,
    c12_what_a_request_calls_the_host_is_in_no_link,
    c10_a_plain_form_never_leads_to_another_site,
    c11_no_other_origin_may_read,
    the_sites_own_pages_may_act,
];

async fn c1_c3_c4_a_foreign_origin_changes_nothing_on_any_server_function(setup: Setup) {
    let (app, alice) = site(setup).await;
    let own = alice.origin.clone();
    let port = alice.addr.port();
    // C3, C4: only the exact origin passes.
    let origins = [
        "https://evil.example".to_owned(),
        "null".to_owned(),
        format!("{own}.evil.example"),
        format!("http://evil127.0.0.1:{port}"),
        format!("https://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{}", port.wrapping_add(1)),
        format!("http://127.0.0.1.:{port}"),
        format!("http://LOCALHOST:{port}"),
        "http://127.0.0.1".to_owned(),
        format!("{own}/"),
        String::new(),
    ];
    let before = app.database.dump().await;
    for path in paths() {
        for origin in &origins {
            let request = alice.bare(Method::POST, &path).header("origin", origin);
            assert_refused(request, &format!("{path} from {origin:?}")).await;
        }
        let request = alice.bare(Method::POST, &path).header("origin", &own).header("origin", "https://evil.example");
        assert_refused(request, &format!("{path} from two origins")).await;
    }
    assert_eq!(app.database.dump().await, before);
    alice.call::<FindCurrentSession>(&[]).await.ok::<sardonyx::domain::session::CurrentSession>();
}

async fn c2_the_browsers_own_word_and_no_word_at_all_count_as_foreign(setup: Setup) {
    let (app, alice) = site(setup).await;
    let before = app.database.dump().await;
    for path in paths() {
        assert_refused(alice.bare(Method::POST, &path), &format!("{path} without a word")).await;
        for site in ["cross-site", "same-site", "none", "nonsense"] {
            let request = alice.bare(Method::POST, &path).header("sec-fetch-site", site);
            assert_refused(request, &format!("{path} {site}")).await;
            let request = alice.request(Method::POST, &path).header("sec-fetch-site", site);
            assert_refused(request, &format!("{path} {site} with our origin")).await;
        }
        // What a proxy adds says nothing about who asks.
        let request =
            alice.bare(Method::POST, &path).header("x-forwarded-host", "evil.example").header("referer", &alice.origin);
        assert_refused(request, &format!("{path} with a referer only")).await;
    }
    assert_eq!(app.database.dump().await, before);
}

async fn c5_no_kind_of_body_gets_past_the_origin(setup: Setup) {
    let (app, alice) = site(setup).await;
    let before = app.database.dump().await;
    for path in paths() {
        for content_type in [
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded",
            "application/json",
            "",
        ] {
            let mut request =
                alice.bare(Method::POST, &path).header("origin", "https://evil.example").body("{\"a\":1}");
            if !content_type.is_empty() {
                request = request.header("content-type", content_type);
            }
            assert_refused(request, &format!("{path} {content_type}")).await;
        }
    }
    assert_eq!(app.database.dump().await, before);
}

async fn c6_c7_c9_nothing_changes_by_any_other_method(setup: Setup) {
    let (app, alice) = site(setup).await;
    let chat_id = alice.create_chat().await.to_string();
    let query = form(&[
        ("chat_id", &chat_id),
        ("text", "by address"),
        ("client_message_id", "0199c0de-0000-7000-8000-000000000000"),
        ("message_id", &chat_id),
        ("_method", "POST"),
    ]);
    let before = app.database.dump().await;
    for path in paths() {
        for method in
            [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::PATCH, Method::DELETE, Method::TRACE]
        {
            let url = format!("{path}?{query}");
            // C7: nor by a header that wishes for another method.
            let request = alice.request(method.clone(), &url).header("x-http-method-override", "POST");
            let answer = Client::send_only(request.header("origin", &alice.origin)).await;
            assert!([400, 403, 404, 405].contains(&answer.status), "{method} {path}: {}", answer.status);
        }
    }
    assert_eq!(app.database.dump().await, before);
    // C9: an image whose address is the log-out.
    alice.call::<FindCurrentSession>(&[]).await.ok::<sardonyx::domain::session::CurrentSession>();
}

async fn c8_a_foreign_page_logs_nobody_in(setup: Setup) {
    let (app, _) = site(setup).await;
    let browser = Client { origin: "https://evil.example".to_owned(), ..app.anonymous() };
    let fields = [("email", "alice@example.org"), ("password", crate::support::people::PASSWORD)];
    for path in ["/api/log_in", "/api/create_first_account"] {
        let answer = browser.post(path, &fields).await;
        assert_eq!((answer.status, answer.headers.contains_key("set-cookie")), (403, false));
    }
}

async fn c12_what_a_request_calls_the_host_is_in_no_link(setup: Setup) {
    let app =
        TestApp::start(setup.config(|config| config.public_url = Some("https://chat.example".parse().unwrap()))).await;
    app.add_account("admin@example.org", Role::Admin).await;
    let admin = Client { origin: "https://chat.example".to_owned(), ..app.anonymous() };
    let password = crate::support::people::PASSWORD;
    let named = |request: reqwest::RequestBuilder| {
        let request = request.header("host", "evil.example").header("x-forwarded-host", "evil.example");
        request.header("forwarded", "host=evil.example").header("x-forwarded-proto", "http")
    };
    let fields = form(&[("email", "admin@example.org"), ("password", password)]);
    let answer = admin.send(named(admin.form_request("/api/log_in", fields))).await;
    assert_eq!((answer.status, answer.header("location")), (200, "/chats"));
    assert!(answer.header("set-cookie").contains("Secure"));
    let fields = form(&[("email", "new@example.org"), ("role", "member")]);
    let link: String = admin.send(named(admin.form_request("/api/invite_person", fields))).await.ok();
    assert!(link.starts_with("https://chat.example/welcome?token="), "{link}");
    for path in ["/", "/chats", "/login", "/admin", "/nowhere", "/api/v1/openapi.json", "/api/v1/docs"] {
        let answer = admin.send(named(admin.request(Method::GET, path))).await;
        assert!(!answer.text().contains("evil.example") && !answer.header("location").contains("evil"), "{path}");
    }
    // Its pages are not ours, whatever they call our host.
    let evil = Client { origin: "https://evil.example".to_owned(), ..admin.clone() };
    let answer = evil.send(named(evil.form_request("/api/create_chat", ""))).await;
    assert_eq!(answer.refusal(), (403, "foreign_origin".to_owned()));
}

async fn c10_a_plain_form_never_leads_to_another_site(setup: Setup) {
    let (_app, alice) = site(setup).await;
    let chat_id = alice.create_chat().await.to_string();
    let referers = [
        "https://evil.example/p?x=1",
        "https://evil.example//evil.example/p",
        "//evil.example",
        "https://evil.example/\\evil.example",
        "javascript:alert(1)",
        "https://evil.example/?__err=abc&__path=/api/log_in&error=old",
    ];
    let unknown = uuid::Uuid::new_v4().to_string();
    let exchange = [("chat_id", chat_id.as_str()), ("text", "hi"), ("client_message_id", &unknown)];
    let wrong = [("chat_id", unknown.as_str()), ("text", "hi"), ("client_message_id", &unknown)];
    for referer in referers {
        for (path, fields, is_refused) in [
            ("/api/send_message", &exchange[..], false),
            ("/api/send_message", &wrong[..], true),
            ("/api/create_chat", &[][..], false),
            ("/api/list_chats", &[][..], false),
            ("/api/send_message", &[][..], true),
        ] {
            let request =
                alice.form_request(path, form(fields)).header("accept", "text/html").header("referer", referer);
            let answer = alice.send(request).await;
            let location = answer.header("location");
            assert_eq!(answer.status, 303, "{path} {referer}");
            assert!(location.starts_with('/') && !location.starts_with("//") && !location.contains('\\'), "{location}");
            assert!(
                !location.contains("__err") && !location.contains("__path") && !location.contains("error=old"),
                "{location}"
            );
            assert_eq!(location.contains("error="), is_refused, "{path}: {location}");
        }
    }
}

async fn c11_no_other_origin_may_read(setup: Setup) {
    let (_app, alice) = site(setup).await;
    for path in ["/chats", "/login", "/api/list_chats", "/healthz", "/nowhere", "/ws"] {
        for method in [Method::GET, Method::OPTIONS, Method::POST] {
            let request = alice.bare(method.clone(), path).header("origin", "https://evil.example");
            let answer = Client::send_only(request.header("access-control-request-method", "POST")).await;
            let is_allowed = answer.headers.keys().any(|name| name.as_str().starts_with("access-control"));
            assert!(!is_allowed, "{method} {path}");
        }
    }
}

async fn the_sites_own_pages_may_act(setup: Setup) {
    let (_app, alice) = site(setup).await;
    let port = alice.addr.port();
    for (name, value) in [
        ("origin", alice.origin.clone()),
        ("origin", format!("http://localhost:{port}")),
        ("origin", format!("http://[::1]:{port}")),
        ("sec-fetch-site", "same-origin".to_owned()),
    ] {
        let request = alice.bare(Method::POST, "/api/create_chat").header(name, &value);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        assert_eq!(alice.send(request).await.status, 200, "{name}: {value}");
    }
}

async fn site(setup: Setup) -> (TestApp, Person) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let (chat_id, sent) = alice.ask("a message that stays").await;
    // Nothing is under way any more when the rows are compared.
    alice.read_reply(chat_id, &sent).await;
    (app, alice)
}

fn paths() -> Vec<String> {
    let paths: Vec<String> = server_fn_paths().map(|(path, _)| path.to_owned()).collect();
    assert!(paths.len() >= 13, "{paths:?}");
    paths
}

async fn assert_refused(request: reqwest::RequestBuilder, what: &str) {
    let answer = Client::send_only(request).await;
    assert_eq!(answer.refusal(), (403, "foreign_origin".to_owned()), "{what}");
    assert!(!answer.headers.contains_key("set-cookie") && !answer.headers.contains_key("location"), "{what}");
}
