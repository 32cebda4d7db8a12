//! Effects and timers that are one and the same to the compiler: each other one is a kilobyte of the browser half by itself.

use std::time::Duration;

use leptos::{leptos_dom::helpers::IntervalHandle, prelude::*};

/// An effect, in a box.
pub fn effect(run: impl FnMut() + 'static) {
    let run: Box<dyn FnMut()> = Box::new(run);
    Effect::new(run);
}

/// Does something after a while, in a box.
pub fn after(wait_ms: u64, act: impl FnOnce() + 'static) {
    let act: Box<dyn FnOnce()> = Box::new(act);
    set_timeout(act, Duration::from_millis(wait_ms));
}

/// Does something again and again, in a box, until it is cleared.
pub fn every(wait_ms: u64, act: impl Fn() + 'static) -> Option<IntervalHandle> {
    let act: Box<dyn Fn()> = Box::new(act);
    set_interval_with_handle(act, Duration::from_millis(wait_ms)).ok()
}
