//! Numbers and words that are the same in each run.

/// Words there are; the first ones are the most usual.
const VOCABULARY: usize = 20_000;

/// A word by its number.
pub fn word(number: usize) -> String {
    const SYLLABLES: [&str; 20] = [
        "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "va", "we", "xi",
        "yo", "zu",
    ];
    let mut rest = number + 400;
    let mut word = String::new();
    while rest > 0 {
        word.push_str(SYLLABLES[rest % SYLLABLES.len()]);
        rest /= SYLLABLES.len();
    }
    word
}

/// Numbers that are always the same (xorshift, Marsaglia 2003).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most.max(1) as u64).unwrap_or_default()
    }

    /// A word's number: the smaller, the more often, as in any language.
    pub fn word(&mut self) -> usize {
        let share = self.below(1_000_000) as f64 / 1_000_000.0;
        ((VOCABULARY as f64).powf(share) as usize).min(VOCABULARY) - 1
    }
}
