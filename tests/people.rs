//! Those who run the site: what they may do, what follows from it at once, and what they may not see.

use futures::future::join_all;
use sardonyx::{
    api::{
        account::{DeleteAccount, MeasureStored, SavePreferences},
        admin::{
            ChangeAccount, EndSessionsOf, InvitePerson, ListAudit, ListLiveSessions, ListPeople, MakePasswordLink,
        },
        links::{AcceptLink, CheckLink},
        models::ListModels,
        session::{FindCurrentSession, LogIn},
    },
    domain::{
        admin::{AuditPage, LinkPurpose, LiveSession, PersonPage},
        ids::ClientMessageId,
        limits,
        live::{CloseReason, LiveEvent},
        model::ModelList,
        preferences::{Language, Theme},
        session::{CurrentSession, SessionEnd},
        stored::{Stored, StoredSort},
        user::Role,
    },
    server::clock,
};

use crate::support::{Answer, Person, Setup, Tab, TestApp, eventually, form, people::PASSWORD, soon};

crate::on_both_databases![
    a2_nobody_makes_themselves_what_they_are_not,
    a3_a5_a_role_counts_from_the_next_request,
    a6_of_two_admins_who_demote_each_other_one_remains,
    a6_the_last_admin_stays_one,
    a7_a_link_for_a_new_password_ends_all_sessions_and_works_once,
    a8_an_administrator_reads_nobodys_chats,
    a9_old_entries_of_the_log_go_and_others_stay,
    a9_the_log_says_who_did_what_and_from_where,
    a10_an_invitation_makes_one_account_with_the_role_it_was_made_for,
    a11_nobody_signs_up_by_themselves,
    a14_whoever_takes_a_deleted_persons_address_sees_nothing_of_theirs,
    x21_whoever_deletes_their_account_leaves_nothing_and_others_everything,
    x21_all_that_is_ones_own_is_downloaded_whole,
    a15_people_are_listed_by_pages_and_without_secrets,
    a16_what_a_deleted_person_has_under_way_stops,
    a_disabled_person_is_out_everywhere_and_comes_back,
    everybodys_sessions_are_seen_and_ended,
    preferences_are_kept_and_heard_of_in_every_tab,
];

async fn a2_nobody_makes_themselves_what_they_are_not(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice) = (app.admin().await, app.alice().await);
    let wishes = [("role", "admin"), ("is_admin", "1"), ("status", "active"), ("permissions", "all"), ("id", "1")];
    let account = "SELECT role FROM user_account WHERE email = 'alice@example.org'";
    let with = |fields: &[(&'static str, &str)]| {
        let fields: Vec<(&str, &str)> = fields.iter().chain(&wishes).copied().collect();
        form(&fields)
    };
    let likes = [("display_name", "Ada"), ("theme", "dark"), ("language", "de"), ("default_model", "")];
    let password = [("current_password", PASSWORD), ("new_password", PASSWORD)];
    for (path, body) in [
        ("/api/save_preferences", with(&likes)),
        ("/api/change_password", with(&password)),
        ("/api/renew_session", with(&[("password", PASSWORD)])),
        ("/api/log_in", with(&[("email", "alice@example.org"), ("password", PASSWORD)])),
    ] {
        alice.send(alice.form_request(path, body)).await.ok::<()>();
        assert_eq!(app.database.text(account).await, "member", "{path}");
        assert_eq!(list(&alice, "").await.status, 403, "{path}");
    }
    // Nor for others, nor back into an account that is closed.
    let fields = [("user_id", &*alice.id.to_string()), ("change", "make_admin")];
    assert_eq!(alice.call::<ChangeAccount>(&fields).await.refusal(), (403, "forbidden".to_owned()));
    change(&admin, &alice, "disable").await.ok::<()>();
    let body = with(&[("email", "alice@example.org"), ("password", PASSWORD)]);
    assert_eq!(alice.send(alice.form_request("/api/log_in", body)).await.status, 401);
    assert_eq!(app.database.text(&account.replace("role", "status")).await, "disabled");
}

