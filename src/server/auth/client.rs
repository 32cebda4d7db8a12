//! Where a request comes from.
//!
//! The address is the connection's, unless that is a proxy which the operator trusts: then the right-most address of
//! `X-Forwarded-For` that is no trusted proxy itself. Everything further to the left could be the client's own invention.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::ConnectInfo,
    http::{HeaderMap, header, request::Parts},
};
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Where a request comes from.
#[derive(Clone, Debug)]
pub struct Client {
    /// What the browser calls itself.
    pub device: String,
    pub address: IpAddr,
}

impl Client {
    /// Reads a request's head; `trusted` are the proxies whose word counts.
    pub fn of(parts: &Parts, trusted: &[IpNet]) -> Self {
        let device = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let peer = peer.unwrap_or(IpAddr::from([0, 0, 0, 0])).to_canonical();
        Self { device: device.to_owned(), address: address(&parts.headers, peer, trusted) }
    }
}

fn address(headers: &HeaderMap, peer: IpAddr, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    let mut nearest = peer;
    let hops = headers.get_all(FORWARDED_FOR).iter().rev().filter_map(|value| value.to_str().ok());
    for hop in hops.flat_map(|value| value.rsplit(',')) {
        if !is_trusted(nearest) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(address) => nearest = address.to_canonical(),
            // A proxy that writes what is no address tells nothing further.
            Err(_) => break,
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address_of(forwarded: &[&str], peer: &str, trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        address(&headers, peer.parse().unwrap(), &trusted).to_string()
    }

    #[test]
    fn l7_nobody_is_believed_by_default() {
        assert_eq!(address_of(&["1.2.3.4"], "10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn l7_behind_trusted_proxies_the_right_most_other_hop_counts() {
        let proxies = ["10.0.0.0/8", "fd00::/8"];
        assert_eq!(address_of(&["9.9.9.9, 1.2.3.4"], "10.0.0.1", &proxies), "1.2.3.4");
        assert_eq!(address_of(&["9.9.9.9, 1.2.3.4, 10.0.0.2"], "10.0.0.1", &proxies), "1.2.3.4");
        assert_eq!(address_of(&["9.9.9.9", "1.2.3.4"], "10.0.0.1", &proxies), "1.2.3.4");
        assert_eq!(address_of(&["9.9.9.9, nonsense"], "10.0.0.1", &proxies), "10.0.0.1");
        assert_eq!(address_of(&["1.2.3.4"], "5.6.7.8", &proxies), "5.6.7.8");
        assert_eq!(address_of(&[], "10.0.0.1", &proxies), "10.0.0.1");
        assert_eq!(address_of(&["2001:db8::1"], "fd00::1", &proxies), "2001:db8::1");
    }
}
