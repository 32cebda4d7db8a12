//! How a request arrived at the server: what whoever sets up a proxy needs to see.

use serde::{Deserialize, Serialize};

/// What the server saw of a request, beside what it expects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// The address that people type, as it is set, or as this machine's where it is not.
    pub public_url: String,
    pub is_public_url_set: bool,
    /// The `Host` that came along.
    pub host: String,
    /// Whether that is the public address's.
    pub is_host_public: bool,
    /// The scheme that a proxy says it was asked by, where one says so.
    pub scheme: Option<String>,
    /// Whether that is the public address's, as far as is known.
    pub is_scheme_public: bool,
    /// Where the request seems to come from.
    pub address: String,
    pub forwarded: Forwarded,
}

/// What is known of where a request came from before it met the nearest proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Forwarded {
    /// There seems to be no proxy.
    Direct,
    /// By a trusted proxy, which says whom for.
    Trusted,
    /// By something that says whom for and is not trusted; its address, for those who run the site.
    Untrusted { peer: Option<String> },
    /// The site has TLS, which only a proxy can speak for it, and that one does not say whom for.
    Silent,
}
