//! What a page shows of files and keeps up to date, without being made anew: what is chosen, typed or focused there stays.

use std::{cell::Cell, rc::Rc};

use leptos::{prelude::*, task::spawn_local};

use super::{live::use_live, session::use_session};
use crate::error::Result;

/// Begins with what was fetched `first`, and asks again whenever a file is new, went on, or is gone, as long as the calling
/// component is there and gives something to ask. What cannot be had leaves what is shown; an answer that a newer one has overtaken is none.
///
/// It belongs to the page, not to the component, which is made anew when the page shows something else: until that is
/// there, what the reader sees and uses is the one before.
pub fn follow_files<T, F>(page: Option<Owner>, first: T, ask: impl Fn() -> Option<F> + 'static) -> RwSignal<T>
where
    T: PartialEq + Send + Sync + 'static,
    F: Future<Output = Result<T>> + 'static,
{
    let (live, session, newest) = (use_live(), use_session(), Rc::new(Cell::new(0)));
    let shown = page.unwrap_or_default().with(|| RwSignal::new(first));
    Effect::new(move |asked_before: Option<u32>| {
        live.files_changed.track();
        let Some(asked_before) = asked_before else { return 0 };
        let Some(answer) = ask() else { return asked_before };
        let (asked, newest) = (asked_before + 1, newest.clone());
        spawn_local(async move {
            match answer.await {
                Ok(now) if asked > newest.get() => {
                    newest.set(asked);
                    if shown.try_with_untracked(|known| *known != now) == Some(true) {
                        shown.set(now);
                    }
                }
                Ok(_) => {}
                Err(error) => session.leave_if_ended(error),
            }
        });
        asked
    });
    shown
}
