//! Settles how many of those who were called are still on their way: of each batch the share that usually shows up, for ten seconds.

use std::collections::VecDeque;

/// Whoever was called and has not come after this is not expected any more.
const PATIENCE_MS: u64 = 10_000;
/// What a tick of 200 ms leaves of what was learned: after ten seconds, half.
const MEMORY: f64 = 0.986;
/// What was believed at first weighs as much as so many people.
const PRIOR: f64 = 5.0;
/// However few show up, no more than so many times the wanted are called.
const LEAST_SHOW_UP: f64 = 0.001;

/// Those who were called at one moment.
#[derive(Debug, Clone)]
struct Batch {
    at_ms: u64,
    called: f64,
    came: f64,
}

/// Those who were called in one lane.
#[derive(Debug, Clone)]
pub(super) struct Called {
    /// Those who may still come, the first called first.
    batches: VecDeque<Batch>,
    /// Of those before: how many were called, and how many of them came; forgotten slowly.
    past: f64,
    past_came: f64,
    /// The share that was believed at first.
    prior: f64,
}

impl Called {
    pub(super) fn resume(show_up: f64) -> Self {
        Self { batches: VecDeque::new(), past: 0.0, past_came: 0.0, prior: show_up }
    }

    /// So many more were called.
    pub(super) fn call(&mut self, now_ms: u64, called: f64) {
        self.batches.push_back(Batch { at_ms: now_ms, called, came: 0.0 });
    }

    /// So many more came; the first called are taken for the first to come.
    pub(super) fn come(&mut self, mut count: f64) {
        for batch in &mut self.batches {
            let taken = count.min((batch.called - batch.came).max(0.0));
            batch.came += taken;
            count -= taken;
        }
    }

    /// Gives up on those who did not come in time, and learns from them.
    pub(super) fn tick(&mut self, now_ms: u64) {
        (self.past, self.past_came) = (self.past * MEMORY, self.past_came * MEMORY);
        while let Some(batch) = self.batches.pop_front_if(|batch| batch.at_ms + PATIENCE_MS <= now_ms) {
            self.past += batch.called;
            self.past_came += batch.came;
        }
    }

    /// Share of those called who come.
    pub(super) fn show_up(&self) -> f64 {
        ((self.past_came + PRIOR * self.prior) / (self.past + PRIOR)).clamp(LEAST_SHOW_UP, 1.0)
    }

    /// Those who are still to come, as far as is known.
    pub(super) fn on_their_way(&self) -> f64 {
        let called: f64 = self.batches.iter().map(|batch| batch.called).sum();
        let came: f64 = self.batches.iter().map(|batch| batch.came).sum();
        (called * self.show_up() - came).max(0.0)
    }
}
