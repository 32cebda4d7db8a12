//! Something that is told of without saying what it is, so that it is fetched.

use leptos::prelude::*;

use super::effect::after;

/// Shortest time between two fetches of what others tell of: a file that is read is told of five times, and there may be a
/// hundred of them.
const AGAIN_MS_MIN: u64 = 1_000;

/// Whoever tracks it fetches whenever it is raised.
#[derive(Clone, Copy)]
pub struct News {
    raised: Trigger,
    last_ms: StoredValue<f64>,
    /// Whether it will be raised in a moment.
    is_due: StoredValue<bool>,
}

impl News {
    pub fn new() -> Self {
        Self { raised: Trigger::new(), last_ms: StoredValue::new(0.0), is_due: StoredValue::new(false) }
    }

    pub fn track(self) {
        self.raised.track();
    }

    /// Raises it at once: by what was done here.
    pub fn notify(self) {
        self.last_ms.set_value(js_sys::Date::now());
        self.raised.notify();
    }

    /// Raises it for what was told: at once, or a moment after the last time.
    pub fn hear(self) {
        if self.was_just_raised() || self.is_due.get_value() {
            self.notify_in(AGAIN_MS_MIN);
        } else {
            self.notify();
        }
    }

    /// Raises it in case there is something to be told, unless that was done a moment ago.
    pub fn look(self) {
        if !self.was_just_raised() {
            self.notify();
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a browser counts moments so")]
    fn was_just_raised(self) -> bool {
        js_sys::Date::now() - self.last_ms.get_value() < AGAIN_MS_MIN as f64
    }

    /// Raises it after a while, unless it will be anyway.
    pub fn notify_in(self, wait_ms: u64) {
        if !self.is_due.get_value() {
            self.is_due.set_value(true);
            let raise = move || {
                self.is_due.set_value(false);
                self.notify();
            };
            after(wait_ms, raise);
        }
    }
}
