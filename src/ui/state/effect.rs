//! Effects that are one and the same to the compiler.

use leptos::prelude::*;

/// An effect, in a box: each other one is a kilobyte of the browser half by itself.
pub fn effect(run: impl FnMut() + 'static) {
    let run: Box<dyn FnMut()> = Box::new(run);
    Effect::new(run);
}
