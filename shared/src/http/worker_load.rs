//! Settles what is told of the workers' load: lag, what is admitted, how many requests are worked on and may be.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;
use serde_json::{Value, json};

use crate::resilience::adaptive_limit::AdaptiveLimit;
use crate::resilience::priority::{PerPriority, Priority};
use crate::resilience::shedding::Shedder;

/// The load of one worker, as it last said.
#[derive(Debug, Default)]
pub(super) struct WorkerLoad {
    lag_us: AtomicU32,
    /// Shares that are admitted, in thousandths.
    admitted: PerPriority<AtomicU32>,
    limit: AtomicU32,
    in_flight: AtomicU32,
}

impl WorkerLoad {
    /// Called at each measurement by its worker, which alone writes.
    pub(super) fn set(&self, lag: Duration, shedder: &Shedder, limit: &AdaptiveLimit) {
        self.lag_us.store(u32::try_from(lag.as_micros()).unwrap_or(u32::MAX), Ordering::Relaxed);
        for priority in Priority::ALL {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
            let thousandths = (shedder.share(priority) * 1_000.0) as u32;
            self.admitted.of(priority).store(thousandths, Ordering::Relaxed);
        }
        self.limit.store(limit.limit(), Ordering::Relaxed);
        self.in_flight.store(limit.in_flight(), Ordering::Relaxed);
    }

    fn share(&self, priority: Priority) -> f64 {
        f64::from(self.admitted.of(priority).load(Ordering::Relaxed)) / 1_000.0
    }

    fn status(&self) -> Value {
        let admitted =
            Priority::ALL.map(|priority| (priority.name().to_owned(), json!(self.share(priority))));
        json!({
            "lag_ms": f64::from(self.lag_us.load(Ordering::Relaxed)) / 1_000.0,
            "admitted": serde_json::Map::from_iter(admitted),
            "in_flight": self.in_flight.load(Ordering::Relaxed),
            "limit": self.limit.load(Ordering::Relaxed),
        })
    }
}

/// The loads of all workers of the public listener. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub struct WorkerLoads(Arc<Mutex<Vec<Arc<WorkerLoad>>>>);

impl WorkerLoads {
    /// One more worker.
    pub(super) fn add(&self) -> Arc<WorkerLoad> {
        let load = Arc::new(WorkerLoad::default());
        // Nobody is refused before the first measurement.
        for priority in Priority::ALL {
            load.admitted.of(priority).store(1_000, Ordering::Relaxed);
        }
        if let Ok(mut loads) = self.0.lock() {
            loads.push(load.clone());
        }
        load
    }

    /// Whether any worker refuses what can wait, because it is behind.
    pub fn is_shedding(&self) -> bool {
        self.all().iter().any(|load| load.share(Priority::Deferrable) < 1.0)
    }

    /// As `/statusz` shows them, a line per worker.
    pub fn status(&self) -> Value {
        self.all().iter().map(|load| load.status()).collect()
    }

    /// Makes their gauges.
    pub fn observe(&self, meter: &Meter) {
        let loads = self.clone();
        let _lag = meter
            .f64_observable_gauge("ent.worker.lag")
            .with_unit("s")
            .with_description("How much later than asked the event loop of a worker runs.")
            .with_callback(move |gauge| {
                loads.each(|load, worker| {
                    gauge.observe(f64::from(load.lag_us.load(Ordering::Relaxed)) / 1e6, &[worker]);
                });
            })
            .build();
        let loads = self.clone();
        let _admitted = meter
            .f64_observable_gauge("ent.worker.admitted")
            .with_description("Share of the requests of a class that a worker admits.")
            .with_callback(move |gauge| {
                loads.each(|load, worker| {
                    for priority in Priority::ALL {
                        let class = KeyValue::new("priority", priority.name());
                        gauge.observe(load.share(priority), &[worker.clone(), class]);
                    }
                });
            })
            .build();
        let loads = self.clone();
        let _in_flight = meter
            .u64_observable_gauge("ent.worker.in_flight")
            .with_description("Requests that a worker works on.")
            .with_callback(move |gauge| {
                loads.each(|load, worker| {
                    gauge.observe(load.in_flight.load(Ordering::Relaxed).into(), &[worker]);
                });
            })
            .build();
        let loads = self.clone();
        let _limit = meter
            .u64_observable_gauge("ent.worker.limit")
            .with_description("Requests that a worker may work on at once.")
            .with_callback(move |gauge| {
                loads
                    .each(|load, worker| gauge.observe(load.limit.load(Ordering::Relaxed).into(), &[worker]));
            })
            .build();
    }

    fn all(&self) -> Vec<Arc<WorkerLoad>> {
        self.0.lock().map(|loads| loads.clone()).unwrap_or_default()
    }

    fn each(&self, observe: impl Fn(&WorkerLoad, KeyValue)) {
        let number = |worker: usize| i64::try_from(worker).unwrap_or(i64::MAX);
        for (worker, load) in self.all().iter().enumerate() {
            observe(load, KeyValue::new("worker", number(worker)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_has_measured_nothing_yet_sheds_nothing() {
        let loads = WorkerLoads::default();
        loads.add();
        assert!(!loads.is_shedding());
        assert_eq!(loads.status()[0]["admitted"]["deferrable"], 1.0);
    }
}
