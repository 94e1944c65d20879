//! Settles how many of those who were called are still on their way: of each batch the share that usually shows up, for ten seconds.

use std::collections::VecDeque;

use super::{HORIZON, real};

/// Whoever was called and has not come after this is not expected any more …
const PATIENCE_MS: u64 = 10_000;
/// … and sooner, if they never asked again: people whose turn comes so early were told to be back by then, and an attacker never is.
const STRANGER_PATIENCE_MS: u64 = 4_000;
/// What a tick of 200 ms leaves of what was learned: after ten seconds, half.
const MEMORY: f64 = 0.986;
/// What was believed at first weighs as much as so many people.
const PRIOR: f64 = 5.0;
/// What somebody who comes leaves of what was learned of how long it takes.
const RECENT: f64 = 0.98;
/// However long people take, this share of them is counted on within the horizon.
const LEAST_SOON: f64 = 0.5;
/// However few show up, at most twice the wanted are called: those who asked again once do come as a rule.
const LEAST_SHOW_UP: f64 = 0.5;

/// Those who were called at one moment.
#[derive(Debug, Clone)]
struct Batch {
    at_ms: u64,
    /// Whether they had asked again when they were called.
    is_sure: bool,
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
    /// Seconds from the call to the coming, in the mean of late.
    on_the_way_s: f64,
}

impl Called {
    pub(super) fn resume(show_up: f64) -> Self {
        Self { batches: VecDeque::new(), past: 0.0, past_came: 0.0, prior: show_up, on_the_way_s: 0.0 }
    }

    /// So many more were called who had asked again, or had not.
    pub(super) fn call(&mut self, now_ms: u64, called: f64, is_sure: bool) {
        if called > 0.0 {
            self.batches.push_back(Batch { at_ms: now_ms, is_sure, called, came: 0.0 });
        }
    }

    /// So many more came; the first called are taken for the first to come.
    pub(super) fn come(&mut self, now_ms: u64, mut count: f64) {
        for batch in &mut self.batches {
            let taken = count.min((batch.called - batch.came).max(0.0));
            let took_s = real(now_ms.saturating_sub(batch.at_ms)) / 1_000.0;
            self.on_the_way_s += (took_s - self.on_the_way_s) * (1.0 - RECENT.powf(taken));
            batch.came += taken;
            count -= taken;
        }
    }

    /// Gives up on those who did not come in time, and learns from those of them who had asked again.
    pub(super) fn tick(&mut self, now_ms: u64) {
        (self.past, self.past_came) = (self.past * MEMORY, self.past_came * MEMORY);
        self.batches.retain(|batch| {
            let patience_ms = if batch.is_sure { PATIENCE_MS } else { STRANGER_PATIENCE_MS };
            let is_over = batch.at_ms + patience_ms <= now_ms;
            if is_over && batch.is_sure {
                self.past += batch.called;
                self.past_came += batch.came;
            }
            !is_over
        });
    }

    /// Share of those called who come.
    pub(super) fn show_up(&self) -> f64 {
        ((self.past_came + PRIOR * self.prior) / (self.past + PRIOR)).clamp(LEAST_SHOW_UP, 1.0)
    }

    /// Those who are still to come within [`HORIZON`], as far as is known. When people take longer than that, because they
    /// were told a later time than it became, no capacity lies idle for them.
    pub(super) fn on_their_way(&self) -> f64 {
        let soon = HORIZON.as_secs_f64() / self.on_the_way_s.max(f64::MIN_POSITIVE);
        self.to_come() * soon.clamp(LEAST_SOON, 1.0)
    }

    fn to_come(&self) -> f64 {
        let called: f64 = self.batches.iter().map(|batch| batch.called).sum();
        let came: f64 = self.batches.iter().map(|batch| batch.came).sum();
        (called * self.show_up() - came).max(0.0)
    }
}
