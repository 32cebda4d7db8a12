//! Plain text in any encoding, and markdown.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::{Outcome, findings::Findings};
use crate::domain::place::Place;

/// So much is looked at to tell text from anything else.
const LOOKED_AT_BYTES: usize = 64 * 1024;
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
    let bytes = &bytes[..bytes.len().min(LOOKED_AT_BYTES)];
    let text = decode(bytes);
    let strange = text
        .chars()
        .filter(|letter| {
            (letter.is_control() && !letter.is_ascii_whitespace()) || *letter == char::REPLACEMENT_CHARACTER
        })
        .count();
    // NULs are nothing: they are what a file of fixed fields is filled with.
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
    if std::str::from_utf8(bytes).is_ok() {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Allow)
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
