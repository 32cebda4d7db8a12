//! Secrets that we give out in links: 256 random bits, kept as a hash only.

use rand::Rng;
use sha2::{Digest, Sha256};

/// A fresh secret: 64 hexadecimal digits.
pub fn new() -> String {
    hex(&rand::rng().random::<[u8; 32]>())
}

/// Whether a text could be one of ours.
pub fn is_well_formed(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The name under which a secret may be kept. No salt and no work: nobody guesses 256 bits.
pub fn hash(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
