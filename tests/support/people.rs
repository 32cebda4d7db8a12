//! People with an account, each with a browser in which they are logged in.

use std::ops::Deref;

use sardonyx::{
    api::session::{FindCurrentSession, LogIn},
    domain::{
        ids::UserId,
        session::CurrentSession,
        user::{Email, Password, Role},
    },
};
use tokio::sync::OnceCell;

use super::{Client, TestApp};

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery";

/// Somebody who is logged in.
#[derive(Clone)]
pub struct Person {
    pub client: Client,
    pub id: UserId,
    pub email: String,
}

impl Deref for Person {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Person {
    /// The same person in the same browser, at another server of the site.
    pub fn at(&self, app: &TestApp) -> Self {
        Self { client: self.client.at(app.addr), ..self.clone() }
    }
}

impl TestApp {
    pub async fn alice(&self) -> Person {
        self.member("alice@example.org").await
    }

    pub async fn bob(&self) -> Person {
        self.member("bob@example.org").await
    }

    pub async fn admin(&self) -> Person {
        self.add_account("admin@example.org", Role::Admin).await;
        self.log_in("admin@example.org").await
    }

    /// Somebody new, logged in.
    pub async fn member(&self, email: &str) -> Person {
        self.add_account(email, Role::Member).await;
        self.log_in(email).await
    }

    /// An account with everybody's password.
    pub async fn add_account(&self, email: &str, role: Role) {
        // Hashed once for all tests: it is meant to cost something.
        static HASH: OnceCell<String> = OnceCell::const_new();
        let password = || Password::parse(PASSWORD.to_owned()).unwrap();
        let hash = HASH.get_or_init(async || self.state.passwords.hash(password()).await.unwrap()).await;
        let email = Email::parse(email).unwrap();
        self.state.db.add_account_as_operator(&email, hash.clone(), role).await.unwrap();
    }

    /// The account can no longer be used.
    pub async fn disable(&self, person: &Person) {
        self.state.db.disable_account_as_operator(&Email::parse(&person.email).unwrap()).await.unwrap();
    }

    /// Logs in with a new browser.
    pub async fn log_in(&self, email: &str) -> Person {
        let client = self.anonymous();
        client.call::<LogIn>(&[("email", email), ("password", PASSWORD)]).await.ok::<()>();
        let user = client.call::<FindCurrentSession>(&[]).await.ok::<CurrentSession>().user;
        Person { client, id: user.id, email: email.to_owned() }
    }
}
