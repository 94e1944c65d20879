//! Settles what a session takes of the cluster's memory: one million of them, written by the service's own code, as they are after a refresh.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::stream::{StreamExt, TryStreamExt, iter};
use shared::clock::{SharedClock, system_clock};
use shared::context::Context;
use shared::ids;
use shared::redis::Cluster;
use shared::testing::breakers;

use super::Setup;
use super::engines_apart::{nodes, told};
use crate::report::{Comparison, Figure, Measure};

const SESSIONS: u32 = 1_000_000;
/// Commands under way at once.
const AT_ONCE: usize = 256;
/// They go away by themselves; how long that takes makes no difference to what they take.
const IDLE_S: u64 = 900;
const GENERATION: u32 = 3;
/// "Under 400 bytes."
const LIMIT: f64 = 400.0;

/// Of all primaries together, by what they say of their memory.
pub fn run() -> Result<Vec<Comparison>> {
    let mut setup = Setup::open()?;
    // As in use: no other installation shares the cluster.
    setup.config.redis.key_prefix = String::new();
    let before = used(&setup)?;
    setup.engine.run(write(&setup))?;
    let after = used(&setup)?;
    let a_session = (after - before) / f64::from(SESSIONS);
    let figures = vec![
        Figure { name: "ours: key, record and expiry of a session", value: a_session },
        Figure { name: "limit", value: LIMIT },
    ];
    Ok(vec![Comparison::new(("sessions-memory", "one million"), Measure::Size, figures, 1.0)])
}

async fn write(setup: &Setup) -> Result<()> {
    let clock: SharedClock = system_clock();
    let cluster = Cluster::connect(&setup.config.redis, &breakers(), setup.engine.handle()).await?;
    let since_ms = clock.utc().timestamp_millis();
    let written = iter(0..SESSIONS).map(|_| {
        let (cluster, clock) = (&cluster, &clock);
        async move {
            let context = Context::background(clock.clone(), Duration::from_secs(10));
            let sid = ids::new_id(&**clock);
            auth::session_store::restore(cluster, &context, sid, GENERATION, since_ms, IDLE_S).await
        }
    });
    written.buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
    Ok(())
}

/// Bytes of all primaries.
fn used(setup: &Setup) -> Result<f64> {
    let mut total = 0.0;
    let mut primaries = 0;
    for mut node in nodes(setup)? {
        if told(&mut node, "replication", "role")? == "master" {
            let bytes: f64 = told(&mut node, "memory", "used_memory")?.parse().context("bytes")?;
            total += bytes;
            primaries += 1;
        }
    }
    ensure!(primaries == 3, "the cluster has three primaries, and {primaries} say so");
    Ok(total)
}
