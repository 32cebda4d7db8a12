//! The log-in, against `argon2` alone.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::{
    client::{Browser, http_client},
    report::{Budget, Report},
    seed::{PASSWORD, Seeded},
    server::Sardonyx,
    stats::{Samples, ms},
};

/// As `server::auth::password` has them.
const MEMORY_KIB: u32 = 19 * 1_024;
const ITERATIONS: u32 = 2;
const LANES: u32 = 1;
/// What everything around the hash may take.
const REST_MS_MAX: f64 = 5.0;

/// Logs everybody in, one after the other, each next to one bare hash; gives their browsers.
pub async fn measure(server: &Sardonyx, seeded: &Seeded, report: &mut Report) -> Result<Vec<Browser>> {
    let http = http_client()?;
    let (mut log_ins, mut hashes) = (Samples::default(), Samples::default());
    let mut browsers = Vec::with_capacity(seeded.people.len());
    // The first of either finds everything cold.
    hash().await?;
    Browser::log_in(&http, server, &seeded.reader).await?;
    for email in &seeded.people {
        hashes.push(ms(hash().await?));
        let started = Instant::now();
        if let Some(browser) = report.take("log-in", Browser::log_in(&http, server, email).await) {
            log_ins.push(ms(started.elapsed()));
            browsers.push(browser);
        }
    }
    ensure!(!browsers.is_empty(), "nobody could log in");
    for percent in [50, 99] {
        report.add(
            "log-in, one after the other; floor: argon2 alone",
            format!("p{percent} of {}", seeded.people.len()),
            "ms",
            log_ins.percentile(percent),
            hashes.percentile(percent),
            Budget::Above(REST_MS_MAX),
        );
    }
    Ok(browsers)
}

/// One bare hash, on a thread of the kind that the server uses.
async fn hash() -> Result<Duration> {
    tokio::task::spawn_blocking(|| {
        let params = Params::new(MEMORY_KIB, ITERATIONS, LANES, None).map_err(|error| anyhow!("{error}"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut output = [0; 32];
        let started = Instant::now();
        argon2
            .hash_password_into(PASSWORD.as_bytes(), b"sixteen bytes ok", &mut output)
            .map_err(|error| anyhow!("{error}"))?;
        Ok(started.elapsed())
    })
    .await
    .context("hashing panicked")?
}
