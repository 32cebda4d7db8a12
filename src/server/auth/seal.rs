//! Secrets that the database keeps sealed: it holds nothing that opens them.
//!
//! Sealed with a key that follows from the operator's secret, and bound to what they are for: moved to another row, or
//! used for another purpose, they do not open.

use rand::Rng;
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
};

use super::keys::Keys;
use crate::error::{Error, Result};

/// How a sealed secret begins: which way it was sealed.
const VERSION: u8 = 1;

/// The key for sealing that follows from a secret.
pub(super) fn sealing_key(secret: &str) -> LessSafeKey {
    let derived = Salt::new(HKDF_SHA256, b"sardonyx sealed secrets").extract(secret.as_bytes());
    let key = derived.expand(&[b"aes-256-gcm"], &AES_256_GCM).map(UnboundKey::from);
    LessSafeKey::new(key.expect("a hash is long enough for one key"))
}

impl Keys {
    /// Seals a text for a purpose.
    ///
    /// # Errors
    /// [`Error::Internal`] when there is no key.
    pub fn seal(&self, purpose: &str, text: &str) -> Result<Vec<u8>> {
        let key = self.sealing().next().ok_or(Error::Internal)?;
        let nonce: [u8; NONCE_LEN] = rand::rng().random();
        let mut sealed = text.as_bytes().to_vec();
        let aad = Aad::from(purpose.as_bytes());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .map_err(|_| Error::Internal)?;
        Ok([&[VERSION][..], &nonce, &sealed].concat())
    }

    /// Opens what was sealed for this purpose with one of the operator's secrets; none when it was not.
    pub fn unseal(&self, purpose: &str, sealed: &[u8]) -> Option<String> {
        let (nonce, sealed) = sealed.strip_prefix(&[VERSION])?.split_first_chunk::<NONCE_LEN>()?;
        self.sealing().find_map(|key| {
            let mut opened = sealed.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let text = key.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut opened).ok()?;
            String::from_utf8(text.to_vec()).ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "an old secret of at least 32 characters";
    const NEW: &str = "a new secret of at least thirty-two characters";

    #[test]
    fn u9_what_is_sealed_opens_for_its_purpose_and_with_its_secret_only() {
        let keys = Keys::new(NEW, &[]);
        let sealed = keys.seal("provider 1", "sk-canary").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"canary"));
        assert_ne!(sealed, keys.seal("provider 1", "sk-canary").unwrap());
        assert_eq!(keys.unseal("provider 1", &sealed).as_deref(), Some("sk-canary"));
        assert_eq!(keys.unseal("provider 2", &sealed), None);
        assert_eq!(Keys::new(OLD, &[]).unseal("provider 1", &sealed), None);
        for at in 0..sealed.len() {
            let mut broken = sealed.clone();
            broken[at] ^= 1;
            assert_eq!(keys.unseal("provider 1", &broken), None, "{at}");
            assert_eq!(keys.unseal("provider 1", &sealed[..at]), None, "{at}");
        }
    }

    #[test]
    fn a_replaced_secret_still_opens_as_long_as_it_is_listed() {
        let sealed = Keys::new(OLD, &[]).seal("p", "text").unwrap();
        assert_eq!(Keys::new(NEW, &[OLD.to_owned()]).unseal("p", &sealed).as_deref(), Some("text"));
    }
}