async fn a3_a5_a_role_counts_from_the_next_request(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice) = (app.admin().await, app.alice().await);
    assert_eq!(list(&alice, "").await.refusal(), (403, "forbidden".to_owned()));
    let mut tab = Tab::open(&alice).await;
    change(&admin, &alice, "make_admin").await.ok::<()>();
    soon("the news", async { while tab.next().await != Some(LiveEvent::AccountChanged) {} }).await;
    list(&alice, "").await.ok::<PersonPage>();
    change(&admin, &alice, "make_member").await.ok::<()>();
    assert_eq!(list(&alice, "").await.status, 403);
    assert_eq!(change(&alice, &admin, "disable").await.status, 403);
    assert_eq!(change(&admin, &alice, "make_king").await.status, 422);
}

async fn a6_of_two_admins_who_demote_each_other_one_remains(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, other) = (app.admin().await, app.alice().await);
    for round in 0..20 {
        app.database.execute("UPDATE user_account SET role = 'admin', status = 'active'").await;
        let what = ["make_member", "disable"][round % 2];
        let answers = join_all([change(&admin, &other, what), change(&other, &admin, what)]).await;
        let left = "SELECT COUNT(*) FROM user_account WHERE role = 'admin' AND status = 'active'";
        assert_eq!(app.database.number(left).await, 1, "{answers:?}");
        if what == "disable" {
            let sessions = "UPDATE login_session SET end_reason = NULL, epoch = \
                            (SELECT session_epoch FROM user_account WHERE user_account.id = login_session.user_id)";
            app.database.execute(sessions).await;
        }
    }
}

async fn a6_the_last_admin_stays_one(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice) = (app.admin().await, app.alice().await);
    for what in ["make_member", "disable", "delete"] {
        assert_eq!(change(&admin, &admin, what).await.refusal(), (409, "last_admin".to_owned()), "{what}");
    }
    // One who cannot log in is not one who runs the site.
    change(&admin, &alice, "make_admin").await.ok::<()>();
    change(&admin, &alice, "disable").await.ok::<()>();
    assert_eq!(change(&admin, &admin, "make_member").await.status, 409);
    change(&admin, &alice, "enable").await.ok::<()>();
    change(&admin, &admin, "make_member").await.ok::<()>();
    assert_eq!(list(&admin, "").await.status, 403);
}

async fn a7_a_link_for_a_new_password_ends_all_sessions_and_works_once(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice) = (app.admin().await, app.alice().await);
    let mut tab = Tab::open(&alice).await;
    let make = async || {
        let answer = admin.call::<MakePasswordLink>(&[("user_id", &alice.id.to_string())]).await;
        token(&answer.ok::<String>())
    };
    let (first, second) = (make().await, make().await);
    // A newer one takes an older one's place.
    assert_eq!(accept(&app, &first).await.refusal(), (403, "one_time_link".to_owned()));
    let purpose: LinkPurpose = app.anonymous().call::<CheckLink>(&[("token", &second)]).await.ok();
    assert_eq!((purpose.email.as_str(), purpose.is_invitation), ("alice@example.org", false));
    let answers = join_all((0..20).map(|_| accept(&app, &second))).await;
    let taken = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(taken, 1);
    assert!(answers.iter().all(|answer| [200, 403, 429, 503].contains(&answer.status)));
    let changed = CloseReason::SessionEnded(SessionEnd::PasswordChanged);
    assert_eq!(tab.until_closed().await, (Some(changed), Some(1008)));
    assert_eq!(alice.call::<FindCurrentSession>(&[]).await.refusal(), (401, "password_changed".to_owned()));
    let fields = |password| [("email", "alice@example.org"), ("password", password)];
    assert_eq!(app.anonymous().call::<LogIn>(&fields(PASSWORD)).await.status, 401);
    app.anonymous().call::<LogIn>(&fields(NEW_PASSWORD)).await.ok::<()>();
}

