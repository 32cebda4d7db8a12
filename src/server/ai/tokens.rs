//! How many tokens a text is, for models whose tokenizer is not known: an estimate that is rather too high, for what does not
//! fit is refused.

use crate::domain::{limits, model::Prompt};

/// What surrounds each line of a conversation.
const LINE_TOKENS: usize = 8;

/// Tokens of a text, at most, for the usual tokenizers and the usual languages. Small letters come about four to a token,
/// everything else may be one by itself; of what is far from Latin, a character can be two or three.
pub fn estimate(text: &str) -> usize {
    text.chars().map(sixths).sum::<usize>().div_ceil(6)
}

/// A character in sixths of a token.
fn sixths(character: char) -> usize {
    match character {
        'a'..='z' => 2,
        ' ' => 1,
        '\0'..='\u{7f}' => 6,
        '\u{80}'..='\u{7ff}' => 6,
        '\u{800}'..='\u{ffff}' => 9,
        _ => 18,
    }
}

/// The beginning of a text, at most so many tokens.
pub fn beginning(text: &str, tokens_max: usize) -> &str {
    &text[..fitting_bytes(text.chars(), tokens_max)]
}

/// The end of a text, at most so many tokens.
pub fn end(text: &str, tokens_max: usize) -> &str {
    &text[text.len() - fitting_bytes(text.chars().rev(), tokens_max)..]
}

/// A text, or, when it is more than so many tokens, its beginning and its end around a mark.
pub fn shorten(text: &str, tokens_max: usize, mark: &str) -> String {
    if estimate(text) <= tokens_max {
        return text.to_owned();
    }
    let half = tokens_max.saturating_sub(estimate(mark)) / 2;
    format!("{}{mark}{}", beginning(text, half), end(text, half))
}

fn fitting_bytes(text: impl Iterator<Item = char>, tokens_max: usize) -> usize {
    let room = tokens_max.saturating_mul(6);
    let places = text.scan((0, 0), |(used, bytes), character| {
        *used += sixths(character);
        *bytes += character.len_utf8();
        (*used <= room).then_some(*bytes)
    });
    places.last().unwrap_or(0)
}

/// Tokens of one line of a conversation.
pub fn of_line(text: &str) -> usize {
    estimate(text) + LINE_TOKENS
}

/// Tokens of a conversation.
pub fn of_prompt(prompt: &Prompt) -> usize {
    let said: usize = prompt.lines.iter().map(|line| of_line(&line.text)).sum();
    said + estimate(&prompt.begun) + prompt.images.len() * limits::PICTURE_TOKENS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_on_the_safe_side_and_not_absurd() {
        // Each with what a tokenizer with a small vocabulary makes of it, roughly.
        for (text, tokens) in [
            ("The quick brown fox jumps over the lazy dog.", 10),
            ("fn main() { println!(\"{}\", 1 + 2); }", 17),
            ("0123456789", 10),
            ("Съешь ещё этих мягких французских булок", 20),
            ("日本語の文章です", 10),
            ("😀😀", 6),
            ("", 0),
        ] {
            let estimate = estimate(text);
            assert!(estimate >= tokens && estimate <= tokens * 3, "{text:?}: {estimate}");
        }
    }

    #[test]
    fn what_is_cut_fits_and_keeps_whole_characters() {
        let text = "abc Grüße 日本語 😀 xyz ".repeat(20);
        for tokens_max in 0..200 {
            let (beginning, end) = (beginning(&text, tokens_max), end(&text, tokens_max));
            assert!(text.starts_with(beginning) && estimate(beginning) <= tokens_max);
            assert!(text.ends_with(end) && estimate(end) <= tokens_max);
            let short = shorten(&text, tokens_max.max(5), " … ");
            assert!(estimate(&short) <= tokens_max.max(5), "{short:?}");
        }
        assert_eq!(shorten("abc", 1, "…"), "abc");
        assert_eq!(beginning(&text, 10_000), text);
    }
}
