//! What its writer keeps of a reply: the columns that change as it is written.

use sea_orm::{UpdateMany, sea_query::Expr};

use super::entity::chat_message;
use crate::domain::{
    ids::MessageId,
    limits,
    reply::{Context, ContextCut, Usage},
    source::{FilesSearched, Grounds},
};

/// What there is of a reply; none of what has not changed since it was last kept.
#[derive(Clone, Debug, Default)]
pub struct ReplyContent {
    pub text: Option<String>,
    pub reasoning: Option<String>,
    pub usage: Option<Usage>,
    pub context: Option<Context>,
    pub grounds: Option<Grounds>,
}

impl From<String> for ReplyContent {
    fn from(text: String) -> Self {
        Self { text: Some(text), ..Self::default() }
    }
}

impl ReplyContent {
    /// Puts it into an update.
    pub(super) fn set(&self, mut update: UpdateMany<chat_message::Entity>) -> UpdateMany<chat_message::Entity> {
        if let Some(text) = &self.text {
            update = update.col_expr(chat_message::Column::Text, Expr::value(text.as_str()));
        }
        if let Some(reasoning) = &self.reasoning {
            update = update.col_expr(chat_message::Column::Reasoning, Expr::value(reasoning.as_str()));
        }
        if let Some(usage) = self.usage {
            update = update
                .col_expr(chat_message::Column::PromptTokens, Expr::value(to_column(usage.prompt_tokens)))
                .col_expr(chat_message::Column::CompletionTokens, Expr::value(to_column(usage.completion_tokens)))
                .col_expr(chat_message::Column::TokensEstimated, Expr::value(usage.is_estimated));
        }
        if let Some(context) = &self.context {
            update = update
                .col_expr(chat_message::Column::ContextFromId, Expr::value(context.from_id.0))
                .col_expr(chat_message::Column::ContextCut, Expr::value(context.cut.code()));
        }
        if let Some(grounds) = &self.grounds {
            let searched = grounds.searched.map(FilesSearched::code);
            update = update.col_expr(chat_message::Column::FilesSearched, Expr::value(searched));
        }
        update
    }
}

/// Where what the model read begins, without the summary.
pub(super) fn context(row: &chat_message::Model) -> Option<Context> {
    Some(Context {
        from_id: MessageId(row.context_from_id?),
        cut: ContextCut::from_code(row.context_cut.as_deref()?)?,
        summary: String::new(),
    })
}

/// The tokens of a reply, if they are kept.
pub(super) fn usage(row: &chat_message::Model) -> Option<Usage> {
    let count = |column: Option<i64>| column.and_then(|tokens| u64::try_from(tokens).ok());
    Some(Usage {
        prompt_tokens: count(row.prompt_tokens)?,
        completion_tokens: count(row.completion_tokens)?,
        is_estimated: row.tokens_estimated,
    })
}

fn to_column(tokens: u64) -> i64 {
    i64::try_from(tokens.min(limits::REPLY_TOKENS_COUNTED_MAX)).unwrap_or(i64::MAX)
}