async fn a8_an_administrator_reads_nobodys_chats(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice) = (app.admin().await, app.alice().await);
    let token = crate::api::tokens_of(&app, &admin).await.signed;
    let (chat_id, sent) = alice.ask("a canary that is only Alice's").await;
    alice.read_reply(chat_id, &sent).await;
    let before = app.database.dump_of(alice.id.0).await;
    let (chat, reply) = (chat_id.to_string(), sent.reply_id.to_string());
    let send = [("chat_id", &*chat), ("text", "hello"), ("client_message_id", "0199c0de-0000-4000-8000-000000000001")];
    for (path, fields) in [
        ("/api/open_chat", &[("chat_id", &*chat)][..]),
        ("/api/list_messages", &[("chat_id", &*chat), ("before_seq", "9")]),
        ("/api/send_message", &send),
        ("/api/retry_reply", &[("message_id", &*reply)]),
        ("/api/stop_reply", &[("message_id", &*reply)]),
    ] {
        assert_eq!(admin.post(path, fields).await.refusal(), (404, "not_found".to_owned()), "{path}");
    }
    assert_eq!(admin.get(&format!("/chats/{chat}")).await.status, 404);
    for path in [format!("/api/v1/chats/{chat}"), format!("/api/v1/chats/{chat}/messages")] {
        let request = admin.program(reqwest::Method::GET, &path, Some(&token));
        assert_eq!(crate::support::Client::send_only(request).await.status, 404, "{path}");
    }
    for path in ["/settings/data.json", "/admin/audit.csv", "/admin", "/admin/sessions", "/admin/audit", "/chats"] {
        assert!(!admin.get(path).await.text().contains("canary"), "{path}");
    }
    assert_eq!(app.database.dump_of(alice.id.0).await, before);
}

async fn a9_old_entries_of_the_log_go_and_others_stay(setup: Setup) {
    let app = TestApp::start(setup).await;
    let admin = app.admin().await;
    let uuid_of = |at_ms: i64, n: u128| uuid::Uuid::from_u128((u128::from(at_ms.unsigned_abs()) << 80) | (7 << 76) | n);
    let day_ms = 24 * 3_600_000;
    // More than one batch that is a year and a day old, and one that is a day younger than a year.
    let many = limits::AUDIT_ENTRIES_REMOVED_MAX + 5;
    let mut rows = Vec::new();
    for n in 0..=many {
        let days = if n == many { 364 } else { 366 };
        let at_ms = clock::now_ms() - days * day_ms;
        let id = app.database.id(uuid_of(at_ms, u128::from(n)));
        rows.push(format!("({id}, {at_ms}, '', 'log_in_failed', 'old-{days}@example.org', '127.0.0.1')"));
    }
    let insert =
        format!("INSERT INTO audit_entry (id, at_ms, actor, action, subject, address) VALUES {}", rows.join(","));
    assert_eq!(app.database.execute(&insert).await, many + 1);
    let kept = app.database.count("audit_entry").await - many as i64;
    // Kept for ever, where that is wanted.
    assert_eq!(app.state.db.delete_old_audit_entries(0).await, Ok(0));
    // A server sweeps when it starts.
    let app = app.restart().await;
    eventually("the sweep", async || app.database.count("audit_entry").await == kept).await;
    let admin = admin.at(&app);
    let fields = [("who", "old-"), ("action", "")];
    let entries = admin.call::<ListAudit>(&fields).await.ok::<AuditPage>().entries;
    assert_eq!(entries.iter().map(|entry| entry.subject.as_str()).collect::<Vec<_>>(), ["old-364@example.org"]);
    // And what was just done is there.
    assert!(
        !admin.call::<ListAudit>(&[("who", "admin@"), ("action", "log_in")]).await.ok::<AuditPage>().entries.is_empty()
    );
}

async fn a9_the_log_says_who_did_what_and_from_where(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice) = (app.admin().await, app.alice().await);
    app.anonymous().call::<LogIn>(&[("email", "=cmd@example.org"), ("password", "wrong")]).await;
    change(&admin, &alice, "disable").await.ok::<()>();
    let show = async |who: &str, action: &str| {
        let answer = admin.call::<ListAudit>(&[("who", who), ("action", action)]).await;
        answer.ok::<AuditPage>().entries
    };
    let newest = &show("", "").await[0];
    assert_eq!(
        (newest.actor.as_str(), newest.action.as_str(), newest.subject.as_str(), newest.address.as_str()),
        ("admin@example.org", "account_disabled", "alice@example.org", "127.0.0.1")
    );
    let failed = &show("", "log_in_failed").await[0];
    assert_eq!((failed.actor.as_str(), failed.subject.as_str()), ("", "=cmd@example.org"));
    assert!(show("alice@", "log_in").await.iter().all(|entry| entry.actor == "alice@example.org"));
    assert!(show("nobody-at-all", "").await.is_empty());
    assert_eq!(admin.call::<ListAudit>(&[("who", ""), ("action", "made_up")]).await.status, 422);
    let long = "x".repeat(limits::SEARCH_CHARS_MAX + 1);
    assert_eq!(admin.call::<ListAudit>(&[("who", &long), ("action", "")]).await.status, 422);
    // F15: as a file, and no cell a formula.
    let answer = admin.get("/admin/audit.csv").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/csv; charset=utf-8"));
    assert!(answer.header("content-disposition").starts_with("attachment"));
    assert!(answer.text().contains(",'=cmd@example.org,"), "{}", answer.text());
    assert_eq!(show("", "").await[0].action, "audit_exported");
    // No password is in it, whoever typed it wherever.
    assert!(!answer.text().contains(PASSWORD));
}

