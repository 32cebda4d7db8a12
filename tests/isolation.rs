//! Data separation, as a table: every door of the server, and what each kind of person gets there.
//!
//! A door without a line here fails the tests: a server function, a page, another route, a live command, a table. To add
//! a door, add its line; its ids are Alice's, and whoever is not Alice must get what an unknown id gets, byte for byte.

use std::{collections::BTreeSet, fs, iter, path::Path, sync::Mutex};

use axum::http::StatusCode;
use leptos::server_fn::axum::server_fn_paths;
use sardonyx::{
    api::{notifications::ListNotifications, second_factor::BeginSecondFactor, session::FindCurrentSession},
    domain::{
        ids::{AccessTokenId, ChatId, ClientMessageId, FileId, MessageId, NotificationId, SessionId, UserId},
        live::LiveCommand,
        message::Sent,
        notification::Notification,
        session::CurrentSession,
        token::AccessTokens,
    },
    router,
};
use uuid::Uuid;

use crate::api;
use crate::support::{
    Answer, Client, Person, Setup, Tab, TestApp,
    database::{OWNED_TABLES, TABLES},
    files::{file_of, png},
    logs,
    people::PASSWORD,
};

crate::on_both_databases![
    x1_x2_x3_x16_every_server_function_for_every_kind_of_person,
    x1_every_page_for_every_kind_of_person,
    x1_x2_x3_every_route_for_programs_for_every_kind_of_person,
    x1_every_other_route_is_the_same_for_everybody,
    a3_x18_every_file_for_every_kind_of_person,
    x1_x2_what_comes_and_goes_of_files_for_every_kind_of_person,
    x11_every_live_command_for_every_kind_of_person,
    x9_x10_nobody_touches_a_running_reply_of_somebody_else,
    x14_nobody_hears_what_happens_to_somebody_else,
    x4_x6_ids_of_two_people_do_not_mix,
    x12_a_word_of_alices_is_found_by_nobody_else,
];
crate::once![every_door_has_its_line];
crate::on_a_cluster![the_second_wall_shows_nobody_elses_rows];

/// What a request is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// 200.
    Ok,
    /// A refusal with this status, the same for everybody.
    Refused(u16),
    /// Not theirs, and so exactly like what does not exist.
    AsUnknown,
}

use Outcome::{AsUnknown, Ok, Refused};

/// A server function: its path, its fields, and what strangers (and the disabled), other people, the admin, and the owner of
/// the ids get.
struct Door {
    path: &'static str,
    fields: fn(&Ids) -> Vec<(&'static str, String)>,
    stranger: Outcome,
    other: Outcome,
    admin: Outcome,
    owner: Outcome,
}

/// What is in everything that is Alice's.
const WORD: &str = "canary";
/// A word that is nowhere.
const OTHER_WORD: &str = "magpie";
/// By what names doors take a text that they look for. Every door is asked for the word by each of them; a door that takes
/// it by another name fails the tests until that is here.
const BY_TEXT: [&str; 5] = ["search", "who", "question", "query", "q"];

/// Ids of one person's things, or of nothing.
#[derive(Clone)]
struct Ids {
    chat: ChatId,
    message: MessageId,
    reply: MessageId,
    failed: MessageId,
    /// Another session than the one that asks.
    session: SessionId,
    user: UserId,
    notification: NotificationId,
    token: AccessTokenId,
    file: FileId,
    /// An image.
    picture: FileId,
    /// A file that is not complete.
    upload: FileId,
    updated_at_ms: i64,
}

impl Ids {
    /// What a page is about.
    fn of_page(&self, pattern: &str) -> String {
        if pattern.starts_with("/files") { self.file.to_string() } else { self.chat.to_string() }
    }

    /// Those of what people write and upload: nobody else is told one.
    fn of_content(&self) -> [Uuid; 7] {
        let Self { chat, message, reply, failed, file, picture, upload, .. } = self;
        [chat.0, message.0, reply.0, failed.0, file.0, picture.0, upload.0]
    }

