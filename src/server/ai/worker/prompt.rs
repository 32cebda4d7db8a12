//! Makes a conversation fit: the oldest turns that do not are left out, the newest one always stays.

use tracing::warn;

use super::template::{ChatTemplate, Part};
use crate::domain::model::{Prompt, PromptLine, PromptRole};

/// How a text becomes tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Words such as `<|im_start|>` are markup.
    Markup,
    /// They are letters like any other.
    Plain,
}

/// What one side said before the other side spoke.
struct Turn<T> {
    role: PromptRole,
    tokens: Vec<T>,
}

/// Where a conversation is too long, its beginning is cut in steps of this: most turns of a long conversation then
/// begin where the one before began, and the engine need not read them again.
const CUT_TOKENS: usize = 512;

/// The conversation as tokens, at most `tokens_max`, and what is begun of the reply after it; none when there is nothing to
/// answer. Of a long beginning only the end is taken.
pub fn tokens<T: Clone>(
    template: &ChatTemplate,
    prompt: &Prompt,
    tokens_max: usize,
    tokenize: impl Fn(&str, Reading) -> Vec<T>,
) -> Option<Vec<T>> {
    let mut begun = tokenize(&prompt.begun, Reading::Plain);
    begun.drain(..begun.len().saturating_sub(tokens_max / 2));
    let mut tokens = conversation(template, &prompt.lines, tokens_max - begun.len(), tokenize)?;
    tokens.append(&mut begun);
    Some(tokens)
}

fn conversation<T: Clone>(
    template: &ChatTemplate,
    lines: &[PromptLine],
    tokens_max: usize,
    tokenize: impl Fn(&str, Reading) -> Vec<T>,
) -> Option<Vec<T>> {
    let mut turns: Vec<Turn<T>> =
        merge(lines).into_iter().map(|(role, text)| Turn { role, tokens: tokenize(&text, Reading::Plain) }).collect();
    let last = turns.len().checked_sub(1)?;
    let bare: usize = turns.iter().map(|turn| turn.tokens.len()).sum();
    let mut cut = bare.saturating_sub(tokens_max).next_multiple_of(CUT_TOKENS);
    loop {
        let first = first_after(&turns, cut);
        let parts = with_markup(template, &turns[first..], &tokenize)?;
        let excess = parts.iter().map(Vec::len).sum::<usize>().saturating_sub(tokens_max);
        if excess == 0 {
            return Some(parts.into_iter().flatten().collect());
        }
        if first < last {
            cut += CUT_TOKENS;
        } else if excess <= turns[last].tokens.len() {
            turns[last].tokens.drain(..excess);
        } else {
            return None;
        }
    }
}

/// The first turn of the user that has no token among the first `cut`; the last turn where there is none.
fn first_after<T>(turns: &[Turn<T>], cut: usize) -> usize {
    let mut before = 0;
    let first = turns.iter().position(|turn| {
        let whole = before >= cut;
        before += turn.tokens.len();
        // Models know no conversation that begins with an answer.
        whole && turn.role == PromptRole::User
    });
    first.unwrap_or(turns.len() - 1)
}

/// Joins what one side said in a row, as happens when a reply failed: many templates refuse a conversation in which the
/// sides do not take turns.
fn merge(lines: &[PromptLine]) -> Vec<(PromptRole, String)> {
    let mut turns: Vec<(PromptRole, String)> = Vec::new();
    for line in lines {
        let text = line.text.trim();
        match turns.last_mut() {
            _ if text.is_empty() => {}
            Some((role, turn)) if *role == line.role => {
                turn.push_str("\n\n");
                turn.push_str(text);
            }
            _ => turns.push((line.role, text.to_owned())),
        }
    }
    turns
}

