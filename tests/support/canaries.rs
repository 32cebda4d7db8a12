//! What must never be in a log: whatever a test typed as a secret or wrote as a message, and whatever secret it was given.
//!
//! Nobody has to plant them: [`Client`](super::Client) notes cookies, passwords, codes, links, tokens and messages as they
//! pass, and the model server what it says. When a [`TestApp`](super::TestApp) goes, the log since its start must have none of them.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

use super::logs;

/// Shorter ones could be in a log by chance; codes of six digits are looked for as words of their own.
const CHARS_MIN: usize = 10;
/// Fields of forms that hold a secret, or what people write.
const TYPED: [&str; 6] = ["password", "current_password", "new_password", "code", "token", "text"];
/// Fields of answers that hold a secret.
const GIVEN: [&str; 5] = ["secret", "recovery_codes", "access_token", "new_token", "token"];

/// The secrets of one site. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Canaries {
    known: Arc<Mutex<BTreeSet<String>>>,
    /// Where the log was when the site began.
    from: usize,
}

impl Canaries {
    pub fn new() -> Self {
        Self { known: Arc::default(), from: logs::len() }
    }

    /// Notes a secret, line by line.
    pub fn add(&self, secret: &str) {
        for line in secret.lines() {
            let is_code = line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
            // Very long ones are about lengths, and what is odd in one is escaped in the log.
            if is_code || (CHARS_MIN..=4_096).contains(&line.len()) && !line.chars().any(char::is_control) {
                self.lock().insert(line.to_owned());
            }
        }
    }

    /// Notes a form's field if it holds one.
    pub fn add_field(&self, name: &str, value: &str) {
        if TYPED.contains(&name) {
            self.add(value);
        }
    }

    /// Notes what a body holds: fields of JSON, links, tokens.
    pub fn add_body(&self, body: &[u8]) {
        if let Ok(value) = serde_json::from_slice(body) {
            self.add_value("", &value);
        }
    }

    /// Nothing of it was logged.
    pub fn check(&self) {
        if std::thread::panicking() {
            return;
        }
        let log = logs::text_from(self.from);
        for canary in self.lock().iter() {
            let is_code = canary.len() == 6;
            for (place, _) in log.match_indices(canary.as_str()) {
                let line = log[..place].rfind('\n').map_or(0, |end| end + 1);
                let line = log[line..].lines().next().unwrap_or_default();
                assert!(is_code && !is_word(&log, place, canary.len()), "{canary:?} was logged: {line}");
            }
        }
    }

    fn add_value(&self, name: &str, value: &Value) {
        match value {
            Value::String(text) => {
                if GIVEN.contains(&name) || text.starts_with("sdx_") {
                    self.add(text);
                }
                if let Some((_, token)) = text.split_once("?token=") {
                    self.add(token);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.add_value(name, value)),
            Value::Object(fields) => fields.iter().for_each(|(name, value)| self.add_value(name, value)),
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it stands there by itself, and not within a number or an id.
fn is_word(text: &str, place: usize, len: usize) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
    !is_part(text[..place].chars().next_back()) && !is_part(text[place + len..].chars().next())
}
