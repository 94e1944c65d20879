//! Settles by showing what a cache does for readers whose source is away: fresh, then stale with its age stated, then nothing, then fresh again.
//!
//! ```sh
//! cargo run -p shared --example cache -- 127.0.0.1:17001 .ent/secrets/redis
//! ```
//! It needs a Redis Cluster; time is a clock that the program moves, so it ends at once.

use std::error::Error;
use std::future::ready;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use shared::ablation::Ablation;
use shared::cache::{Cache, Freshness, LoadFailed, Loaded, Policy};
use shared::clock::SharedClock;
use shared::context::Context;
use shared::pg;
use shared::redis::{Cluster, Config};
use shared::resilience::breaker::Registry;
use shared::testing::ManualClock;
use tokio::runtime::Handle;

const POLICY: Policy = Policy {
    fresh: Duration::from_mins(1),
    // Nothing is fetched behind the reader's back, so that each line is what it was asked.
    stale_while_revalidate: Duration::ZERO,
    stale_if_error: Duration::from_mins(10),
    negative: Duration::from_secs(10),
};

/// What is cached: the number of the loading, unless it is away.
#[derive(Default)]
struct Source(AtomicU32, AtomicBool);

impl Source {
    fn load(&self) -> Result<Loaded<u32>, LoadFailed> {
        let Self(loads, is_away) = self;
        let value = loads.fetch_add(1, Ordering::Relaxed) + 1;
        if is_away.load(Ordering::Relaxed) {
            return Err(pg::Error::Timeout.into());
        }
        Ok(Loaded { value: Some(value), version: 0 })
    }
}

/// Shows twenty-four minutes at the cluster of `node`.
pub async fn show(node: &str, password_file: &Path) -> Result<(), Box<dyn Error>> {
    let (clock, source) = (ManualClock::default(), Source::default());
    let shared_clock: SharedClock = Arc::new(clock.clone());
    let config: Config = serde_json::from_value(serde_json::json!({
        "nodes": [node], "password_file": password_file, "key_prefix": format!("example:{}:", std::process::id()),
    }))?;
    let breakers = Registry::new(shared_clock.clone(), Ablation::default());
    let cluster = Cluster::connect(&config, &breakers, &Handle::current()).await?;
    let cache = Cache::new("numbers", POLICY, cluster, shared_clock.clone(), Handle::current());
    println!("a reader every two minutes; the source is away from minute 4 to minute 18");
    println!("{:>6}  {:>6}  {:>6}  answer", "minute", "source", "loads");
    for minute in (0..24).step_by(2) {
        let is_away = (4..18).contains(&minute);
        source.1.store(is_away, Ordering::Relaxed);
        let context = Context::background(shared_clock.clone(), Duration::from_secs(5));
        let answer = match cache.get(&context, "tag", "key", |_| ready(source.load())).await {
            Ok(cached) => {
                let value = cached.value().copied().unwrap_or_default();
                match cached.freshness {
                    Freshness::Current(_) => format!("{value}"),
                    Freshness::Stale(age) => format!("{value}, true {} minutes ago", age.as_secs() / 60),
                }
            }
            Err(error) => error.to_string(),
        };
        let loads = source.0.load(Ordering::Relaxed);
        println!("{minute:>6}  {:>6}  {loads:>6}  {answer}", if is_away { "away" } else { "" });
        let is_expected = match minute {
            0..4 | 18.. => !answer.contains("ago") && !answer.contains("failed"),
            4..12 => answer.contains("ago"),
            _ => answer.contains("failed"),
        };
        assert!(is_expected, "minute {minute}: {answer}");
        clock.advance(Duration::from_mins(2));
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [node, password_file] = arguments.as_slice() else {
        return Err("usage: cache HOST:PORT PASSWORD_FILE".into());
    };
    show(node, Path::new(password_file)).await
}
