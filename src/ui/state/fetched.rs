//! What the parts of a page share and the server fetched first.

use std::sync::{Arc, OnceLock};

use leptos::prelude::*;

/// A signal in the browser, empty before it is started.
///
/// On the server several threads render the parts of one page, some of them twice, and a signal that one of them writes
/// cannot be read at that moment: its reader panics (`reactive_graph` 0.2 never waits for a lock). So there, what comes
/// first stays, nothing else is ever written, and reading never fails. It belongs to whoever has it, not to the page: the
/// title is read once more when that is gone.
#[derive(Clone)]
pub struct Fetched<T: Send + Sync + 'static> {
    first: Arc<OnceLock<T>>,
    now: ArcRwSignal<T>,
}

impl<T: Default + Send + Sync> Fetched<T> {
    pub fn new() -> Self {
        Self { first: Arc::default(), now: ArcRwSignal::new(T::default()) }
    }

    /// Begins, or begins anew, with what was fetched.
    pub fn start(&self, value: T) {
        if cfg!(feature = "ssr") {
            // Whoever was faster had fetched the same.
            _ = self.first.set(value);
        } else {
            self.now.set(value);
        }
    }

    /// Changes it, in the browser.
    pub fn update(&self, change: impl FnOnce(&mut T)) {
        self.now.update(change);
    }

    pub fn with<U>(&self, look: impl FnOnce(&T) -> U) -> U {
        if cfg!(feature = "ssr") { self.with_first(look) } else { self.now.with(look) }
    }

    pub fn with_untracked<U>(&self, look: impl FnOnce(&T) -> U) -> U {
        if cfg!(feature = "ssr") { self.with_first(look) } else { self.now.with_untracked(look) }
    }

    fn with_first<U>(&self, look: impl FnOnce(&T) -> U) -> U {
        match self.first.get() {
            Some(value) => look(value),
            None => look(&T::default()),
        }
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_one_thread_starts_others_can_read_at_any_moment() {
        for round in 0..2_000 {
            let fetched = Fetched::<Vec<u32>>::new();
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| fetched.start(vec![round; 3]));
                    scope.spawn(|| (0..20).for_each(|_| assert!([0, 3].contains(&fetched.with(Vec::len)))));
                }
            });
            assert_eq!(fetched.with(Vec::len), 3);
        }
    }
}