    fn unknown() -> Self {
        let id = || MessageId(Uuid::now_v7());
        Self {
            chat: ChatId(Uuid::now_v7()),
            message: id(),
            reply: id(),
            failed: id(),
            session: SessionId(Uuid::now_v7()),
            user: UserId(Uuid::now_v7()),
            notification: NotificationId(Uuid::now_v7()),
            token: AccessTokenId(Uuid::now_v7()),
            file: FileId(Uuid::now_v7()),
            picture: FileId(Uuid::now_v7()),
            upload: FileId(Uuid::now_v7()),
            updated_at_ms: 1_700_000_000_000,
        }
    }
}

/// Every server function. The last one ends the session that it is called with.
const DOORS: [Door; 73] = [
    door(
        "/api/log_in",
        |_| vec![("email", "nobody@example.org".into()), ("password", "x".into())],
        Refused(401),
        Refused(401),
        Refused(401),
    ),
    door("/api/current_session", |_| vec![], Refused(401), Ok, Ok),
    door("/api/check_setup_link", |_| vec![("token", "0".repeat(64))], Refused(403), Refused(403), Refused(403)),
    door(
        "/api/create_first_account",
        |_| {
            vec![
                ("token", "0".repeat(64)),
                ("email", "x@example.org".into()),
                ("password", "blue-lamp-42-river".into()),
            ]
        },
        Refused(403),
        Refused(403),
        Refused(403),
    ),
    door("/api/list_models", |_| vec![], Refused(401), Ok, Ok),
    door("/api/create_chat", |_| vec![], Refused(401), Ok, Ok),
    door(
        "/api/list_chats",
        |ids| vec![("before_ms", ids.updated_at_ms.to_string()), ("before_id", ids.chat.to_string())],
        Refused(401),
        AsUnknown,
        Ok,
    ),
    door("/api/list_unsent_files", |ids| vec![("chat_id", ids.chat.to_string())], Refused(401), AsUnknown, Ok),
    door("/api/open_chat", |ids| vec![("chat_id", ids.chat.to_string())], Refused(401), AsUnknown, Ok),
    door(
        "/api/list_messages",
        |ids| vec![("chat_id", ids.chat.to_string()), ("before_seq", "100".into())],
        Refused(401),
        AsUnknown,
        Ok,
    ),
    door("/api/retry_reply", |ids| vec![("message_id", ids.failed.to_string())], Refused(401), AsUnknown, Ok),
    door(
        "/api/send_message",
        |ids| {
            vec![("chat_id", ids.chat.to_string()), ("text", "hello".into()), ("client_message_id", CLIENT_ID.into())]
        },
        Refused(401),
        AsUnknown,
        Ok,
    ),
    door(
        "/api/save_draft",
        |ids| {
            let fields = [("text", "a draft"), ("client_message_id", CLIENT_ID), ("draft_ms", "0")];
            fields
                .into_iter()
                .chain([("chat_id", ids.chat.to_string().as_str())])
                .map(|(n, v)| (n, v.to_owned()))
                .collect()
        },
        Refused(401),
        AsUnknown,
        Ok,
    ),
    door("/api/stop_reply", |ids| vec![("message_id", ids.reply.to_string())], Refused(401), AsUnknown, Ok),
    door(
        "/api/edit_message",
        |ids| {
            vec![
                ("message_id", ids.message.to_string()),
                ("text", "hello again".into()),
                ("client_message_id", ids.message.to_string()),
            ]
        },
        Refused(401),
        AsUnknown,
        Ok,
    ),
    door("/api/show_version", |ids| vec![("message_id", ids.message.to_string())], Refused(401), AsUnknown, Ok),
    door("/api/read_message", |ids| vec![("message_id", ids.reply.to_string())], Refused(401), AsUnknown, Ok),
    door(
        "/api/fork_chat",
        |ids| vec![("message_id", ids.message.to_string()), ("client_id", CLIENT_ID.into())],
        Refused(401),
        AsUnknown,
        Ok,
    ),
    door("/api/list_sessions", |_| vec![], Refused(401), Ok, Ok),
    door("/api/end_session", |ids| vec![("session_id", ids.session.to_string())], Refused(401), AsUnknown, Ok),
    door("/api/end_other_sessions", |_| vec![], Refused(401), Ok, Ok),
    door("/api/renew_session", |_| vec![("password", PASSWORD.into())], Refused(401), Ok, Ok),
    door(
        "/api/change_password",
        |_| vec![("current_password", PASSWORD.into()), ("new_password", PASSWORD.into())],
        Refused(401),
        Ok,
        Ok,
    ),
    door(
        "/api/save_preferences",
        |_| {
            let fields = [("display_name", ""), ("theme", "dark"), ("language", "de"), ("default_model", "")];
            fields.map(|(name, value)| (name, value.to_owned())).to_vec()
        },
        Refused(401),
        Ok,
        Ok,
    ),
    door("/api/list_tokens", |_| vec![], Refused(401), Ok, Ok),
    door(
        "/api/create_token",
        |_| vec![("name", "a token".into()), ("days", "7".into()), ("chats_read", "yes".into())],
        Refused(401),
        Ok,
        Ok,
    ),
    door("/api/revoke_token", |ids| vec![("token_id", ids.token.to_string())], Refused(401), AsUnknown, Ok),
    door("/api/list_notifications", |_| vec![], Refused(401), Ok, Ok),
    door("/api/list_all_notifications", |_| vec![], Refused(401), Ok, Ok),
    door("/api/read_all_notifications", |_| vec![], Refused(401), Ok, Ok),
    door(
        "/api/read_notification",
        |ids| vec![("notification_id", ids.notification.to_string())],
        Refused(401),
        AsUnknown,
        Ok,
    ),
    // With a wrong password: it would end the account that it is called with.
    door("/api/delete_account", |_| vec![("password", "a wrong one".into())], Refused(401), Refused(401), Refused(401)),
    door("/api/find_second_factor", |_| vec![], Refused(401), Ok, Ok),
    door("/api/begin_second_factor", |_| vec![], Refused(401), Ok, Ok),
    door(
        "/api/confirm_second_factor",
        |_| vec![("password", PASSWORD.into()), ("code", "000000x".into())],
        Refused(401),
        Refused(401),
        Refused(401),
    ),
    door(
        "/api/switch_off_second_factor",
        |_| vec![("password", PASSWORD.into()), ("code", String::new())],
        Refused(401),
        Ok,
        Ok,
    ),
    door("/api/check_link", |_| vec![("token", "0".repeat(64))], Refused(403), Refused(403), Refused(403)),
    door(
        "/api/accept_link",
        |_| vec![("token", "0".repeat(64)), ("password", "blue-lamp-42-river".into())],
        Refused(403),
        Refused(403),
        Refused(403),
    ),
    admin_door("/api/list_people", |_| vec![("search", String::new())], Ok),
    admin_door("/api/invite_person", |_| vec![("email", "invited@example.org".into()), ("role", "member".into())], Ok),
    admin_door("/api/make_password_link", |ids| vec![("user_id", ids.user.to_string())], Ok),
    admin_door("/api/change_account", |ids| vec![("user_id", ids.user.to_string()), ("change", "enable".into())], Ok),
    admin_door("/api/list_live_sessions", |_| vec![], Ok),
    admin_door(
        "/api/end_sessions_of",
        // Alice's account, a session that is not hers.
        |ids| vec![("user_id", ids.user.to_string()), ("session_id", CLIENT_ID.into())],
        Refused(404),
    ),
    // Alice has none to lose.
    admin_door("/api/remove_second_factor", |ids| vec![("user_id", ids.user.to_string())], Refused(404)),
    admin_door("/api/list_providers", |_| vec![], Ok),
    admin_door("/api/find_search_model", |_| vec![], Ok),
    // No provider has this id.
    admin_door(
        "/api/save_provider",
        |_| {
            vec![
                ("provider_id", CLIENT_ID.into()),
                ("base_url", "http://127.0.0.1:1/v1".into()),
                ("key", String::new()),
            ]
        },
        Refused(404),
    ),
    admin_door("/api/test_provider", |_| vec![("provider_id", CLIENT_ID.into())], Refused(404)),
    admin_door(
        "/api/change_provider",
        |_| vec![("provider_id", CLIENT_ID.into()), ("change", "remove".into())],
        Refused(404),
    ),
    admin_door("/api/offer_model", |_| vec![("model", "openai/test-model".into()), ("is_offered", "1".into())], Ok),
    admin_door("/api/find_site", |_| vec![], Ok),
    admin_door(
        "/api/save_site",
        |_| {
            let fields = [
                ("name", "Sardonyx"),
                ("default_model", ""),
                ("notice", ""),
                ("members_make_tokens", "1"),
                ("invitation_days", "7"),
            ];
            fields.map(|(name, value)| (name, value.to_owned())).to_vec()
        },
        Ok,
    ),
    // There is no notice.
    door(
        "/api/dismiss_notice",
        |_| vec![("notice_id", "0123456789abcdef".into())],
        Refused(401),
        Refused(404),
        Refused(404),
    ),
    admin_door("/api/list_audit", |_| vec![("who", String::new()), ("action", String::new())], Ok),
    door("/api/list_files", |_| vec![("search", String::new()), ("order", "newest".into())], Refused(401), Ok, Ok),
    door("/api/measure_stored", |_| vec![], Refused(401), Ok, Ok),
    door("/api/open_file", |ids| vec![("file_id", ids.file.to_string())], Refused(401), AsUnknown, Ok),
    door("/api/search_files", |_| vec![("question", WORD.into())], Refused(401), Ok, Ok),
    door(
        "/api/open_chat_settings",
        |ids| vec![("chat_id", ids.chat.to_string()), ("search", String::new())],
        Refused(401),
        AsUnknown,
        Ok,
    ),
    door("/api/ask_about_files", |ids| vec![("file_ids[]", ids.file.to_string())], Refused(401), AsUnknown, Ok),
    door("/api/add_chat_file", file_in_chat, Refused(401), AsUnknown, Ok),
    door("/api/remove_chat_file", file_in_chat, Refused(401), AsUnknown, Ok),
    door(
        "/api/search_all_files",
        |ids| vec![("chat_id", ids.chat.to_string()), ("searches", "yes".into())],
        Refused(401),
        AsUnknown,
        Ok,
    ),
    door("/api/delete_chat", |ids| vec![("chat_id", ids.chat.to_string())], Refused(401), AsUnknown, Ok),
    // It did not fail.
    door("/api/retry_file", |ids| vec![("file_id", ids.file.to_string())], Refused(401), AsUnknown, Refused(404)),
    door("/api/keep_file", |ids| vec![("file_id", ids.file.to_string())], Refused(401), AsUnknown, Ok),
    // It is not one that waits for its message.
    door("/api/discard_file", |ids| vec![("file_id", ids.file.to_string())], Refused(401), AsUnknown, Ok),
    door("/api/delete_files", |ids| vec![("file_ids[]", ids.file.to_string())], Refused(401), AsUnknown, Ok),
    door("/api/find_arrival", |_| vec![], Refused(401), Ok, Ok),
    door("/api/test_body", |_| vec![("body", "x".into())], Refused(401), Ok, Ok),
    // There is no such stream for anybody here; whose it is when there is one, `streams` tells.
    door(
        "/api/send_live_command",
        |ids| vec![("stream_id", ids.message.to_string()), ("command", "{\"type\":\"unwatch\"}".into())],
        Refused(401),
        AsUnknown,
        Refused(404),
    ),
    door("/api/log_out", |_| vec![], Ok, Ok, Ok),
];

fn file_in_chat(ids: &Ids) -> Vec<(&'static str, String)> {
    vec![("chat_id", ids.chat.to_string()), ("file_id", ids.file.to_string())]
}

const CLIENT_ID: &str = "0199c0de-0000-4000-8000-000000000000";

/// Every page: its pattern, and what strangers, other people, the admin and the owner of the chat get.
const PAGES: [(&str, Outcome, Outcome, Outcome, Outcome); 21] = [
    ("/login", Ok, Refused(303), Refused(303), Refused(303)),
    // There is an account: the link is of no use any more.
    ("/setup", Refused(403), Refused(303), Refused(303), Refused(303)),
    ("/chats", Refused(303), Ok, Ok, Ok),
    ("/chats/{id}", Refused(303), AsUnknown, AsUnknown, Ok),
    ("/chats/{id}/settings", Refused(303), AsUnknown, AsUnknown, Ok),
    ("/files", Refused(303), Ok, Ok, Ok),
    ("/files/{id}", Refused(303), AsUnknown, AsUnknown, Ok),
    ("/notifications", Refused(303), Ok, Ok, Ok),
    ("/settings", Refused(303), Ok, Ok, Ok),
    ("/settings/data", Refused(303), Ok, Ok, Ok),
    ("/settings/second-factor", Refused(303), Ok, Ok, Ok),
    ("/settings/sessions", Refused(303), Ok, Ok, Ok),
    ("/settings/password", Refused(303), Ok, Ok, Ok),
    ("/settings/tokens", Refused(303), Ok, Ok, Ok),
    ("/settings/connection", Refused(303), Ok, Ok, Ok),
    ("/welcome", Refused(403), Refused(303), Refused(303), Refused(303)),
    ("/admin", Refused(303), Refused(403), Ok, Refused(403)),
    ("/admin/sessions", Refused(303), Refused(403), Ok, Refused(403)),
    ("/admin/audit", Refused(303), Refused(403), Ok, Refused(403)),
    ("/admin/models", Refused(303), Refused(403), Ok, Refused(403)),
    ("/admin/site", Refused(303), Refused(403), Ok, Refused(403)),
];

/// Every other route: its path, and what everybody gets.
const OTHERS: [(&str, &[u16]); 8] = [
    ("/", &[303]),
    ("/healthz", &[200]),
    ("/readyz", &[200]),
    // Without an origin; what it gives to whom is in `sockets` and below.
    ("/ws", &[403]),
    ("/live", &[403]),
    ("/api/{*unknown}", &[404]),
    ("/api/v1/openapi.json", &[200]),
    ("/api/v1/docs", &[200]),
];

/// Files that are made for whoever asks: what strangers, all others, and the admin get. Nobody's holds a word of Alice's
/// but her own.
const FILES: [(&str, u16, u16, u16); 3] = [
    ("/admin/audit.csv", 401, 403, 200),
    ("/settings/data.json", 401, 200, 200),
    // There is one only while a second factor is being set up.
    ("/settings/second-factor.svg", 401, 404, 404),
];

/// A route for programs: method, path with the place of an id, body, and what strangers (and the disabled), other people
/// (and the admin), and the owner of the ids get. Each is asked with a signed token and with a personal access token.
struct Route {
    method: &'static str,
    path: &'static str,
    body: &'static str,
    stranger: Outcome,
    other: Outcome,
    owner: Outcome,
    /// Whether a personal access token with every scope gets the same; else it is refused with 403.
    personal: bool,
}

/// Every route for programs. The last one ends the session of the ids.
const ROUTES: [Route; 17] = [
    route("POST", "/api/v1/token", r#"{"email":"nobody@example.org","password":"x"}"#, Refused(401), Refused(401)),
    route("POST", "/api/v1/token/refresh", "", Ok, Ok).session_only(),
    route("GET", "/api/v1/me", "", Ok, Ok),
    route("GET", "/api/v1/chats", "", Ok, Ok),
    route("POST", "/api/v1/chats", "{}", Ok, Ok),
    route("GET", "/api/v1/chats/{chat}", "", AsUnknown, Ok),
    route("GET", "/api/v1/chats/{chat}/messages", "", AsUnknown, Ok),
    route("POST", "/api/v1/chats/{chat}/messages", r#"{"text":"hello"}"#, AsUnknown, Ok),
    route("DELETE", "/api/v1/chats/{chat}", "", AsUnknown, Ok),
    route("GET", "/api/v1/files", "", Ok, Ok),
    route("POST", "/api/v1/files", "the body is the file", Ok, Ok),
    route("GET", "/api/v1/files/{file}", "", AsUnknown, Ok),
    route("GET", "/api/v1/files/{file}/content", "", AsUnknown, Ok),
    route("DELETE", "/api/v1/files/{file}", "", AsUnknown, Ok),
    route("GET", "/api/v1/sessions", "", Ok, Ok).session_only(),
    route("DELETE", "/api/v1/sessions/{session}", "", AsUnknown, Ok).session_only(),
    // After the one before, there is nothing left to end but the browsers.
    route("DELETE", "/api/v1/sessions", "", Ok, Ok).session_only(),
];

const fn route(method: &'static str, path: &'static str, body: &'static str, other: Outcome, owner: Outcome) -> Route {
    Route { method, path, body, stranger: Refused(401), other, owner, personal: true }
}

impl Route {
    const fn session_only(self) -> Self {
        Self { personal: false, ..self }
    }

    /// The path as it is compared.
    fn pattern(&self) -> String {
        ["{chat}", "{session}", "{file}"].iter().fold(self.path.to_owned(), |path, id| path.replace(id, "{}"))
    }

    /// Its path, with these ids in it.
    fn address(&self, ids: &Ids) -> String {
        let path = self.path.replace("{chat}", &ids.chat.to_string()).replace("{session}", &ids.session.to_string());
        path.replace("{file}", &ids.file.to_string())
    }

    /// What its query may have, as the document says.
    fn queried<'a>(&self, document: &'a serde_json::Value) -> Vec<&'a str> {
        let mut paths = document["paths"].as_object().unwrap().iter();
        let (_, methods) = paths.find(|(path, _)| path.replace("{id}", "{}") == self.pattern()).unwrap();
        let parameters = methods[self.method.to_lowercase()]["parameters"].as_array().into_iter().flatten();
        let of_query = parameters.filter(|parameter| parameter["in"] == "query");
        of_query.map(|parameter| parameter["name"].as_str().unwrap()).collect()
    }

    async fn ask(&self, client: &Client, token: Option<&str>, ids: &Ids) -> Answer {
        let mut path = self.address(ids);
        if self.method == "POST" && path == "/api/v1/files" {
            path.push_str("?name=a.txt");
        }
        let request = client.program(self.method.parse().unwrap(), &path, token);
        let request = match self.body {
            "" => request,
            body => request.header("content-type", "application/json").body(body),
        };
        Client::send_only(request).await
    }
}

/// What comes and goes of files, under `/files` for pages and under `/api/v1/files` for programs: method, path, body, and
/// what other people and the owner get. Strangers get 401.
struct FileDoor {
    method: &'static str,
    path: &'static str,
    body: &'static str,
    other: Outcome,
    owner: u16,
}

/// Every such door. The last one ends the upload.
const FILE_DOORS: [FileDoor; 10] = [
    file_door("OPTIONS", "/uploads", "", Ok, 204),
    file_door("POST", "/uploads", "", Ok, 201),
    file_door("POST", "/form", FORM, Ok, 200),
    file_door("POST", "/form/{chat}", FORM, AsUnknown, 200),
    file_door("GET", "/{file}/content", "", AsUnknown, 200),
    file_door("GET", "/{picture}/thumbnail", "", AsUnknown, 200),
    file_door("GET", "/{picture}/view", "", AsUnknown, 200),
    file_door("HEAD", "/uploads/{upload}", "", AsUnknown, 200),
    file_door("PATCH", "/uploads/{upload}", "x", AsUnknown, 204),
    file_door("DELETE", "/uploads/{upload}", "", AsUnknown, 204),
];

const FORM: &str = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello\r\n--x--\r\n";

const fn file_door(
    method: &'static str,
    path: &'static str,
    body: &'static str,
    other: Outcome,
    owner: u16,
) -> FileDoor {
    FileDoor { method, path, body, other, owner }
}

impl FileDoor {
    /// Its path, without saying what its ids are of.
    fn pattern(&self) -> String {
        let ids = ["{file}", "{upload}", "{picture}", "{chat}"];
        ids.iter().fold(self.path.to_owned(), |path, id| path.replace(id, "{}"))
    }

