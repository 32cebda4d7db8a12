//! The keys that tokens of the API are signed with, from the operator's secret. What is sealed with it: `seal`.
//!
//! One algorithm, HS256, whatever a token's head says. A secret that was replaced is still believed, under its own key id,
//! as long as the operator lists it. The JWT library brings RSA and elliptic curves along with either of its backends; here
//! it is given the one thing that it needs.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path, sync::Once};

use hmac::{Hmac, Mac};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, EncodingKey, Header, Validation,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::ErrorKind,
};
use rand::Rng;
use ring::aead::LessSafeKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use signature::{Signer, Verifier};
use uuid::Uuid;

use super::seal::sealing_key;
use crate::{
    domain::{
        ids::{SessionId, UserId},
        limits,
    },
    error::{Error, Result},
    server::{clock, config::SecretConfig},
};

const ISSUER: &str = "sardonyx";
/// The secret's file in the data folder.
const SECRET_FILE: &str = "secret";

/// Signs and checks tokens: the first key signs, all of them check.
pub struct Keys(Vec<Key>);

struct Key {
    id: String,
    signing: EncodingKey,
    checking: DecodingKey,
    sealing: LessSafeKey,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    iss: String,
    /// Whose it is.
    pub sub: UserId,
    /// The session that it belongs to.
    pub sid: SessionId,
    /// Tells two tokens of one moment apart.
    jti: Uuid,
    /// Seconds since 1970 (UTC), as the standard has it.
    iat: i64,
    pub exp: i64,
}

impl Keys {
    /// The operator's secret, else the one in the data folder, which is made when it is not there.
    ///
    /// # Errors
    /// A line that names the setting or the file, and what is wrong with it.
    pub fn load(config: &SecretConfig, data: &Path) -> std::result::Result<Self, String> {
        let current = match &config.secret {
            Some(secret) => secret.clone(),
            None => read_or_make(&data.join(SECRET_FILE))?,
        };
        Ok(Self::new(&current, &config.secret_previous))
    }

    pub(super) fn new(current: &str, previous: &[String]) -> Self {
        install();
        Self(std::iter::once(current).chain(previous.iter().map(String::as_str)).map(Key::of).collect())
    }

    /// What secrets are sealed with: the first one seals, all of them open.
    pub(super) fn sealing(&self) -> impl Iterator<Item = &LessSafeKey> {
        self.0.iter().map(|key| &key.sealing)
    }

    /// A token for a session, until then.
    ///
    /// # Errors
    /// [`Error::Internal`] when it cannot be signed.
    pub fn sign(&self, user_id: UserId, session_id: SessionId, expires_at_ms: i64) -> Result<String> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: user_id,
            sid: session_id,
            jti: Uuid::new_v4(),
            iat: clock::now_ms() / 1_000,
            exp: expires_at_ms / 1_000,
        };
        self.sign_claims(&claims)
    }

    fn sign_claims(&self, claims: &Claims) -> Result<String> {
        let key = self.0.first().ok_or(Error::Internal)?;
        let header = Header { kid: Some(key.id.clone()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, claims, &key.signing).map_err(|error| {
            tracing::error!(%error, "a token could not be signed");
            Error::Internal
        })
    }

    /// What a token says, if one of the keys has signed it and its time is not up. Whether its session still lives is for
    /// the database to say.
    ///
    /// # Errors
    /// [`Error::Token`].
    pub fn check(&self, token: &str) -> Result<Claims> {
        let key_id = jsonwebtoken::decode_header(token).map_err(|_| Error::Token)?.kid;
        let key = self.0.iter().find(|key| Some(&key.id) == key_id.as_ref()).ok_or(Error::Token)?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        let token = jsonwebtoken::decode::<Claims>(token, &key.checking, &validation).map_err(|_| Error::Token)?;
        Ok(token.claims)
    }
}

impl Key {
    fn of(secret: &str) -> Self {
        // The operator's secret may serve for other things, too; what is learnt of one tells nothing of another.
        let key = Sha256::digest([b"sardonyx api token\0", secret.as_bytes()].concat());
        let id = Sha256::digest([b"sardonyx api token id\0", secret.as_bytes()].concat());
        Self {
            id: hex(&id[..8]),
            signing: EncodingKey::from_secret(&key),
            checking: DecodingKey::from_secret(&key),
            sealing: sealing_key(secret),
        }
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The secret in a file that only its owner may read. Servers that start together make one.
fn read_or_make(path: &Path) -> std::result::Result<String, String> {
    let explain = |error: std::io::Error| format!("{}: the secret cannot be kept there: {error}", path.display());
    if !path.exists() {
        let secret: [u8; 32] = rand::rng().random();
        let whole = path.with_added_extension(Uuid::new_v4().simple().to_string());
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&whole).map_err(explain)?;
        let written = file.write_all(hex(&secret).as_bytes()).and_then(|()| file.sync_all());
        // A link instead of a new name: it does not take the place of one that somebody else was quicker to make.
        let linked = written.and_then(|()| match fs::hard_link(&whole, path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        });
        let _ = fs::remove_file(&whole);
        linked.map_err(explain)?;
    }
    let secret = fs::read_to_string(path).map_err(explain)?;
    let secret = secret.trim();
    if secret.chars().count() < limits::SECRET_CHARS_MIN {
        return Err(format!(
            "{}: the secret in it is shorter than {} characters",
            path.display(),
            limits::SECRET_CHARS_MIN
        ));
    }
    Ok(secret.to_owned())
}

static HS256: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| match (algorithm, key.family()) {
        (Algorithm::HS256, AlgorithmFamily::Hmac) => Ok(Box::new(Hs256(key.as_bytes().to_vec()))),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    verifier_factory: |algorithm, key| match (algorithm, key.family()) {
        (Algorithm::HS256, AlgorithmFamily::Hmac) => Ok(Box::new(Hs256(key.try_get_as_bytes()?.to_vec()))),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    key_utils: KeyUtils::new_unimplemented(),
};

fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| _ = HS256.install_default());
}

