//! What a person and their own pages may know of their second factor.

use serde::{Deserialize, Serialize};

/// The second factor of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    Off,
    /// A secret is there and waits for the first code made from it. It and the recovery codes are shown only now.
    Pending {
        /// Base32 (RFC 4648), for those who cannot scan.
        secret: String,
        recovery_codes: Vec<String>,
    },
    On {
        recovery_codes_left: u32,
    },
}