    /// With a cookie, or with a program's token.
    async fn ask(&self, client: &Client, token: Option<&str>, ids: &Ids) -> Answer {
        let root = if token.is_some() { "/api/v1/files" } else { "/files" };
        let path = self.path.replace("{file}", &ids.file.to_string()).replace("{upload}", &ids.upload.to_string());
        let path = path.replace("{picture}", &ids.picture.to_string()).replace("{chat}", &ids.chat.to_string());
        let (method, path) = (self.method.parse().unwrap(), format!("{root}{path}"));
        let request = match token {
            Some(_) => client.program(method, &path, token),
            None => client.request(method, &path),
        };
        let content_type =
            if self.body == FORM { "multipart/form-data; boundary=x" } else { "application/offset+octet-stream" };
        let request =
            request.header("tus-resumable", "1.0.0").header("upload-offset", "0").header("upload-length", "5");
        let request = request.header("upload-metadata", "filename YS50eHQ=").header("content-type", content_type);
        Client::send_only(request.body(self.body)).await
    }
}

const fn door(
    path: &'static str,
    fields: fn(&Ids) -> Vec<(&'static str, String)>,
    stranger: Outcome,
    other: Outcome,
    owner: Outcome,
) -> Door {
    Door { path, fields, stranger, other, admin: other, owner }
}

/// A door for those who run the site, whoever owns the ids.
const fn admin_door(path: &'static str, fields: fn(&Ids) -> Vec<(&'static str, String)>, admin: Outcome) -> Door {
    Door { path, fields, stranger: Refused(401), other: Refused(403), admin, owner: Refused(403) }
}

/// Where a live command has its line. A new command does not compile until it has one.
fn command_line(command: &LiveCommand) -> &'static str {
    match command {
        LiveCommand::Watch { .. }
        | LiveCommand::Unwatch
        | LiveCommand::Visibility { .. }
        | LiveCommand::Typing { .. } => "x11_every_live_command_for_every_kind_of_person",
    }
}

