//! Ends replies that lost their server, so that nobody waits for ever: at the start, and every few seconds.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use crate::server::state::AppState;

const SWEEP_SECONDS: u64 = 5;
const SESSION_SWEEP_SECONDS: u64 = 600;

/// Runs until the server is told to stop.
pub async fn run(state: AppState) {
    let mut sweeps = interval(Duration::from_secs(SWEEP_SECONDS));
    sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = state.stopping.cancelled() => return,
            _ = sweeps.tick() => interrupt(&state, None).await,
        }
    }
}

/// Ends, at the start, what the server before left running: on SQLite, which belongs to one server, all of it at once; on
/// Postgres what lapsed.
pub async fn interrupt_left_behind(state: &AppState) {
    interrupt(state, state.db.is_sqlite().then_some(state.instance)).await;
}

async fn interrupt(state: &AppState, all_but: Option<Uuid>) {
    let Ok(interrupted) = state.db.interrupt_lapsed_replies(all_but).await else { return };
    for reply in &interrupted {
        tracing::warn!(message = %reply.message_id, "a reply was interrupted: its server went away");
        state.live.reply_interrupted(reply.user_id, reply.message_id);
    }
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
