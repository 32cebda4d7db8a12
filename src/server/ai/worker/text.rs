//! Puts characters together: a token may end in the middle of one.

/// Collects bytes and gives whole characters.
#[derive(Default)]
pub struct Utf8 {
    /// The beginning of a character whose other bytes are still to come.
    begun: Vec<u8>,
}

impl Utf8 {
    /// Takes more bytes and gives all characters that are complete now. Bytes that can be no part of a character become
    /// one replacement character for each unbroken run that was tried.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.begun.extend_from_slice(bytes);
        let mut text = String::new();
        let mut kept = 0;
        for chunk in self.begun.utf8_chunks() {
            text.push_str(chunk.valid());
            kept += chunk.valid().len();
            if may_be_begun(chunk.invalid()) && kept + chunk.invalid().len() == self.begun.len() {
                break;
            }
            if !chunk.invalid().is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
            kept += chunk.invalid().len();
        }
        self.begun.drain(..kept);
        text
    }
}

/// Whether these bytes, the last ones so far, can be the beginning of a character.
fn may_be_begun(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_comes_when_its_last_byte_does() {
        let mut utf8 = Utf8::default();
        let pieces: Vec<String> = "aé😀z".bytes().map(|byte| utf8.push(&[byte])).collect();
        assert_eq!(pieces, ["a", "", "é", "", "", "", "😀", "z"]);
    }

    #[test]
    fn bytes_that_are_no_character_are_replaced_and_hold_nothing_up() {
        let mut utf8 = Utf8::default();
        assert_eq!(utf8.push(b"a\xff\xe2\x82"), "a\u{fffd}");
        assert_eq!(utf8.push(b"z"), "\u{fffd}z");
    }
}
