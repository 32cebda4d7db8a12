//! What the real program needs to run: a database, a model server, a folder; and browsers at it.

use sardonyx::api::session::LogIn;

use super::{
    Client, Setup, Upstream,
    canaries::Canaries,
    database::{Kind, TestDatabase},
    people::PASSWORD,
    process::{Ended, Process, run},
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
