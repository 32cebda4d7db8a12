//! Who is calling: passwords, sessions, the guard in front of every door, the first account.
//!
//! `guard` is the only place that turns a session or a token into a `UserDb`.

pub mod client;
pub mod cookie;
pub mod guard;
pub mod keys;
pub mod links;
pub mod password;
pub mod seal;
pub mod second_factor;
pub mod secret;
pub mod session;
pub mod setup;
pub mod store;
pub mod throttle;
pub mod token;
