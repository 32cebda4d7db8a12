//! Where a provider may be: any host that the operator's network reaches, this machine included, but never a link-local
//! address, for that is where clouds keep the credentials of their machines.
//!
//! One parser for checking and for asking (the URL's), and what a name resolves to is checked when it is connected to.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

use crate::{
    domain::limits,
    error::{Error, InvalidInput},
};

/// Reads an address as typed.
///
/// # Errors
/// [`InvalidInput::ProviderUrl`].
pub fn parse(text: &str) -> Result<Url, Error> {
    let text = text.trim();
    // What parsers disagree about is refused before one of them has mended it.
    let has_host = text.split_once("://").is_some_and(|(_, rest)| !rest.starts_with('/'));
    let is_plain = has_host
        && text.chars().count() <= limits::PROVIDER_URL_CHARS_MAX
        && !text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\');
    let url = Url::parse(text).ok().filter(|url| is_plain && check(url).is_ok());
    url.filter(|url| url.as_str().len() <= limits::PROVIDER_URL_CHARS_MAX).ok_or(InvalidInput::ProviderUrl.into())
}

/// Whether a provider may be there, as far as the address itself tells. Asked again whenever one is connected.
///
/// # Errors
/// What is wrong with it, after the setting's name.
pub fn check(url: &Url) -> Result<(), &'static str> {
    if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
        return Err("must be an http or https address");
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("must have no user, password, query or fragment");
    }
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    match host.parse::<IpAddr>() {
        Ok(address) if is_forbidden(address) => Err("must not be a link-local address"),
        _ => Ok(()),
    }
}

/// The server that an address leads to: a key that was given for one is never shown to another.
pub fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Resolves names and leaves out what may not be connected to.
pub struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| !is_forbidden(address.ip())).collect();
            if allowed.is_empty() {
                return Err(io::Error::other("the name leads to no address that may be connected to").into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

/// Link-local addresses and the metadata service at a private one, also in the forms that carry IPv4 inside IPv6.
fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_unicast_link_local()
                || address == METADATA_V6
                || carried_v4(address).is_some_and(|address| address.is_link_local())
        }
    }
}

const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254);

/// The IPv4 address inside: mapped, compatible, NAT64, 6to4.
fn carried_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match s {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => v4(high, low),
        [0, 0, 0, 0, 0xffff, 0, high, low] => v4(high, low),
        [0x0064, 0xff9b, .., high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u5_an_address_is_read_one_way_or_not_at_all() {
        for text in [
            "https://api.openai.com/v1",
            "http://127.0.0.1:11434/v1",
            "http://[::1]:8000/v1",
            "http://ollama.internal/v1/",
            "https://10.0.0.7:8443/openai/v1",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "models",
            "ftp://models.example/v1",
            "file:///etc/passwd",
            "gopher://models.example/",
            "http://allowed@127.0.0.1/",
            "http://:secret@models.example/",
            "http://127.0.0.1\\@allowed/",
            "http://127.0.0.1#@allowed",
            "http://models.example/v1?key=1",
            "http://models.example/v1#",
            "http://mod\tels.example/v1",
            "http://models.example/\nv1",
            "http://",
            "http:///v1",
            "http:models.example/v1",
            &format!("http://models.example/{}", "x".repeat(500)),
            &format!("http://models.example/{}", "ä".repeat(200)),
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn u2_a_link_local_address_is_refused_in_every_form() {
        for host in [
            "169.254.169.254",
            "169.254.0.1",
            "2852039166",
            "0xa9.254.169.254",
            "0xA9FEA9FE",
            "0251.0376.0251.0376",
            "169.254.43518",
            "169.254.169.254.",
            "[fe80::1]",
            "[febf::1]",
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "[::169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:a9fe:a9fe::1]",
            "[fd00:ec2::254]",
        ] {
            assert!(parse(&format!("http://{host}/v1")).is_err(), "{host}");
        }
    }

    #[tokio::test]
    async fn u4_u6_a_name_is_checked_by_what_it_resolves_to() {
        let resolve = async |name: &str| Resolver.resolve(name.parse().unwrap()).await.map(Iterator::count);
        assert!(resolve("localhost").await.is_ok_and(|count| count > 0));
        // An address is a name that resolves to itself.
        assert!(resolve("169.254.169.254").await.is_err());
        assert!(resolve("127.0.0.1").await.is_ok());
    }

    #[test]
    fn u7_another_scheme_host_or_port_is_another_server() {
        let of = |text: &str| origin(&parse(text).unwrap());
        assert_eq!(of("https://Models.example/v1"), of("https://models.example:443/v2/"));
        for other in ["http://models.example/v1", "https://models.example:444/v1", "https://models.example./v1"] {
            assert_ne!(of("https://models.example/v1"), of(other), "{other}");
        }
    }
}
