//! Where in a conversation one is reading.
//!
//! While one reads at the end, the end stays in sight; otherwise nothing moves by itself, whatever comes in above or below.

use leptos::{html::Div, prelude::*};

/// Closer to the end than this is at the end.
const AT_END_PIXELS: i32 = 24;

/// Where in a scrolling element one is reading.
#[derive(Clone, Copy)]
pub struct Reading {
    pub log: NodeRef<Div>,
    pub is_at_end: RwSignal<bool>,
    last_top: StoredValue<i32>,
}

impl Reading {
    pub fn new() -> Self {
        Self { log: NodeRef::new(), is_at_end: RwSignal::new(true), last_top: StoredValue::new(0) }
    }

    /// Goes to the end, unless one has begun to read elsewhere before the browser half took over.
    pub fn begin(self) {
        let Some(log) = self.log.get_untracked() else { return };
        let to_end = log.scroll_height() - log.scroll_top() - log.client_height();
        self.last_top.set_value(log.scroll_top());
        self.is_at_end.set(log.scroll_top() == 0 || to_end <= AT_END_PIXELS);
        self.stay_at_end();
    }

    /// Takes note of where one has scrolled to. Any step up leaves the end, however small, for a wheel moves in small steps
    /// and must win against a reply that grows at the same time.
    pub fn take_note(self) {
        let Some(log) = self.log.get_untracked() else { return };
        let top = log.scroll_top();
        let to_end = log.scroll_height() - top - log.client_height();
        let has_moved_up = top < self.last_top.get_value();
        self.last_top.set_value(top);
        let is_at_end = to_end <= 2 || (!has_moved_up && to_end <= AT_END_PIXELS);
        let was_at_end = self.is_at_end.get_untracked();
        if is_at_end != was_at_end && (is_at_end || has_moved_up) {
            self.is_at_end.set(is_at_end);
        }
    }

    pub fn go_to_end(self) {
        if let Some(log) = self.log.get_untracked() {
            log.set_scroll_top(log.scroll_height());
            // Not left to the event: a step up in the same frame has one event with this, and would look like a step down.
            self.last_top.set_value(log.scroll_top());
        }
    }

    /// Goes to the end before the next frame is painted, if that is where one was.
    pub fn stay_at_end(self) {
        request_animation_frame(move || {
            if self.is_at_end.try_get_untracked() == Some(true) {
                self.go_to_end();
            }
        });
    }

    /// Keeps what is in sight where it is while something is put in above it.
    pub fn stay_here(self) {
        let Some(log) = self.log.get_untracked() else { return };
        let below = log.scroll_height() - log.scroll_top();
        request_animation_frame(move || log.set_scroll_top(log.scroll_height() - below));
    }
}