/// The one algorithm, with its key.
struct Hs256(Vec<u8>);

impl Hs256 {
    fn begin(&self, message: &[u8]) -> std::result::Result<Hmac<Sha256>, signature::Error> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(signature::Error::from_source)?;
        mac.update(message);
        Ok(mac)
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, signature::Error> {
        Ok(self.begin(message)?.finalize().into_bytes().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), signature::Error> {
        // In constant time, and the whole of it.
        self.begin(message)?.verify_slice(signature).map_err(signature::Error::from_source)
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const OLD: &str = "an old secret of at least 32 characters";
    const NEW: &str = "a new secret of at least thirty-two characters";

    fn ids() -> (UserId, SessionId) {
        (UserId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)))
    }

    fn signed(keys: &Keys) -> String {
        keys.sign(ids().0, ids().1, clock::now_ms() + 60_000).unwrap()
    }

    /// A token with another part in the place of one of its three.
    fn with_part(token: &str, at: usize, json: &str) -> String {
        let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
        parts[at] = base64_url(json.as_bytes());
        parts.join(".")
    }

    fn base64_url(bytes: &[u8]) -> String {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
        let groups = bits.as_bytes().chunks(6).map(|group| format!("{:0<6}", String::from_utf8_lossy(group)));
        groups.map(|group| char::from(DIGITS[usize::from_str_radix(&group, 2).unwrap()])).collect()
    }

    #[test]
    fn a_token_says_whose_it_is_and_of_which_session() {
        let keys = Keys::new(NEW, &[]);
        let claims = keys.check(&signed(&keys)).unwrap();
        assert_eq!((claims.sub, claims.sid), ids());
        assert_ne!(signed(&keys), signed(&keys));
    }

    #[test]
    fn a_replaced_secret_is_believed_as_long_as_it_is_listed_and_signs_nothing() {
        let (old, new) = (Keys::new(OLD, &[]), Keys::new(NEW, &[OLD.to_owned()]));
        assert!(new.check(&signed(&old)).is_ok());
        assert!(old.check(&signed(&new)).is_err());
        assert!(Keys::new(NEW, &[]).check(&signed(&old)).is_err());
    }

    #[test]
    fn a_token_that_is_over_or_was_changed_is_not_believed() {
        let keys = Keys::new(NEW, &[]);
        let over = keys.sign(ids().0, ids().1, clock::now_ms() - 2_000).unwrap();
        assert_eq!(keys.check(&over), Err(Error::Token));
        let token = signed(&keys);
        let (head, _) = token.rsplit_once('.').unwrap();
        for broken in [
            String::new(),
            "a.b.c".to_owned(),
            head.to_owned(),
            format!("{head}."),
            format!("{token}A"),
            token[..token.len() - 1].to_owned(),
            format!("{token}.{token}"),
        ] {
            assert_eq!(keys.check(&broken), Err(Error::Token), "{broken}");
        }
        let claims = r#"{"iss":"sardonyx","sub":"00000000-0000-0000-0000-000000000009","exp":99999999999}"#;
        assert_eq!(keys.check(&with_part(&token, 1, claims)), Err(Error::Token));
    }

    #[test]
    fn a_tokens_head_does_not_choose_the_algorithm() {
        let keys = Keys::new(NEW, &[]);
        let (token, id) = (signed(&keys), keys.0[0].id.clone());
        for algorithm in ["none", "None", "HS384", "HS512", "RS256", "ES256", ""] {
            let head = format!(r#"{{"typ":"JWT","alg":"{algorithm}","kid":"{id}"}}"#);
            assert_eq!(keys.check(&with_part(&token, 0, &head)), Err(Error::Token), "{algorithm}");
        }
        let without_key = with_part(&token, 0, r#"{"typ":"JWT","alg":"HS256"}"#);
        assert_eq!(keys.check(&without_key), Err(Error::Token));
    }

    #[test]
    fn what_a_token_must_say_it_must_say() {
        let keys = Keys::new(NEW, &[]);
        let claims = keys.check(&signed(&keys)).unwrap();
        let foreign = Claims { iss: "somebody else".to_owned(), ..claims };
        assert_eq!(keys.check(&keys.sign_claims(&foreign).unwrap()), Err(Error::Token));
    }

    #[test]
    fn a_secret_is_made_once_for_its_owner_alone() {
        let folder = std::env::temp_dir().join(format!("sardonyx-keys-{}", Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        let config = SecretConfig { secret: None, secret_previous: Vec::new() };
        let (first, second) = (Keys::load(&config, &folder).unwrap(), Keys::load(&config, &folder).unwrap());
        assert!(second.check(&signed(&first)).is_ok());
        assert_eq!(fs::metadata(folder.join("secret")).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::write(folder.join("secret"), "short").unwrap();
        assert!(Keys::load(&config, &folder).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