async fn every_door_has_its_line(setup: Setup) {
    let app = TestApp::start(setup).await;
    let known: BTreeSet<&str> = DOORS.iter().map(|door| door.path).collect();
    assert_eq!(server_fn_paths().map(|(path, _)| path).collect::<BTreeSet<_>>(), known);
    // No door looks for a text by a name that nobody asks by.
    let fields = DOORS.iter().flat_map(|door| (door.fields)(&Ids::unknown()));
    let by_text = fields.map(|(name, _)| name).filter(|name| BY_TEXT.contains(name));
    assert_eq!(by_text.map(str::to_owned).collect::<BTreeSet<_>>(), looked_for());
    let routes = router::page_routes();
    let pages: BTreeSet<String> = routes.iter().map(|route| route.path().to_owned()).collect();
    assert_eq!(pages, PAGES.iter().map(|(path, ..)| (*path).to_owned()).collect());
    // Axum does not tell its routes; the router's source does.
    let source = include_str!("../src/router.rs");
    let written: BTreeSet<&str> = source.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let written: BTreeSet<String> = written.into_iter().map(|path| path.replace("{id}", "{}")).collect();
    let programs = ROUTES.iter().map(Route::pattern);
    let others = OTHERS.iter().map(|(path, _)| (*path).to_owned());
    let files = FILES.iter().map(|(path, ..)| (*path).to_owned());
    let contents =
        FILE_DOORS.iter().flat_map(|door| ["/files", "/api/v1/files"].map(|root| root.to_owned() + &door.pattern()));
    assert_eq!(written, others.chain(files).chain(programs).chain(contents).collect());
    // What the document describes is what there is.
    let document: serde_json::Value = app.anonymous().get("/api/v1/openapi.json").await.ok();
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            let path = path.replace("{id}", "{}");
            methods.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let known = ROUTES.iter().map(|route| (route.method.to_owned(), route.pattern()));
    // What every server of the protocol answers to is not described.
    let of_files = FILE_DOORS.iter().filter(|door| door.method != "OPTIONS");
    let of_files = of_files.map(|door| (door.method.to_owned(), format!("/api/v1/files{}", door.pattern())));
    assert_eq!(described, known.chain(of_files).collect());
    assert!(ROUTES.iter().any(|route| route.queried(&document).contains(&"search")), "the document tells of no query");
    assert_eq!(
        source.matches(".nest").count() + source.matches("_service(").count(),
        0,
        "routes that this test does not see"
    );
    assert_eq!(app.database.table_names().await, TABLES);
    assert!(!command_line(&LiveCommand::Unwatch).is_empty());
    println!("isolation: {} cells (door x kind of person x place of an id)", cells());
}

/// By what names server functions take a text that they look for. One function reads each of these; the sources tell.
fn looked_for() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api");
    let sources = fs::read_dir(folder).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let names = |source: String| -> Vec<String> {
        let calls = source.split("search_text(").skip(1).map(|rest| rest.trim_start_matches('&'));
        calls.filter_map(|rest| rest.split(|c: char| !is_of_name(c)).next()).map(str::to_owned).collect()
    };
    sources.flat_map(names).collect()
}

/// How many cells the tables here have: each door for each kind of person, and for each place where an id goes in.
fn cells() -> usize {
    const PEOPLE: usize = 5;
    let (ids, others) = (Ids::unknown(), Ids::unknown());
    let places =
        |door: &Door| (door.fields)(&ids).iter().zip((door.fields)(&others)).filter(|(a, b)| **a != *b).count();
    let doors: usize = DOORS.iter().map(|door| places(door).max(1) * PEOPLE).sum();
    // Nobody's four tokens, two of each of two others, and the owner's: one id in a path at most.
    let routes = ROUTES.len() * (4 + 4 + 1);
    let commands = 2 + 3 * 2 * 5 + 1;
    // Strangers, and everybody else with a cookie, a signed token and a personal one.
    let contents = FILE_DOORS.len() * (2 * 2 + 3 * 3);
    doors + routes + contents + (PAGES.len() + FILES.len() + OTHERS.len()) * PEOPLE + commands
}

