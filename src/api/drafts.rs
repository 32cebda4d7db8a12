//! What is typed and not yet sent.

use leptos::prelude::*;

use crate::error::Error;

/// Keeps what is typed in a chat, or that nothing is any more. `client_message_id` is the id that the message would have if
/// it were sent now; `draft_ms` is the moment of the draft that was there when this one began, or 0. Gives the draft's new
/// moment; none when that message has been sent already: the draft is late, and changes nothing.
///
/// # Errors
/// [`Error::NotFound`] when the chat is not the user's.
#[server(name = SaveDraft, prefix = "/api", endpoint = "save_draft")]
pub async fn save_draft(
    chat_id: String,
    text: String,
    client_message_id: String,
    draft_ms: i64,
) -> Result<Option<i64>, Error> {
    use crate::{
        domain::{
            draft::DraftText,
            ids::{ChatId, ClientMessageId},
        },
        server::{drafts, request},
    };
    let (state, db) = (request::state()?, request::user()?);
    let chat_id: ChatId = chat_id.parse()?;
    let text = DraftText::parse(&text)?;
    let client_message_id = ClientMessageId::parse(&client_message_id)?;
    drafts::save(&state, &db, chat_id, text, client_message_id, draft_ms).await
}
