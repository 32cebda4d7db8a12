//! What a browser asks of its live connection where no WebSocket carries it.

use leptos::prelude::*;

use crate::error::Error;

/// Hands a command (`domain::live::LiveCommand` as JSON) to the stream of events that this session has opened under this
/// id. What is wrong with the command itself, the stream says.
///
/// # Errors
/// [`Error::NotFound`] when there is no such stream, or it is another session's; [`Error::TooLarge`];
/// [`Error::TooMany`] when many others wait.
#[server(name = SendLiveCommand, prefix = "/api", endpoint = "send_live_command")]
pub async fn send_live_command(stream_id: String, command: String) -> Result<(), Error> {
    use crate::{
        domain::limits,
        server::{live::stream::Address, request},
    };
    let (state, known) = (request::state()?, request::known()?);
    let stream_id = stream_id.parse()?;
    if command.len() > limits::SOCKET_MESSAGE_BYTES_MAX {
        return Err(Error::TooLarge);
    }
    state.live.command(Address { user_id: known.db.user_id(), session_id: known.session_id, stream_id }, command)
}
