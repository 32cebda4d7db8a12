//! How much of a conversation a model is given to read: the newest messages that fit, and, where that is not all, a summary of
//! the others.
//!
//! Where it begins stays the same for many replies: with a new summary half of what fits is free, and where nothing is summarised,
//! a quarter is cut off at once. So the summary is seldom made anew, a server that keeps what it has read need not read it
//! again, and the person does not see the mark move with every message.

use super::{material::Material, summary};
use crate::{
    domain::{
        limits,
        model::{ModelName, Prompt, PromptLine, PromptRole},
        reply::{Context, ContextCut},
    },
    error::{Error, Result},
    server::{
        ai::tokens,
        db::{PathMessage, StoredMessage, UserDb},
        state::AppState,
    },
};

/// Stands for what is left out of a question that is too long by itself.
const LEFT_OUT: &str = "\n\n[… The middle of this message is left out, because the message is too long. …]\n\n";

/// The conversation up to the message that is answered, as much of it as fits, with the text so far when the model is to go
/// on from there; with the question what was found for it in files; and where it begins. What a model thought is no part of it.
pub async fn gather(
    state: &AppState,
    db: &UserDb,
    reply: &StoredMessage,
    model: &ModelName,
    continues: bool,
    material: &Material,
) -> Result<(Prompt, Option<Context>)> {
    let mut may_summarise = summary::may_be_made(state, model, reply.chat_id);
    loop {
        let room = state.models.window(model).await.prompt_tokens();
        let room = room - (material.tokens() + material.images.len() * limits::PICTURE_TOKENS).min(room / 2);
        // Of a long beginning the end is enough to go on from.
        let begun = if continues { tokens::end(&reply.text, room / 2) } else { "" };
        let path = Path::read(db, reply, room - tokens::estimate(begun)).await?;
        let Reading { lines, context } = match path.choose(db, may_summarise).await? {
            Choice::Read(reading) => reading,
            Choice::Summarise { kept } => {
                // Should it not help, what does not fit is left out.
                may_summarise = false;
                if let Some(place) = path.newest[kept - 1].before {
                    summary::make(state, db, reply.chat_id, model, place).await;
                }
                continue;
            }
        };
        let mut lines = in_turns(lines);
        if let Some(question) = lines.last_mut() {
            material.put_to(&mut question.text);
        }
        let images = material.images.clone();
        return Ok((Prompt { lines, begun: begun.to_owned(), images }, context));
    }
}

/// What leads to a reply, as far back as fits.
struct Path {
    reply: StoredMessage,
    /// Tokens that may be read.
    room: usize,
    /// Newest first, and there is at least one: the question.
    newest: Vec<PathMessage>,
    /// Their tokens.
    sizes: Vec<usize>,
}

enum Choice {
    Read(Reading),
    /// All but the newest `kept` are to be summarised first.
    Summarise {
        kept: usize,
    },
}

struct Reading {
    /// Oldest first.
    lines: Vec<PromptLine>,
    context: Option<Context>,
}

impl Path {
    async fn read(db: &UserDb, reply: &StoredMessage, room: usize) -> Result<Self> {
        let place = reply.before().ok_or(Error::Internal)?;
        let (mut sizes, mut used) = (Vec::new(), 0);
        let takes = |message: &PathMessage| {
            let size = tokens::of_line(&message.text);
            used += size;
            // The question goes along however long it is.
            let takes = used <= room || sizes.is_empty();
            if takes {
                sizes.push(size);
            }
            takes
        };
        let newest = db.list_path(reply.chat_id, place, takes).await?;
        if newest.is_empty() {
            return Err(Error::Internal);
        }
        Ok(Self { reply: reply.clone(), room, newest, sizes })
    }

    async fn choose(&self, db: &UserDb, may_summarise: bool) -> Result<Choice> {
        if self.sizes[0] > self.room {
            let text = tokens::shorten(&self.newest[0].text, self.room - tokens::of_line(""), LEFT_OUT);
            let lines = vec![PromptLine { role: PromptRole::User, text }];
            return Ok(Choice::Read(Reading { lines, context: self.context(1, ContextCut::Shortened) }));
        }
        let all = self.newest.len();
        if self.newest[all - 1].before.is_none() {
            return Ok(Choice::Read(Reading { lines: self.lines(all), context: None }));
        }
        let of_summary = summary::tokens_in_prompt(self.room);
        let beside_summary = self.fitting(self.room.saturating_sub(of_summary));
        let summarised = db.list_summarised(self.reply.chat_id).await?;
        // The oldest one leaves the most to be read as it was said.
        for count in (1..=beside_summary).rev() {
            let Some(place) = self.newest[count - 1].before.filter(|place| summarised.contains(&place.id)) else {
                continue;
            };
            if let Some(text) = db.find_summary(place.id).await? {
                let mut lines = vec![summary::line(&text, self.room)];
                lines.extend(self.lines(count));
                return Ok(Choice::Read(Reading { lines, context: self.context(count, ContextCut::Summarised) }));
            }
        }
        if may_summarise && beside_summary > 0 {
            let kept = self.fitting((self.room / 2).saturating_sub(of_summary)).clamp(1, beside_summary);
            return Ok(Choice::Summarise { kept: self.begun_by_person(kept) });
        }
        let count = self.cut();
        Ok(Choice::Read(Reading { lines: self.lines(count), context: self.context(count, ContextCut::Unread) }))
    }

    /// How many are read when nothing is said of the others: from where the reply before began, as long as that fits.
    fn cut(&self) -> usize {
        let reply_before = self.newest.iter().find(|message| message.is_reply);
        let from = reply_before.and_then(|reply| reply.context.as_ref()).map(|context| context.from_id);
        if let Some(at) = self.newest.iter().position(|message| Some(message.id) == from && !message.is_reply) {
            return at + 1;
        }
        self.begun_by_person(self.fitting(self.room - self.room / 4))
    }

    /// As many or less, so that a person's message is the first: models know no conversation that begins with an answer.
    fn begun_by_person(&self, count: usize) -> usize {
        self.newest[..count].iter().rposition(|message| !message.is_reply).map_or(1, |at| at + 1)
    }

    /// How many of the newest fit into so many tokens.
    fn fitting(&self, tokens_max: usize) -> usize {
        let used = self.sizes.iter().scan(0, |used, size| {
            *used += size;
            Some(*used)
        });
        used.take_while(|used| *used <= tokens_max).count()
    }

    /// The newest ones, oldest first.
    fn lines(&self, count: usize) -> Vec<PromptLine> {
        let said = self.newest[..count].iter().rev().filter(|message| !message.text.is_empty());
        said.map(|message| PromptLine {
            role: if message.is_reply { PromptRole::Assistant } else { PromptRole::User },
            text: message.text.clone(),
        })
        .collect()
    }

    fn context(&self, count: usize, cut: ContextCut) -> Option<Context> {
        Some(Context { from_id: self.newest[count - 1].id, cut, summary: String::new() })
    }
}

/// The roles taking turns, the person first, which many models' templates insist on.
fn in_turns(lines: Vec<PromptLine>) -> Vec<PromptLine> {
    let mut turns: Vec<PromptLine> = Vec::with_capacity(lines.len());
    for line in lines {
        match turns.last_mut() {
            Some(last) if last.role == line.role => {
                last.text.push_str("\n\n");
                last.text.push_str(&line.text);
            }
            None if line.role == PromptRole::Assistant => {}
            _ => turns.push(line),
        }
    }
    turns
}
