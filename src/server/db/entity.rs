//! The tables as SeaORM sees them, one per file. Private to `db`: no query can be written elsewhere.

pub mod access_token;
pub mod audit_entry;
pub mod chat_draft;
pub mod chat_file;
pub mod chat_message;
pub mod chat_session;
pub mod chat_summary;
pub mod chunk_vector;
pub mod doomed_blob;
pub mod file_chunk;
pub mod file_part;
pub mod file_picture;
pub mod hidden_model;
pub mod login_attempt;
pub mod login_session;
pub mod message_file;
pub mod model_dialect;
pub mod notification;
pub mod one_time_link;
pub mod provider;
pub mod second_factor;
pub mod session_record;
pub mod setup_link;
pub mod site;
pub mod user_account;
pub mod user_file;
