//! Plain text in any encoding, and markdown.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::{Outcome, findings::Findings};
use crate::domain::place::Place;

/// So much is looked at to tell text from anything else.
const LOOKED_AT_BYTES: usize = 64 * 1024;
/// What colours in a log of a terminal begin with.
const ESCAPE: char = '\u{1B}';
/// For each place that is no UTF-8, so many letters beyond ASCII have to be: then the place is damaged, or came from elsewhere.
const LETTERS_PER_ERROR: usize = 20;
/// Of characters, one in so many may be one that no text has.
const STRANGE_ONE_IN: usize = 50;

/// Reads a text.
pub fn read(bytes: &[u8], findings: &mut Findings) -> Outcome {
    findings.add(Place::Line { line: 1 }, "", &decode(bytes))
}

/// Reads JSON (RFC 8259) as it is written, but for letters that are written as numbers.
pub fn read_json(bytes: &[u8], findings: &mut Findings) -> Outcome {
    findings.add(Place::Line { line: 1 }, "", &unescaped(&decode(bytes)))
}

/// The text with `\u00e9` as `é`. What would be no letter stays as it is.
fn unescaped(text: &str) -> String {
    let unit = |text: &str| text.strip_prefix("\\u").and_then(|rest| u16::from_str_radix(rest.get(..4)?, 16).ok());
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("\\") {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let first = unit(rest);
        let units: Vec<u16> = first.into_iter().chain(first.and_then(|_| unit(&rest[6..]))).collect();
        let letter = char::decode_utf16(units).next().and_then(Result::ok).filter(|letter| !letter.is_control());
        // Of any other escape, both characters: the second one may be a backslash, too.
        let length = letter.map_or_else(
            || rest.char_indices().nth(2).map_or(rest.len(), |(end, _)| end),
            |letter| letter.len_utf16() * 6,
        );
        match letter {
            Some(letter) => plain.push(letter),
            None => plain.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    plain + rest
}

/// Reads a markdown text: each piece knows its heading.
pub fn read_markdown(bytes: &[u8], findings: &mut Findings) -> Outcome {
    let text = decode(bytes);
    let mut fence = false;
    let (mut start, mut start_line, mut heading) = (0, 1_u32, "");
    let mut at = 0;
    for (line, number) in text.split_inclusive('\n').zip(1_u32..) {
        fence ^= line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        if let Some(title) = heading_of(line).filter(|_| !fence) {
            findings.add(Place::Line { line: start_line }, heading, &text[start..at])?;
            (start, start_line, heading) = (at, number, title);
        }
        at += line.len();
    }
    findings.add(Place::Line { line: start_line }, heading, &text[start..])
}

/// The title of a line such as `## Title`.
pub fn heading_of(line: &str) -> Option<&str> {
    let title = line.trim_start_matches('#');
    let level = line.len() - title.len();
    ((1..=6).contains(&level) && title.starts_with([' ', '\t'])).then(|| title.trim().trim_end_matches('#').trim_end())
}

/// Reads bytes as text, in whichever encoding they seem to be.
pub fn decode(bytes: &[u8]) -> String {
    encoding_of(bytes).decode(bytes).0.into_owned()
}

/// Whether this is a text at all.
pub fn is_text(bytes: &[u8]) -> bool {
    // By all of it: where the beginning ends in the middle of a letter, that says nothing of the encoding.
    let text = encoding_of(bytes).decode(&bytes[..bytes.len().min(LOOKED_AT_BYTES)]).0;
    let is_strange = |letter: char| {
        (letter.is_control() && !letter.is_ascii_whitespace() && letter != ESCAPE)
            || letter == char::REPLACEMENT_CHARACTER
    };
    let strange = text.chars().filter(|letter| is_strange(*letter)).count();
    strange * STRANGE_ONE_IN <= text.chars().count() || strange <= 2
}

fn encoding_of(bytes: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding;
    }
    let looked_at = &bytes[..bytes.len().min(LOOKED_AT_BYTES)];
    if let Some(encoding) = wide(looked_at) {
        return encoding;
    }
    if is_utf8(bytes) {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Allow)
}

/// Whether it is UTF-8, but for a few places: hardly any letter of another encoding happens to be one of this, too.
fn is_utf8(bytes: &[u8]) -> bool {
    let (mut letters, mut cuts, mut errors, mut end) = (0, 0, 0, 0);
    for part in bytes.utf8_chunks() {
        letters += part.valid().bytes().filter(|byte| *byte >= 0xC0).count();
        let start = end + part.valid().len();
        end = start + part.invalid().len();
        if !part.invalid().is_empty() {
            // A file that was cut begins, or ends, in the middle of a letter.
            let is_cut = start < 3 || end == bytes.len();
            cuts += usize::from(is_cut);
            errors += usize::from(!is_cut);
        }
    }
    (errors == 0 && cuts == 0) || (letters > 0 && letters >= errors * LETTERS_PER_ERROR)
}

/// UTF-16 without a mark: in most texts every other byte is nothing then.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let pairs = bytes.len() / 2;
    if pairs < 2 {
        return None;
    }
    let (mut first, mut second) = (0, 0);
    for pair in bytes.chunks_exact(2) {
        first += usize::from(pair[0] == 0);
        second += usize::from(pair[1] == 0);
    }
    match (first, second) {
        (0, second) if second * 2 > pairs => Some(UTF_16LE),
        (first, 0) if first * 2 > pairs => Some(UTF_16BE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_in_any_encoding() {
        let text = "Grüße aus Köln, wo der Käse schmeckt und die Straße lang ist";
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let latin: Vec<u8> = text.chars().map(|letter| letter as u8).collect();
        assert_eq!(decode(text.as_bytes()), text);
        assert_eq!(decode(&utf16), text);
        assert_eq!(decode(&[b"\xFF\xFE", utf16.as_slice()].concat()), text);
        assert_eq!(decode(&[b"\xEF\xBB\xBF", text.as_bytes()].concat()), text);
        assert_eq!(decode(&latin), text);
        assert_eq!(decode(b"\x93\xFA\x96\x7B\x8C\xEA\x82\xCC\x83\x65\x83\x4C\x83\x58\x83\x67"), "日本語のテキスト");
    }

    #[test]
    fn a_long_text_is_one_wherever_it_is_looked_at_up_to() {
        for text in ["я и Москва ", "αβγ Ρόδος ", "日本語です。", "русский, але українською ї ", "Grüße "]
        {
            for shift in 0..3 {
                let text = "x".repeat(shift) + &text.repeat(20_000);
                assert!(is_text(text.as_bytes()), "{shift} {}", text.chars().take(20).collect::<String>());
                assert_eq!(decode(text.as_bytes()), text);
            }
        }
    }

    #[test]
    fn a_few_bytes_of_another_encoding_change_nothing_around_them() {
        let text = "Straße für Grüße. ".repeat(20);
        let bytes = text.as_bytes();
        // Cut in the middle of a letter, at both ends.
        let (from, to) = (text.find('ß').unwrap() + 1, text.rfind('ü').unwrap() + 1);
        assert!(decode(&bytes[from..to]).contains("für Grüße"));
        let mixed = [bytes, b"ein anderes K\xF6ln", bytes].concat();
        assert!(decode(&mixed).ends_with(&text) && is_text(&mixed));
        // A text of another encoding stays one, though a letter of it may look like more.
        assert_eq!((decode(b"Men\xFC"), decode(b"\xD6l")), ("Menü".to_owned(), "Öl".to_owned()));
        let latin: Vec<u8> = text.chars().map(|letter| letter as u8).collect();
        assert_eq!(decode(&[latin.as_slice(), "ü".as_bytes()].concat()), text.clone() + "Ã¼");
    }

    #[test]
    fn a_log_with_colours_is_a_text() {
        assert!(is_text("\u{1B}[32mok\u{1B}[0m 12:00 it runs\n".repeat(100).as_bytes()));
    }

    #[test]
    fn letters_that_json_writes_as_numbers_are_letters() {
        assert_eq!(
            unescaped(r#""F\u00e4hre \ud83d\ude00 \n \\u00e4 \ud83d \u000a \u12""#),
            r#""Fähre 😀 \n \\u00e4 \ud83d \u000a \u12""#
        );
    }

    #[test]
    fn headings_are_told_from_other_lines() {
        assert_eq!(heading_of("## Refunds ##\n"), Some("Refunds"));
        assert_eq!(heading_of("#tag"), None);
        assert_eq!(heading_of("####### seven"), None);
    }
}
