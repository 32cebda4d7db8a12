//! Server functions: the only door from `ui` to `server`.
//!
//! Each is a public HTTP endpoint (`POST /api/<endpoint>`, form-encoded in, JSON out) and has four steps: who, parse, do,
//! return. No query, no provider JSON. Ids and cursors come as strings, so that a malformed id answers like an unknown one.
//! A plain HTML form may post here, too: the router's door (`server::door`) then turns the answer into a redirect, to the
//! path given to `request::show`, or back to the form's page with `?error=<code>`.
//!
//! To add one: write it here with an explicit `endpoint`, and give it its line in `tests/isolation.rs`.

pub mod account;
pub mod admin;
pub mod chat_settings;
pub mod chats;
pub mod connection;
pub mod drafts;
pub mod files;
pub mod links;
pub mod live;
pub mod messages;
pub mod models;
pub mod notifications;
pub mod providers;
pub mod second_factor;
pub mod session;
pub mod setup;
pub mod site;
pub mod tokens;
pub mod versions;
