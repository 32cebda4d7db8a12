//! Who may call: the cross-site check in front of everything that changes something, and of live
//! connections.
//!
//! Server functions have none of their own, and `SameSite` alone does not stop a sibling site. The rule (OWASP CSRF
//! prevention): `Sec-Fetch-Site`, which every current browser sends and no page can forge, must say `same-origin`; without
//! it, `Origin` must be there; and whenever `Origin` is there it must be exactly ours.
//!
//! Programs have no pages. What they ask of their API passes when it does not go by a cookie: a browser adds nothing to such
//! a request that another site does not know itself.

use std::{net::SocketAddr, str::FromStr};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::Response,
};
use reqwest::Url;

use super::{auth::token, refusal};
use crate::error::Error;

/// The address that people type: scheme, host, port, nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    is_https: bool,
}

impl PublicUrl {
    /// The origin in the form that browsers send.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether cookies can be `Secure`.
    pub fn is_https(&self) -> bool {
        self.is_https
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("not an address: {error}"))?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err("must begin with http:// or https://".to_owned());
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return Err("must be a scheme, a host and perhaps a port, without a path".to_owned());
        }
        Ok(Self { origin: url.origin().ascii_serialization(), is_https: url.scheme() == "https" })
    }
}

/// The origins whose pages may act: the public one, or, where none is configured, this machine under its own names.
#[derive(Clone, Debug)]
pub struct Origins {
    allowed: Vec<String>,
    is_https: bool,
}

impl Origins {
    /// The origins for a server at `addr`.
    pub fn new(public_url: Option<&PublicUrl>, addr: SocketAddr) -> Self {
        match public_url {
            Some(url) => Self { allowed: vec![url.origin().to_owned()], is_https: url.is_https() },
            None => Self {
                allowed: ["127.0.0.1", "localhost", "[::1]"]
                    .iter()
                    .filter_map(|host| Url::parse(&format!("http://{host}:{}", addr.port())).ok())
                    .map(|url| url.origin().ascii_serialization())
                    .collect(),
                is_https: false,
            },
        }
    }

    /// The address for links that leave this server, such as the set-up link.
    pub fn base_url(&self) -> &str {
        self.allowed.first().map_or("", String::as_str)
    }

    /// Host and port of each of the addresses.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.allowed.iter().filter_map(|origin| origin.split_once("://")).map(|(_, name)| name)
    }

    /// Whether cookies can be `Secure`.
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// Whether a request with these headers comes from one of our own pages.
    pub fn allows(&self, headers: &HeaderMap) -> bool {
        let one = |name: header::HeaderName| {
            let mut values = headers.get_all(name).iter();
            match (values.next(), values.next()) {
                (None, _) => Ok(None),
                (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
                (Some(_), Some(_)) => Err(()),
            }
        };
        let (Ok(origin), Ok(fetch_site)) =
            (one(header::ORIGIN), one(header::HeaderName::from_static("sec-fetch-site")))
        else {
            return false;
        };
        match (origin, fetch_site) {
            (None, None) => false,
            (origin, fetch_site) => {
                origin.is_none_or(|origin| self.allowed.iter().any(|allowed| allowed == origin))
                    && fetch_site.is_none_or(|site| site == "same-origin")
            }
        }
    }

    /// Whether a request says nothing but that it was made on one of our own pages: so ask browsers for a stream of events
    /// where the site has no TLS. A page can keep quiet about its address, but not give another one.
    fn has_referring_page(&self, headers: &HeaderMap) -> bool {
        let is_silent = !headers.contains_key(header::ORIGIN) && !headers.contains_key("sec-fetch-site");
        let mut referrers = headers.get_all(header::REFERER).iter();
        let (Some(referrer), None) = (referrers.next(), referrers.next()) else { return false };
        let page = referrer.to_str().ok().and_then(|page| Url::parse(page).ok());
        is_silent && page.is_some_and(|page| self.allowed.contains(&page.origin().ascii_serialization()))
    }
}

/// Refuses what changes something, and live connections, from any other origin.
pub async fn check_origin(State(origins): State<Origins>, request: Request, next: Next) -> Response {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let headers = request.headers();
    let is_allowed = match request.uri().path() {
        // A socket is asked for by GET; browsers always send its origin.
        "/ws" => headers.contains_key(header::ORIGIN) && origins.allows(headers),
        "/live" => origins.allows(headers) || origins.has_referring_page(headers),
        _ => is_safe || is_programs(&request) || origins.allows(headers),
    };
    if is_allowed {
        return next.run(request).await;
    }
    tracing::warn!(path = request.uri().path(), "refused a request from another origin");
    refusal::answer(request.headers(), Error::ForeignOrigin)
}

/// Whether a request to the API for programs goes by something else than a cookie. A token comes before any cookie.
fn is_programs(request: &Request) -> bool {
    let headers = request.headers();
    let has_token = token::shown(headers) != Ok(None);
    request.uri().path().starts_with("/api/v1/") && (has_token || !headers.contains_key(header::COOKIE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(pairs: &[(&'static str, &str)]) -> bool {
        let url: PublicUrl = "https://app.example".parse().unwrap();
        let origins = Origins::new(Some(&url), "127.0.0.1:3000".parse().unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        origins.allows(&headers)
    }

    #[test]
    fn only_the_exact_origin_passes() {
        assert!(allows(&[("origin", "https://app.example")]));
        for origin in [
            "https://evil.example",
            "null",
            "https://app.example.evil.com",
            "https://evilapp.example",
            "http://app.example",
            "https://app.example:444",
            "https://app.example.",
            "https://APP.example",
        ] {
            assert!(!allows(&[("origin", origin)]), "{origin}");
        }
    }

    #[test]
    fn the_browsers_own_word_on_the_site_counts() {
        assert!(allows(&[("sec-fetch-site", "same-origin")]));
        assert!(allows(&[("sec-fetch-site", "same-origin"), ("origin", "https://app.example")]));
        for site in ["cross-site", "same-site", "none", ""] {
            assert!(!allows(&[("sec-fetch-site", site)]), "{site}");
            assert!(!allows(&[("sec-fetch-site", site), ("origin", "https://app.example")]), "{site}");
        }
    }

    #[test]
    fn no_word_at_all_or_two_words_are_refused() {
        assert!(!allows(&[]));
        assert!(!allows(&[("origin", "https://app.example"), ("origin", "https://evil.example")]));
    }

    #[test]
    fn without_a_public_url_only_this_machine_passes() {
        let origins = Origins::new(None, "0.0.0.0:4000".parse().unwrap());
        for (origin, allowed) in [
            ("http://127.0.0.1:4000", true),
            ("http://localhost:4000", true),
            ("http://[::1]:4000", true),
            ("http://localhost:3000", false),
            ("http://192.168.1.5:4000", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("origin", origin.parse().unwrap());
            assert_eq!(origins.allows(&headers), allowed, "{origin}");
        }
    }

    #[test]
    fn a_public_url_is_an_origin_and_nothing_more() {
        assert_eq!("https://Chat.Example:443".parse::<PublicUrl>().unwrap().origin(), "https://chat.example");
        for text in [
            "chat.example",
            "ftp://chat.example",
            "https://chat.example/x",
            "https://u@chat.example",
            "https://chat.example?x",
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }
}
