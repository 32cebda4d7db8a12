//! Sardonyx: private AI chat for a team, in one binary.
//!
//! One package, built twice: with feature `ssr` it is the server, with feature `hydrate` (on wasm32) the browser half.
//! The code map is in `ARCHITECTURE.md`; in short: `domain` holds plain types that both halves name, `api` the server
//! functions (the only door from `ui` to `server`), `ui` what is on the screen, `server` everything that never reaches
//! the browser. Imports point one way: `router → app → ui → api → server → domain → error`.
//!
//! The crate's feature gates are here and nowhere else.

// Leptos views are deeply nested types.
#![recursion_limit = "512"]

pub mod api;
pub mod app;
pub mod domain;
pub mod error;
pub mod ui;

#[cfg(feature = "ssr")]
pub mod router;
#[cfg(feature = "ssr")]
pub mod server;
#[cfg(feature = "ssr")]
pub mod shell;

/// Takes over the server's HTML in the browser.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_lazy(app::App);
}
