//! Settles how contenders are timed: in turn, round after round, so that a busy moment of the machine strikes all alike.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::report::Cost;

/// Rounds; each contender's figure is the median of its own. Odd, so that the median is a round that happened.
const ROUNDS: usize = 41;

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

/// The cost of a call for each contender, in their order, with `threads` that call at the same time.
pub fn measure(contenders: &[Contender<'_>], threads: usize, calls: u64) -> Vec<Cost> {
    let mut rounds: Vec<Vec<f64>> = contenders.iter().map(|_| Vec::with_capacity(ROUNDS)).collect();
    // The first round warms caches and branch predictors and is not counted.
    for round in 0..=ROUNDS {
        for (contender, figures) in contenders.iter().zip(&mut rounds) {
            let figure = nanoseconds_a_call(contender, threads, calls);
            if round > 0 {
                figures.push(figure);
            }
        }
    }
    let cost =
        |(contender, figures): (&Contender<'_>, Vec<f64>)| Cost { name: contender.name, ns: median(figures) };
    contenders.iter().zip(rounds).map(cost).collect()
}

/// What the calling thread has used of the processor: time in which others had it does not count, waiting for a cache
/// line or spinning for a lock does.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

/// The slowest thread's time, by calls of one thread.
#[expect(clippy::cast_precision_loss, reason = "counts of calls are far below 2^52")]
fn nanoseconds_a_call(contender: &Contender<'_>, threads: usize, calls: u64) -> f64 {
    let ready = AtomicUsize::new(0);
    let timed = || {
        // A barrier of the system would wake one thread after the other had finished.
        ready.fetch_add(1, Ordering::AcqRel);
        while ready.load(Ordering::Acquire) < threads {
            std::hint::spin_loop();
        }
        let begin = processor_time();
        (contender.work)(calls);
        processor_time().saturating_sub(begin)
    };
    let slowest = if threads == 1 {
        timed()
    } else {
        std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(timed)).collect();
            running.into_iter().filter_map(|thread| thread.join().ok()).max().unwrap_or(Duration::MAX)
        })
    };
    slowest.as_nanos() as f64 / calls as f64
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
