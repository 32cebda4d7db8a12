//! Tries the ways between this browser and the server, one beside the other: what a proxy in between breaks, shows here.

use std::{cell::Cell, rc::Rc};

use leptos::{prelude::*, task::spawn_local};

use super::{
    effect::after,
    socket::{Socket, Way},
};
use crate::{api::connection::test_body, domain::limits};

/// A connection that takes longer than this to say its first word is broken.
const FIRST_WORD_MS_MAX: u64 = 10_000;
/// A quiet connection is watched for this long: for two pings and some time to spare.
const WATCHED_MS: u64 = limits::SOCKET_SILENCE_SECONDS_MAX * 1_000;
/// Questions over the stream, each of which must be answered by itself.
const QUESTIONS: u32 = 3;
/// What is sent as a large request: room is left for how it is encoded.
const BODY_BYTES: usize = limits::REQUEST_BODY_BYTES_MAX - 1_024;

/// How far a trial has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has not begun: there is no script yet.
    Waiting,
    Running,
    Passed,
    Failed,
}

/// All that is tried.
#[derive(Clone, Copy)]
pub struct SelfTest {
    /// The page's address is the one that the server expects.
    pub address: RwSignal<Outcome>,
    /// A WebSocket opens.
    pub socket: RwSignal<Outcome>,
    /// It stays open while nothing is said, and what the server says now and then comes through.
    pub quiet: RwSignal<Outcome>,
    /// A stream of events opens.
    pub stream: RwSignal<Outcome>,
    /// Each event comes at once, not when many have gathered.
    pub delivery: RwSignal<Outcome>,
    /// A request may be as large as the server allows.
    pub body: RwSignal<Outcome>,
    /// What is open for it; made in the browser only.
    open: StoredValue<Option<StoredValue<Vec<Socket>, LocalStorage>>>,
    /// Which run it is: what is left of an earlier one counts no more.
    run: StoredValue<u32>,
}

impl SelfTest {
    pub fn new() -> Self {
        let waiting = || RwSignal::new(Outcome::Waiting);
        Self {
            address: waiting(),
            socket: waiting(),
            quiet: waiting(),
            stream: waiting(),
            delivery: waiting(),
            body: waiting(),
            open: StoredValue::new(None),
            run: StoredValue::new(0),
        }
    }

    /// Tries everything, from the beginning.
    pub fn start(self, public_url: String) {
        self.stop();
        self.open.set_value(Some(StoredValue::new_local(Vec::new())));
        for outcome in [self.address, self.socket, self.quiet, self.stream, self.delivery, self.body] {
            outcome.set(Outcome::Running);
        }
        let origin = window().location().origin().unwrap_or_default();
        self.address.set(if origin == public_url { Outcome::Passed } else { Outcome::Failed });
        self.try_socket();
        self.try_stream();
        let run = self.run.get_value();
        spawn_local(async move {
            let is_taken = test_body("x".repeat(BODY_BYTES)).await.is_ok_and(|bytes| bytes == BODY_BYTES);
            if self.run.try_get_value() == Some(run) {
                self.body.set(if is_taken { Outcome::Passed } else { Outcome::Failed });
            }
        });
    }

    /// Lets go of what is open.
    pub fn stop(self) {
        self.run.update_value(|run| *run += 1);
        if let Some(open) = self.open.get_value() {
            open.try_update_value(Vec::clear);
        }
    }

    fn try_socket(self) {
        let beats = Rc::new(Cell::new(0));
        let on_text = move |text: String| {
            if is_event(&text, "alive") {
                beats.set(beats.get() + 1);
                settle(self.socket, Outcome::Passed);
                if beats.get() > 2 {
                    settle(self.quiet, Outcome::Passed);
                }
            }
        };
        let fail = move || [self.socket, self.quiet].into_iter().for_each(|outcome| settle(outcome, Outcome::Failed));
        self.keep(Socket::open(Way::Socket, || {}, on_text, fail).ok(), fail);
        self.later(FIRST_WORD_MS_MAX, move || {
            if self.socket.get_untracked() == Outcome::Running {
                fail();
            }
        });
        self.later(WATCHED_MS, fail);
    }

    fn try_stream(self) {
        let asked = Rc::new(Cell::new(0));
        let on_text = move |text: String| {
            settle(self.stream, Outcome::Passed);
            let is_answer = is_event(&text, "refused");
            if !is_answer && asked.get() > 0 {
                return;
            }
            if asked.get() == QUESTIONS {
                return settle(self.delivery, Outcome::Passed);
            }
            asked.set(asked.get() + 1);
            // No command that there is; the refusal is the answer.
            self.ask("?");
        };
        let fail = move || {
            [self.stream, self.delivery].into_iter().for_each(|outcome| settle(outcome, Outcome::Failed));
        };
        self.keep(Socket::open(Way::Stream, || {}, on_text, fail).ok(), fail);
        self.later(FIRST_WORD_MS_MAX, fail);
    }

    /// Sends something over the stream.
    fn ask(self, text: &str) {
        if let Some(open) = self.open.try_get_value().flatten() {
            open.try_with_value(|open| open.iter().filter(|line| line.is_stream()).for_each(|line| line.send(text)));
        }
    }

    fn keep(self, opened: Option<Socket>, fail: impl Fn()) {
        match (opened, self.open.get_value()) {
            (Some(socket), Some(open)) => open.update_value(|open| open.push(socket)),
            _ => fail(),
        }
    }

    /// Does something after a while, if this run is still going on.
    fn later(self, wait_ms: u64, act: impl FnOnce() + 'static) {
        let run = self.run.get_value();
        let act = move || {
            if self.run.try_get_value() == Some(run) {
                act();
            }
        };
        after(wait_ms, act);
    }
}

fn settle(outcome: RwSignal<Outcome>, to: Outcome) {
    if outcome.try_get_untracked() == Some(Outcome::Running) {
        outcome.set(to);
    }
}

fn is_event(text: &str, name: &str) -> bool {
    text.trim_start_matches('{').starts_with(&format!("\"{name}\""))
}
