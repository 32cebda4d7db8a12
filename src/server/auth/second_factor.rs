//! The second factor: codes by time (TOTP, RFC 6238: SHA-1, 6 digits, 30 seconds, as every authenticator has it), and ten
//! recovery codes for whoever lost theirs. Every code works once.
//!
//! Recovery codes follow from the secret by a hash, so there is nothing more to keep: whoever has the secret needs none.

use axum::{
    Extension,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use qrcode::{QrCode, render::svg};
use rand::Rng;
use sha2::{Digest, Sha256};
use totp_rs::{Builder, Secret, Totp};

use super::{
    client::Client,
    guard::{Caller, Known},
    session,
    throttle::CODE,
};
use crate::{
    domain::{ids::UserId, second_factor::SecondFactor, site::PRODUCT, user::Password},
    error::{Error, Result},
    server::{
        clock,
        db::{FactorUse, StoredFactor},
        refusal,
        state::AppState,
    },
};

/// 160 bits: RFC 4226 §4, R6.
const SECRET_BYTES: usize = 20;
const RECOVERY_CODES: u32 = 10;
/// Characters that nobody takes for one another; 32 of them.
const RECOVERY_ALPHABET: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";
const RECOVERY_CHARS: usize = 10;

/// Lets somebody pass who has proved their password, if they need no code or have the right one.
///
/// # Errors
/// [`Error::CodeNeeded`] when there is none, [`Error::WrongCode`], [`Error::TooManyAttempts`].
pub async fn check(state: &AppState, client: &Client, user_id: UserId, email: &str, code: &str) -> Result<()> {
    match state.db.find_second_factor(user_id).await? {
        Some(factor) if factor.is_confirmed => check_code(state, client, user_id, email, &factor, code).await,
        _ => Ok(()),
    }
}

/// What somebody's own page may know of it.
///
/// # Errors
/// When the database fails.
pub async fn find(state: &AppState, known: &Known) -> Result<SecondFactor> {
    Ok(match state.db.find_second_factor(known.db.user_id()).await? {
        None => SecondFactor::Off,
        Some(factor) if factor.is_confirmed => {
            SecondFactor::On { recovery_codes_left: RECOVERY_CODES - factor.recovery_used.count_ones() }
        }
        Some(factor) => {
            let recovery_codes = (0..RECOVERY_CODES).map(|place| recovery_code(&factor.secret, place)).collect();
            SecondFactor::Pending { secret: factor.secret, recovery_codes }
        }
    })
}

/// Makes a secret that comes into force with the first code that is made from it.
///
/// # Errors
/// When the database fails.
pub async fn begin(known: &Known) -> Result<()> {
    let secret = Secret::from(&rand::rng().random::<[u8; SECRET_BYTES]>()[..]).to_base32();
    known.db.add_second_factor(secret).await
}

/// Puts it in force, for whoever knows the password and has a code.
///
/// # Errors
/// [`Error::WrongCredentials`], [`Error::WrongCode`], [`Error::TooManyAttempts`]; [`Error::Conflict`] when nothing waits for
/// that.
pub async fn confirm(state: &AppState, client: &Client, known: &Known, password: Password, code: &str) -> Result<()> {
    session::check_password(state, client, known, password).await?;
    let user = known.db.user();
    let factor = state.db.find_second_factor(user.id).await?.filter(|factor| !factor.is_confirmed);
    let factor = factor.ok_or(Error::Conflict)?;
    check_code(state, client, user.id, &user.email, &factor, code).await?;
    known.db.confirm_second_factor().await?;
    tracing::info!(user = %user.id, "a second factor is on");
    Ok(())
}

/// Switches it off, for whoever knows the password and has a code.
///
/// # Errors
/// [`Error::WrongCredentials`], [`Error::CodeNeeded`], [`Error::WrongCode`], [`Error::TooManyAttempts`].
pub async fn switch_off(
    state: &AppState,
    client: &Client,
    known: &Known,
    password: Password,
    code: &str,
) -> Result<()> {
    session::check_password(state, client, known, password).await?;
    let user = known.db.user();
    check(state, client, user.id, &user.email, code).await?;
    known.db.delete_second_factor().await?;
    tracing::info!(user = %user.id, "a second factor is off");
    Ok(())
}

/// The route `/settings/second-factor.svg`: the secret that waits for its first code, for a camera.
pub async fn picture(State(state): State<AppState>, Extension(caller): Extension<Caller>) -> Response {
    match draw(&state, &caller).await {
        Ok(svg) => {
            let mut response = svg.into_response();
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"));
            response
        }
        Err(error) => refusal::json(error),
    }
}

async fn draw(state: &AppState, caller: &Caller) -> Result<String> {
    let user = caller.known()?.db.user();
    let factor = state.db.find_second_factor(user.id).await?.filter(|factor| !factor.is_confirmed);
    let factor = factor.ok_or(Error::NotFound)?;
    let url = totp(&factor.secret, &user.email, &state.site.settings().name)?.to_url().map_err(|_| Error::Internal)?;
    let code = QrCode::new(url.as_bytes()).map_err(|_| Error::Internal)?;
    Ok(code.render::<svg::Color>().min_dimensions(220, 220).build())
}

async fn check_code(
    state: &AppState,
    client: &Client,
    user_id: UserId,
    email: &str,
    factor: &StoredFactor,
    code: &str,
) -> Result<()> {
    let code: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect::<String>().to_lowercase();
    if code.is_empty() {
        return Err(Error::CodeNeeded);
    }
    let attempt = state.throttle.begin(CODE, email, client.address).await?;
    let now_seconds = u64::try_from(clock::now_ms() / 1_000).unwrap_or_default();
    let by_time = totp(&factor.secret, email, PRODUCT)?.check(&code, now_seconds).map(FactorUse::Step);
    let recovery = (0..RECOVERY_CODES).find(|place| recovery_code(&factor.secret, *place).replace('-', "") == code);
    let used = by_time.or(recovery.filter(|_| factor.is_confirmed).map(FactorUse::Recovery));
    match used {
        Some(used) if state.db.use_second_factor(user_id, used).await? => attempt.succeeded().await,
        _ => {
            attempt.failed().await?;
            Err(Error::WrongCode)
        }
    }
}

/// The generator; an authenticator shows it under the names of the site and of the account.
fn totp(secret: &str, email: &str, site: &str) -> Result<Totp> {
    let secret = Secret::try_from_base32(secret).map_err(|_| Error::Internal)?;
    // What separates the two in the address that a camera reads.
    let [name, issuer] = [email, site].map(|text| text.replace(':', " "));
    let builder = Builder::new().with_secret(secret).with_account_name(name).with_issuer(Some(issuer));
    builder.build().map_err(|error| {
        tracing::error!(%error, "a second factor cannot be used");
        Error::Internal
    })
}

fn recovery_code(secret: &str, place: u32) -> String {
    let digest = Sha256::digest(format!("sardonyx recovery code\0{place}\0{secret}"));
    let mut code: String =
        digest.iter().take(RECOVERY_CHARS).map(|byte| char::from(RECOVERY_ALPHABET[usize::from(byte % 32)])).collect();
    code.insert(RECOVERY_CHARS / 2, '-');
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_every_authenticator() {
        // RFC 6238, appendix B, cut to six digits.
        let secret = Secret::from(&b"12345678901234567890"[..]).to_base32();
        let totp = totp(&secret, "alice@example.org", "Acme: Chat").unwrap();
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(totp.check(code, seconds), Some(seconds / 30));
        }
        assert!(totp.check("287083", 59).is_none());
        assert!(totp.to_url().unwrap().starts_with("otpauth://totp/Acme%20%20Chat:alice%40example.org?secret="));
    }

    #[test]
    fn recovery_codes_differ_and_have_no_look_alikes() {
        let codes: std::collections::HashSet<String> = (0..RECOVERY_CODES).map(|n| recovery_code("A", n)).collect();
        assert_eq!(codes.len(), 10);
        assert!(codes.iter().all(|code| code.len() == 11 && !code.contains(['0', '1', 'l', 'o'])));
        assert_ne!(recovery_code("A", 0), recovery_code("B", 0));
    }
}
