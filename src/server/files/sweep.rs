//! Removes from the storage what no file has any more, deletes what is too much to go at once, gives up uploads that nobody
//! goes on with, and files that came for a message which was never sent. And from memory what those who do not search any more needed for that.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};

use crate::server::state::AppState;

/// Looked for so often, though nobody said that there is something: other servers delete, too, and promises run out.
const SWEEP_SECONDS: u64 = 30;
const OLD_UPLOADS_SECONDS: u64 = 600;
/// What could not be removed is tried again after this.
const REMOVED_AGAIN_SECONDS: i64 = 600;
/// Steps of deleting text that are taken before all else is looked at again.
const STEPS_AT_A_TIME: usize = 20;
/// Blobs that are removed before they are forgotten.
const BLOBS_AT_A_TIME: u64 = 100;

/// Runs until the server is told to stop.
pub async fn run(state: AppState) {
    let mut sweeps = interval(Duration::from_secs(SWEEP_SECONDS));
    sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looked: Option<Instant> = None;
    loop {
        tokio::select! {
            () = state.stopping.cancelled() => return,
            () = state.intake.doomed.notified() => {}
            _ = sweeps.tick() => {}
        }
        if looked.is_none_or(|at| at.elapsed() >= Duration::from_secs(OLD_UPLOADS_SECONDS)) {
            looked = Some(Instant::now());
            give_up_uploads(&state).await;
        }
        remove_blobs(&state).await;
        if delete_text(&state).await {
            state.intake.sweep_soon();
        }
        state.meanings.forget_unused();
    }
}

/// A failure is logged where it happens; the next sweep tries again.
async fn give_up_uploads(state: &AppState) {
    let mut given_up = state.db.give_up_uploads().await.unwrap_or_default();
    given_up.extend(state.db.delete_unused_files().await.unwrap_or_default());
    for (user_id, _) in given_up {
        state.live.files_changed(user_id);
        state.live.notifications_changed(user_id);
    }
}

/// Goes on with what is being deleted, whichever server was asked for it, a step for each person in turn; true when there may be
/// more. A failure is logged where it happens, and keeps nobody else's from going; the next sweep tries again.
async fn delete_text(state: &AppState) -> bool {
    let mut users = state.db.list_being_deleted().await.unwrap_or_default();
    for _ in 0..STEPS_AT_A_TIME {
        let mut left = Vec::with_capacity(users.len());
        for id in users {
            if state.stopping.is_cancelled() {
                return false;
            }
            if state.db.go_on_deleting(id).await.unwrap_or(false) {
                left.push(id);
            }
        }
        if left.is_empty() {
            return false;
        }
        users = left;
    }
    true
}

async fn remove_blobs(state: &AppState) {
    while !state.stopping.is_cancelled() {
        let Ok(doomed) = state.db.list_doomed_blobs(BLOBS_AT_A_TIME).await else { return };
        let (mut removed, mut left) = (Vec::with_capacity(doomed.len()), Vec::new());
        for id in doomed {
            if state.blobs.remove(id).await.is_ok() { removed.push(id) } else { left.push(id) }
        }
        if removed.is_empty() && left.is_empty() {
            return;
        }
        // Those that cannot be removed now do not keep others from it.
        let forgotten = state.db.forget_doomed_blobs(removed).await;
        if forgotten.is_err() || state.db.put_removal_off(left, REMOVED_AGAIN_SECONDS).await.is_err() {
            return;
        }
    }
}
