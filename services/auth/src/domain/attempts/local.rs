//! Settles what one instance counts by itself while Redis is away: the same rules, for a bounded number of names.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;

use super::rules::{MOST_NAMES, Pauses, Share};

/// Counters kept: 100,000 of pauses are about 15 MB.
const PAUSED: u64 = 100_000;
/// Counts of names kept: with 2,000 names each, at most about 60 MB.
const CROWDS: u64 = 500;

/// What one instance has counted.
#[derive(Clone)]
pub struct Local {
    paused: Cache<String, Arc<Mutex<Failures>>>,
    crowds: Cache<String, Arc<Mutex<Names>>>,
}

#[derive(Default, Clone, Copy)]
struct Failures {
    count: u32,
    last_ms: u64,
}

#[derive(Default)]
struct Names {
    has_failed: HashMap<String, bool>,
    next_ms: u64,
}

impl Local {
    /// Nothing counted.
    pub fn new() -> Self {
        let memory = Duration::from_millis(Pauses::STRANGERS.memory_ms);
        let window = Duration::from_millis(Share::NETWORK.window_ms);
        Self {
            paused: Cache::builder().max_capacity(PAUSED).time_to_live(memory).build(),
            crowds: Cache::builder().max_capacity(CROWDS).time_to_live(window).build(),
        }
    }

    /// Counts an attempt as failed until it is taken back; or says how long to wait, in milliseconds.
    pub fn charge(&self, key: &str, pauses: &Pauses, now_ms: u64) -> u64 {
        let failures = self.paused.get_with_by_ref(key, Arc::default);
        let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
        let until = failures.last_ms + pauses.after(failures.count);
        if now_ms < until {
            return until - now_ms;
        }
        *failures = Failures { count: failures.count.saturating_add(1), last_ms: now_ms };
        0
    }

    /// The attempt did not fail.
    pub fn take_back(&self, key: &str) {
        if let Some(failures) = self.paused.get(key) {
            let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
            failures.count = failures.count.saturating_sub(1);
        }
    }

    /// Forgets all failures.
    pub fn forget(&self, key: &str) {
        self.paused.invalidate(key);
    }

    /// How long to wait because too many names fail, in milliseconds.
    pub fn wait(&self, key: &str, share: &Share, now_ms: u64) -> u64 {
        let Some(names) = self.crowds.get(key) else { return 0 };
        let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
        let failing = names.has_failed.values().filter(|has_failed| **has_failed).count();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        if !share.is_exceeded(count(failing), count(names.has_failed.len())) {
            return 0;
        }
        if now_ms < names.next_ms {
            return names.next_ms - now_ms;
        }
        names.next_ms = now_ms + share.trickle_ms;
        0
    }

    /// Notes how an attempt of a name ended. Who has signed in does not count as failing afterwards.
    pub fn note(&self, key: &str, name: &str, has_failed: bool) {
        let names = self.crowds.get_with_by_ref(key, Arc::default);
        let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = names.has_failed.len() >= MOST_NAMES;
        match names.has_failed.get_mut(name) {
            Some(before) => *before &= has_failed,
            None if is_full => {}
            None => drop(names.has_failed.insert(name.to_owned(), has_failed)),
        }
    }
}
