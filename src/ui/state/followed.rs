//! What a page shows of files and keeps up to date, without being made anew: what is chosen, typed or focused there stays.

use std::{cell::Cell, rc::Rc};

use leptos::{prelude::*, task::spawn_local};

use super::{
    effect::{effect, every},
    live::use_live,
    session::use_session,
};
use crate::error::{Error, Result};

/// Time between two looks at files while there is no connection.
const POLL_MS: u64 = 5_000;

/// Begins with what was fetched `first`, and asks again whenever a file is new, went on, or is gone ([`ask_again`]).
///
/// It belongs to the page, not to the component, which is made anew when the page shows something else: until that is
/// there, what the reader sees and uses is the one before.
pub fn follow_files<T, F>(page: Option<Owner>, first: T, ask: impl Fn() -> Option<F> + 'static) -> RwSignal<T>
where
    T: PartialEq + Send + Sync + 'static,
    F: Future<Output = Result<T>> + 'static,
{
    let shown = page.unwrap_or_default().with(|| RwSignal::new(first));
    ask_again(ask, move |now| {
        if shown.try_with_untracked(|known| *known != now) == Some(true) {
            shown.set(now);
        }
    });
    shown
}

/// Asks whenever a file is new, went on, or is gone, and now and then while nothing can be told, as long as the calling
/// component is there and gives something to ask. What cannot be had leaves what is shown; an answer that a newer one has
/// overtaken is none, and neither is one that comes when the component is gone.
pub fn ask_again<T, F>(ask: impl Fn() -> Option<F> + 'static, take: impl Fn(T) + 'static)
where
    T: 'static,
    F: Future<Output = Result<T>> + 'static,
{
    let (live, session) = (use_live(), use_session());
    let (newest, take) = (Rc::new(Cell::new(0)), Rc::new(take));
    let component = StoredValue::new(());
    Effect::new(move |asked_before: Option<u32>| {
        live.files_changed.track();
        let Some(asked_before) = asked_before else { return 0 };
        let Some(answer) = ask() else { return asked_before };
        let (asked, newest, take) = (asked_before + 1, newest.clone(), take.clone());
        spawn_local(async move {
            let answer = answer.await;
            if component.try_get_value().is_none() {
                return;
            }
            match answer {
                Ok(now) if asked > newest.get() => {
                    newest.set(asked);
                    take(now);
                }
                Ok(_) => {}
                Err(Error::TooOften { seconds, .. }) => {
                    live.files_changed.notify_in(1_000 * u64::from(seconds.max(1)));
                }
                Err(error) => session.leave_if_ended(error),
            }
        });
        asked
    });
    effect(move || {
        if live.is_connected.get() || session.ended.with(Option::is_some) {
            return;
        }
        // Nobody looks at a page that is hidden, which may have no connection for that very reason.
        let look = move || {
            if !document().hidden() {
                live.files_changed.look();
            }
        };
        if let Some(interval) = every(POLL_MS, look) {
            on_cleanup(move || interval.clear());
        }
    });
}
