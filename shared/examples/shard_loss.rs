//! Settles what the loss of a shard looks like from a service: each shard's answers per tenth of a second, while you stop or kill a primary.
//!
//! ```sh
//! cargo run --release -p shared --example shard_loss -- 127.0.0.1:17001 .ent/secrets/redis 20
//! ```
//! Prints one line per 100 ms: milliseconds since the start, then the answers of each shard in the order of their slots.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program to look at, with a clock of its own"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use shared::ablation::Ablation;
use shared::clock::system_clock;
use shared::context::Context;
use shared::redis::{Cluster, Config, Key};
use shared::resilience::breaker::Registry;
use tokio::runtime::Handle;

/// Concurrent callers per shard.
const CALLERS: usize = 8;
const TICK: Duration = Duration::from_millis(100);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [node, password_file, seconds] = arguments.as_slice() else {
        return Err("usage: shard_loss HOST:PORT PASSWORD_FILE SECONDS".into());
    };
    let config: Config = serde_json::from_value(serde_json::json!({
        "nodes": [node], "password_file": password_file, "key_prefix": "shard_loss:",
    }))?;
    let breakers = Registry::new(system_clock(), Ablation::default());
    let cluster = Cluster::connect(&config, &breakers, &Handle::current()).await?;
    let counters = start_callers(&cluster);
    let (start, end) = (Instant::now(), Duration::from_secs(seconds.parse()?));
    let mut last = vec![0; counters.len()];
    while start.elapsed() < end {
        tokio::time::sleep(TICK).await;
        let now: Vec<u64> = counters.iter().map(|counter| counter.load(Ordering::Relaxed)).collect();
        let gained: Vec<String> = now.iter().zip(&last).map(|(now, last)| (now - last).to_string()).collect();
        println!("{} {}", start.elapsed().as_millis(), gained.join(" "));
        last = now;
    }
    Ok(())
}

/// One counter per third of the slots: with three primaries that is one per shard.
fn start_callers(cluster: &Cluster) -> Vec<Arc<AtomicU64>> {
    let mut keys: BTreeMap<u16, Vec<Key>> = BTreeMap::new();
    for number in 0..300 {
        let key = cluster.key(&number.to_string());
        keys.entry(key.slot() / 5_462).or_default().push(key);
    }
    let start = |keys: Vec<Key>| {
        let counter = Arc::new(AtomicU64::new(0));
        for caller in 0..CALLERS {
            let (cluster, counter, keys) = (cluster.clone(), counter.clone(), keys.clone());
            tokio::spawn(async move {
                for key in keys.iter().cycle().skip(caller) {
                    let context = Context::background(system_clock(), Duration::from_secs(1));
                    let mut command = redis::cmd("SET");
                    command.arg(key).arg(1).arg("EX").arg(60);
                    if cluster.run::<()>(&context, key, &command).await.is_ok() {
                        counter.fetch_add(1, Ordering::Relaxed);
                    }
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            });
        }
        counter
    };
    keys.into_values().map(start).collect()
}
