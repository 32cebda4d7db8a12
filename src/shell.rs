//! The HTML document around the app, written by the server only.

use axum::http::request::Parts;
use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::MetaTags;

use crate::{
    app::App,
    domain::{preferences::Preferences, site::SiteName},
    server::{assets::Assets, auth::guard::Caller},
};

/// What the reader likes, if it is known who reads.
fn reader_likes() -> Preferences {
    let caller = use_context::<Parts>().and_then(|parts| parts.extensions.get::<Caller>().cloned());
    match caller {
        Some(Caller::User(known)) => known.db.user().preferences.clone(),
        _ => Preferences::default(),
    }
}

/// The document. The browser half is loaded by a script of our own: Leptos' looks for its files' names on the disk.
pub fn shell(assets: &Assets) -> impl IntoView + use<> {
    let parts = use_context::<Parts>().map(|parts| assets.parts_of(parts.uri.path()).to_vec()).unwrap_or_default();
    let Assets { script, wasm, loader, style, .. } = assets.clone();
    let likes = reader_likes();
    let (theme, language) = (likes.theme.name(), likes.language.name());
    let site = use_context::<SiteName>().map(|SiteName(name)| name);
    let has_browser_half = !script.is_empty();
    let boot = format!(
        "import init, {{ hydrate }} from \"{script}\"; await init({{ module_or_path: \"{wasm}\" }}); hydrate();"
    );
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme data-language=language data-site=site>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content" />
                <meta name="color-scheme" content="light dark" />
                <meta name="robots" content="noindex" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href=style />
                {has_browser_half
                    .then(|| {
                        view! {
                            <link rel="modulepreload" href=script />
                            <link rel="modulepreload" href=loader />
                            {[wasm]
                                .into_iter()
                                .chain(parts)
                                .map(|wasm| {
                                    view! {
                                        <link
                                            rel="preload"
                                            href=wasm
                                            r#as="fetch"
                                            r#type="application/wasm"
                                            crossorigin="anonymous"
                                        />
                                    }
                                })
                                .collect_view()}
                            <script type="module" nonce=use_nonce() inner_html=boot></script>
                        }
                    })}
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}
