//! Settles by showing how a worker sheds: five times its capacity for twelve seconds, whom it refuses, and that it is itself again afterwards.
//!
//! `cargo run -p shared --example shedding`: time is counted and not waited for, so it ends at once.

use std::time::{Duration, Instant};

use shared::clock::Clock;
use shared::resilience::priority::{PerPriority, Priority};
use shared::resilience::shedding::{LAG_LIMIT, Shedder};
use shared::testing::ManualClock;

/// A request keeps the worker for a millisecond, a refusal for ten microseconds.
const SERVICE: Duration = Duration::from_millis(1);
const REFUSAL: Duration = Duration::from_micros(10);
/// Whoever has waited longer than this to be looked at has gone.
const PATIENCE: Duration = Duration::from_secs(1);
/// The worker notes every so often how late it is.
const PROBE: Duration = Duration::from_millis(10);

/// One worker, which does one thing after the other.
struct Worker {
    shedder: Shedder,
    start: Instant,
    busy_until: Duration,
    next_probe: Duration,
}

impl Worker {
    /// Requests of one second, a tenth critical and three tenths deferrable: the share of each class that was served, and the lag.
    fn second(&mut self, second: u64, per_second: u32) -> (PerPriority<f64>, Duration) {
        let (mut came, mut served) = (PerPriority::<f64>::default(), PerPriority::<f64>::default());
        let gap = Duration::from_secs(1) / per_second;
        for number in 0..per_second {
            let at = Duration::from_secs(second) + gap * number;
            let priority = match number % 10 {
                0 => Priority::Critical,
                1..=3 => Priority::Deferrable,
                4.. => Priority::Normal,
            };
            *came.of_mut(priority) += 1.0;
            let begins = self.busy_until.max(at);
            if begins.saturating_sub(at) > PATIENCE {
                continue;
            }
            self.probe(at);
            let is_admitted = self.shedder.admits(self.start + begins, priority);
            self.busy_until = begins + if is_admitted { SERVICE } else { REFUSAL };
            *served.of_mut(priority) += f64::from(u8::from(is_admitted));
        }
        let share = |priority| 100.0 * served.of(priority) / came.of(priority);
        let shares =
            PerPriority::new(share(Priority::Critical), share(Priority::Normal), share(Priority::Deferrable));
        (shares, self.busy_until.saturating_sub(Duration::from_secs(second + 1)))
    }

    fn probe(&mut self, now: Duration) {
        while self.next_probe <= now {
            let ran = self.busy_until.max(self.next_probe);
            self.shedder.lagged(self.start + ran, ran.saturating_sub(self.next_probe));
            self.next_probe = ran + PROBE;
        }
    }
}

/// Shows thirty seconds.
pub fn main() {
    let start = ManualClock::default().now();
    let mut worker = Worker {
        shedder: Shedder::new(LAG_LIMIT, start),
        start,
        busy_until: Duration::ZERO,
        next_probe: Duration::ZERO,
    };
    println!("a worker that can serve 1,000 requests a second; served of each class, in per cent");
    println!(
        "{:>6}  {:>6}  {:>8}  {:>8}  {:>10}  {:>8}",
        "second", "asked", "critical", "normal", "deferrable", "lag"
    );
    for second in 0..30 {
        let asked = if (4..16).contains(&second) { 5_000 } else { 500 };
        let (shares, lag) = worker.second(second, asked);
        let [critical, normal, deferrable] = Priority::ALL.map(|priority| *shares.of(priority));
        println!(
            "{second:>6}  {asked:>6}  {critical:>8.0}  {normal:>8.0}  {deferrable:>10.0}  {:>5} ms",
            lag.as_millis()
        );
        if (12..16).contains(&second) {
            assert!(critical > deferrable, "the least important go first");
        }
    }
    assert!(!worker.shedder.is_shedding(), "nobody is refused any more");
}
