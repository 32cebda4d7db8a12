//! What of a request a proxy has changed, for the self-test at `/settings/connection`.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::ConnectInfo,
    http::{HeaderMap, header, request::Parts},
};

use super::{auth::client::Client, state::AppState};
use crate::domain::{
    arrival::{Arrival, Forwarded},
    limits,
    user::Role,
};

/// How this request arrived, as much of it as its sender may know.
pub fn of(state: &AppState, parts: &Parts, role: Role) -> Arrival {
    let public_url = state.origins.base_url().to_owned();
    let (scheme_wanted, host_wanted) = public_url.split_once("://").unwrap_or_default();
    let host = shown(&parts.headers, header::HOST.as_str()).unwrap_or_default();
    let scheme = shown(&parts.headers, "x-forwarded-proto");
    Arrival {
        is_public_url_set: state.config.public_url.is_some(),
        // Without one, any name of this machine will do.
        is_host_public: host == host_wanted || state.origins.names().any(|name| name == host),
        is_scheme_public: scheme.as_deref().is_none_or(|scheme| scheme == scheme_wanted),
        address: Client::of(parts, &state.config.trusted_proxies).address.to_string(),
        forwarded: forwarded(state, parts, role),
        host,
        scheme,
        public_url,
    }
}

fn forwarded(state: &AppState, parts: &Parts, role: Role) -> Forwarded {
    let peer: Option<IpAddr> = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
    let is_trusted = peer.is_some_and(|peer| state.config.trusted_proxies.iter().any(|net| net.contains(&peer)));
    match (parts.headers.contains_key("x-forwarded-for"), is_trusted) {
        (true, true) => Forwarded::Trusted,
        (true, false) => {
            Forwarded::Untrusted { peer: peer.filter(|_| role == Role::Admin).map(|peer| peer.to_string()) }
        }
        (false, _) if state.origins.is_https() => Forwarded::Silent,
        (false, _) => Forwarded::Direct,
    }
}

/// A header as it came, so far as it can be shown.
fn shown(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?;
    Some(text.chars().take(limits::HEADER_SHOWN_CHARS_MAX).collect())
}
