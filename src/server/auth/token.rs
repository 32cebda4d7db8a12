//! What programs show: a signed token for a password, which belongs to a session, and personal access tokens.
//!
//! A signed token is worth nothing without its session: the guard asks the database for it with each request. A personal
//! access token is `sdx_<whose it is>_<secret>`; it says whose it is so that it can be looked up as that user's own.

use axum::http::{HeaderMap, header};
use rand::Rng;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    client::Client,
    keys::hex,
    session::{self, Proven},
};
use crate::{
    domain::{
        admin::AuditAction,
        ids::{SessionId, UserId},
        limits,
        token::{Scopes, TokenDays, TokenName},
        user::Password,
    },
    error::{Error, Result},
    server::{
        clock,
        db::{NewAccessToken, NewSession, UserDb},
        state::AppState,
    },
};

/// What every personal access token begins with, so that one that lies around is recognised.
const PREFIX: &str = "sdx_";

/// A signed token, and when it ends.
#[derive(Clone, Debug)]
pub struct Issued {
    pub token: String,
    pub expires_at_ms: i64,
    pub session_id: SessionId,
    pub session_expires_at_ms: i64,
}

/// Checks address, password and second factor, and begins a session for a program.
///
/// # Errors
/// [`Error::WrongCredentials`], [`Error::TooManyAttempts`], [`Error::TokensOff`].
pub async fn begin(
    state: &AppState,
    client: &Client,
    email: &str,
    password: Password,
    name: Option<TokenName>,
    code: Option<&str>,
) -> Result<Issued> {
    let Proven { user_id, email, role } =
        session::prove(state, client, email, password, code.unwrap_or_default()).await?;
    state.site.check_may_make_tokens(role)?;
    let id = SessionId(Uuid::now_v7());
    let expires_at_ms = session::next_expiry_ms(state);
    let (device, address) = (client.device.clone(), client.address.to_string());
    let name = name.map(TokenName::into_string);
    state.db.add_session(user_id, NewSession { id, device, name, address, expires_at_ms }).await?;
    tracing::info!(user = %user_id, session = %id, address = %client.address, "a program logged in");
    state.live.sessions_changed(user_id);
    state.live.notifications_changed(user_id);
    session::audit(state, client, AuditAction::LogIn, &email).await?;
    issue(state, user_id, id, expires_at_ms)
}

/// A signed token for a session that lives.
///
/// # Errors
/// [`Error::Internal`] when it cannot be signed.
pub fn issue(state: &AppState, user_id: UserId, session_id: SessionId, session_expires_at_ms: i64) -> Result<Issued> {
    let expires_at_ms = session_expires_at_ms.min(clock::now_ms() + limits::API_TOKEN_SECONDS * 1_000);
    let token = state.keys.sign(user_id, session_id, expires_at_ms)?;
    Ok(Issued { token, expires_at_ms, session_id, session_expires_at_ms })
}

/// Makes a personal access token and gives its text, which nobody can ever tell again.
///
/// # Errors
/// [`Error::TooMany`], [`Error::TokensOff`].
pub async fn create(state: &AppState, db: &UserDb, name: TokenName, days: TokenDays, scopes: Scopes) -> Result<String> {
    state.site.check_may_make_tokens(db.user().role)?;
    let secret: [u8; 32] = rand::rng().random();
    let text = format!("{PREFIX}{}_{}", db.user_id().0.simple(), hex(&secret));
    db.add_token(NewAccessToken { name, token_hash: hash(&text), scopes, days }).await?;
    tracing::info!(user = %db.user_id(), "a personal access token was made");
    Ok(text)
}

/// Whose a personal access token says it is; none when it is no such token at all.
pub fn owner(text: &str) -> Option<UserId> {
    let (owner, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let id = Uuid::try_parse(owner).ok().filter(|id| id.simple().to_string() == owner)?;
    (secret.len() == 64).then_some(UserId(id))
}

/// The name under which a personal access token is kept.
pub fn hash(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// What a request shows in its `Authorization` header, when that is a bearer token. Any other scheme, a proxy's for
/// example, is not ours.
///
/// # Errors
/// [`Error::Token`] when there are two, or one that nobody can have been given.
pub fn shown(headers: &HeaderMap) -> Result<Option<String>> {
    let mut tokens = headers.get_all(header::AUTHORIZATION).iter().filter_map(|value| {
        let (scheme, token) = value.as_bytes().split_at_checked("bearer".len())?;
        let is_whole = token.first().is_none_or(u8::is_ascii_whitespace);
        (scheme.eq_ignore_ascii_case(b"bearer") && is_whole).then_some(token)
    });
    let Some(token) = tokens.next() else { return Ok(None) };
    let token = std::str::from_utf8(token).map_err(|_| Error::Token)?.trim();
    let is_possible = !token.is_empty()
        && token.len() <= limits::TOKEN_BYTES_MAX
        && token.bytes().all(|byte| byte.is_ascii_graphic());
    if is_possible && tokens.next().is_none() { Ok(Some(token.to_owned())) } else { Err(Error::Token) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_of(values: &[&'static str]) -> Result<Option<String>> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("authorization", value.parse().unwrap());
        }
        shown(&headers)
    }

    #[test]
    fn a_bearer_token_is_found_however_its_scheme_is_spelled() {
        for value in ["Bearer abc", "bearer abc", "BEARER   abc "] {
            assert_eq!(shown_of(&[value]), Ok(Some("abc".to_owned())), "{value}");
        }
        assert_eq!(shown_of(&["Basic abc", "Bearer abc"]), Ok(Some("abc".to_owned())));
        for value in ["Basic abc", "Bearerabc", "abc"] {
            assert_eq!(shown_of(&[value]), Ok(None), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_a_token_is_refused() {
        assert_eq!(shown_of(&[]), Ok(None));
        for values in [&["Bearer"][..], &["Bearer "], &["Bearer a b"], &["Bearer a", "Bearer b"]] {
            assert_eq!(shown_of(values), Err(Error::Token), "{values:?}");
        }
    }

    #[test]
    fn a_personal_access_token_says_whose_it_is() {
        let (id, secret) = (Uuid::from_u128(7), "0".repeat(64));
        assert_eq!(owner(&format!("sdx_{}_{secret}", id.simple())), Some(UserId(id)));
        for text in [
            format!("sdx_{id}_{secret}"),
            format!("sdx_{}_{secret}0", id.simple()),
            format!("sdx_{}", id.simple()),
            format!("SDX_{}_{secret}", id.simple()),
            "sdx__".to_owned(),
            String::new(),
        ] {
            assert_eq!(owner(&text), None, "{text}");
        }
    }
}
