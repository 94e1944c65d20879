//! Settles how many restrictions are in force, for those who watch: counted in the database, whoever has opened or ended them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;
use shared::clock::SharedClock;
use shared::context::Context;
use shared::pg::{Database, Work};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::domain::restriction::Mode;
use crate::error::Error;
use crate::store;

/// Between two counts: oftener than figures are read.
const EVERY: Duration = Duration::from_secs(5);
/// Time for one count.
const LIMIT: Duration = Duration::from_secs(2);
/// What was counted longer ago is told no more: no figure is better than one that was true once, in milliseconds.
const TOLD_FOR_MS: u64 = 60_000;
/// Modes in which something is restricted.
const MODES: [Mode; 3] = [Mode::ReplyOnly, Mode::Hold, Mode::Closed];

/// How many restrictions are in force. Cloning shares the count.
#[derive(Clone)]
pub struct InForce(Arc<Inner>);

struct Inner {
    clock: SharedClock,
    counted: Mutex<Option<Counted>>,
}

struct Counted {
    at_ms: u64,
    counts: Vec<(Mode, bool, i64)>,
}

impl InForce {
    /// Not counted yet.
    pub fn new(clock: SharedClock) -> Self {
        Self(Arc::new(Inner { clock, counted: Mutex::default() }))
    }

    /// Makes a figure of them, by mode and by whether they are of single schools or of all; it ends when the service does.
    pub fn observe(&self, meter: &Meter) {
        let in_force = self.clone();
        let _gauge = meter
            .u64_observable_gauge("ent.restrictions.in_force")
            .with_description("Send restrictions that are in force, in all schools together.")
            .with_callback(move |gauge| {
                for (mode, is_of_all_schools, count) in in_force.read() {
                    let scope = if is_of_all_schools { "all_schools" } else { "school" };
                    gauge
                        .observe(count, &[KeyValue::new("mode", mode.name()), KeyValue::new("scope", scope)]);
                }
            })
            .build();
    }

    fn set(&self, counts: Vec<(Mode, bool, i64)>) {
        let counted = Counted { at_ms: self.0.clock.coarse_ms(), counts };
        *self.0.counted.lock().unwrap_or_else(PoisonError::into_inner) = Some(counted);
    }

    /// Every mode and scope, where none is in force as well; nothing where the count is old.
    fn read(&self) -> Vec<(Mode, bool, u64)> {
        let counted = self.0.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ms = self.0.clock.coarse_ms();
        let is_new = |counted: &&Counted| now_ms.saturating_sub(counted.at_ms) <= TOLD_FOR_MS;
        let Some(counted) = counted.as_ref().filter(is_new) else { return vec![] };
        let of = |mode: Mode, is_of_all: bool| {
            let found = counted.counts.iter().find(|(of, scope, _)| (*of, *scope) == (mode, is_of_all));
            (mode, is_of_all, found.map_or(0, |(_, _, count)| count.unsigned_abs()))
        };
        MODES.into_iter().flat_map(|mode| [of(mode, false), of(mode, true)]).collect()
    }
}

/// Counts them.
pub struct Counter {
    /// Where they are kept.
    pub database: Database,
    /// Where the count goes.
    pub in_force: InForce,
}

impl Counter {
    /// Runs until it is stopped.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            match self.count().await {
                Ok(counts) => self.in_force.set(counts),
                Err(error) => tracing::debug!(%error, "the restrictions in force could not be counted"),
            }
            if stop.run_until_cancelled(sleep(EVERY)).await.is_none() {
                return;
            }
        }
    }

    async fn count(&self) -> Result<Vec<(Mode, bool, i64)>, Error> {
        let clock = &self.in_force.0.clock;
        let context = Context::background(clock.clone(), LIMIT);
        let mut reader = self.database.reader(&context, Work::Background).await?;
        Ok(store::restriction::count_in_force(&mut reader, clock.utc()).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::telemetry::Metrics;
    use shared::testing::ManualClock;

    #[test]
    fn what_was_counted_long_ago_is_told_no_more() {
        let (clock, metrics) = (ManualClock::default(), Metrics::detached().unwrap());
        let in_force = InForce::new(Arc::new(clock.clone()));
        in_force.observe(metrics.meter());
        let told = || metrics.render().unwrap().matches("\nent_restrictions_in_force{").count();
        assert_eq!(told(), 0, "nothing is known yet");
        in_force.set(vec![]);
        clock.advance(Duration::from_mins(1));
        assert_eq!(told(), 6, "that there is none is told too");
        clock.advance(Duration::from_secs(1));
        assert_eq!(told(), 0);
    }
}
