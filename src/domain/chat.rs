//! A chat and its title.

use serde::{Deserialize, Serialize};

use super::{
    draft::{ChatDraft, UnsentFile},
    ids::ChatId,
    limits,
    message::MessagePage,
    model::ModelName,
};

/// One chat of its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chat {
    pub id: ChatId,
    /// Made from the first message; empty until there is one.
    pub title: String,
    /// The model that was last asked in this chat.
    pub model: Option<ModelName>,
    /// When a message was last added, in milliseconds since 1970 (UTC); the chat list's order.
    pub updated_at_ms: i64,
    /// Whether a reply has ended in it that its user has not looked at.
    pub is_unread: bool,
    /// Whether all files of its user are searched for each reply.
    #[serde(default)]
    pub searches_files: bool,
}

impl Chat {
    /// What a person calls this chat.
    pub fn display_title(&self) -> &str {
        if self.title.is_empty() { "New chat" } else { &self.title }
    }
}

/// Where a page of the chat list ended: the next one starts after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatCursor {
    pub updated_at_ms: i64,
    pub id: ChatId,
}

/// A page of the chat list, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatPage {
    pub chats: Vec<Chat>,
    /// Where the next page starts; none when this is the last.
    pub next: Option<ChatCursor>,
}

/// A chat as it is opened: with its newest messages and what is typed and not yet sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatView {
    pub chat: Chat,
    pub messages: MessagePage,
    pub draft: ChatDraft,
    pub unsent_files: Vec<UnsentFile>,
    /// What stands where nothing was said: what one can ask about; empty where something was said.
    pub invitation: String,
}

/// The title that a first message gives its chat: its first line with words, cut at a word.
pub fn title_from_message(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| line.chars().any(char::is_alphanumeric)).unwrap_or(text.trim());
    let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= limits::CHAT_TITLE_CHARS_MAX {
        return line;
    }
    let cut: String = line.chars().take(limits::CHAT_TITLE_CHARS_MAX - 1).collect();
    let at_word = cut.rfind(' ').filter(|at| *at > cut.len() / 2).unwrap_or(cut.len());
    format!("{}…", cut[..at_word].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_line_with_words() {
        assert_eq!(title_from_message("\n\n```\nWhat is  Rust?\nmore"), "What is Rust?");
        assert_eq!(title_from_message("Hello"), "Hello");
        assert_eq!(title_from_message("???"), "???");
    }

    #[test]
    fn a_long_title_is_cut_at_a_word_and_says_so() {
        let title = title_from_message(&"wörter ".repeat(40));
        assert!(title.chars().count() <= limits::CHAT_TITLE_CHARS_MAX);
        assert!(title.ends_with("wörter…"), "{title}");
        assert_eq!(title_from_message(&"x".repeat(200)).chars().count(), limits::CHAT_TITLE_CHARS_MAX);
    }
}