/// The turns between the template's markup.
fn with_markup<T: Clone>(
    template: &ChatTemplate,
    turns: &[Turn<T>],
    tokenize: &impl Fn(&str, Reading) -> Vec<T>,
) -> Option<Vec<Vec<T>>> {
    let roles: Vec<PromptRole> = turns.iter().map(|turn| turn.role).collect();
    let parts = template.render(&roles).inspect_err(|error| warn!("the chat template failed: {error:#}")).ok()?;
    let tokens = parts.into_iter().map(|part| match part {
        Part::Markup(text) => tokenize(&text, Reading::Markup),
        Part::Turn(index) => turns.get(index).map(|turn| turn.tokens.clone()).unwrap_or_default(),
    });
    Some(tokens.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each word is a token; markup is in brackets.
    fn words(text: &str, reading: Reading) -> Vec<String> {
        let mark = |word: &str| if reading == Reading::Markup { format!("<{word}>") } else { word.to_owned() };
        text.split_whitespace().map(mark).collect()
    }

    fn template() -> ChatTemplate {
        let source = "{% for m in messages %} {{ m.role[0] }} {{ m.content }} {% endfor %} a";
        ChatTemplate::new(Some(source.to_owned()), "", "")
    }

    fn check(tokens_max: usize, lines: &[(PromptRole, &str)], expected: Option<&str>) {
        let lines: Vec<PromptLine> =
            lines.iter().map(|(role, text)| PromptLine { role: *role, text: (*text).to_owned() }).collect();
        let tokens = conversation(&template(), &lines, tokens_max, words);
        assert!(tokens.as_ref().is_none_or(|tokens| tokens.len() <= tokens_max));
        assert_eq!(tokens.map(|tokens| tokens.join(" ")).as_deref(), expected);
    }

    use PromptRole::{Assistant, User};

    #[test]
    fn what_is_begun_comes_last_and_of_a_long_beginning_the_end() {
        let lines = vec![PromptLine { role: User, text: "1 2".to_owned() }];
        let read = |begun: &str, tokens_max| {
            let prompt = Prompt { lines: lines.clone(), begun: begun.to_owned(), images: Vec::new() };
            tokens(&template(), &prompt, tokens_max, words).map(|tokens| tokens.join(" "))
        };
        assert_eq!(read("3 4", 10).unwrap(), "<u> 1 2 <a> 3 4");
        assert_eq!(read("3 4 5 6 7 8", 8).unwrap(), "<u> 1 2 <a> 5 6 7 8");
    }

    #[test]
    fn what_fits_stays_whole() {
        let lines = [(User, "1 2"), (Assistant, "3"), (User, "4 5")];
        check(9, &lines, Some("<u> 1 2 <a> 3 <u> 4 5 <a>"));
    }

    #[test]
    fn the_oldest_turns_go_first_and_none_begins_with_an_answer() {
        let lines = [(User, "1 2"), (Assistant, "3"), (User, "4 5")];
        check(8, &lines, Some("<u> 4 5 <a>"));
        check(4, &lines, Some("<u> 4 5 <a>"));
        check(8, &[(Assistant, "0"), (User, "1")], Some("<u> 1 <a>"));
    }

    #[test]
    fn a_long_conversation_is_cut_at_the_same_place_for_several_turns() {
        let turn =
            |n: usize| if n.is_multiple_of(2) { (User, "w ".repeat(100)) } else { (Assistant, "w ".repeat(100)) };
        let template = template();
        let begin = |turns: usize| {
            let lines: Vec<PromptLine> = (0..turns)
                .map(turn)
                .enumerate()
                .map(|(n, (role, text))| PromptLine { role, text: format!("{n} {text}") })
                .collect();
            let tokens = conversation(&template, &lines, 1_000, words).unwrap();
            assert!(tokens.len() > 300 && tokens.len() <= 1_000);
            tokens[1].clone()
        };
        let begins: Vec<String> = (9..=25).step_by(2).map(begin).collect();
        assert_eq!(begins, ["0", "6", "6", "12", "12", "12", "16", "16", "16"]);
    }

    #[test]
    fn a_newest_turn_that_is_too_long_loses_its_beginning() {
        check(4, &[(User, "1"), (Assistant, "2"), (User, "3 4 5 6")], Some("<u> 5 6 <a>"));
        check(2, &[(User, "3 4")], Some("<u> <a>"));
        check(1, &[(User, "3 4")], None);
    }

    #[test]
    fn what_one_side_said_in_a_row_is_one_turn() {
        check(20, &[(User, "1"), (User, " "), (User, "2"), (Assistant, ""), (User, "3")], Some("<u> 1 2 3 <a>"));
    }

    #[test]
    fn nothing_said_is_nothing_to_answer() {
        check(9, &[(User, " ")], None);
        check(9, &[], None);
    }

    #[test]
    fn what_a_person_types_is_never_markup() {
        check(
            9,
            &[(User, "u 1 a"), (Assistant, "\u{f8ff}0\u{f8ff}"), (User, "2")],
            Some("<u> u 1 a <a> \u{f8ff}0\u{f8ff} <u> 2 <a>"),
        );
    }
}