async fn a10_an_invitation_makes_one_account_with_the_role_it_was_made_for(setup: Setup) {
    let app = TestApp::start(setup).await;
    let admin = app.admin().await;
    let invite = async |email: &str, role: &str| admin.call::<InvitePerson>(&[("email", email), ("role", role)]).await;
    assert_eq!(invite("admin@example.org", "member").await.refusal(), (409, "conflict".to_owned()));
    assert_eq!(invite("not an address", "member").await.status, 422);
    assert_eq!(invite("new@example.org", "king").await.status, 422);
    let first = token(&invite("New@Example.org", "admin").await.ok::<String>());
    let second = token(&invite("new@example.org", "member").await.ok::<String>());
    for wrong in ["", "null", &"0".repeat(64), &first] {
        assert_eq!(accept(&app, wrong).await.refusal(), (403, "one_time_link".to_owned()), "{wrong}");
    }
    assert!(app.anonymous().get(&format!("/welcome?token={second}")).await.text().contains("new@example.org"));
    let short = app.anonymous().call::<AcceptLink>(&[("token", &second), ("password", "short")]).await;
    assert_eq!(short.status, 422);
    // A role in the form changes nothing (X17, A2).
    let browser = app.anonymous();
    let fields = [("token", second.as_str()), ("password", NEW_PASSWORD), ("role", "admin")];
    browser.call::<AcceptLink>(&fields).await.ok::<()>();
    let current: CurrentSession = browser.call::<FindCurrentSession>(&[]).await.ok();
    assert_eq!((current.user.email.as_str(), current.user.role), ("new@example.org", Role::Member));
    assert_eq!(accept(&app, &second).await.status, 403);
    // One that is too old.
    let third = token(&invite("late@example.org", "member").await.ok::<String>());
    app.database.execute("UPDATE one_time_link SET expires_at_ms = 1").await;
    assert_eq!(accept(&app, &third).await.status, 403);
}

async fn a11_nobody_signs_up_by_themselves(setup: Setup) {
    let app = TestApp::start(setup).await;
    app.admin().await;
    let stranger = app.anonymous();
    let fields = [("email", "me@example.org"), ("password", NEW_PASSWORD), ("token", ""), ("role", "admin")];
    for path in ["/api/sign_up", "/api/register", "/api/create_account", "/api/add_user", "/api/v1/users"] {
        assert_eq!(stranger.post(path, &fields).await.status, 404, "{path}");
    }
    for path in ["/signup", "/sign-up", "/register"] {
        assert_eq!(stranger.get(path).await.status, 404, "{path}");
    }
    // The ways there are need a link that somebody made.
    for token in ["", "null", &"0".repeat(64)] {
        let fields = [("token", token), ("email", "me@example.org"), ("password", NEW_PASSWORD)];
        assert_eq!(stranger.post("/api/create_first_account", &fields).await.refusal(), (403, "setup_link".to_owned()));
        assert_eq!(stranger.post("/api/accept_link", &fields).await.refusal(), (403, "one_time_link".to_owned()));
    }
    let invite = stranger.call::<InvitePerson>(&[("email", "me@example.org"), ("role", "admin")]).await;
    assert_eq!(invite.refusal(), (401, "not_logged_in".to_owned()));
    assert_eq!(app.database.texts("SELECT email FROM user_account").await, ["admin@example.org"]);
}

