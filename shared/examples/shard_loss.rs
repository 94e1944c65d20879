//! Settles what the loss of a shard looks like from a service: each shard's answers per tenth of a second, while a primary is stopped or killed.
//!
//! ```sh
//! cargo run --release -p shared --example shard_loss -- 127.0.0.1:17001,127.0.0.1:17002 .ent/secrets/redis 20
//! cargo ent fault stop redis-primary --for 10s
//! ```
//! Prints one line per 100 ms: milliseconds since the start, then the answers of each shard in the order of their slots.
//! Requests come at a fixed rate, whatever becomes of them, and share the places of one service: what waits for a shard
//! that is lost must not take the places of the others. `ENT_ABLATE=breakers` shows how it does without breakers.
//! `cargo ent prove shard-loss` runs this program and judges what it prints.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program to look at, with a clock and an environment of its own"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use shared::ablation::Ablation;
use shared::clock::system_clock;
use shared::context::Context;
use shared::redis::{Cluster, Config, Key};
use shared::resilience::breaker::Registry;
use shared::resilience::bulkhead::Bulkhead;
use tokio::runtime::Handle;
use tokio::time::MissedTickBehavior;

/// A request to each shard comes this often: 500 a second.
const ARRIVALS: Duration = Duration::from_millis(2);
/// Requests that the service takes at once, as one whose concurrency is limited does.
const PLACES: usize = 64;
/// How long a request may wait for a place.
const PLACE_LIMIT: Duration = Duration::from_millis(50);
const TICK: Duration = Duration::from_millis(100);
/// The first slots of the second and the third shard, as `ent` gives them out.
const BORDERS: [u16; 2] = [5_461, 10_923];

struct Shard {
    keys: Vec<Key>,
    answers: AtomicU64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [nodes, password_file, seconds] = arguments.as_slice() else {
        return Err("usage: shard_loss HOST:PORT,HOST:PORT,… PASSWORD_FILE SECONDS".into());
    };
    let config: Config = serde_json::from_value(serde_json::json!({
        "nodes": nodes.split(',').collect::<Vec<_>>(), "password_file": password_file, "key_prefix": "shard_loss:",
    }))?;
    let ablate = std::env::var("ENT_ABLATE").unwrap_or_default();
    let ablation: Ablation = serde_json::from_value(ablate.into())?;
    let breakers = Registry::new(system_clock(), ablation);
    let cluster = Cluster::connect(&config, &breakers, &Handle::current()).await?;
    let shards = shards(&cluster);
    tokio::spawn(arrivals(cluster, shards.clone()));
    let (start, end) = (Instant::now(), Duration::from_secs(seconds.parse()?));
    let mut ticks = tokio::time::interval(TICK);
    while start.elapsed() < end {
        ticks.tick().await;
        let gained: Vec<String> =
            shards.iter().map(|shard| shard.answers.swap(0, Ordering::Relaxed).to_string()).collect();
        println!("{} {}", start.elapsed().as_millis(), gained.join(" "));
    }
    Ok(())
}

fn shards(cluster: &Cluster) -> [Arc<Shard>; 3] {
    let mut keys = [const { Vec::new() }; 3];
    for number in 0..300 {
        let key = cluster.key(&number.to_string());
        let shard = BORDERS.iter().filter(|first| **first <= key.slot()).count();
        keys.iter_mut().skip(shard).take(1).for_each(|keys| keys.push(key.clone()));
    }
    keys.map(|keys| Arc::new(Shard { keys, answers: AtomicU64::new(0) }))
}

/// A request to each shard at every beat; beats that a busy machine has missed are made up for.
async fn arrivals(cluster: Cluster, shards: [Arc<Shard>; 3]) {
    let places = Arc::new(Bulkhead::new(PLACES).with_most_waiting(10_000));
    let mut beats = tokio::time::interval(ARRIVALS);
    beats.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for number in 0.. {
        beats.tick().await;
        for shard in &shards {
            let (cluster, shard, places) = (cluster.clone(), shard.clone(), places.clone());
            tokio::spawn(async move {
                if is_answered(&cluster, &shard, &places, number).await {
                    shard.answers.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    }
}

async fn is_answered(cluster: &Cluster, shard: &Shard, places: &Bulkhead, number: usize) -> bool {
    let Some(key) = shard.keys.get(number % shard.keys.len()) else { return false };
    let context = Context::background(system_clock(), Duration::from_secs(1));
    let Ok(_place) = places.acquire(&context, PLACE_LIMIT).await else { return false };
    let mut command = redis::cmd("SET");
    command.arg(key).arg(number).arg("EX").arg(60);
    cluster.run::<()>(&context, key, &command).await.is_ok()
}