/// Of two ids in one request, one's own and somebody else's, neither opens the other.
async fn x4_x6_ids_of_two_people_do_not_mix(setup: Setup) {
    let scene = Scene::new(setup).await;
    let (own_chat, own) = scene.bob.ask("a message of Bob's").await;
    Tab::on_chat(&scene.bob, own_chat).await.until_end(own.reply_id).await;
    let alices_client_id = Uuid::new_v4().to_string();
    let send = async |person: &Client, chat: ChatId, id: &str, text: &str| {
        let fields = [("chat_id", &*chat.to_string()), ("text", text), ("client_message_id", id)];
        person.post("/api/send_message", &fields).await
    };
    let hers: Sent = send(&scene.alice, scene.ids.chat, &alices_client_id, "under her own id").await.ok();
    scene.alice.read_reply(scene.ids.chat, &hers).await;
    let before = scene.app.database.dump_of(scene.alice.id.0).await;

    // Her chat, his message; his chat, her message; on every door that takes both.
    for person in [&scene.bob, &scene.admin] {
        let id = Uuid::new_v4().to_string();
        assert_eq!(send(person, scene.ids.chat, &id, "hello").await.status, 404);
    }
    // What she called her message by is his to use, too: it stands for his, and says nothing of hers.
    let his: Sent = send(&scene.bob, own_chat, &alices_client_id, "under her id").await.ok();
    assert!(his.message_id != hers.message_id && his.reply_id != hers.reply_id);
    assert_eq!(send(&scene.bob, own_chat, &alices_client_id, "under her id").await.ok::<Sent>(), his);
    Tab::on_chat(&scene.bob, own_chat).await.until_end(his.reply_id).await;
    // A place in his list is a place, not a way to her chat.
    let fields = [
        ("before_ms", &*(scene.ids.updated_at_ms + 1_000_000).to_string()),
        ("before_id", &scene.ids.chat.to_string()),
    ];
    let list = scene.bob.post("/api/list_chats", &fields).await;
    scene.assert_tells_nothing(&list, "/api/list_chats");
    // His page with her chat in its query, her page with his.
    for path in [
        format!("/chats/{own_chat}?chat_id={}&before_seq=100", scene.ids.chat),
        format!("/chats/{}?chat_id={own_chat}&before_seq=100", scene.ids.chat),
    ] {
        scene.assert_tells_nothing(&scene.bob.get(&path).await, "a page");
    }
    // His account with her session, and hers with his.
    let his_session = scene.bob.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>().id;
    for (user, session) in [(scene.bob.id, scene.ids.session), (scene.alice.id, his_session)] {
        let fields = [("user_id", &*user.to_string()), ("session_id", &*session.to_string())];
        let answer = scene.admin.post("/api/end_sessions_of", &fields).await;
        assert_eq!(answer.refusal(), (404, "not_found".to_owned()));
    }
    scene.bob.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>();
    // A program's path with one id, its body with the other.
    let tokens = api::tokens_of(&scene.app, &scene.bob).await;
    for (path_id, body_id) in [(own_chat, scene.ids.chat), (scene.ids.chat, own_chat)] {
        let path = format!("/api/v1/chats/{path_id}/messages");
        let body = serde_json::json!({ "text": "hello", "chat_id": body_id.to_string() });
        let request = scene.bob.program("POST".parse().unwrap(), &path, Some(&tokens.signed)).json(&body);
        let answer = Client::send_only(request).await;
        assert!([400, 404].contains(&answer.status), "{}", answer.text());
        let query = format!("{path}?chat_id={body_id}");
        let answer = Client::send_only(scene.bob.program("GET".parse().unwrap(), &query, Some(&tokens.signed))).await;
        scene.assert_tells_nothing(&answer, &path);
    }
    assert_eq!(scene.app.database.dump_of(scene.alice.id.0).await, before);
}

/// Every door, page, file and route of everybody else, with the word itself wherever something could be searched for. In
/// a chat of their own: in one of Alice's, they would be refused before anything is looked for.
async fn x12_a_word_of_alices_is_found_by_nobody_else(setup: Setup) {
    let scene = Scene::new(setup).await;
    for person in [&scene.bob, &scene.admin] {
        let ids = Ids { chat: person.create_chat().await, ..scene.ids.clone() };
        let chats = person.list_chats(None).await.chats;
        assert_eq!(chats.iter().map(|chat| chat.id).collect::<Vec<_>>(), [ids.chat]);
        programs_find_nothing(&scene, person, &ids).await;
        pages_find_nothing(&scene, person, &ids).await;
        // At the end, for one of them ends the session.
        for door in &DOORS {
            let answer = scene.look(door, person, &ids).await;
            assert!([200, 401, 403, 404].contains(&answer.status), "{}: {}", door.path, answer.text());
            scene.assert_tells_no_chat(&answer, door.path);
        }
    }
    // Whoever owns it finds it, at every door that looks for a text.
    for door in DOORS.iter().filter(|door| door.owner == Ok) {
        if (door.fields)(&scene.ids).iter().any(|(name, _)| BY_TEXT.contains(name)) {
            let answer = scene.look(door, &scene.alice, &scene.ids).await;
            assert!(answer.text().contains(WORD), "{}: {}", door.path, answer.text());
        }
    }
}

/// Every list and search of programs, with the word for each thing that their queries may have.
async fn programs_find_nothing(scene: &Scene, person: &Person, ids: &Ids) {
    let document: serde_json::Value = scene.stranger.get("/api/v1/openapi.json").await.ok();
    let tokens = api::tokens_of(&scene.app, person).await;
    for route in ROUTES.iter().filter(|route| route.method == "GET") {
        let queries = route.queried(&document).into_iter().map(|name| format!("?{name}={WORD}"));
        for query in iter::once(String::new()).chain(queries) {
            let path = route.address(ids) + &query;
            let request = person.program("GET".parse().unwrap(), &path, Some(&tokens.signed));
            let answer = Client::send_only(request).await;
            assert!([200, 400, 404, 422].contains(&answer.status), "{path}: {}", answer.text());
            scene.assert_tells_nothing(&answer, &path);
        }
    }
}

/// Every page and file, asked for the word by every name that something is found by.
async fn pages_find_nothing(scene: &Scene, person: &Client, ids: &Ids) {
    let query = |word: &str| crate::support::form(&pairs(&scene.looking_for(word)));
    let (query, other_query) = (query(WORD), query(OTHER_WORD));
    for (pattern, ..) in PAGES {
        let paths = [&scene.ids, ids].map(|ids| pattern.replace("{id}", &ids.of_page(pattern)));
        for path in BTreeSet::from(paths) {
            let answer = person.get(&format!("{path}?{query}")).await;
            // A page shows the reader what they looked for, and nothing that was found by it.
            let control = person.get(&format!("{path}?{other_query}")).await;
            assert_eq!(answer.status, control.status, "{path}");
            let asked = answer.text().matches(WORD).count();
            assert_eq!(asked, control.text().matches(OTHER_WORD).count(), "{path}");
            for id in scene.ids.of_content().map(|id| id.to_string()) {
                assert!(path.contains(&id) || !answer.text().contains(&id), "{path}");
            }
        }
    }
    for (path, ..) in FILES {
        scene.assert_tells_no_chat(&person.get(&format!("{path}?{query}")).await, path);
    }
}

async fn x1_x2_x3_x16_every_server_function_for_every_kind_of_person(setup: Setup) {
    let scene = Scene::new(setup).await;
    let before = scene.app.database.dump_of(scene.alice.id.0).await;
    for door in &DOORS {
        let strangers = [&scene.stranger, &scene.disabled.client];
        for (person, expected) in strangers
            .map(|person| (person, door.stranger))
            .into_iter()
            .chain([(&scene.bob.client, door.other), (&scene.admin.client, door.admin)])
        {
            let answer = call(door, person, &scene.ids).await;
            match expected {
                Ok => assert_eq!(answer.status, 200, "{}: {}", door.path, answer.text()),
                Refused(status) => assert_eq!(answer.status, status, "{}: {}", door.path, answer.text()),
                AsUnknown => {
                    let unknown = Ids { updated_at_ms: scene.ids.updated_at_ms, ..Ids::unknown() };
                    assert_eq!(answer.same(), call(door, person, &unknown).await.same(), "{}", door.path);
                }
            }
            if door.admin == Ok && door.other != Ok && std::ptr::eq(person, &scene.admin.client) {
                scene.assert_tells_no_chat(&answer, door.path);
            } else {
                scene.assert_tells_nothing(&answer, door.path);
            }
            // As a page without a script posts it: the same refusal, and nothing more in it.
            if expected == AsUnknown {
                let answer = person.submit("/chats", door.path, &pairs(&(door.fields)(&scene.ids))).await;
                assert_eq!(answer.status, 303, "{}", door.path);
                assert!(!answer.header("location").contains(&scene.ids.chat.to_string()), "{}", door.path);
            }
        }
    }
    assert_eq!(scene.app.database.dump_of(scene.alice.id.0).await, before);
    assert!(scene.assert_each_denial_is_logged() > DOORS.len());
    for door in &DOORS {
        let answer = call(door, &scene.alice, &scene.ids).await;
        let expected = if let Refused(status) = door.owner { status } else { 200 };
        assert_eq!(answer.status, expected, "{}: {}", door.path, answer.text());
    }
}