async fn a14_whoever_takes_a_deleted_persons_address_sees_nothing_of_theirs(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice, bob) = (app.admin().await, app.alice().await, app.bob().await);
    alice.ask("a secret of Alice's").await;
    let (_, kept) = bob.ask("something of Bob's").await;
    change(&admin, &alice, "delete").await.ok::<()>();
    assert_eq!(alice.call::<FindCurrentSession>(&[]).await.status, 401);
    // X21: nothing of hers is left, everything of his.
    assert!(app.database.dump_of(alice.id.0).await.is_empty());
    assert_eq!(app.database.message(kept.message_id.0).await.0, "something of Bob's");
    let again = app.alice().await;
    assert_ne!(again.id, alice.id);
    assert!(again.list_chats(None).await.chats.is_empty());
    assert_eq!(change(&admin, &alice, "enable").await.status, 404);
}

async fn x21_whoever_deletes_their_account_leaves_nothing_and_others_everything(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice, bob) = (app.admin().await, app.alice().await, app.bob().await);
    alice.ask("a secret of Alice's").await;
    let (chat_id, sent) = bob.ask("something of Bob's").await;
    bob.read_reply(chat_id, &sent).await;
    let phone = app.log_in("alice@example.org").await;
    let mut tab = Tab::open(&phone).await;
    let bobs = app.database.dump_of(bob.id.0).await;
    let delete = async |person: &Person, password| person.call::<DeleteAccount>(&[("password", password)]).await;
    assert_eq!(delete(&alice, "a wrong one").await.refusal(), (401, "wrong_credentials".to_owned()));
    assert_eq!(delete(&admin, PASSWORD).await.refusal(), (409, "last_admin".to_owned()));
    delete(&alice, PASSWORD).await.ok::<()>();
    assert!(app.database.dump_of(alice.id.0).await.is_empty());
    assert_eq!(app.database.dump_of(bob.id.0).await, bobs);
    assert_eq!(tab.until_closed().await, (Some(CloseReason::SessionEnded(SessionEnd::LoggedOut)), Some(1008)));
    assert_eq!(phone.call::<FindCurrentSession>(&[]).await.status, 401);
    let fields = [("email", "alice@example.org"), ("password", PASSWORD)];
    assert_eq!(app.anonymous().call::<LogIn>(&fields).await.status, 401);
}

