//! Numbered steps with the time that each took: `[3/6] building the browser half … 41 s`.

use std::io::{Write, stderr};
use std::time::{Duration, Instant};

use anyhow::Result;

/// The steps of one command, in order.
pub struct Steps {
    done: usize,
    total: usize,
}

/// A step under way.
pub struct Step {
    /// Whether something was printed below the title since.
    noisy: bool,
}

impl Steps {
    pub fn new(total: usize) -> Self {
        Self { done: 0, total }
    }

    /// Runs one step and prints its title, then its time.
    pub fn run<T>(&mut self, title: &str, work: impl FnOnce(&mut Step) -> Result<T>) -> Result<T> {
        self.done += 1;
        eprint!("[{}/{}] {title} …", self.done, self.total);
        let _ = stderr().flush();
        let start = Instant::now();
        let mut step = Step { noisy: false };
        let result = work(&mut step);
        let outcome = if result.is_ok() { elapsed(start.elapsed()) } else { "failed".into() };
        if step.noisy {
            eprintln!("[{}/{}] {title}: {outcome}", self.done, self.total);
        } else {
            eprintln!(" {outcome}");
        }
        result
    }
}

impl Step {
    /// One without a title, for work that has its own heading.
    pub fn open() -> Self {
        Self { noisy: true }
    }

    /// Ends the title's line: another program is about to print.
    pub fn make_room(&mut self) {
        if !self.noisy {
            eprintln!();
            self.noisy = true;
        }
    }

    pub fn say(&mut self, text: &str) {
        self.make_room();
        eprintln!("      {text}");
    }
}

/// A time as a person reads it: `0.3 s`, `41 s`, `2 min 05 s`.
pub fn elapsed(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds >= 60 {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    } else if seconds >= 10 {
        format!("{seconds} s")
    } else {
        format!("{:.1} s", time.as_secs_f32())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_unit_a_person_would_choose() {
        assert_eq!(elapsed(Duration::from_millis(340)), "0.3 s");
        assert_eq!(elapsed(Duration::from_millis(41_400)), "41 s");
        assert_eq!(elapsed(Duration::from_secs(125)), "2 min 05 s");
    }
}
