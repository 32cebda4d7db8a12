//! A reply heard piece by piece, as the model writes it: for programs, which want the text and not the page.
//!
//! Where the reply is written here, the pieces come as they are shown; where another server writes it, as that one keeps
//! them. The database has the last word: the end is what it says.

use std::time::Duration;

use tokio::{sync::watch, time::sleep};

use crate::{
    domain::ids::MessageId,
    error::{Error, Result},
    server::{
        db::{StoredMessage, UserDb},
        state::AppState,
    },
};

/// A reply that another server writes is looked at this often.
const POLL_MS: u64 = 500;

/// What a follower hears.
#[derive(Clone, Debug)]
pub enum Heard {
    Text(String),
    End(StoredMessage),
}

/// Follows one reply from its beginning.
pub struct Follower {
    db: UserDb,
    message_id: MessageId,
    /// What was passed on. When another text takes the place of this one, nothing more is, but the end.
    heard: String,
    /// The text as this server writes it, if it does.
    text: Option<watch::Receiver<String>>,
}

impl Follower {
    /// Follows a reply of this user.
    pub fn new(state: &AppState, db: &UserDb, message_id: MessageId) -> Self {
        let text = state.live.follow_text(db.user_id(), message_id);
        Self { db: db.clone(), message_id, heard: String::new(), text }
    }

    /// The next piece, or the end. Nothing is lost when this is given up and called again.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not there or not theirs.
    pub async fn next(&mut self) -> Result<Heard> {
        while let Some(text) = &mut self.text {
            let piece = text.borrow_and_update().strip_prefix(self.heard.as_str()).unwrap_or_default().to_owned();
            if !piece.is_empty() {
                return Ok(self.hear(piece));
            }
            // Its end is in the database before it closes.
            if text.changed().await.is_err() {
                self.text = None;
            }
        }
        loop {
            let stored = self.db.find_message(self.message_id).await?.ok_or(Error::NotFound)?;
            let rest = stored.text.strip_prefix(self.heard.as_str()).unwrap_or_default().to_owned();
            if !rest.is_empty() {
                return Ok(self.hear(rest));
            }
            if stored.state.is_final() {
                return Ok(Heard::End(stored));
            }
            sleep(Duration::from_millis(POLL_MS)).await;
        }
    }

    fn hear(&mut self, piece: String) -> Heard {
        self.heard.push_str(&piece);
        Heard::Text(piece)
    }
}
