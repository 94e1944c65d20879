//! Settles how contenders are timed: in turn, round after round, so that a busy moment of the machine strikes all alike.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::report::Figure;

/// Somebody to be timed.
pub struct Contender<'a> {
    /// Whose code it is.
    pub name: &'static str,
    /// Makes so many calls.
    pub work: Box<dyn Fn(u64) + Sync + 'a>,
}

impl<'a> Contender<'a> {
    /// `work` makes as many calls as it is told.
    pub fn new(name: &'static str, work: impl Fn(u64) + Sync + 'a) -> Self {
        Self { name, work: Box::new(work) }
    }
}

/// How often and by which clock contenders are timed.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Rounds; each contender's figure is the median of its own. Odd, so that the median is a round that happened.
    pub rounds: usize,
    /// Threads that call at the same time.
    pub threads: usize,
    /// Calls of each thread in a round.
    pub calls: u64,
    /// Which time counts.
    pub time: Time,
}

/// Which time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// What the calling thread has used of the processor: time in which others had it does not count, waiting for a cache
    /// line or spinning for a lock does. For calls that wait for nobody.
    Processor,
    /// What passes on the wall. For calls that wait for an engine or a disk.
    Wall,
}

impl Plan {
    /// Calls that wait for nobody, on one thread.
    pub fn computing(calls: u64) -> Self {
        Self { rounds: 41, threads: 1, calls, time: Time::Processor }
    }

    /// Calls that wait for an engine, one after the other.
    pub fn waiting(calls: u64) -> Self {
        Self { rounds: 41, threads: 1, calls, time: Time::Wall }
    }

    /// The same on several threads at once.
    pub fn on_threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// The cost of a call in nanoseconds for each contender, in their order.
    pub fn measure(&self, contenders: &[Contender<'_>]) -> Vec<Figure> {
        let mut rounds: Vec<Vec<f64>> = contenders.iter().map(|_| Vec::with_capacity(self.rounds)).collect();
        // The first round warms caches and branch predictors and is not counted.
        for round in 0..=self.rounds {
            for (contender, figures) in contenders.iter().zip(&mut rounds) {
                let figure = self.nanoseconds_a_call(contender);
                if round > 0 {
                    figures.push(figure);
                }
            }
        }
        let figure = |(contender, figures): (&Contender<'_>, Vec<f64>)| Figure {
            name: contender.name,
            value: median(figures),
        };
        contenders.iter().zip(rounds).map(figure).collect()
    }

    /// The slowest thread's time, by calls of one thread.
    #[expect(clippy::cast_precision_loss, reason = "counts of calls are far below 2^52")]
    fn nanoseconds_a_call(&self, contender: &Contender<'_>) -> f64 {
        let ready = AtomicUsize::new(0);
        let timed = || {
            // A barrier of the system would wake one thread after the other had finished.
            ready.fetch_add(1, Ordering::AcqRel);
            while ready.load(Ordering::Acquire) < self.threads {
                std::hint::spin_loop();
            }
            let begin = self.time.now();
            (contender.work)(self.calls);
            self.time.now().saturating_sub(begin)
        };
        let slowest = if self.threads == 1 {
            timed()
        } else {
            std::thread::scope(|scope| {
                let running: Vec<_> = (0..self.threads).map(|_| scope.spawn(timed)).collect();
                running.into_iter().filter_map(|thread| thread.join().ok()).max().unwrap_or(Duration::MAX)
            })
        };
        slowest.as_nanos() as f64 / self.calls as f64
    }
}

impl Time {
    /// The time it shows.
    pub fn now(self) -> Duration {
        let clock = match self {
            Self::Processor => ClockId::ThreadCPUTime,
            Self::Wall => ClockId::Monotonic,
        };
        Duration::try_from(clock_gettime(clock)).unwrap_or_default()
    }
}

/// The middle one.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
