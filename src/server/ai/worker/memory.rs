//! What a place still knows of the conversation that was there: its next turn then need not be read from the beginning.
//!
//! Several users share the places, and whoever finds a place that knows his text gets his reply sooner. So a memory is
//! used only by a conversation that repeats all of it up to and into the reply: the reply's words were chosen at
//! random, and only who was told them can repeat them. No question alone, however common, ever meets a memory.

/// Tokens of the reply that must be repeated. A shorter reply leaves no memory.
const PROOF_TOKENS: usize = 8;

/// The tokens that the engine has read in a place.
pub struct Memory<T> {
    tokens: Vec<T>,
    /// How many of them a text must begin with.
    proof: usize,
    left_at: u64,
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self { tokens: Vec::new(), proof: 0, left_at: 0 }
    }
}

impl<T: PartialEq> Memory<T> {
    /// Remembers what was read, of which so many were the conversation and the rest its reply. `left_at` is larger for
    /// what was left later.
    pub fn new(left_at: u64, tokens: Vec<T>, conversation: usize) -> Self {
        Self { tokens, proof: conversation + PROOF_TOKENS, left_at }
    }

    /// How much of the beginning of a text need not be read: never all of it, for it is the last token that tells how
    /// to go on.
    pub fn known(&self, text: &[T]) -> usize {
        let same = self.tokens.iter().zip(text).take_while(|(mine, theirs)| mine == theirs).count();
        if same < self.proof { 0 } else { same.min(text.len().saturating_sub(1)) }
    }

    /// When it was left.
    pub fn left_at(&self) -> u64 {
        self.left_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_conversation_that_goes_on_is_known() {
        let text: Vec<u32> = (0..30).collect();
        let memory = Memory::new(1, text[..25].to_vec(), 10);
        assert_eq!(memory.known(&text), 25);
        assert_eq!(memory.known(&text[..18]), 17);
        // The question alone, and what is told apart by the first words of the answer.
        assert_eq!(memory.known(&text[..10]), 0);
        assert_eq!(memory.known(&text[..17]), 0);
        let mut other = text.clone();
        other[17] = 99;
        assert_eq!(memory.known(&other), 0);
        other = text;
        other[18] = 99;
        assert_eq!(memory.known(&other), 18);
    }

    #[test]
    fn a_short_reply_and_an_empty_place_leave_nothing_known() {
        let text: Vec<u32> = (0..30).collect();
        assert_eq!(Memory::new(1, text[..17].to_vec(), 10).known(&text), 0);
        assert_eq!(Memory::default().known(&text), 0);
    }
}
