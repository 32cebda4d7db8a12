//! One newtype per noun, so that an id of one thing is never taken for an id of another.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, InvalidInput};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            /// Reads the hyphenated lower-case form, the only one that is ever written. Anything else answers like an
            /// unknown id.
            fn from_str(text: &str) -> Result<Self, Error> {
                match Uuid::try_parse(text) {
                    Ok(id) if id.to_string() == text => Ok(Self(id)),
                    _ => Err(Error::NotFound),
                }
            }
        }
    };
}

id!(
    /// A person with an account.
    UserId
);
id!(
    /// A chat, table `chat_session`.
    ChatId
);
id!(
    /// A message or a reply, table `chat_message`.
    MessageId
);
id!(
    /// A personal access token. Not its secret.
    AccessTokenId
);
id!(
    /// A provider of models that was connected on the pages of administration.
    ProviderId
);
id!(
    /// A log-in, table `login_session`. Not the secret in the cookie.
    SessionId
);

id!(
    /// Something that a person is told, table `notification`.
    NotificationId
);

id!(
    /// What a person uploaded, table `user_file`.
    FileId
);

id!(
    /// A piece of a file's content in the storage for files. Random: it says nothing about the file.
    BlobId
);

id!(
    /// A live connection over server-sent events, chosen by the browser that opens it.
    StreamId
);

/// Chosen by the sender for each message, so that sending it again is not a second message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientMessageId(pub Uuid);

impl ClientMessageId {
    /// A fresh random id.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// Reads any UUID.
    ///
    /// # Errors
    /// [`InvalidInput::ClientMessageId`] when it is not one.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Uuid::try_parse(text).map(Self).map_err(|_| InvalidInput::ClientMessageId.into())
    }
}

impl fmt::Display for ClientMessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
