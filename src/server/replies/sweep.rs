//! Goes on with replies that lost their server, and begins those whose turn has come, so that nobody waits for ever: at the
//! start, and every second.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{engine, queue, running::Place, tell, view};
use crate::{
    domain::limits,
    error::Result,
    server::{
        db::{Lapsed, TakenReply},
        state::AppState,
    },
};

/// Replies that are taken over at a time; the others, by another server or in the next second.
const TAKEN_OVER_MAX: usize = 50;
const SESSION_SWEEP_SECONDS: u64 = 600;

/// Runs until the server is told to stop.
pub async fn run(state: AppState) {
    let mut sweeps = interval(Duration::from_secs(limits::REPLY_SWEEP_SECONDS));
    sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = queue::Told::default();
    loop {
        tokio::select! {
            () = state.stopping.cancelled() => return,
            () = state.running.place_freed() => {}
            _ = sweeps.tick() => take_over(&state, Lapsed::ByTime, TAKEN_OVER_MAX).await,
        }
        queue::advance(&state, &mut told).await;
    }
}

/// Goes on, at the start, with what the server before left: on SQLite, which belongs to one server, with all of it at once;
/// on Postgres with what lapsed.
pub async fn take_over_left_behind(state: &AppState) {
    let lapsed = if state.db.is_sqlite() { Lapsed::All } else { Lapsed::ByTime };
    take_over(state, lapsed, limits::RUNNING_REPLIES_MAX).await;
}

async fn take_over(state: &AppState, lapsed: Lapsed, count: usize) {
    let mut places = state.running.reserve_many(count);
    if places.is_empty() {
        return;
    }
    // A failure is logged where it happens; the next sweep tries again.
    let Ok(taken) = state.db.take_over_replies(lapsed, places.len(), state.running.ids()).await else { return };
    for reply in taken {
        match (reply.lease, places.pop()) {
            (Some(_), Some(place)) => {
                tracing::warn!(message = %reply.message_id, "a reply lost its server and goes on here");
                spawn(state, reply, place);
            }
            _ => {
                tracing::warn!(message = %reply.message_id, "a reply lost its server and has ended");
                tell::ended_instead(state, &reply).await;
            }
        }
    }
}

/// Writes a reply that was taken, or the rest of it. Should that fail, its lease lapses.
pub fn spawn(state: &AppState, reply: TakenReply, place: Place) {
    let state = state.clone();
    state.tasks.clone().spawn(async move {
        if go_on(&state, &reply, place).await.is_err() {
            tracing::warn!(message = %reply.message_id, "a reply has to wait for the database");
        }
    });
}

async fn go_on(state: &AppState, reply: &TakenReply, place: Place) -> Result<()> {
    let Some(lease) = reply.lease else { return Ok(()) };
    #[expect(clippy::disallowed_methods, reason = "this is what it is for")]
    let db = state.db.open_taken_reply(reply).await?;
    let Some(db) = db else {
        return state.db.interrupt_taken_reply(reply).await;
    };
    if let Some(stored) = db.find_message(reply.message_id).await? {
        let task = engine::Task::new(state, &db, &stored, lease, place);
        let message = view::show_with_files(state, &db, stored).await;
        state.live.messages(db.user_id(), reply.chat_id, vec![message]);
        task.run().await;
    }
    Ok(())
}

/// Forgets what is over: expired records of the embedded store, sessions that ended long ago, old failed attempts, used
/// links, and what the audit log no longer has to keep.
pub async fn sweep_sessions(state: AppState) {
    let mut sweeps = interval(Duration::from_secs(SESSION_SWEEP_SECONDS));
    sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = state.stopping.cancelled() => return,
            _ = sweeps.tick() => {
                // A failure is logged where it happens; the next sweep tries again.
                let _ = state.db.delete_expired_session_records().await;
                let _ = state.db.delete_old_sessions().await;
                let _ = state.db.delete_old_attempts().await;
                let _ = state.db.delete_old_links().await;
                let _ = state.db.delete_old_audit_entries(state.config.limits.audit_days).await;
                state.flood.forget_the_quiet();
            }
        }
    }
}