async fn x1_x2_x3_every_route_for_programs_for_every_kind_of_person(setup: Setup) {
    let scene = Scene::new(setup).await;
    let (stranger, disabled) = (&scene.stranger, &scene.disabled_tokens);
    let mut others = Vec::new();
    for person in [&scene.bob, &scene.admin] {
        others.push(api::tokens_of(&scene.app, person).await);
    }
    let alices = api::tokens_of(&scene.app, &scene.alice).await;
    let before = scene.app.database.dump_of(scene.alice.id.0).await;
    for route in &ROUTES {
        let nobodies = [None, Some("nonsense"), Some(disabled.signed.as_str()), Some(disabled.personal.as_str())];
        for token in nobodies {
            let answer = route.ask(stranger, token, &scene.ids).await;
            assert_eq!(route.stranger, Refused(answer.status), "{} {token:?}: {}", route.path, answer.text());
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{}", route.path);
            scene.assert_tells_nothing(&answer, route.path);
        }
        for tokens in &others {
            for (token, expected) in [
                (&tokens.signed, route.other),
                (&tokens.personal, if route.personal { route.other } else { Refused(403) }),
            ] {
                let answer = route.ask(stranger, Some(token), &scene.ids).await;
                match expected {
                    Ok => assert!([200, 201].contains(&answer.status), "{}: {}", route.path, answer.text()),
                    Refused(status) => assert_eq!(answer.status, status, "{}: {}", route.path, answer.text()),
                    AsUnknown => {
                        assert_eq!(answer.status, 404, "{}", route.path);
                        let unknown = route.ask(stranger, Some(token), &Ids::unknown()).await;
                        assert_eq!(answer.same(), unknown.same(), "{}", route.path);
                    }
                }
                scene.assert_tells_nothing(&answer, route.path);
            }
        }
    }
    // A cursor with somebody else's id is a place in one's own list.
    let cursor = format!("/api/v1/chats?before_ms={}&before_id=", scene.ids.updated_at_ms + 1_000_000);
    for tokens in &others {
        let mut lists = Vec::new();
        for id in [scene.ids.chat, ChatId(Uuid::now_v7())] {
            let request = stranger.program("GET".parse().unwrap(), &format!("{cursor}{id}"), Some(&tokens.signed));
            lists.push(Client::send_only(request).await);
        }
        scene.assert_tells_nothing(&lists[0], "/api/v1/chats");
        assert_eq!(lists[0].same(), lists[1].same());
    }
    assert_eq!(scene.app.database.dump_of(scene.alice.id.0).await, before);
    assert!(scene.assert_each_denial_is_logged() > ROUTES.len());
    for route in &ROUTES {
        let answer = route.ask(stranger, Some(&alices.signed), &scene.ids).await;
        match route.owner {
            Refused(status) => assert_eq!(answer.status, status, "{}: {}", route.path, answer.text()),
            _ => assert!([200, 201, 204].contains(&answer.status), "{}: {}", route.path, answer.text()),
        }
    }
}

async fn x1_every_page_for_every_kind_of_person(setup: Setup) {
    let scene = Scene::new(setup).await;
    let before = scene.app.database.dump().await;
    for (pattern, stranger, other, admin, owner) in PAGES {
        let path = pattern.replace("{id}", &scene.ids.of_page(pattern));
        let unknown = pattern.replace("{id}", &Uuid::now_v7().to_string());
        for (person, expected) in [
            (&scene.stranger, stranger),
            (&scene.disabled.client, stranger),
            (&scene.bob.client, other),
            (&scene.admin.client, admin),
            (&scene.alice.client, owner),
        ] {
            let answer = person.get(&path).await;
            match expected {
                Ok => assert_eq!(answer.status, 200, "{path}"),
                Refused(status) => assert_eq!(answer.status, status, "{path}"),
                AsUnknown => {
                    assert_eq!(answer.status, StatusCode::NOT_FOUND);
                    assert_eq!(anonymised(&answer, &path), anonymised(&person.get(&unknown).await, &unknown), "{path}");
                }
            }
            if std::ptr::eq(person, &scene.alice.client) {
                continue;
            }
            if pattern.starts_with("/admin") {
                scene.assert_tells_no_chat(&answer, &path);
            } else {
                scene.assert_tells_nothing(&answer, &path);
            }
        }
        // A page of older messages is another door to the same room.
        for person in [&scene.bob, &scene.admin] {
            let answer = person.get(&format!("{path}?before_seq=100&before_ms=1&before_id={}", scene.ids.chat)).await;
            scene.assert_tells_no_chat(&answer, &path);
        }
    }
    assert!(scene.assert_each_denial_is_logged() > 0);
    assert_eq!(scene.app.database.dump().await, before);
}