async fn x21_all_that_is_ones_own_is_downloaded_whole(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let (of_bob, _) = bob.ask("a canary of Bob's").await;
    bob.save_draft(of_bob, "a canary that is not sent", ClientMessageId::random(), 0).await;
    app.upstream.answer_with("An \"answer\" with } and ] in it.");
    let mut chats = Vec::new();
    for n in 0..3 {
        let (chat_id, sent) = alice.ask(&format!("Question {n}")).await;
        Tab::on_chat(&alice, chat_id).await.until_end(sent.reply_id).await;
        chats.push((chat_id, sent.reply_id));
    }
    let (chat_id, reply_id) = chats[0];
    let (draft, summary) = ("Grüße", "They spoke of \"Übung\".");
    // Of one that was emptied, nothing is left.
    for (chat_id, text) in [(chat_id, draft), (chats[1].0, "emptied"), (chats[1].0, "")] {
        alice.save_draft(chat_id, text, ClientMessageId::random(), 0).await;
    }
    let [up_to, of_chat, of_alice] = [reply_id.0, chat_id.0, alice.id.0].map(|id| app.database.id(id));
    let columns = "up_to_id, chat_id, user_id, text, model, created_at_ms";
    let values = format!("{up_to}, {of_chat}, {of_alice}, '{summary}', 'openai/test-model', 0");
    app.database.execute(&format!("INSERT INTO chat_summary ({columns}) VALUES ({values})")).await;
    alice.create_chat().await;
    bob.upload("a canary.txt", "of Bob's").await;
    let file_id = alice.upload("a \"name\".txt", "content").await;
    app.database.until_read(file_id).await;
    let answer = alice.get("/settings/data.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert!(!answer.text().contains("canary") && !answer.text().contains("argon2"));
    let data: serde_json::Value = answer.ok();
    assert_eq!(data["account"]["email"], "alice@example.org");
    assert_eq!(data["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(data["files"].as_array().unwrap().len(), 1);
    assert_eq!(data["files"][0]["name"], "a \"name\".txt");
    assert_eq!(data["files"][0]["content"], format!("/files/{file_id}/content"));
    let stored: Vec<Stored> = alice.call::<MeasureStored>(&[]).await.ok();
    let of =
        |what| stored.iter().find(|stored| stored.what == what).map(|stored| (stored.count, stored.bytes)).unwrap();
    assert_eq!(of(StoredSort::Chats), (4, None));
    assert_eq!(of(StoredSort::Messages), (6, Some(3 * 10 + 3 * 31)));
    assert_eq!(of(StoredSort::Drafts), (1, Some(draft.len() as u64)));
    assert_eq!(of(StoredSort::Summaries), (1, Some(summary.len() as u64)));
    assert_eq!(of(StoredSort::Files), (1, Some(7)));
    assert_eq!(of(StoredSort::FileTexts), (1, Some("content\n".len() as u64)));
    assert_eq!(of(StoredSort::Sessions), (1, None));
    let exported = data["chats"].as_array().unwrap();
    assert_eq!(exported.len(), 4);
    assert_eq!(exported[0]["draft"], draft);
    assert_eq!(exported[0]["summaries"][0]["text"], summary);
    for (n, (chat_id, _)) in chats.iter().enumerate() {
        assert_eq!(exported[n]["id"], chat_id.to_string());
        assert_eq!(exported[n]["messages"][0]["text"], format!("Question {n}"));
        assert_eq!(exported[n]["messages"][1]["text"], "An \"answer\" with } and ] in it.");
    }
    assert!(exported[3]["messages"].as_array().unwrap().is_empty());
}

async fn a15_people_are_listed_by_pages_and_without_secrets(setup: Setup) {
    let app = TestApp::start(setup).await;
    let admin = app.admin().await;
    for n in 0..limits::PEOPLE_PER_PAGE {
        app.add_account(&format!("person-{n:03}@example.org"), Role::Member).await;
    }
    let first = list(&admin, "").await;
    assert!(!first.text().contains("argon2"));
    let first: PersonPage = first.ok();
    assert_eq!(first.people.len() as u64, limits::PEOPLE_PER_PAGE);
    assert_eq!(first.people[0].email, "admin@example.org");
    assert_eq!(first.people[0].sessions, 1);
    let after = first.next.unwrap();
    let second = admin.call::<ListPeople>(&[("search", ""), ("after", &after)]).await.ok::<PersonPage>();
    assert_eq!((second.people.len(), second.next), (1, None));
    assert_eq!(list(&admin, "PERSON-01").await.ok::<PersonPage>().people.len(), 10);
    // I10: what means something to a database means nothing here.
    for text in ["%", "_", "'", "\"", "\\", "*", "' OR 1=1 --"] {
        assert!(list(&admin, text).await.ok::<PersonPage>().people.is_empty(), "{text}");
    }
}

async fn a16_what_a_deleted_person_has_under_way_stops(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice) = (app.admin().await, app.alice().await);
    app.upstream.by_hand();
    let (chat_id, _) = alice.ask("Tell me").await;
    let mut call = app.upstream.call().await;
    call.begin();
    call.piece("The first half");
    let mut tab = Tab::on_chat(&alice, chat_id).await;
    change(&admin, &alice, "delete").await.ok::<()>();
    let ended = CloseReason::SessionEnded(SessionEnd::RevokedByAdmin);
    assert_eq!(tab.until_closed().await, (Some(ended), Some(1008)));
    call.gone().await;
    assert!(app.database.dump_of(alice.id.0).await.is_empty());
}

async fn a_disabled_person_is_out_everywhere_and_comes_back(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice) = (app.admin().await, app.alice().await);
    let chat_id = alice.create_chat().await;
    let mut tab = Tab::open(&alice).await;
    change(&admin, &alice, "disable").await.ok::<()>();
    let ended = CloseReason::SessionEnded(SessionEnd::RevokedByAdmin);
    assert_eq!(tab.until_closed().await, (Some(ended), Some(1008)));
    assert_eq!(alice.get("/chats").await.header("location"), "/login?next=%2Fchats&reason=session_revoked_by_admin");
    let fields = [("email", "alice@example.org"), ("password", PASSWORD)];
    assert_eq!(app.anonymous().call::<LogIn>(&fields).await.refusal(), (401, "wrong_credentials".to_owned()));
    change(&admin, &alice, "enable").await.ok::<()>();
    // The old session stays over; what is theirs is still there.
    assert_eq!(alice.call::<FindCurrentSession>(&[]).await.status, 401);
    let back = app.log_in("alice@example.org").await;
    assert_eq!(back.list_chats(None).await.chats[0].id, chat_id);
}

async fn everybodys_sessions_are_seen_and_ended(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (admin, alice) = (app.admin().await, app.alice().await);
    let phone = app.log_in("alice@example.org").await;
    let sessions: Vec<LiveSession> = admin.call::<ListLiveSessions>(&[]).await.ok();
    assert_eq!(sessions.len(), 3);
    let phone_id = phone.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>().id.to_string();
    let mut tab = Tab::open(&phone).await;
    let (user_id, of_phone) = (alice.id.to_string(), ("session_id", phone_id.as_str()));
    admin.call::<EndSessionsOf>(&[("user_id", &user_id), of_phone]).await.ok::<()>();
    let ended = CloseReason::SessionEnded(SessionEnd::RevokedByAdmin);
    assert_eq!(tab.until_closed().await, (Some(ended), Some(1008)));
    alice.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>();
    assert_eq!(admin.call::<EndSessionsOf>(&[("user_id", &user_id), of_phone]).await.status, 404);
    admin.call::<EndSessionsOf>(&[("user_id", &user_id)]).await.ok::<()>();
    assert_eq!(alice.call::<FindCurrentSession>(&[]).await.status, 401);
    assert_eq!(admin.call::<ListLiveSessions>(&[]).await.ok::<Vec<LiveSession>>().len(), 1);
}

async fn preferences_are_kept_and_heard_of_in_every_tab(setup: Setup) {
    let app = TestApp::start(setup).await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let phone = app.log_in("alice@example.org").await;
    let (mut tab, models) = (Tab::open(&phone).await, alice.call::<ListModels>(&[]).await.ok::<ModelList>());
    let other_model = models.models.iter().find(|name| Some(*name) != models.default.as_ref()).unwrap();
    let save = async |name: &str, theme: &str, language: &str, model: &str| {
        let fields = [("display_name", name), ("theme", theme), ("language", language), ("default_model", model)];
        alice.call::<SavePreferences>(&fields).await
    };
    save(" Ada ", "dark", "de", other_model.as_str()).await.ok::<()>();
    soon("the news", async { while tab.next().await != Some(LiveEvent::AccountChanged) {} }).await;
    let likes = phone.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>().user.preferences;
    assert_eq!((likes.display_name.as_str(), likes.theme, likes.language), ("Ada", Theme::Dark, Language::German));
    assert!(!likes.tells_new_device);
    assert_eq!(phone.call::<ListModels>(&[]).await.ok::<ModelList>().default.as_ref(), Some(other_model));
    assert!(phone.get("/chats").await.text().contains("data-theme=\"dark\""));
    assert!(bob.get("/chats").await.text().contains("data-theme=\"system\""));
    // A new chat asks that model.
    app.upstream.by_hand();
    alice.ask("Hello").await;
    assert_eq!(app.upstream.call().await.body["model"], other_model.model());
    // U10, R10: what is no choice is none.
    for (name, theme, language, model) in [
        ("x".repeat(81).as_str(), "dark", "de", ""),
        ("Ada", "\"><script>", "de", ""),
        ("Ada", "dark", "xx", ""),
        ("Ada", "dark", "de", "nonsense"),
    ] {
        assert_eq!(save(name, theme, language, model).await.status, 422);
    }
}

const NEW_PASSWORD: &str = "quartz vein 77";

async fn list(person: &Person, search: &str) -> Answer {
    person.call::<ListPeople>(&[("search", search)]).await
}

async fn change(by: &Person, whom: &Person, what: &str) -> Answer {
    by.call::<ChangeAccount>(&[("user_id", &whom.id.to_string()), ("change", what)]).await
}

async fn accept(app: &TestApp, token: &str) -> Answer {
    app.anonymous().call::<AcceptLink>(&[("token", token), ("password", NEW_PASSWORD)]).await
}

/// The secret in a link.
fn token(link: &str) -> String {
    link.split_once("?token=").unwrap().1.to_owned()
}
