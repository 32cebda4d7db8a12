//! What a burst of replies comes to.

use std::{
    ops::AddAssign,
    time::{Duration, Instant},
};

use crate::{
    report::{Budget, Report},
    stats::{Samples, ms},
    upstream::Spoken,
};

const LAG_MS_MAX: f64 = 200.0;
const FIRST_TOKEN_TIMES_MAX: f64 = 1.5;
const PROCESSOR_TIMES_MAX: f64 = 2.0;
/// The kernel tells processor time in hundredths of a second; of fewer tokens it would say nothing.
const TOKENS_MIN: usize = 5_000;

/// How a reply looked to its reader.
pub struct Seen {
    pub sent: Instant,
    pub first: Instant,
    /// When it was known to be complete.
    pub end: Instant,
    /// Between two updates.
    pub longest_pause: Duration,
}

/// Replies in milliseconds, without the model server's own time.
#[derive(Default)]
pub struct Figures {
    first: Samples,
    end: Samples,
    pause: Samples,
    processor_seconds: f64,
    tokens: usize,
}

impl Figures {
    /// Nobody has read any of these tokens yet.
    pub fn new(tokens: usize, processor_seconds: f64) -> Self {
        Self { tokens, processor_seconds, ..Self::default() }
    }

    pub fn add(&mut self, seen: &Seen, spoken: &Spoken) {
        let own = spoken.first - spoken.asked;
        self.first.push(ms((seen.first - seen.sent).saturating_sub(own)));
        self.end.push(ms(seen.end.saturating_duration_since(spoken.last)));
        self.pause.push(ms(seen.longest_pause));
    }

    fn seconds_per_1000_tokens(&self) -> Option<f64> {
        (self.tokens >= TOKENS_MIN).then(|| self.processor_seconds / self.tokens as f64 * 1_000.0)
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        for (all, new) in [(&mut self.first, other.first), (&mut self.end, other.end), (&mut self.pause, other.pause)] {
            all.append(new);
        }
        self.processor_seconds += other.processor_seconds;
        self.tokens += other.tokens;
    }
}

/// Adds how long what a model said was on its way. No token waited longer than the longest pause that its reader saw.
pub fn add_lag(part: &str, figures: &Figures, report: &mut Report) {
    for (percent, budget) in [(50, Budget::None), (95, Budget::Below(LAG_MS_MAX))] {
        let name = format!("longest pause between two updates, p{percent}");
        report.add(part, name, "ms", figures.pause.percentile(percent), None, budget);
    }
}

/// Adds all lines about replies through Sardonyx, next to those through the relay.
pub fn add_rows(part: &str, through: &Figures, bare: &Figures, report: &mut Report) {
    let mut add = |name: &str, of: fn(&Figures) -> &Samples, budget: Budget| {
        for percent in [50, 99] {
            let (value, floor) = (of(through).percentile(percent), of(bare).percentile(percent));
            report.add(part, format!("{name}, p{percent}"), "ms", value, floor, budget);
        }
    };
    add("added time to first token", |figures| &figures.first, Budget::Times(FIRST_TOKEN_TIMES_MAX));
    add("added time until complete", |figures| &figures.end, Budget::None);
    add("longest pause between two updates", |figures| &figures.pause, Budget::None);
    let (value, floor) = (through.seconds_per_1000_tokens(), bare.seconds_per_1000_tokens());
    if value.is_some() {
        report.add(part, "processor time for 1,000 tokens", "s", value, floor, Budget::Times(PROCESSOR_TIMES_MAX));
    }
}
