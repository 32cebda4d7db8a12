//! Everything that never reaches the browser. Never imports `api`, `ui`, `app` or `router`.
//!
//! Inside, imports point one way, too: edges (`request`, `auth::guard`, `live::socket`, `cli`) → `replies`, the one real use
//! case → tools (`db`, `ai`, `markdown`, `live`) → `domain`. Tools do not import each other; only `db` names entities, only
//! `ai` names what providers speak.

pub mod ai;
pub mod arrival;
pub mod assets;
pub mod audit;
pub mod auth;
pub mod chats;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod dialects;
pub mod door;
pub mod drafts;
pub mod export;
pub mod failpoints;
pub mod files;
pub mod flood;
pub mod health;
pub mod lines;
pub mod live;
pub mod logs;
pub mod markdown;
pub mod origin;
pub mod people;
pub mod providers;
pub mod redis;
pub mod refusal;
pub mod replies;
pub mod request;
pub mod serve;
pub mod site;
pub mod state;
pub mod v1;
pub mod words;
