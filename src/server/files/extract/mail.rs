//! E-mails (RFC 5322 and MIME): who wrote to whom, what, and what was attached.

use mail_parser::{Address, Message, MessageParser, MimeHeaders, PartType};

use super::{Outcome, findings::Findings};
use crate::domain::{file_state::FileFailure, place::Place};

/// So deep may one e-mail be attached to another.
const DEPTH_MAX: usize = 5;
/// Parts of one e-mail.
const PARTS_MAX: usize = 1_000;
/// People that are named in a header.
const PEOPLE_MAX: usize = 50;

/// Reads an e-mail.
pub fn read(bytes: &[u8], findings: &mut Findings) -> Outcome {
    let message = MessageParser::default().parse(bytes).ok_or(FileFailure::Damaged)?;
    if message.headers().is_empty() {
        return Err(FileFailure::NotWhatItSays);
    }
    read_message(&message, 0, findings)
}

fn read_message(message: &Message<'_>, depth: usize, findings: &mut Findings) -> Outcome {
    let subject = message.subject().unwrap_or_default();
    let place = || if depth == 0 { Place::Whole } else { Place::Part { name: subject.to_owned() } };
    findings.add(place(), subject, &head(message))?;
    for index in 0..message.text_body_count().min(PARTS_MAX) {
        if let Some(text) = message.body_text(index) {
            findings.add(place(), subject, &text)?;
        }
    }
    for part in message.attachments().take(PARTS_MAX) {
        let name = part.attachment_name().unwrap_or("attached");
        let place = || Place::Part { name: name.to_owned() };
        match &part.body {
            PartType::Message(inner) if depth < DEPTH_MAX => read_message(inner, depth + 1, findings)?,
            PartType::Text(text) => findings.add(place(), name, text)?,
            _ => {}
        }
    }
    Ok(())
}

fn head(message: &Message<'_>) -> String {
    let mut head = String::new();
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            head.push_str(&format!("{name}: {value}\n"));
        }
    };
    line("From", people(message.from()));
    line("To", people(message.to()));
    line("Cc", people(message.cc()));
    line("Date", message.date().map(|date| date.to_rfc3339()).unwrap_or_default());
    line("Subject", message.subject().unwrap_or_default().to_owned());
    let names: Vec<&str> = message.attachments().take(PARTS_MAX).filter_map(MimeHeaders::attachment_name).collect();
    line("Attached", names.join(", "));
    head
}

fn people(address: Option<&Address<'_>>) -> String {
    let Some(address) = address else { return String::new() };
    let named: Vec<String> = address
        .iter()
        .take(PEOPLE_MAX)
        .filter_map(|person| match (person.name(), person.address()) {
            (Some(name), Some(address)) => Some(format!("{name} <{address}>")),
            (name, address) => name.or(address).map(str::to_owned),
        })
        .collect();
    named.join(", ")
}
