//! The browser half: scripts, style, icons, embedded in a release binary, read from `target/site` in a debug one.
//!
//! Addresses under `/pkg/` carry a hash of the content and may be kept for ever. `assets.json`, which xtask writes, says what
//! they are called.

use std::{borrow::Cow, collections::BTreeMap};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;
use serde::Deserialize;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/target/site"]
#[allow_missing = true]
struct Site;

/// Names of what pages load.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Assets {
    pub script: String,
    pub wasm: String,
    /// The script that loads parts of the browser half.
    pub loader: String,
    pub style: String,
    /// What the parts that only some pages need consist of; see `ui::lazy`.
    pub parts: BTreeMap<String, Vec<String>>,
}

impl Assets {
    /// What a page loads beside what every page does.
    pub fn parts_of(&self, path: &str) -> &[String] {
        let first_segment = path.split('/').nth(1).unwrap_or_default();
        self.parts.get(first_segment).map_or(&[], Vec::as_slice)
    }

    /// Reads `assets.json`; without it pages are plain HTML, which still works.
    pub fn load() -> Self {
        let listed = Site::get("assets.json").and_then(|file| serde_json::from_slice(&file.data).ok());
        listed.unwrap_or_else(|| {
            tracing::warn!("the browser half is missing: pages are plain HTML (run `cargo xtask run`)");
            Self::default()
        })
    }
}

/// Whether there is a file for a path: used to tell files from pages.
pub fn exists(path: &str) -> bool {
    is_public(path) && Site::get(path.trim_start_matches('/')).is_some()
}

/// Answers with a file of the site, compressed as the browser likes it.
pub async fn serve(request: Request) -> Response {
    let path = request.uri().path();
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let name = path.trim_start_matches('/');
    let Some((data, encoding)) = find(path, name, request.headers()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mime = mime_guess::from_path(name).first_or_octet_stream();
    let keep = if path.starts_with("/pkg/") { "public, max-age=31536000, immutable" } else { "public, max-age=3600" };
    let mut response = Body::from(data.into_owned()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type(mime.as_ref()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

fn find(path: &str, name: &str, headers: &HeaderMap) -> Option<(Cow<'static, [u8]>, Option<&'static str>)> {
    if !is_public(path) {
        return None;
    }
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    for (encoding, suffix) in [("br", ".br"), ("gzip", ".gz")] {
        let is_accepted =
            accepted.split(',').any(|offer| offer.split(';').next().is_some_and(|name| name.trim() == encoding));
        if is_accepted && let Some(file) = Site::get(&format!("{name}{suffix}")) {
            return Some((file.data, Some(encoding)));
        }
    }
    Site::get(name).map(|file| (file.data, None))
}

/// The list of names and the compressed twins are nobody's business.
fn is_public(path: &str) -> bool {
    path != "/assets.json" && !path.ends_with(".br") && !path.ends_with(".gz") && !path.contains("..")
}

fn content_type(mime: &str) -> HeaderValue {
    let text = if mime.starts_with("text/") { format!("{mime}; charset=utf-8") } else { mime.to_owned() };
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_belongs_to_the_pages_below_its_name() {
        let part = vec!["/pkg/1/settings_1.wasm".to_owned()];
        let assets = Assets { parts: [("settings".to_owned(), part.clone())].into(), ..Assets::default() };
        assert_eq!(assets.parts_of("/settings/password"), part);
        assert_eq!(assets.parts_of("/settings"), part);
        assert!(assets.parts_of("/chats/settings").is_empty() && assets.parts_of("/").is_empty());
    }

    #[test]
    fn leptos_toml_says_what_cargo_toml_says() {
        let section = |text: &'static str| {
            let start = text.find("[package.metadata.leptos]").expect("the section is there");
            let lines = text[start..].lines().skip(1).take_while(|line| !line.starts_with('['));
            lines.filter(|line| line.contains('=')).collect::<Vec<_>>()
        };
        let of_cargo = section(include_str!("../../Cargo.toml"));
        let of_leptos = section(include_str!("../../Leptos.toml"));
        assert!(!of_leptos.is_empty());
        for line in of_leptos {
            assert!(of_cargo.contains(&line), "{line}");
        }
    }
}
