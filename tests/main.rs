//! Tests of the whole server, from outside: HTTP, the live connection, the command line.
//!
//! Needs Postgres, Redis, an S3-compatible server, the model for searching and python3: `cargo xtask test --only integration`
//! sees to all of it. By hand: set what `cargo xtask test --help` names, then `cargo test --features ssr --test main`. Names
//! such as `c1_…` are rows of the threat list that a test answers for. To add a test: into the file of its noun, and its name into
//! the list at that file's top; a new door of the server also needs its line in `isolation`.

#![expect(clippy::unwrap_used, reason = "a test says what broke by breaking")]

mod support;

mod administration;
mod api;
mod asking;
mod chats;
mod connections;
mod corpus;
mod deletion;
mod dialects;
mod drafts;
mod faults;
mod files;
mod flood;
mod headers;
mod hostile;
mod inputs;
mod isolation;
mod kills;
mod lifecycle;
mod log_in;
mod long_chats;
mod messages;
mod model_server;
mod notifications;
mod origin;
mod outages;
mod people;
mod process;
mod providers;
mod queue;
mod reading;
mod reasoning;
mod replies;
mod search;
mod second_factor;
mod sending;
mod servers;
mod sessions;
mod setup;
mod sockets;
mod streams;
mod versions;
mod writes;
