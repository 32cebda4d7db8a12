//! How many tokens a text is, for models whose tokenizer is not known: an estimate that is rather too high, for what does not
//! fit is refused.

use crate::domain::model::Prompt;

/// What surrounds each line of a conversation.
const LINE_TOKENS: usize = 8;

/// Tokens of a text, at most, for the usual tokenizers and the usual languages. Small letters come about four to a token,
/// everything else may be one by itself; of what is far from Latin, a character can be two or three.
pub fn estimate(text: &str) -> usize {
    // In sixths of a token.
    let sixths: usize = text
        .chars()
        .map(|character| match character {
            'a'..='z' => 2,
            ' ' => 1,
            '\0'..='\u{7f}' => 6,
            '\u{80}'..='\u{7ff}' => 6,
            '\u{800}'..='\u{ffff}' => 9,
            _ => 18,
        })
        .sum();
    sixths.div_ceil(6)
}

/// Tokens of one line of a conversation.
pub fn of_line(text: &str) -> usize {
    estimate(text) + LINE_TOKENS
}

/// Tokens of a conversation.
pub fn of_prompt(prompt: &Prompt) -> usize {
    prompt.lines.iter().map(|line| of_line(&line.text)).sum::<usize>() + estimate(&prompt.begun)
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
}