async fn x1_every_other_route_is_the_same_for_everybody(setup: Setup) {
    let scene = Scene::new(setup).await;
    for (pattern, statuses) in OTHERS {
        let path = pattern.replace("{*unknown}", &format!("unknown/{}", scene.ids.chat));
        let mut answers = Vec::new();
        for person in
            [&scene.stranger, &scene.disabled.client, &scene.bob.client, &scene.admin.client, &scene.alice.client]
        {
            let answer = person.get(&path).await;
            assert!(statuses.contains(&answer.status), "{path}: {}", answer.status);
            scene.assert_tells_nothing(&answer, &path);
            answers.push(answer.same());
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{path}");
    }
}

async fn a3_x18_every_file_for_every_kind_of_person(setup: Setup) {
    let scene = Scene::new(setup).await;
    for (path, stranger, other, admin) in FILES {
        for (person, expected) in [
            (&scene.stranger, stranger),
            (&scene.disabled.client, stranger),
            (&scene.bob.client, other),
            (&scene.alice.client, other),
            (&scene.admin.client, admin),
        ] {
            let answer = person.get(path).await;
            assert_eq!(answer.status, expected, "{path}");
            if !std::ptr::eq(person, &scene.alice.client) {
                scene.assert_tells_no_chat(&answer, path);
            }
        }
    }
}

async fn x1_x2_what_comes_and_goes_of_files_for_every_kind_of_person(setup: Setup) {
    let scene = Scene::new(setup).await;
    let before = scene.app.database.dump_of(scene.alice.id.0).await;
    let mut others = Vec::new();
    for person in [&scene.bob, &scene.admin] {
        let tokens = api::tokens_of(&scene.app, person).await;
        others.extend([
            (&person.client, None),
            (&scene.stranger, Some(tokens.signed)),
            (&scene.stranger, Some(tokens.personal)),
        ]);
    }
    let mut strangers = vec![(&scene.stranger, None), (&scene.disabled.client, None)];
    for token in ["nonsense", &scene.disabled_tokens.signed, &scene.disabled_tokens.personal] {
        strangers.push((&scene.stranger, Some(token.to_owned())));
    }
    for door in &FILE_DOORS {
        for (client, token) in &strangers {
            let answer = door.ask(client, token.as_deref(), &scene.ids).await;
            assert_eq!(answer.status, 401, "{} {}: {}", door.method, door.path, answer.text());
            scene.assert_tells_nothing(&answer, door.path);
        }
        for (client, token) in &others {
            let answer = door.ask(client, token.as_deref(), &scene.ids).await;
            if door.other == AsUnknown {
                assert_eq!(answer.status, 404, "{} {}: {}", door.method, door.path, answer.text());
                let unknown = door.ask(client, token.as_deref(), &Ids::unknown()).await;
                assert_eq!(answer.same(), unknown.same(), "{} {}", door.method, door.path);
            } else {
                assert_eq!(answer.status, door.owner, "{} {}: {}", door.method, door.path, answer.text());
            }
            scene.assert_tells_nothing(&answer, door.path);
        }
    }
    assert_eq!(scene.app.database.dump_of(scene.alice.id.0).await, before);
    assert!(scene.assert_each_denial_is_logged() > FILE_DOORS.len());
    for door in &FILE_DOORS {
        let answer = door.ask(&scene.alice, None, &scene.ids).await;
        assert_eq!(answer.status, door.owner, "{} {}: {}", door.method, door.path, answer.text());
    }
}

async fn x11_every_live_command_for_every_kind_of_person(setup: Setup) {
    let scene = Scene::new(setup).await;
    for person in [&scene.stranger, &scene.disabled.client] {
        assert_eq!(Tab::try_open(person, &[]).await.err(), Some(401));
    }
    for person in [&scene.bob, &scene.admin] {
        for chat_id in [scene.ids.chat, ChatId(Uuid::now_v7())] {
            for after_seq in [i64::MIN, -1, 0, 1, i64::MAX] {
                let mut tab = Tab::open(person).await;
                let watch = LiveCommand::Watch { chat_id, after_seq, last_id: None };
                let look = LiveCommand::Visibility { is_visible: true };
                for command in [watch, look, LiveCommand::Typing { chat_id }, LiveCommand::Unwatch] {
                    tab.command(&command).await;
                }
                tab.until("the refusals", |screen| screen.refused.len() == 2).await;
                // Something that happens on Alice's side is not heard, even by whoever tried to watch.
                scene.alice.create_chat().await;
                let own = person.create_chat().await;
                tab.until("the own chat", |screen| !screen.chats.is_empty()).await;
                assert_eq!(tab.screen.chats.iter().map(|chat| chat.id).collect::<Vec<_>>(), [own]);
                assert_eq!(tab.screen.refused, ["not_found", "not_found"]);
                assert!(tab.screen.messages.is_empty() && tab.screen.progress.is_empty());
                assert!(tab.screen.drafts.is_empty() && tab.screen.typing.is_empty());
            }
        }
    }
    let denied = format!(": denied by=\"{}\" status=404", scene.bob.id);
    assert_eq!(logs::text().lines().filter(|line| line.contains(&denied)).count(), 20);
    let mut tab = Tab::on_chat(&scene.alice, scene.ids.chat).await;
    tab.command(&LiveCommand::Watch { chat_id: scene.ids.chat, after_seq: 0, last_id: None }).await;
    tab.until("the messages", |screen| screen.messages.len() == 4).await;
    assert!(tab.screen.refused.is_empty());
}

async fn x9_x10_nobody_touches_a_running_reply_of_somebody_else(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob, admin) = (app.alice().await, app.bob().await, app.admin().await);
    app.upstream.by_hand();
    let (chat_id, sent) = alice.ask("a question of Alice's").await;
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece("The first half");
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    tab.until("the text", |screen| screen.text_of(sent.reply_id).contains("half")).await;
    let (id, unknown) = (sent.reply_id.to_string(), Uuid::now_v7().to_string());
    for person in [&bob, &admin] {
        for path in ["/api/stop_reply", "/api/retry_reply"] {
            let answer = person.post(path, &[("message_id", &id)]).await;
            assert_eq!(answer.status, 404);
            assert_eq!(answer.same(), person.post(path, &[("message_id", &unknown)]).await.same());
        }
        let mut tab = Tab::open(person).await;
        tab.command(&LiveCommand::Watch { chat_id, after_seq: 0, last_id: None }).await;
        tab.until("the refusal", |screen| screen.refused == ["not_found"]).await;
    }
    assert!(!call.is_gone());
    assert_eq!(app.upstream.asked(), 1);
    call.piece(" and the second.");
    call.done();
    let message = tab.until_end(sent.reply_id).await;
    assert_eq!(crate::support::tab::text(&message), "<p>The first half and the second.</p>");
}

async fn x14_nobody_hears_what_happens_to_somebody_else(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob, admin) = (app.alice().await, app.bob().await, app.admin().await);
    let mut others = [Tab::open(&bob).await, Tab::open(&admin).await];
    let (chat_id, sent) = alice.ask("a question of Alice's").await;
    Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await;
    for (person, tab) in [&bob, &admin].into_iter().zip(&mut others) {
        // What a socket hears first is what its own user does after all that.
        let own = person.create_chat().await;
        tab.until("the own chat", |screen| !screen.chats.is_empty()).await;
        assert_eq!(tab.screen.chats.iter().map(|chat| chat.id).collect::<Vec<_>>(), [own]);
        assert!(tab.screen.progress.is_empty() && tab.screen.resyncs == 0);
    }
}

/// The database itself keeps users apart: every owned table, read and written without any filter, as the role that the
/// server takes.
async fn the_second_wall_shows_nobody_elses_rows(setup: Setup) {
    let scene = Scene::new(setup).await;
    scene.alice.call::<BeginSecondFactor>(&[]).await.ok::<()>();
    scene.alice.post("/api/add_chat_file", &pairs(&file_in_chat(&scene.ids))).await.ok::<()>();
    let sent = scene.alice.send_message(scene.ids.chat, "What is in the file?").await;
    scene.alice.read_reply(scene.ids.chat, &sent).await;
    let database = &scene.app.database;
    let owned = database
        .texts(
            "SELECT table_name::text FROM information_schema.columns \
             WHERE table_schema = 'public' AND column_name = 'user_id' ORDER BY table_name",
        )
        .await;
    assert_eq!(owned, OWNED_TABLES);
    let unforced = "SELECT relname::text FROM pg_class WHERE relname = ANY(ARRAY['chat_message', 'chat_session', \
                    'chat_draft', 'chat_summary', 'login_session', 'notification', 'second_factor', 'access_token', 'user_file', 'file_part', 'file_chunk', 'file_picture', 'chunk_vector', 'message_file', 'chat_file']) AND NOT (relrowsecurity AND relforcerowsecurity)";
    assert!(database.texts(unforced).await.is_empty());
    let before = database.dump_of(scene.alice.id.0).await;
    for table in OWNED_TABLES {
        assert!(database.count(table).await > 0, "{table} has nothing to show");
        let as_bob = [format!("SET LOCAL sardonyx.user_id = '{}'", scene.bob.id), "SELECT 1".to_owned()];
        for scope in as_bob {
            let mut steps = vec!["SET LOCAL ROLE sardonyx_app".to_owned(), scope];
            let foreign = format!("SELECT COUNT(*) FROM {table} WHERE user_id <> '{}'", scene.bob.id);
            assert_eq!(database.number_in(&steps, &foreign).await, 0, "{table}");
            // Changing and deleting everything reaches one's own rows only; giving a row away is refused.
            steps.push(format!("DELETE FROM {table}"));
            assert_eq!(database.number_in(&steps, &foreign).await, 0, "{table}");
            let give = format!("UPDATE {table} SET user_id = '{}'", scene.alice.id);
            assert!(database.is_refused_or_empty(&steps[..2], &give).await, "{table}");
        }
        // The sweeper sees that there are rows, not what is in them.
        let sweeper = ["SET LOCAL ROLE sardonyx_sweeper".to_owned()];
        assert!(database.is_refused_or_empty(&sweeper, &format!("SELECT * FROM {table}")).await, "{table}");
    }
    let text = "SELECT text FROM chat_message";
    assert!(database.is_refused_or_empty(&["SET LOCAL ROLE sardonyx_sweeper".to_owned()], text).await);
    assert_eq!(database.dump_of(scene.alice.id.0).await, before);
    // What people's requests run as reads no provider's key and changes no setting of the site.
    database.execute("INSERT INTO hidden_model (name) VALUES ('openai/hidden')").await;
    let provider = "INSERT INTO provider (id, name, base_url, is_enabled, key_hint) \
                    VALUES ('00000000-0000-4000-8000-000000000000', 'p', 'http://127.0.0.1:1/v1', false, '')";
    database.execute(provider).await;
    let app = ["SET LOCAL ROLE sardonyx_app".to_owned()];
    for sql in
        ["SELECT * FROM provider", "SELECT * FROM hidden_model", "UPDATE site SET name = 'x'", "DELETE FROM site"]
    {
        assert!(database.is_refused_or_empty(&app, sql).await, "{sql}");
    }
    // Neither role can go around it.
    let strong = "SELECT COUNT(*) FROM pg_roles WHERE rolname LIKE 'sardonyx_%' AND (rolsuper OR rolbypassrls)";
    assert_eq!(database.number(strong).await, 0);
}

