//! What the real program needs to run: a database, a model server, a folder; and browsers at it.

use sardonyx::{
    api::session::LogIn,
    domain::{ids::ChatId, message::Sent},
};

use super::{
    Client, Setup, Tab, Upstream,
    canaries::Canaries,
    database::{Kind, TestDatabase, needed},
    eventually,
    people::PASSWORD,
    process::{Ended, Process, run},
    upstream::Call,
};

/// What a program needs to run.
pub struct Site {
    pub database: TestDatabase,
    pub upstream: Upstream,
    pub data: String,
}

impl Site {
    pub async fn new(setup: &Setup) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let database = TestDatabase::create(if setup.is_sqlite() { Kind::Sqlite } else { Kind::Postgres }).await;
        let data = database.folder.display().to_string();
        Self { database, upstream: Upstream::start().await, data }
    }

    pub fn settings(&self) -> Vec<(&str, &str)> {
        vec![
            ("DATABASE_URL", &self.database.url),
            ("SARDONYX_DATA", &self.data),
            ("OPENAI_BASE_URL", self.upstream.url()),
            ("OPENAI_API_KEY", "sk-of-the-tests"),
            ("SARDONYX_MODEL", "test-model"),
            ("SARDONYX_DRAIN_SECONDS", "1"),
        ]
    }

    pub async fn user(&self, arguments: &[&str], input: &str) -> Ended {
        run(&[&["user"], arguments].concat(), &self.settings(), input).await
    }

    /// Has the model say [`HalfWritten::TEXT`], and waits until it is kept.
    pub async fn half_write(&self, sent: Sent) -> Call {
        let mut call = self.upstream.call().await;
        call.begin();
        call.piece(HalfWritten::TEXT);
        let is_kept = async || self.database.message(sent.reply_id.0).await.0 == HalfWritten::TEXT;
        eventually("the checkpoint", is_kept).await;
        call
    }

    pub async fn add_user(&self, email: &str, password: &str) -> Ended {
        self.user(&["add", email, "--password-stdin"], password).await
    }
}

/// A browser that nobody has logged in with.
pub fn anonymous(server: &Process) -> Client {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    Client::new(http, server.addr, Canaries::new())
}

/// Alice's browser.
pub async fn log_in(server: &Process) -> Client {
    let browser = anonymous(server);
    browser.call::<LogIn>(&[("email", "alice@example.org"), ("password", PASSWORD)]).await.ok::<()>();
    browser
}

/// Two servers side by side, and a reply that the first one has half written.
pub struct HalfWritten {
    pub site: Site,
    pub first: Process,
    pub second: Process,
    /// Alice's browser, at the first.
    pub alice: Client,
    /// Her tab on the chat, at the second.
    pub tab: Tab,
    pub chat_id: ChatId,
    pub sent: Sent,
    pub call: Call,
}

impl HalfWritten {
    /// What is written and kept when this gives it.
    pub const TEXT: &str = "The first half of it,";

    pub async fn new(setup: &Setup) -> Self {
        let site = Site::new(setup).await;
        assert!(site.add_user("alice@example.org", PASSWORD).await.status.success());
        let redis = needed("SARDONYX_TEST_REDIS");
        let mut settings = site.settings();
        settings.push(("REDIS_URL", &redis));
        let (first, second) = (Process::start(&settings).await, Process::start(&settings).await);
        let alice = log_in(&first).await;
        site.upstream.by_hand();
        site.upstream.continue_replies(true);
        let chat_id = alice.create_chat().await;
        let tab = Tab::on_chat(&alice.at(second.addr), chat_id).await;
        let sent = alice.send_message(chat_id, "Tell me").await;
        let call = site.half_write(sent).await;
        Self { site, first, second, alice, tab, chat_id, sent, call }
    }
}
