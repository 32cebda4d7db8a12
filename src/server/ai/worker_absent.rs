//! Stands in for `worker` in a build without the embedded model.

use super::embedded::protocol::{Event, WorkerArgs};

/// Whether this build has the model's engine.
pub const BUILT_IN: bool = false;

/// Says that there is nothing to run.
///
/// # Errors
/// Always.
pub fn run(_args: &WorkerArgs) -> Result<(), String> {
    let reason = "this build has no embedded model (it was built without the feature `embedded-model`)".to_owned();
    let line = serde_json::to_string(&Event::Unusable { reason: reason.clone() }).map_err(|error| error.to_string())?;
    println!("{line}");
    Err(reason)
}