/// Alice, who has something of every kind, and everybody else.
struct Scene {
    app: TestApp,
    stranger: Client,
    disabled: Person,
    disabled_tokens: api::Tokens,
    bob: Person,
    admin: Person,
    alice: Person,
    ids: Ids,
    /// What nobody but the owner was let in by: the door and the id of the request.
    denied: Mutex<Vec<(String, String)>>,
}

impl Scene {
    async fn new(setup: Setup) -> Self {
        let app =
            TestApp::start(setup.config(|config| config.models.search_model = "openai/test-embedding".to_owned()))
                .await;
        let (alice, bob, admin) = (app.alice().await, app.bob().await, app.admin().await);
        let disabled = app.member("disabled@example.org").await;
        let disabled_tokens = api::tokens_of(&app, &disabled).await;
        app.disable(&disabled).await;
        let stranger = app.anonymous();
        let (chat, first): (ChatId, Sent) = alice.ask("a canary that is Alice's").await;
        let mut tab = Tab::on_chat(&alice, chat).await;
        tab.until_end(first.reply_id).await;
        app.upstream.by_hand();
        let second = alice.send_message(chat, "a canary that failed").await;
        app.upstream.call().await.answer(StatusCode::INTERNAL_SERVER_ERROR);
        tab.until_end(second.reply_id).await;
        app.upstream.answer_with("Another answer.");
        alice.save_draft(chat, "a canary that is not sent", ClientMessageId::random(), 0).await;
        let (database, up_to) = (&app.database, first.reply_id.0);
        let [up_to, of_chat, of_alice] = [up_to, chat.0, alice.id.0].map(|id| database.id(id));
        let columns = "up_to_id, chat_id, user_id, text, model, created_at_ms";
        let values = format!("{up_to}, {of_chat}, {of_alice}, 'a canary of a summary', 'openai/test-model', 0");
        database.execute(&format!("INSERT INTO chat_summary ({columns}) VALUES ({values})")).await;
        let updated_at_ms = alice.open_chat(chat).await.chat.updated_at_ms;
        // From a device that was not seen before: she is told.
        let elsewhere = app.anonymous();
        let fields = crate::support::form(&[("email", &alice.email), ("password", PASSWORD)]);
        let request = elsewhere.form_request("/api/log_in", fields).header("user-agent", "phone/1.0");
        elsewhere.send(request).await.ok::<()>();
        let told: Vec<Notification> = alice.call::<ListNotifications>(&[]).await.ok();
        let session = elsewhere.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>().id;
        let (message, reply, failed) = (first.message_id, first.reply_id, second.reply_id);
        let notification = told[0].id;
        api::make_token(&alice, "a canary token", &["chats_read"]).await;
        let token = alice.post("/api/list_tokens", &[]).await.ok::<AccessTokens>().tokens[0].id;
        let user = alice.id;
        let file = alice.upload("a canary.txt", "a canary in a file").await;
        let picture = alice.upload("a canary.png", png(3, 2)).await;
        // What is read in them is theirs, too, and nothing changes after this.
        app.database.until_read(file).await;
        app.database.until_read(picture).await;
        let upload = file_of(&alice.begin_upload("a canary that is not complete.txt", 5).await);
        let ids = Ids {
            chat,
            message,
            reply,
            failed,
            session,
            user,
            notification,
            token,
            file,
            picture,
            upload,
            updated_at_ms,
        };
        // Asked for once, so that the list of models is the same for all who come.
        alice.post("/api/list_models", &[]).await;
        let denied = Mutex::default();
        Self { app, stranger, disabled, disabled_tokens, bob, admin, alice, ids, denied }
    }

    /// Those who run the site know people and sessions, and no word of a chat.
    fn assert_tells_no_chat(&self, answer: &Answer, door: &str) {
        self.note(answer, door);
        let text = answer.text();
        assert!(!text.contains(WORD), "{door}: {text}");
        for id in self.ids.of_content() {
            assert!(!text.contains(&id.to_string()), "{door}: {text}");
        }
    }

    /// Nothing of Alice's is in an answer that is not for her.
    fn assert_tells_nothing(&self, answer: &Answer, door: &str) {
        self.note(answer, door);
        let text = answer.text();
        assert!(!text.contains(WORD) && !text.contains("alice@"), "{door}: {text}");
        let Ids { message, reply, failed, session, token, file, picture, upload, .. } = &self.ids;
        let of_content = [message.0, reply.0, failed.0, file.0, picture.0, upload.0];
        for id in of_content.into_iter().chain([session.0, token.0, self.alice.id.0]) {
            assert!(!text.contains(&id.to_string()), "{door}: {text}");
        }
    }

    /// What asks for a word in what is Alice's, by every name that something is found by.
    fn looking_for(&self, word: &str) -> Vec<(&'static str, String)> {
        let of_alice = ["owner", "user_id"].map(|name| (name, self.alice.id.to_string()));
        let all = [("limit", "1000000000".to_owned())];
        BY_TEXT.map(|name| (name, word.to_owned())).into_iter().chain(of_alice).chain(all).collect()
    }

    /// Calls a door with the word wherever it could look for one.
    async fn look(&self, door: &Door, person: &Client, ids: &Ids) -> Answer {
        let wanted = self.looking_for(WORD);
        let mut fields = (door.fields)(ids);
        fields.retain(|(name, _)| wanted.iter().all(|(other, _)| name != other));
        fields.extend(wanted);
        person.post(door.path, &pairs(&fields)).await
    }

    fn note(&self, answer: &Answer, door: &str) {
        if [403, 404].contains(&answer.status) {
            self.denied.lock().unwrap().push((door.to_owned(), answer.header("x-request-id").to_owned()));
        }
    }

    /// X2: who was denied something has left one line in the log; gives how many did.
    fn assert_each_denial_is_logged(&self) -> usize {
        let log = logs::text();
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(": denied by=")).collect();
        let denied = self.denied.lock().unwrap();
        for (door, id) in denied.iter() {
            assert_eq!(lines.iter().filter(|line| line.contains(id)).count(), 1, "{door}: {id}");
        }
        denied.len()
    }
}

async fn call(door: &Door, person: &Client, ids: &Ids) -> Answer {
    person.post(door.path, &pairs(&(door.fields)(ids))).await
}

/// Fields as they are sent.
fn pairs<'a>(fields: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    fields.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// A page without what differs each time by its nature, or is the reader's own question.
fn anonymised(answer: &Answer, path: &str) -> (u16, String, String) {
    let policy = answer.header("content-security-policy");
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    let id = path.rsplit('/').next().unwrap();
    // The page's own id for its first message, whatever it is.
    let html = answer.text();
    let own = html
        .split("\\\"")
        .find(|part| part.len() == 36 && Uuid::try_parse(part).is_ok_and(|id| id.get_version_num() == 4));
    let without = |text: &str| text.replace(nonce, "NONCE").replace(id, "ID").replace(own.unwrap_or("-none-"), "OWN");
    let mut headers = answer.same().headers;
    headers.remove("content-length");
    (answer.status, without(&html), without(&format!("{headers:?}")))
}
