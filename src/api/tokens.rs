//! Personal access tokens, for programs.

use leptos::prelude::*;

use crate::{domain::token::AccessTokens, error::Error};

/// The tokens, the newest first; right after a plain form made one, also that one's text.
#[server(name = ListTokens, prefix = "/api", endpoint = "list_tokens")]
pub async fn list_tokens() -> Result<AccessTokens, Error> {
    use crate::server::{auth::token, request};
    let db = request::user()?;
    let new_token = match request::take_new_token()? {
        // Only what was really made for this user is shown: anybody can put a cookie into their own browser.
        Some(text) if db.has_token(&token::hash(&text)).await? => Some(text),
        _ => None,
    };
    let may_make = request::state()?.site.check_may_make_tokens(db.user().role).is_ok();
    Ok(AccessTokens { tokens: db.list_tokens().await?, new_token, may_make })
}

/// Makes a token and gives its text, which nobody can ever show again.
///
/// # Errors
/// [`Error::Invalid`]; [`Error::TokensOff`]; [`Error::TooMany`] when there are too many tokens.
#[server(name = CreateToken, prefix = "/api", endpoint = "create_token")]
pub async fn create_token(
    name: String,
    days: String,
    chats_read: Option<String>,
    chats_write: Option<String>,
    files_read: Option<String>,
    files_write: Option<String>,
) -> Result<String, Error> {
    use crate::{
        domain::{
            next::TOKENS_PATH,
            token::{Scope, Scopes, TokenDays, TokenName},
        },
        server::{auth::token, request},
    };
    let db = request::user()?;
    let (name, days) = (TokenName::parse(&name)?, TokenDays::parse(&days)?);
    let ticked = [chats_read, chats_write, files_read, files_write];
    let scopes =
        Scope::ALL.into_iter().zip(ticked).filter(|(_, ticked)| ticked.as_deref().is_some_and(|it| !it.is_empty()));
    let text = token::create(&request::state()?, &db, name, days, Scopes::of(scopes.map(|(scope, _)| scope))?).await?;
    request::hand_over_token(&text)?;
    request::show(TOKENS_PATH);
    Ok(text)
}

/// Makes a token worth nothing, at once.
///
/// # Errors
/// [`Error::NotFound`] when there is no such token, or it is somebody else's.
#[server(name = RevokeToken, prefix = "/api", endpoint = "revoke_token")]
pub async fn revoke_token(token_id: String) -> Result<(), Error> {
    use crate::{domain::next::TOKENS_PATH, server::request};
    let db = request::user()?;
    if !db.delete_token(token_id.parse()?).await? {
        return Err(Error::NotFound);
    }
    request::show(TOKENS_PATH);
    Ok(())
}
