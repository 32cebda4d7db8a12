//! Who calls, and whether they may: the one place that checks what a token allows.

use std::marker::PhantomData;

use axum::{extract::FromRequestParts, http::request::Parts};

use super::Refusal;
use crate::{
    domain::token::Scope,
    error::{Error, Result},
    server::{
        auth::guard::{Program, Shown},
        db::UserDb,
        state::AppState,
    },
};

/// Somebody who may do what a route needs.
pub struct Caller<N> {
    pub shown: Shown,
    need: PhantomData<N>,
}

/// What a route needs of its caller.
pub trait Need {
    /// # Errors
    /// [`Error::Scope`] when what was shown does not allow it.
    fn check(shown: &Shown) -> Result<()>;
}

/// Anything that says who it is.
pub struct Anything;
/// The scope `chats:read`.
pub struct ChatsRead;
/// The scope `chats:write`.
pub struct ChatsWrite;
/// The scope `files:read`.
pub struct FilesRead;
/// The scope `files:write`.
pub struct FilesWrite;
/// A session: a personal access token has no say over those.
pub struct OwnSession;
/// A signed token. Not a cookie: a page's script must never come by a token.
pub struct SignedToken;

impl Need for Anything {
    fn check(_: &Shown) -> Result<()> {
        Ok(())
    }
}

impl Need for ChatsRead {
    fn check(shown: &Shown) -> Result<()> {
        shown.check(Scope::ChatsRead)
    }
}

impl Need for ChatsWrite {
    fn check(shown: &Shown) -> Result<()> {
        shown.check(Scope::ChatsWrite)
    }
}

impl Need for FilesRead {
    fn check(shown: &Shown) -> Result<()> {
        shown.check(Scope::FilesRead)
    }
}

impl Need for FilesWrite {
    fn check(shown: &Shown) -> Result<()> {
        shown.check(Scope::FilesWrite)
    }
}

impl Need for OwnSession {
    fn check(shown: &Shown) -> Result<()> {
        shown.session().map(|_| ())
    }
}

impl Need for SignedToken {
    fn check(shown: &Shown) -> Result<()> {
        if matches!(shown, Shown::Signed(_)) { Ok(()) } else { Err(Error::Scope) }
    }
}

impl<N> Caller<N> {
    /// The caller's own part of the database.
    pub fn db(&self) -> &UserDb {
        self.shown.db()
    }
}

impl<N: Need> FromRequestParts<AppState> for Caller<N> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Refusal> {
        let shown = *parts.extensions.get::<Program>().ok_or(Error::Internal)?.0.clone()?;
        N::check(&shown)?;
        Ok(Self { shown, need: PhantomData })
    }
}
